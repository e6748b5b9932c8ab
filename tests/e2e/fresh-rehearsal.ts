// A fresh Debian that reaches its own packages and nothing else, without KVM: `npm start` offers the rehearsal, which brings
// what is missing and ends in the same table of Ready nodes. Some ten minutes, so only where FRESH=all or FRESH=rehearsal.
import t from 'tap'
import { startFreshHost, whyNoFreshHost } from './fresh-host.ts'

const isWanted = ['all', 'rehearsal'].includes(process.env.FRESH ?? '')
const skip = whyNoFreshHost() ?? (!isWanted && 'only with FRESH=rehearsal or FRESH=all')

await t.test('the rehearsal', { skip }, async (t) => {
  const host = await startFreshHost('trixie', 'builder')
  try {
    const { exitCode, stdout, stderr } = await host.bash('npm start', { answers: '\n' })
    const said = stdout + stderr
    if (!t.equal(exitCode, 0)) t.comment(said.slice(-5000))
    t.match(said, 'The lab cannot run here: this host has neither KVM nor the internet')
    t.match(said, /Run the rehearsal instead\? \[Y\/n\]/)
    t.match(said, 'RKE2 is played by a stand-in')
    for (const node of ['kubemaster', 'worker01', 'worker02'])
      t.match(said, new RegExp(`^${node} +Ready`, 'm'))
    t.match(said, 'This was a rehearsal')
    const left = await host.bash('pgrep -l "qemu|libvirtd"; ip -br link; ls -A .lab', {
      user: 'root',
    })
    t.notMatch(left.stdout, /qemu|br0|virbr/, 'all of it is removed')
  } finally {
    await host.stop()
  }
})
