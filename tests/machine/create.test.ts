// What is planned for pool, network and machines, from what was observed.
import t from 'tap'
import { planMachine, planNetwork, planStart } from '../../lib/machine/create.ts'
import { planEject, planQuestion, type Seeded } from '../../lib/machine/eject.ts'
import { removal } from '../../lib/machine/destroy.ts'
import type { DestroyPlan } from '../../lib/machine/destroy-plan.ts'
import { pair, type Machine } from '../../lib/libvirt/ownership.ts'
import type { Host } from '../../lib/libvirt/host.ts'
import { forEach, type Step } from '../../lib/shell/steps.ts'
import { CommandError, NodeErrors } from '../../lib/text/errors.ts'
import { base, domain, emptyHost, hostWith, lab, ourNetwork, stranger } from '../helpers/hosts.ts'
import { makeLab } from '../helpers/labs.ts'

/** Each step by its first line, without the words that are in all of them. */
const shortly = (steps: Step[]) =>
  steps.map((step) => {
    if (step.do === 'write') return `write ${step.path.replace(/.*\//, '')}`
    const text = step.bash.split('\n')[0] ?? ''
    return text.replace(/virsh -c \S+ /, '').replace('--pool rke2-kvm-lab ', '')
  })
const machineOn = (host: Host): Machine => pair(lab, host)[0]!
const parts = { base, type: 'kvm' } as const

await t.test('a machine: what is missing is made, what is there is left', async (t) => {
  const dir = '.lab/lab/nodes/kubemaster'
  const fresh = ['write domain.xml', `define --validate ${dir}/domain.xml`, 'start kubemaster']
  const disk = ['write disk.xml', `vol-create ${dir}/disk.xml`]
  const cases: [what: string, host: Host, steps: string[]][] = [
    ['nothing there', hostWith([], []), [...disk, ...fresh]],
    ['runs', hostWith([domain('kubemaster', { state: 'running' })], []), []],
    ['off', hostWith([domain('kubemaster')], []), ['start kubemaster']],
    ['paused', hostWith([domain('kubemaster', { state: 'paused' })], []), ['resume kubemaster']],
    [
      'asleep',
      hostWith([domain('kubemaster', { state: 'pmsuspended' })], []),
      ['dompmwakeup kubemaster'],
    ],
  ]
  for (const [what, host, steps] of cases)
    t.strictSame(shortly(planMachine(lab, host, machineOn(host), parts)), steps, what)
})

await t.test('a disk that is left: used when it is the one that would be made now', async (t) => {
  const host = hostWith([], ['lab-kubemaster.qcow2'])
  const left = (capacity: number, backing?: string): Host => ({
    ...host,
    volumes: host.volumes.map((one) => ({ ...one, capacity, ...(backing ? { backing } : {}) })),
  })
  const plan = (host: Host) => planMachine(lab, host, machineOn(host), parts)
  const size = lab.nodes[0]!.disk
  t.notOk(shortly(plan(left(size))).some((step) => step.startsWith('vol-create')))
  t.throws(() => plan(left(1)), { message: /^its disk lab-kubemaster\.qcow2 .* not 40 GiB$/ })
  t.throws(() => plan(left(size, `${lab.pool.path}/base-other.qcow2`)), {
    message: /another image/,
  })
  t.throws(() => plan(left(size, '/elsewhere.qcow2')), { message: /this lab did not make/ })
  const used = { ...left(size), domains: [stranger('x', { files: [host.volumes[0]!.path] })] }
  t.throws(() => plan(used), { message: /is used by x/ })
})

await t.test('all that is in the way of several machines is said at once', async (t) => {
  const host = hostWith(
    [domain('worker01', { state: 'dying' }), domain('worker02', { state: 'x' })],
    [],
  )
  const plan = () =>
    forEach('Machines', pair(lab, host), (one) => planMachine(lab, host, one, parts))
  const error = t.throws(plan) as unknown as NodeErrors
  t.match(error.errors, [
    { message: 'worker01: it is "dying"' },
    { message: 'worker02: it is "x"' },
  ])
  t.throws(() => planStart(lab, machineOn(hostWith([], []))), { message: 'it is "absent"' })
})

await t.test('a start that fails is explained where the cause is known', async (t) => {
  const failed = (stderr: string) =>
    new CommandError({ command: 'virsh start kubemaster', program: 'virsh', status: 1, stderr })
  const busy = failed('error: failed to initialize kvm: Device or resource busy')
  const odd = failed('error: odd')
  const first = planMachine(lab, emptyHost, machineOn(hostWith([], [])), parts).at(-1)
  const [again] = planStart(lab, machineOn(hostWith([domain('kubemaster')], [])))
  const explain = (step: Step | undefined, error: CommandError, undone: boolean) =>
    step?.do === 'run' ? step.explain?.(error, undone) : undefined
  const taken = { message: /^another hypervisor/, hint: [/VirtualBox/] }
  t.match(explain(again, busy, false), taken)
  t.equal(explain(again, odd, false), odd)
  t.match(explain(first, busy, true), {
    message: /^another hypervisor/,
    details: [/resource busy$/, 'it never ran, so its definition was removed'],
    hint: [/VirtualBox/, {}],
  })
  t.match(explain(first, odd, true), { message: odd.message, hint: [{}] })
})

