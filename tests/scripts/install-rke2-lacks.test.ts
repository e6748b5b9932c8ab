// install-rke2.ts and join.ts on nodes that lack something. Nodes are folders.
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { fixtures } from '../helpers/fixtures.ts'
import { FakeHost } from '../helpers/fake-host.ts'
import { failed, shown, succeeds } from '../helpers/results.ts'

await t.test('all that a server lacks is named before anything is changed', async (t) => {
  const host = new FakeHost(t, (lab) => lab.nodes.pop(), { machines: true })
  host.onNode('kubemaster', 'run/no-modules', 'br_netfilter\nnft_compat\n')
  host.onNode('kubemaster', 'free', '1000000000\n')
  host.onNode('kubemaster', 'run/units', 'firewalld\n')
  const before = host.everything()
  const result = await host.run('install-rke2')
  failed(
    t,
    result,
    '! kubemaster: firewalld runs',
    'ssh -F .lab/lab/ssh_config kubemaster sudo systemctl disable --now firewalld',
    '✗ kubemaster: its kernel lacks br_netfilter, nft_compat: pods get no network',
    '✗ kubemaster: only 954 MiB is free on its disk, but RKE2 needs 3 GiB',
  )
  t.strictSame([shown(result), host.everything()], [[], before])

  await t.test('the printed script says so too, and stops there', async (t) => {
    const { stdout } = await succeeds(t, host, 'install-rke2', '--dry-run')
    const env = {
      PATH: host.bin,
      HOME: host.folder,
      STAND_IN: host.state,
      FIXTURES: fixtures,
      SCRIPT_PID: '0',
    }
    const { status, stderr } = spawnSync('bash', ['-s'], { input: stdout, env, encoding: 'utf8' })
    t.not(status, 0)
    for (const module of ['br_netfilter', 'nft_compat'])
      t.match(stderr, `kubemaster: it lacks the kernel module ${module}`)
    t.match(stderr, 'kubemaster: it lacks 3 GiB of free disk')
    t.strictSame(host.everything(), before)
  })
  await t.test('once it has all of that, RKE2 is installed', async (t) => {
    host.repair('kubemaster', 'run/no-modules')
    host.repair('kubemaster', 'free')
    const { stderr } = await succeeds(t, host, 'install-rke2')
    t.match(stderr, '! kubemaster: firewalld runs', 'a warning stops nothing')
  })
  await t.test('a worker with the machine-id of the server does not join', async (t) => {
    host.onNode('worker01', 'etc/machine-id', 'machine of kubemaster\n')
    failed(
      t,
      await host.run('join'),
      '✗ worker01: it has the same machine-id as kubemaster',
      'sudo systemd-machine-id-setup && sudo systemctl reboot',
    )
    t.strictSame(host.kubeNodes(), { kubemaster: true })
    host.onNode('worker01', 'etc/machine-id', 'its own\n')
    await succeeds(t, host, 'join')
    host.onNode('worker01', 'etc/machine-id', 'machine of kubemaster')
    const again = await succeeds(t, host, 'join')
    t.match(again.stderr, '! worker01: it has the same machine-id as kubemaster')
    t.match(again.stderr + again.stdout, 'nothing to do: every node has joined and is Ready')
  })
})

await t.test('where sudo wants a password, the message says how to change that', async (t) => {
  const host = new FakeHost(t, (lab) => lab.nodes.splice(1), { machines: true })
  host.onNode('kubemaster', 'run/sudo-asks', '')
  failed(
    t,
    await host.run('install-rke2'),
    '✗ kubemaster: sudo wants a password there, and no script can type it',
    'the login user has no NOPASSWD: see "sudo" in cloud-init/user-data.yaml',
    `ssh -t -F .lab/lab/ssh_config kubemaster 'echo "$USER ALL=(ALL) NOPASSWD:ALL" | sudo tee /etc/sudoers.d/99-rke2-kvm-lab'`,
  )
})

await t.test('NetworkManager gets its rule before RKE2 starts', async (t) => {
  const host = new FakeHost(t, (lab) => lab.nodes.splice(1), { machines: true })
  host.onNode('kubemaster', 'run/units', 'NetworkManager\n')
  await succeeds(t, host, 'install-rke2')
  const file = 'etc/NetworkManager/conf.d/rke2-canal.conf'
  t.match(
    host.onNode('kubemaster', file),
    /^\[keyfile\]\nunmanaged-devices=.*interface-name:cali\*/,
  )
})
