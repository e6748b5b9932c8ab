// The files for ssh, read back by ssh itself.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { keepsConnections, sshConfig, sshFiles, sshTrouble } from '../../lib/guest/ssh-files.ts'
import { makeLab } from '../helpers/labs.ts'

const works = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0

await t.test(
  'ssh reads the config as it was meant, also from a folder with odd characters',
  async (t) => {
    const lab = makeLab()
    const folder = join(t.testdir(), 'a b\'%h"'.replace('"', ''))
    const text = sshConfig(lab, folder, true)
    t.matchSnapshot(sshConfig(lab, '/home/me/rke2-kvm-lab', true), 'ssh_config')
    t.notMatch(sshConfig(lab, '/home/me', false), /Control/)
    t.notMatch(sshConfig(lab, `/home/${'long/'.repeat(15)}`, true), /Control/, 'too long a path')
    const versions = [
      'OpenSSH_9.2p1 Debian-2',
      'OpenSSH_8.5p1',
      'OpenSSH_10.0p2',
      'OpenSSH_8.4p1',
      '',
    ]
    t.strictSame(versions.map(keepsConnections), [true, true, true, false, false])
    if (!works('ssh', '-V')) return t.comment('ssh is not installed')
    const config = join(t.testdirName, 'config')
    spawnSync('tee', [config], { input: text })
    const { stdout, stderr } = spawnSync('ssh', ['-G', '-F', config, 'worker01'], {
      encoding: 'utf8',
    })
    t.equal(stderr, '')
    const said = new Map(
      stdout.split('\n').map((line) => [line.split(' ')[0], line.split(' ').slice(1).join(' ')]),
    )
    t.match(Object.fromEntries(said), {
      hostname: '192.0.2.31',
      user: 'ubuntu',
      stricthostkeychecking: 'true',
      identitiesonly: 'yes',
      batchmode: 'yes',
      updatehostkeys: 'false',
    })
    t.match(said.get('identityfile')?.replaceAll('%%', '%'), `${folder}/.lab/lab/id_ed25519`)
    t.strictSame(sshFiles(lab), {
      key: '.lab/lab/id_ed25519',
      config: '.lab/lab/ssh_config',
      knownHosts: '.lab/lab/known_hosts',
    })
  },
)

await t.test('what ssh says becomes a state for people', async (t) => {
  const said: [string, RegExp][] = [
    ['Host key verification failed.', /not with the host key/],
    ['@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @', /not with the host key/],
    ['ubuntu@192.0.2.30: Permission denied (publickey).', /login does not work yet/],
    ['ssh: connect to host 192.0.2.30 port 22: Connection refused', /SSH is not up yet/],
    ['ssh: connect to host 192.0.2.30 port 22: No route to host', /no answer on its address/],
    ['ssh: connect to host 192.0.2.30 port 22: Connection timed out', /no answer on its address/],
    ['first\nsomething else', /^something else$/],
    ['', /no answer on SSH/],
  ]
  for (const [text, state] of said) t.match(sshTrouble(text).state, state)
})
