// The steps for a node that joins, by its state and the leader's.
import t from 'tap'
import { rke2Config } from '../../lib/rke2/config.ts'
import { planJoin } from '../../lib/rke2/join.ts'
import type { Member } from '../../lib/rke2/service.ts'
import { untouched, type Rke2State } from '../../lib/rke2/state.ts'
import { type KubeNode } from '../../lib/rke2/kube-nodes.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'
import { kubeNode, member, noNetwork, refused, shortly } from '../helpers/plans.ts'

const lab = makeLab((raw) => {
  raw.nodes.push({ name: 'second', role: 'server', address: '192.0.2.40' })
})
const [first, worker, second] = [nodeOf(lab), nodeOf(lab, 'worker01'), nodeOf(lab, 'second')]
const edited = { server: {}, agent: {} }
const now = 1_800_000_000

const leaderWith = (nodes?: KubeNode[]): Member =>
  member(first, { version: lab.rke2.version, service: 'active', now, ...(nodes ? { nodes } : {}) })
const planned = (joiner: Member, nodes?: KubeNode[]) =>
  planJoin({ lab, edited, leader: leaderWith(nodes), seconds: 60 }, joiner)

const joined: Rke2State = {
  ...untouched,
  version: lab.rke2.version,
  service: 'active',
  enabled: true,
  started: Date.parse('2026-07-01T09:00:00Z') / 1000,
  config: rke2Config(lab, worker, {}, first),
  stale: false,
  hasRun: true,
  now,
  ingress: [],
  importsAgain: false,
}

const install = (name: string) => [
  `@${name} mkdir -p rke2-artifacts`,
  `scp ${name}:rke2-artifacts/`,
  `@${name} | cd rke2-artifacts && grep ' rke2\\.linux-amd64\\.tar\\.gz$' sha256sum-amd64.txt | sha256sum --check --quiet -`,
  `@${name} | sudo INSTALL_RKE2_ARTIFACT_PATH="$PWD/rke2-artifacts" sh rke2-artifacts/install.sh`,
  `@${name} | /usr/local/bin/rke2 --version | grep -wF v1.36.5+rke2r1 >/dev/null`,
  `@${name} rm -r rke2-artifacts`,
]
const config = (name: string) =>
  `@${name} sudo install -D -m 600 /dev/stdin /etc/rancher/rke2/config.yaml`
const entry = (name: string) => [
  `@kubemaster sudo cat /var/lib/rancher/rke2/server/token | @${name} sudo install -D -m 600 /dev/stdin /etc/rancher/rke2/token`,
  `@${name} sudo | fetch() { curl --silent --insecure --noproxy 192.0.2.30 --max-time 10 "$1" || wget --quiet --no-check-certificate --no-proxy --timeout=10 --output-document=- "$1"; }`,
]
const start = (name: string, service: string, verb = 'start') => [
  `@${name} sudo systemctl enable ${service}`,
  `@${name} sudo systemctl ${verb} --no-block ${service}`,
]
const wait = (name: string) =>
  `? 60 s ${name}: [[ $heartbeat > $started && $heartbeat < $latest && $ready == True ]]`
const forget = [
  '@kubemaster kubectl delete secret --namespace kube-system worker01.node-password.rke2 --ignore-not-found',
  '@kubemaster kubectl delete node worker01 --timeout=120s',
]
const registersAgain = [
  ...entry('worker01'),
  ...start('worker01', 'rke2-agent', 'restart'),
  wait('worker01'),
]
const fromNothing = (name: string, service: string, before: string[] = []) => [
  `? @${name} sudo | PATH=$PATH:/usr/sbin:/sbin`,
  ...install(name),
  config(name),
  ...before,
  ...entry(name),
  ...start(name, service),
  wait(name),
]

