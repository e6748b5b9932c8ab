// The steps that upgrade a node, by what is seen of it.
import t from 'tap'
import { unfinishedJobs } from '../../lib/rke2/charts.ts'
import type { KubeNode } from '../../lib/rke2/kube-nodes.ts'
import type { Member } from '../../lib/rke2/service.ts'
import type { Rke2State } from '../../lib/rke2/state.ts'
import { planPreflight } from '../../lib/rke2/upgrade-checks.ts'
import { planNode, planSnapshot, planUpgrade } from '../../lib/rke2/upgrade.ts'
import { LabError } from '../../lib/text/errors.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'
import { kubeNode, member, refused, shortly } from '../helpers/plans.ts'

const lab = makeLab()
const old = 'v1.35.7+rke2r1'
const now = Date.parse('2026-07-01T10:00:05Z') / 1000
const running: Partial<Rke2State> = {
  version: old,
  service: 'active',
  enabled: true,
  started: now - 3600,
  hasRun: true,
  now,
  free: 2 ** 40,
}
const kube = (name: string, more: Partial<KubeNode> = {}): KubeNode => ({
  ...kubeNode(name),
  version: old,
  ...more,
})
const newNode = { version: lab.rke2.version }

/** A cluster of the lab, with something else of its nodes and of their objects. */
function upgradeWith(
  states: Record<string, Partial<Rke2State>> = {},
  kubes: Record<string, Partial<KubeNode>> = {},
  drains = true,
) {
  const nodes = lab.nodes.map(({ name }) => kube(name, kubes[name]))
  const all = lab.nodes.map((node): Member => {
    const own = node.role === 'server' ? { nodes } : {}
    return member(node, { ...running, ...own, ...states[node.name] })
  })
  return planUpgrade(lab, { all }, all[0]!, { ingress: [], seconds: 60, drains })
}
const stepsOf = (upgrade: ReturnType<typeof upgradeWith>, name: string) => {
  const one = upgrade.todo.find((member) => member.name === name)
  return one ? shortly(planNode(upgrade, one).lanes.flatMap(({ steps }) => steps)) : ['not to do']
}

const drain = (name: string) => [
  `@kubemaster kubectl annotate node ${name} rke2-kvm-lab/cordoned=true --overwrite`,
  `@kubemaster kubectl drain ${name} --ignore-daemonsets --delete-emptydir-data --force --timeout=120s`,
]
const install = (name: string) => [
  `@${name} mkdir -p rke2-artifacts`,
  `scp ${name}:rke2-artifacts/`,
  `@${name} | cd rke2-artifacts && grep ' rke2\\.linux-amd64\\.tar\\.gz$' sha256sum-amd64.txt | sha256sum --check --quiet -`,
  `@${name} | sudo INSTALL_RKE2_ARTIFACT_PATH="$PWD/rke2-artifacts" sh rke2-artifacts/install.sh`,
  `@${name} | /usr/local/bin/rke2 --version | grep -wF v1.36.5+rke2r1 >/dev/null`,
  `@${name} rm -r rke2-artifacts`,
]
const restart = (name: string, service = 'rke2-agent') => [
  `@${name} sudo systemctl enable ${service}`,
  `@${name} sudo systemctl restart --no-block ${service}`,
]
const wait = (name: string) =>
  `? 60 s ${name}: [[ ( $version == v1.36.5+rke2r1 || $version == v1.36.5 ) && $heartbeat > $started && $heartbeat < $latest && $ready == True ]]`
const uncordon = (name: string) => [
  `@kubemaster kubectl uncordon ${name}`,
  `@kubemaster kubectl annotate node ${name} rke2-kvm-lab/cordoned-`,
]
const whole = (name: string) => [
  ...drain(name),
  ...install(name),
  ...restart(name),
  wait(name),
  ...uncordon(name),
]
const marked = { cordoned: true, marked: true }

