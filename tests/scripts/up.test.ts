// up.ts, and doctor.ts --fix before it, as real processes on a stand-in host with nodes that are folders.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost, type Result, secret } from '../helpers/fake-host.ts'
import { address, ips } from '../helpers/ip.ts'
import { failed, shown, succeeds } from '../helpers/results.ts'
import { labText } from '../helpers/labs.ts'

const phases = ['doctor', 'create', 'eject', 'install-rke2', 'join']
const before = (t: Test, change?: ConstructorParameters<typeof FakeHost>[1]) =>
  new FakeHost(t, change)
const nextSteps = ({ stderr }: Result) =>
  [...stderr.matchAll(/^Next: (.*)$/gm)].map(([, command]) => command)

const screen = [
  'rke2-kvm-lab on this host',
  'network +bridge br0, 192\\.0\\.2\\.0/24',
  'download +RKE2 v[\\d.+rke]+ rke2\\.linux-amd64\\.tar\\.gz [\\d.]+ (?:B|KiB) to .*/home/\\.cache/rke2-kvm-lab',
  'machines +kubemaster 4 GiB, worker01 4 GiB, worker02 4 GiB of 40 GiB memory; disks grow up to 120 GiB of 256 GiB free',
  'time +about \\d+ minutes',
]

await t.test('all phases, and a second time nothing but looks', async (t) => {
  const host = before(t)
  const unasked = await host.run('up')
  failed(
    t,
    unasked,
    'rke2-kvm-lab on this host',
    'there is no terminal to ask on, so nothing was done',
  )
  t.strictSame([unasked.changes, existsSync(join(host.project, '.lab'))], [[], false])
  const first = await succeeds(t, host, 'up', '--yes')
  t.match(first.stderr, new RegExp(screen.join('[^]*')), 'what is going to be done')
  t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
  t.match(nextSteps(first), [
    ...phases.slice(2).map((phase) => `npx zx scripts/${phase}.ts`),
    /^ssh -F \.lab\/lab\/ssh_config kubemaster sudo .*kubectl .* get nodes$/,
    /get nodes$/,
  ])
  t.match(
    first.stderr,
    /get nodes\n {6}ssh -F \.lab\/lab\/ssh_config kubemaster\n {6}npx zx scripts\/status\.ts\n {6}npx zx scripts\/destroy\.ts\n$/,
    'the four lines to go on',
  )
  const summary = /\nDone\n {2}PHASE +TOOK\n((?: {2}\S+ +(?:\d+ m )?\d+ s\n)+)/.exec(
    first.stderr,
  )?.[1]
  t.strictSame(
    summary?.split('\n').flatMap((row) => row.trim().split(/ +/)[0] || []),
    phases,
  )
  for (const name of ['kubemaster', 'worker01', 'worker02'])
    t.match(first.stdout, new RegExp(`^${name} .* Ready`, 'm'), 'a table of Ready nodes')

  const state = { ...host.everything(), ...host.inventory() }
  const second = await succeeds(t, host, 'up') // there is nothing to ask about
  t.notMatch(second.stderr, 'on this host\n')
  t.strictSame([shown(second), second.changes], [[], []])
  t.strictSame({ ...host.everything(), ...host.inventory() }, state)

  await t.test('--dry-run is one script, without a secret', async (t) => {
    const { stdout, changes } = await succeeds(t, host, 'up', '--dry-run')
    t.strictSame(changes, [])
    t.equal(spawnSync('bash', ['-n'], { input: stdout }).status, 0)
    t.notOk(stdout.includes(secret))
  })
})

