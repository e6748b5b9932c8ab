// up.ts, and doctor.ts --fix before it, as real processes on a stand-in host with nodes that are folders.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost, type Result, secret } from '../helpers/fake-host.ts'
import { failed, shown, succeeds } from '../helpers/results.ts'
import { labText } from '../helpers/labs.ts'

const phases = ['doctor', 'create', 'eject', 'install-rke2', 'join']
const before = (t: Test, change?: ConstructorParameters<typeof FakeHost>[1]) =>
  new FakeHost(t, change)
const nextSteps = ({ stderr }: Result) =>
  [...stderr.matchAll(/^Next: (.*)$/gm)].map(([, command]) => command)

await t.test('all phases, and a second time nothing but looks', async (t) => {
  const host = before(t)
  const first = await succeeds(t, host, 'up')
  t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
  t.match(nextSteps(first), [
    ...phases.slice(1).map((phase) => `npx zx scripts/${phase}.ts`),
    /^ssh -F \.lab\/lab\/ssh_config kubemaster sudo .*kubectl .* get nodes$/,
    /get nodes$/,
  ])
  const summary = /\nDone\n {2}PHASE +TOOK\n((?: {2}\S+ +(?:\d+ m )?\d+ s\n)+)/.exec(
    first.stderr,
  )?.[1]
  t.strictSame(
    summary?.split('\n').flatMap((row) => row.trim().split(/ +/)[0] || []),
    phases,
  )
  t.equal(first.stdout, '')

  const state = { ...host.everything(), ...host.inventory() }
  const second = await succeeds(t, host, 'up', '--yes')
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
  const { code, stderr } = await host.run('up', ['--timeout', '1'])
  t.equal(code, 1)
  t.match(stderr, '✗ kubemaster: not ready within 1 s')
})

await t.test('it stops at the first phase that fails and says how to continue', async (t) => {
  const host = before(t)
  host.put('failures', 'start worker02\tno room\n')
  const create = await host.run('up')
  t.equal(create.code, 1)
  t.match(create.stderr, /✗ worker02: virsh failed \(exit 1\): error: no room\n/)
  const told =
    /✗ create failed; what was done so far is kept\n +try: npx zx scripts\/create\.ts\n +# or.*: npx zx scripts\/up\.ts\n$/
  t.match(create.stderr, told)
  t.notMatch(create.stderr, /Done|RKE2/)
  rmSync(join(host.state, 'failures'))

  host.onNode('worker01', 'fault', 'write /x: no space left on device')
  const join_ = await host.run('up')
  t.equal(join_.code, 1)
  t.match(join_.stderr, '✗ worker01: its disk is full [no-space]')
  t.match(join_.stderr, '✗ join failed; what was done so far is kept')
  t.notMatch(join_.stderr, '\nDone\n')
  host.mend('worker01')
  await succeeds(t, host, 'up')
})

const noScript = spawnSync('script', ['--version']).status !== 0 && 'script(1) is not installed'
await t.test('without the bridge it offers a lab that needs none', async (t) => {
  const host = before(t, (lab) => (lab.network.bridge = 'br7'))
  mkdirSync(join(host.project, 'labs'))
  writeFileSync(
    join(host.project, 'labs/nat.yaml'),
    labText((lab) => {
      lab.name = 'nat'
      lab.domainType = 'kvm'
      lab.network = { nat: 'rke2-nat', cidr: '198.51.100.0/24', gateway: '198.51.100.1' }
      lab.nodes = [{ name: 'one', role: 'server', address: '198.51.100.2' }]
      lab.rke2.mirror = 'http://mirror.test/rke2'
    }),
  )
  const offer = /! there is no interface br7; .*\n {2}The lab in labs\/nat\.yaml needs none/
  const unasked = await host.run('up')
  failed(t, unasked, offer, 'there is no terminal to ask on, so nothing was done')
  t.strictSame([unasked.changes, existsSync(join(host.project, '.lab'))], [[], false])

  await t.test('--dry-run prints what a yes would do', async (t) => {
    const { stdout, stderr, changes } = await succeeds(t, host, 'up', '--dry-run')
    t.match(stderr, offer)
    t.match(stdout, /^# create of lab nat, as the scripts would do it/m)
    t.strictSame([changes, existsSync(join(host.project, '.lab'))], [[], false])
  })
  await t.test(
    'of another lab file than lab.yaml the doctor only says what it lacks',
    async (t) => {
      const lab = readFileSync(join(host.project, 'lab.yaml'), 'utf8')
      writeFileSync(join(host.project, 'labs/mine.yaml'), lab.replace('name: lab', 'name: mine'))
      const mine = await host.run('up', ['--lab', 'labs/mine.yaml', '--yes'])
      t.equal(mine.code, 1)
      t.match(mine.stderr, '✗ bridge: there is no interface br7')
      t.notMatch(mine.stderr, offer)
    },
  )
  await t.test('no is an answer, with status 1', { skip: noScript }, async (t) => {
    const no = await host.run('up', [], { terminal: true, input: 'n\n' })
    t.equal(no.code, 1)
    t.match(no.stdout, 'Use labs/nat.yaml instead of lab.yaml? [y/N]')
    t.match(no.stdout, 'nothing was done: the lab needs a bridge that this host does not have')
    t.match(no.stdout, 'npm start -- --lab labs/nat.yaml')
    t.strictSame([no.changes, existsSync(join(host.project, '.lab'))], [[], false])
  })
  await t.test('--yes takes it', async (t) => {
    const yes = await succeeds(t, host, 'up', '--yes')
    t.match(yes.stderr, offer)
    t.strictSame(host.kubeNodes(), { one: true })
    t.strictSame(host.inventory().networks, ['rke2-nat'])
    t.notOk(existsSync(join(host.project, '.lab/lab')))
    for (const command of nextSteps(yes)) t.match(command, /--lab labs\/nat\.yaml|\.lab\/nat\//)
    t.match(nextSteps(yes).at(-1), /^npx zx scripts\/status\.ts --lab labs\/nat\.yaml$/)
  })
})