const cases: [what: string, state: Partial<Rke2State>, kube: Partial<KubeNode>, steps: string[]][] =
  [
    ['an old node', {}, {}, whole('worker01')],
    ['a new one', newNode, newNode, ['not to do']],
    [
      'one that the user has cordoned',
      {},
      { cordoned: true },
      [drain('worker01')[1]!, ...install('worker01'), ...restart('worker01'), wait('worker01')],
    ],
    ['one that was left drained', {}, marked, whole('worker01')],
    [
      'one that was left installed, but not restarted',
      { ...newNode, outdated: true },
      marked,
      [...restart('worker01'), wait('worker01'), ...uncordon('worker01')],
    ],
    [
      'one that was left in the middle of its installation',
      { ...newNode, cutOff: true },
      marked,
      whole('worker01'),
    ],
    [
      'one that was left starting',
      { ...newNode, service: 'activating' },
      { ...marked, ready: false },
      [wait('worker01'), ...uncordon('worker01')],
    ],
    [
      'one that was left cordoned',
      newNode,
      { ...marked, ...newNode },
      [wait('worker01'), ...uncordon('worker01')],
    ],
    ['one that RKE2 never ran on', { hasRun: false }, {}, install('worker01')],
  ]
for (const [what, state, kube, steps] of cases)
  await t.test(what, async (t) =>
    t.strictSame(stepsOf(upgradeWith({ worker01: state }, { worker01: kube }), 'worker01'), steps),
  )

await t.test('without a drain', async (t) =>
  t.strictSame(stepsOf(upgradeWith({}, {}, false), 'worker01'), [
    ...install('worker01'),
    ...restart('worker01'),
    wait('worker01'),
  ]),
)

await t.test('servers first, among them one that was begun with', async (t) => {
  const three = makeLab((raw) => {
    raw.nodes[1]!.role = 'server'
    raw.nodes[2]!.role = 'server'
    raw.nodes.unshift({ name: 'agent01', role: 'agent', address: '192.0.2.34' })
  })
  const nodes = three.nodes.map(({ name }) => kube(name))
  const all = three.nodes.map((node) => member(node, { ...running, nodes }))
  all[3] = member(nodeOf(three, 'worker02'), { ...running, ...newNode })
  const { todo } = planUpgrade(three, { all }, all[1]!, { ingress: [], seconds: 60, drains: true })
  t.strictSame(
    todo.map(({ name }) => name),
    ['worker02', 'kubemaster', 'worker01', 'agent01'],
  )
})

await t.test('a machine that is not there counts only if the cluster knows it', async (t) => {
  const trouble = new LabError('no answer')
  const nodes = [kube('kubemaster'), kube('worker01')]
  const all = lab.nodes.map((node): Member => ({
    ...member(node, { ...running, nodes }),
    ...(node.role === 'agent' ? { trouble } : {}),
  }))
  const { members } = planUpgrade(lab, { all }, all[0]!, { ingress: [], seconds: 60, drains: true })
  t.strictSame(
    members.map(({ name }) => name),
    ['kubemaster', 'worker01'],
  )
})

await t.test('the snapshot is of before the first server', async (t) => {
  t.match(
    planSnapshot(upgradeWith()).flatMap(({ lanes }) =>
      lanes.flatMap(({ steps }) => shortly(steps)),
    ),
    ['@kubemaster sudo /usr/local/bin/rke2 etcd-snapshot save --name before-v1-36-5'],
  )
  t.strictSame(planSnapshot(upgradeWith({ kubemaster: newNode })), [])
  t.equal(planSnapshot(upgradeWith({ worker01: newNode })).length, 1)
})

await t.test('every node is looked at', async (t) => {
  const reasons = async (upgrade: ReturnType<typeof upgradeWith>) =>
    Promise.all(planPreflight(upgrade).lanes.map(({ steps }) => refused(steps)))
  const holds = ['holds', 'holds', 'holds']
  t.strictSame(await reasons(upgradeWith()), holds)
  const away = { ready: false, trouble: 'Kubelet stopped posting node status.' }
  t.match(await reasons(upgradeWith({}, { worker01: away })), [
    'holds',
    /^it is not Ready \(Kubelet stopped posting/,
    'holds',
  ])
  t.match(
    await reasons(upgradeWith({ worker02: { started: now } })),
    ['holds', 'holds', /^it is not Ready/],
    'what was reported before its start is no sign of life',
  )
  const begun = upgradeWith({ worker01: newNode }, { worker01: away })
  t.strictSame(await reasons(begun), ['holds', 'not refused', 'holds'])
})

await t.test('jobs of charts', async (t) => {
  const listed = 'helm-install-rke2-canal 1\nhelm-install-rke2-coredns \nbackup \n\n'
  t.strictSame(unfinishedJobs(listed), ['helm-install-rke2-coredns'])
})