await t.test('the NAT network is made, started, left, or refused while it is in use', async (t) => {
  const nat = makeLab((raw) => {
    raw.network = { nat: 'lab', cidr: '192.0.2.0/24', gateway: '192.0.2.1' }
  })
  const there = { ...ourNetwork, uuid: nat.networkUuid }
  const on = (network?: Host['network']): Host => ({
    ...emptyHost,
    ...(network ? { network } : {}),
  })
  const started = ['net-autostart lab', 'net-start lab']
  const made = ['write network.xml', 'net-define --validate .lab/lab/network.xml', ...started]
  t.strictSame(shortly(planNetwork(lab, on())), [], 'a bridge needs none')
  t.strictSame(shortly(planNetwork(nat, on())), made)
  t.strictSame(shortly(planNetwork(nat, on(there))), [])
  t.strictSame(shortly(planNetwork(nat, on({ ...there, active: false }))), started)
  const other = { ...there, address: '192.0.2.9' }
  t.strictSame(shortly(planNetwork(nat, on({ ...other, active: false }))), made)
  t.throws(() => planNetwork(nat, on(other)), { message: /^the network lab is 192\.0\.2\.9/ })
  t.throws(() => planNetwork(nat, on({ ...there, uuid: 'x' })), { message: /did not make/ })
})

await t.test('a network that libvirt refuses says what to change in the lab file', async (t) => {
  const nat = makeLab((raw) => {
    raw.network = { nat: 'lab', cidr: '192.0.2.0/24', gateway: '192.0.2.1' }
  })
  const start = planNetwork(nat, emptyHost).at(-1)
  const explained = (said: string) => {
    const stderr = `error: Failed to start network lab\nerror: internal error: ${said}`
    const failed = new CommandError({ command: 'x', program: 'virsh', status: 1, stderr })
    return start?.do === 'run' && start.explain?.(failed, false)
  }
  t.match(explained('Network is already in use by interface tun0'), {
    message: /already in use by interface tun0$/,
    hint: [
      { line: [/change network\.cidr and network\.gateway/, { script: 'doctor', words: [] }] },
    ],
  })
  t.match(explained('no dnsmasq'), { message: /no dnsmasq$/, hint: ['x'] })
})

await t.test('eject takes out what is left of a seed, and asks cloud-init before', async (t) => {
  const machine: Machine = { name: 'kubemaster', node: lab.nodes[0]!, domain: domain('kubemaster') }
  const at = (...places: ('live' | 'config' | 'volume' | 'secrets')[]): Seeded => ({
    name: machine.name,
    machine,
    live: places.includes('live'),
    config: places.includes('config'),
    volume: places.includes('volume'),
    secrets: places.includes('secrets'),
  })
  const eject = 'change-media kubemaster sda --eject'
  const rest = [
    'vol-delete lab-kubemaster-seed.iso',
    'rm -rf .lab/lab/nodes/kubemaster/host_key .lab/lab/nodes/kubemaster/seed',
  ]
  const plan = (seeded: Seeded, force = false) => shortly(planEject(lab, seeded, force))
  const all = at('live', 'config', 'volume', 'secrets')
  const off = 'ssh -F .lab/lab/ssh_config kubemaster sudo touch /etc/cloud/cloud-init.disabled'
  t.strictSame(plan(all), [off, `${eject} --config`, `${eject} --live`, ...rest])
  const forced = planEject(lab, all, true)
  t.strictSame(shortly(forced).slice(1), [`${eject} --config`, `${eject} --live --force`, ...rest])
  t.match(forced[0], {
    bash: / cloud-init status [^\n]* && touch \/etc\/cloud\/cloud-init\.disabled$/m,
    orWarn: /^kubemaster: cloud-init was not switched off .* may lose its network and its keys/,
  })
  t.strictSame(plan(at('volume', 'secrets')), rest)
  t.strictSame(plan(at()), [])
  t.match(planQuestion(lab, all, false), [
    { do: 'check', bash: /test -e result.json; }[^]* cloud-init status / },
  ])
  t.strictSame(planQuestion(lab, all, true), [])
  const missing = { ...all, machine: { name: machine.name, node: machine.node } }
  for (const force of [true, false]) {
    const [check] = planQuestion(lab, missing, force)
    await t.rejects(
      check!.holds(() => {}),
      { message: 'there is no such machine' },
    )
  }
})

await t.test(
  'destroy: domains, then volumes, networks and pool, then logs and files',
  async (t) => {
    const plan: DestroyPlan = {
      domains: [
        domain('kubemaster', { state: 'running' }),
        domain('worker01', { persistent: false }),
      ],
      volumes: ['lab-kubemaster.qcow2'],
      images: [base],
      networks: [{ name: 'lab', active: true }],
      pool: true,
      names: ['kubemaster'],
      leftAlone: [],
    }
    const stages = removal(lab, { seen: { silent: [] }, named: [], plans: [{ lab, plan }] })
    t.strictSame(
      stages.map(({ title, lanes }) => [title, lanes.map(({ steps }) => shortly(steps))]),
      [
        [
          'Domains',
          [
            [
              'destroy kubemaster',
              'undefine kubemaster --managed-save --snapshots-metadata --checkpoints-metadata --nvram',
            ],
            [],
          ],
        ],
        [
          'Volumes',
          [
            [
              'vol-delete lab-kubemaster.qcow2',
              `vol-delete ${base}`,
              'net-destroy lab',
              'net-undefine lab',
              'pool-destroy rke2-kvm-lab',
              'pool-delete rke2-kvm-lab',
              'pool-undefine rke2-kvm-lab',
            ],
          ],
        ],
        [
          'Logs',
          [
            [
              'for _ in {1..15}; do',
              'pool-create-as rke2-kvm-lab-logs dir --target /var/log/libvirt/qemu',
            ],
          ],
        ],
        ['Files', [['rm -rf .lab/lab', 'rmdir --ignore-fail-on-non-empty .lab']]],
      ],
    )
  },
)