const ours = [kubeNode('kubemaster'), kubeNode('worker01')]
const cases: [what: string, joiner: Member, nodes: KubeNode[] | undefined, steps: string[]][] = [
  [
    'an untouched agent',
    member(worker, { now }),
    [kubeNode('kubemaster')],
    fromNothing('worker01', 'rke2-agent'),
  ],
  [
    'an untouched server',
    member(second, { now }),
    [kubeNode('kubemaster')],
    fromNothing('second', 'rke2-server'),
  ],
  ['one that has joined and is Ready', member(worker, joined), ours, []],
  [
    'one that has joined and is not Ready is waited for',
    member(worker, joined),
    [kubeNode('kubemaster'), kubeNode('worker01', false)],
    [wait('worker01')],
  ],
  [
    'Ready from before the start does not count',
    member(worker, { ...joined, started: now }),
    ours,
    [wait('worker01')],
  ],
  [
    'an old Node with this name is deleted first',
    member(worker, { now }),
    [kubeNode('kubemaster'), kubeNode('worker01', false)],
    fromNothing('worker01', 'rke2-agent', forget),
  ],
  [
    'if the old Node is still Ready, after it is NotReady',
    member(worker, { now }),
    ours,
    fromNothing('worker01', 'rke2-agent', ['? 60 s worker01: ! [[ $ready == True ]]', ...forget]),
  ],
  [
    'one whose Node was deleted registers again; it may be of an earlier cluster',
    member(worker, joined),
    [kubeNode('kubemaster')],
    [
      ...entry('worker01'),
      '@worker01 sudo | ca=/var/lib/rancher/rke2/agent/server-ca.crt',
      ...start('worker01', 'rke2-agent', 'restart'),
      wait('worker01'),
    ],
  ],
  [
    'one that imports its images at every start',
    member(worker, { ...joined, importsAgain: true }),
    ours,
    ['@worker01 sudo touch /var/lib/rancher/rke2/agent/images/.cache.json'],
  ],
  [
    'a changed configuration',
    member(worker, { ...joined, config: 'a: b\n' }),
    ours,
    [config('worker01'), ...registersAgain],
  ],
  [
    'a configuration that the service has not read yet',
    member(worker, { ...joined, stale: true }),
    ours,
    registersAgain,
  ],
  ['a service that failed', member(worker, { ...joined, service: 'failed' }), ours, registersAgain],
  [
    'a service that is not enabled',
    member(worker, { ...joined, enabled: false }),
    ours,
    [...start('worker01', 'rke2-agent'), wait('worker01')],
  ],
  [
    'while no server reports Nodes, none counts as deleted',
    member(worker, joined),
    undefined,
    [wait('worker01')],
  ],
]
for (const [what, joiner, nodes, steps] of cases)
  await t.test(what, async (t) => t.strictSame(shortly(planned(joiner, nodes)), steps))

await t.test('a node keeps the server that it joined, whichever leads now', async (t) => {
  const away = { ...joined, config: rke2Config(lab, worker, {}, second) }
  t.strictSame(planned(member(worker, away), ours), [])
})

await t.test('with cni: none a node without a network has joined', async (t) => {
  const bare = makeLab((raw) => (raw.rke2.cni = 'none'))
  const stepsFor = (trouble: string, state: Partial<Rke2State> = joined) => {
    const nodes = [kubeNode('kubemaster', false, noNetwork), kubeNode('worker01', false, trouble)]
    const leader = leaderWith(nodes)
    return shortly(
      planJoin({ lab: bare, edited, leader, seconds: 60 }, member(nodeOf(bare, 'worker01'), state)),
    )
  }
  t.strictSame(stepsFor(noNetwork), [])
  const up =
    "[[ $heartbeat > $started && $heartbeat < $latest && ( $ready == True || $message == 'container runtime network not ready: '* ) ]]"
  const wait = `? 60 s worker01: ${up}`
  t.strictSame(stepsFor('container runtime is down'), [wait])
  t.strictSame(
    stepsFor(noNetwork, { now }).filter((step) => /^\? 60 s|delete node/.test(step)),
    [
      "? 60 s worker01: ! [[ ( $ready == True || $message == 'container runtime network not ready: '* ) ]]",
      '@kubemaster kubectl delete node worker01 --timeout=120s',
      wait,
    ],
    'an old Node that still reports is waited for',
  )
})

