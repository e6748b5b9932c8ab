// upgrade.ts as real processes on a stand-in host.
import t, { type Test } from 'tap'
import { FakeHost, version } from '../helpers/fake-host.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, idle, shown, succeeds } from '../helpers/results.ts'
import type { RawLab } from '../helpers/labs.ts'

const old = 'v1.35.7+rke2r1'
type Change = (lab: RawLab) => unknown

/** A cluster with the older version, and a lab file that names the newer one. */
async function cluster(t: Test, change: Change = () => {}) {
  const host = new FakeHost(t, (lab) => (change(lab), (lab.rke2.version = old)), { machines: true })
  host.makeRelease(old)
  for (const script of ['install-rke2', 'join']) await succeeds(t, host, script)
  host.writeLab(change)
  host.save()
  return host
}
const made = await cluster(t)
const versions = (host: FakeHost) =>
  Object.fromEntries(
    Object.keys(host.kubeNodes()).map((name) => [
      name,
      host.read(`cluster/nodes/${name}`).trim().split(' ').at(-1),
    ]),
  )
const all = (version: string) => ({ kubemaster: version, worker01: version, worker02: version })

await t.test(
  'servers first, then agents, one at a time; then there is nothing to do',
  async (t) => {
    const host = made
    host.restore()
    const { stderr } = await succeeds(t, host, 'upgrade')
    t.strictSame(versions(host), all(version))
    t.strictSame(
      host.events(),
      ['kubemaster', 'worker01', 'worker02'].flatMap((name) => [
        `drain ${name}`,
        `start ${name}`,
        `ready ${name}`,
        `uncordon ${name}`,
      ]),
    )
    t.match(stderr, 'etcd-snapshot save --name before-v1-36-5')
    await idle(t, host, 'upgrade', `nothing to do: every node runs RKE2 ${version}`)
  },
)