await t.test('--dry-run on an empty host prints every phase and changes nothing', async (t) => {
  const host = before(t)
  const { stdout, changes } = await succeeds(t, host, 'up', '--dry-run')
  t.strictSame([changes, host.everything()], [[], {}])
  t.strictSame(
    [...stdout.matchAll(/^# (\S+) of lab lab, as the scripts would do it/gm)].map(
      ([, name]) => name,
    ),
    phases.slice(1),
  )
  t.equal(spawnSync('bash', ['-n'], { input: stdout }).status, 0)
  t.match(stdout, 'sudo cat /var/lib/rancher/rke2/server/token | ssh')
})

await t.test('--timeout is for each phase that waits', async (t) => {
  const host = before(t)
  host.put('silent', '')
  const { code, stderr } = await host.run('up', ['--yes', '--timeout', '1'])
  t.equal(code, 1)
  t.match(stderr, '✗ kubemaster: not ready within 1 s')
})

await t.test('it stops at the first phase that fails and says how to continue', async (t) => {
  const host = before(t)
  host.put('failures', 'start worker02\tno room\n')
  const create = await host.run('up', ['--yes'])
  t.equal(create.code, 1)
  t.match(create.stderr, /✗ worker02: virsh failed \(exit 1\): error: no room\n/)
  const told =
    /✗ create failed; what was done so far is kept\n +try: npx zx scripts\/create\.ts\n +# or.*: npx zx scripts\/up\.ts\n$/
  t.match(create.stderr, told)
  t.notMatch(create.stderr, /\nDone|── eject/)
  rmSync(join(host.state, 'failures'))

  host.onNode('worker01', 'fault', 'write /x: no space left on device')
  const join_ = await host.run('up', ['--yes'])
  t.equal(join_.code, 1)
  t.match(join_.stderr, '✗ worker01: its disk is full [no-space]')
  t.match(join_.stderr, '✗ join failed; what was done so far is kept')
  t.notMatch(join_.stderr, '\nDone\n')
  host.repair('worker01')
  await succeeds(t, host, 'up', '--yes')
})

const noScript = spawnSync('script', ['--version']).status !== 0 && 'script(1) is not installed'

/** A host without the bridge of its lab file, which is as it was shipped. */
function withoutBridge(t: Test): FakeHost {
  const host = before(t, (lab) => (lab.network.bridge = 'br7'))
  mkdirSync(join(host.project, 'labs'))
  cpSync(join(host.project, 'lab.yaml'), join(host.project, 'labs/bridge.yaml'))
  writeFileSync(
    join(host.project, 'labs/nat.yaml'),
    labText((lab) => {
      lab.libvirt = 'qemu:///system'
      lab.domainType = 'kvm'
      lab.network = { nat: 'rke2-nat', cidr: '198.51.100.0/24', gateway: '198.51.100.1' }
      lab.nodes = [{ name: 'one', role: 'server', address: '198.51.100.2' }]
      lab.rke2.mirror = 'http://mirror.test/rke2'
    }),
  )
  return host
}

await t.test('without a bridge the lab gets a NAT network, and says so', async (t) => {
  const host = withoutBridge(t)
  const read = (file: string) => readFileSync(join(host.project, file), 'utf8')
  const asShipped = read('lab.yaml')
  const offer =
    /network +NAT network rke2-nat, 198\.51\.100\.0\/24: this host has no bridge br7 \(docs\/network\.md/
  const unasked = await host.run('up')
  failed(t, unasked, offer, 'there is no terminal to ask on, so nothing was done')
  t.strictSame([unasked.changes, read('lab.yaml')], [[], asShipped])

  await t.test('no is an answer, with status 1', { skip: noScript }, async (t) => {
    const no = await host.run('up', [], { terminal: true, input: 'n\n' })
    t.equal(no.code, 1)
    t.match(no.stdout, 'Go on? [Y/n]')
    t.match(no.stdout, ' nothing was done')
    t.strictSame([no.changes, read('lab.yaml')], [[], asShipped])
  })
  await t.test('of a lab file that was changed the doctor says what is missing', async (t) => {
    writeFileSync(join(host.project, 'lab.yaml'), `# mine\n${asShipped}`)
    const mine = await host.run('up', ['--yes'])
    failed(
      t,
      mine,
      '✗ bridge: there is no interface br7',
      'nothing was done: bridge needs you first',
    )
    t.strictSame(mine.changes, [])
    writeFileSync(join(host.project, 'lab.yaml'), asShipped)
  })
  await t.test('Enter takes it: lab.yaml is that lab then', { skip: noScript }, async (t) => {
    const { code, stdout } = await host.run('up', [], { terminal: true, input: '\n' })
    t.equal(code, 0, stdout)
    t.match(stdout, '$ cp labs/nat.yaml lab.yaml')
    t.equal(read('lab.yaml'), read('labs/nat.yaml'))
    t.strictSame(host.kubeNodes(), { one: true })
    t.strictSame(host.inventory().networks, ['rke2-nat'])
    t.notMatch(stdout, '--lab', 'every command is the documented one')
  })
  await t.test('--dry-run prints that lab, and changes nothing', async (t) => {
    const { stdout, changes } = await succeeds(t, withoutBridge(t), 'up', '--dry-run')
    t.match(stdout, 'net-define')
    t.strictSame(changes, [])
  })
})

await t.test('where the range of that NAT network is taken, it moves to a free one', async (t) => {
  const host = withoutBridge(t)
  host.put('ip-address', ips(address('eth0', '192.0.2.9/24'), address('tun0', '198.51.100.9/24')))
  const { stdout, changes } = await succeeds(t, host, 'up', '--dry-run')
  t.strictSame(changes, [])
  t.match(stdout, "sed 's/198\\.51\\.100\\./192.168.150./g' labs/nat.yaml >lab.yaml")
  t.match(stdout, "<ip address='192.168.150.1'", 'the later phases know it')
  const { stderr } = await succeeds(t, host, 'up', '--yes')
  t.match(
    stderr,
    /network +NAT network rke2-nat, 192\.168\.150\.0\/24: this host has no bridge br7, and another network has 198\.51\.100\.0\/24 \(/,
  )
  const lab = readFileSync(join(host.project, 'lab.yaml'), 'utf8')
  t.match(lab, /cidr: 192\.168\.150\.0\/24\n +gateway: 192\.168\.150\.1\n/)
  t.match(lab, 'address: 192.168.150.2')
  t.strictSame(host.kubeNodes(), { one: true })
  t.strictSame((await succeeds(t, host, 'up')).changes, [])
})

const debian = /^sudo (DEBIAN_FRONTEND=noninteractive )?apt-get /

await t.test('a host without tools, daemon and group is set up, after one question', async (t) => {
  const host = before(t)
  const kept = join(host.folder, 'genisoimage')
  renameSync(join(host.bin, 'genisoimage'), kept)
  host.put(
    'no-connection',
    "error: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory\n",
  )
  host.put('groups', 'me sudo\n')
  // The package lists cannot be refreshed; libvirt lets in only who is in the group.
  host.add(
    'sudo',
    `echo "sudo $*" >>"$STAND_IN/calls"
case "$*" in
  'apt-get update') echo 'E: the mirror is away' >&2; exit 100 ;;
  'DEBIAN_FRONTEND=noninteractive apt-get '*' install '*' genisoimage') mv '${kept}' "\${0%/*}" ;;
  'systemctl enable --now libvirtd.socket') echo "error: Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied" >"$STAND_IN/no-connection" ;;
  'usermod -aG libvirt me') cp "$STAND_IN/groups" "$STAND_IN/login"; echo 'me sudo libvirt' >"$STAND_IN/groups" ;;
  *) exit 1 ;;
esac`,
  )
  host.add('apt-get', `echo "'http://x/g.deb' g.deb 2097152 SHA256:0"`)
  host.add(
    'sg',
    `echo "sg $1 $2" >>"$STAND_IN/calls"; rm -f "$STAND_IN/no-connection"; exec bash -c "$3"`,
  )
  const { stderr, calls } = await succeeds(t, host, 'up', '--yes')
  t.match(stderr, /install +genisoimage \(asks for sudo, 2 MiB\)\n/)
  t.match(stderr, /join +me joins the group libvirt \(in effect at once\)\n/)
  t.match(stderr, /run +sudo systemctl enable --now libvirtd\.socket\n/)
  t.match(
    stderr,
    '! it did not work; the other fixes follow: sudo failed (exit 100): E: the mirror is away',
  )
  t.match(
    calls.filter((call) => call.startsWith('sudo')),
    [debian, debian, /^sudo systemctl enable/, /^sudo usermod/],
  )
  t.equal(calls.filter((call) => call === 'sg libvirt -c').length, 6, 'all phases and the status')
  t.match(stderr, '! this login does not know its group libvirt yet')
  t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
})

await t.test('what only a person can change stops it before anything is made', async (t) => {
  const host = before(t)
  host.add('genisoimage', 'exit 97')
  host.put('files/etc/os-release', 'ID=own\n')
  host.without('genisoimage')
  const result = await host.run('up', ['--yes'])
  failed(t, result, '# install: genisoimage', 'nothing was done: host tools needs you first')
  t.strictSame(result.changes, [])

  host.put('files/etc/os-release', 'ID=debian\nVERSION_ID="13"\n')
  host.without('sudo')
  for (const last of [30, 31]) host.put(`network/192.0.2.${last}`, 'open\n')
  const unprivileged = await host.run('up', ['--yes'])
  const how = /there is no sudo here; as root: su - -c '.* install .* sudo && usermod -aG sudo me'/
  failed(t, unprivileged, how, 'nothing was done: host tools, addresses need you first')
  t.strictSame(unprivileged.changes, [])
})

await t.test('where the lab cannot run, the rehearsal is offered', async (t) => {
  const host = before(t, (lab) => (lab.domainType = 'auto'))
  host.add('npm', `[[ $1 = --version ]] && echo 10.9.2 && exit; echo "npm $*" >>"$STAND_IN/calls"`)
  const rehearsed = async (why: RegExp) => {
    const { stderr, calls } = await succeeds(t, host, 'up', '--yes')
    t.match(stderr, why)
    t.match(stderr, /a stand-in instead of RKE2/)
    t.ok(calls.includes('npm run --silent rehearse -- --yes'))
  }
  rmSync(join(host.state, 'files/run/systemd/system'), { recursive: true })
  host.put(
    'no-connection',
    "error: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory\n",
  )
  await rehearsed(
    /The lab cannot run here: this host has no systemd, so libvirt's daemons cannot be/,
  )
  host.put('files/.dockerenv', '')
  await rehearsed(/The lab cannot run here: this is a container \(docker\), so /)

  mkdirSync(join(host.state, 'files/run/systemd/system'))
  host.forget('no-connection', 'files/dev/kvm')
  host.add('curl', 'exit 6')
  await rehearsed(/The lab cannot run here: this host has neither KVM nor the internet/)

  const unasked = await host.run('up')
  failed(t, unasked, 'there is no terminal to ask on, so nothing was done')
  t.strictSame(unasked.changes, [])
})