await t.test('with images, the archives fit the ingress controller of the cluster', async (t) => {
  const images = makeLab((raw) => (raw.rke2.images = true))
  const archives = (ingress: string[]) => {
    const leader = { ...leaderWith([kubeNode('kubemaster')]) }
    leader.state = { ...leader.state, ingress }
    const joiner = member(nodeOf(images, 'worker01'), { now })
    const steps = planJoin({ lab: images, edited, leader, seconds: 60 }, joiner)
    const copy = steps.find((step) => step.do === 'run' && step.bash.includes('rke2-images'))
    return copy?.do === 'run' ? copy.bash.match(/rke2-images[\w-]*/g) : undefined
  }
  t.strictSame(archives(['traefik']), ['rke2-images'])
  t.strictSame(archives(['ingress-nginx']), ['rke2-images', 'rke2-images-ingress-nginx'])
})

await t.test('what must be fixed first is the only step', async (t) => {
  const refusals: [Partial<Rke2State>, string][] = [
    [
      { ...joined, version: 'v1.34.1+rke2r1' },
      'it runs RKE2 v1.34.1+rke2r1, but the lab file says',
    ],
    [{ now: now - 4000 }, 'its clock is 4000 s behind that of kubemaster [clock-skew]'],
  ]
  for (const [state, message] of refusals) {
    const steps = planned(member(worker, state), [kubeNode('kubemaster')])
    t.equal(steps.length, 1)
    t.match(await refused(steps), message)
    t.match(shortly(steps)[0], `? { echo 'worker01: ${message}`)
  }
})

await t.test('what the node itself lacks is said by its first step', async (t) => {
  const lacking: [Partial<Rke2State>, RegExp][] = [
    [{ free: 2 ** 30 }, /^only 1 GiB is free on its disk, but RKE2 needs 3 GiB$/],
    [{ gaps: ['iptables'] }, /^it lacks iptables/],
    [{ gaps: ['iptables'], free: 1, lacking: ['br_netfilter'] }, /^3 nodes failed$/],
    [{ machineId: 'a' }, /^it has the same machine-id as kubemaster: /],
    [{ machineId: 'b' }, /^holds$/],
    [{ hasRun: true, prefix: 'cannot be written' }, /RKE2 would go to \/opt\/rke2/], // it runs from there
  ]
  const leader = { ...leaderWith(ours), state: { ...leaderWith(ours).state, machineId: 'a' } }
  for (const [state, message] of lacking) {
    const joiner = member(worker, { now, ...state })
    const steps = planJoin({ lab, edited, leader, seconds: 60 }, joiner)
    t.ok(steps.length > 5, 'the other steps are there')
    t.match(await refused(steps), message)
  }
  const twin = member(worker, { ...joined, machineId: 'a' })
  const steps = planJoin({ lab, edited, leader, seconds: 60 }, twin)
  t.strictSame(steps, [], 'a node that has joined gets no check')
})

await t.test('where NetworkManager runs, it gets its rule before RKE2 starts', async (t) => {
  const rule =
    '@worker01 sudo install -D -m 600 /dev/stdin /etc/NetworkManager/conf.d/rke2-canal.conf'
  const has = (state: Partial<Rke2State>) =>
    shortly(planned(member(worker, { now, units: ['NetworkManager'], ...state }), ours.slice(0, 1)))
  t.strictSame(has({}).slice(1, 3), [rule, '@worker01 sudo systemctl reload NetworkManager'])
  t.notOk(has({ hasCanalRule: true }).includes(rule))
  t.notOk(has({ units: [] }).includes(rule))
})
