// The stages for the first server, by its state.
import t from 'tap'
import { rke2Config } from '../../lib/rke2/config.ts'
import { planFirst, planLook } from '../../lib/rke2/install.ts'
import type { Rke2State } from '../../lib/rke2/state.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'
import { kubeNode, member, noNetwork, refused, shortly } from '../helpers/plans.ts'

const lab = makeLab((raw) => {
  raw.nodes.push({ name: 'second', role: 'server', address: '192.0.2.40' })
})
const [node, second] = [nodeOf(lab), nodeOf(lab, 'second')]
const edited = { server: {}, agent: {} }
const planned = (state: Partial<Rke2State>, others = [member(second)]) =>
  planFirst(lab, edited, { first: member(node, state), others }, 60).map(
    ({ title, lanes }) => [title, ...lanes.flatMap(({ steps }) => shortly(steps))] as const,
  )

const isThere: Partial<Rke2State> = {
  version: lab.rke2.version,
  service: 'active',
  enabled: true,
  started: Date.parse('2026-07-01T09:00:00Z') / 1000,
  now: 1_800_000_000,
  config: rke2Config(lab, node, {}),
  hasRun: true,
  nodes: [kubeNode('kubemaster')],
}
const config = '@kubemaster sudo install -D -m 600 /dev/stdin /etc/rancher/rke2/config.yaml'
const start = (verb: string) => [
  '@kubemaster sudo systemctl enable rke2-server',
  `@kubemaster sudo systemctl ${verb} --no-block rke2-server`,
]
const wait = [
  'Wait until the node is Ready',
  '? 60 s kubemaster: [[ $heartbeat > $started && $heartbeat < $latest && $ready == True ]]',
]
const install = [
  'Install on kubemaster',
  '@kubemaster mkdir -p rke2-artifacts',
  'scp kubemaster:rke2-artifacts/',
  "@kubemaster | cd rke2-artifacts && grep ' rke2\\.linux-amd64\\.tar\\.gz$' sha256sum-amd64.txt | sha256sum --check --quiet -",
  '@kubemaster | sudo INSTALL_RKE2_ARTIFACT_PATH="$PWD/rke2-artifacts" sh rke2-artifacts/install.sh',
  '@kubemaster | /usr/local/bin/rke2 --version | grep -wF v1.36.5+rke2r1 >/dev/null',
  '@kubemaster rm -r rke2-artifacts',
]

const cases: [what: string, state: Partial<Rke2State>, stages: string[][]][] = [
  ['an untouched node', {}, [install, ['Configure and start', config, ...start('start')], wait]],
  [
    'one that only has RKE2 installed',
    { version: lab.rke2.version },
    [['Configure and start', config, ...start('start')], wait],
  ],
  ['one that is Ready', isThere, []],
  ['one that is not Ready', { ...isThere, nodes: [kubeNode('kubemaster', false)] }, [wait]],
  ['one whose API does not answer', { ...isThere, nodes: [] }, [wait]],
  [
    'a changed configuration',
    { ...isThere, config: 'a: b\n' },
    [['Configure and start', config, ...start('restart')], wait],
  ],
  [
    'one that imports its images at every start',
    { ...isThere, importsAgain: true },
    [
      [
        'Configure and start',
        '@kubemaster sudo touch /var/lib/rancher/rke2/agent/images/.cache.json',
      ],
      wait,
    ],
  ],
  [
    'a configuration that the service has not read yet',
    { ...isThere, stale: true },
    [['Configure and start', ...start('restart')], wait],
  ],
  [
    'a service that was stopped',
    { ...isThere, service: 'inactive' },
    [['Configure and start', ...start('start')], wait],
  ],
]
for (const [what, state, stages] of cases)
  await t.test(what, async (t) => t.strictSame(planned(state), stages))

await t.test('with cni: none, a registered node is enough', async (t) => {
  const bare = makeLab((raw) => (raw.rke2.cni = 'none'))
  const titles = (trouble: string) => {
    const state = { ...isThere, config: rke2Config(bare, node, {}) }
    const nodes = [kubeNode('kubemaster', false, trouble)]
    return planFirst(
      bare,
      edited,
      { first: member(node, { ...state, nodes }), others: [] },
      60,
    ).map(({ title }) => title)
  }
  t.strictSame(titles(noNetwork), [])
  t.strictSame(titles('container runtime is down'), ['Wait until the node has registered'])
})

await t.test('what must be fixed first is reported before anything changes', async (t) => {
  const refusals: [Partial<Rke2State>, string][] = [
    [
      { ...isThere, version: 'v1.34.1+rke2r1' },
      'kubemaster: it runs RKE2 v1.34.1+rke2r1, but the lab file says v1.36.5+rke2r1: that is an upgrade',
    ],
  ]
  for (const [state, message] of refusals) t.throws(() => planned(state), { message })
  t.throws(() => planned({}, [member(second, { hasRun: true })]), {
    message: 'kubemaster: it is new, but the cluster already exists on second',
    hint: [{ line: [{ script: 'join', words: ['kubemaster'] }, /joins it/] }],
  })
})

await t.test('servers that were off together start together', async (t) => {
  const stopped = { ...isThere, service: 'inactive', nodes: [] }
  const other = (state: Partial<Rke2State>) => planned(stopped, [member(second, state)])
  const together = [
    'Start the other servers, which etcd needs',
    '@second sudo systemctl enable rke2-server',
    '@second sudo systemctl start --no-block rke2-server',
  ]
  const alone = [['Configure and start', ...start('start')], wait]
  const cases: [what: string, state: Partial<Rke2State>, stages: string[][]][] = [
    ['one that is stopped', stopped, [alone[0]!, together, wait]],
    ['one that failed', { ...stopped, service: 'failed' }, [alone[0]!, together, wait]],
    ['one that starts already', { ...stopped, service: 'activating' }, alone],
    ['one that is new', {}, alone],
  ]
  for (const [what, state, stages] of cases) t.strictSame(other(state), stages, what)
})

await t.test('images that are brought along are imported once', async (t) => {
  const air = makeLab((raw) => {
    raw.rke2.images = true
  })
  const steps = planFirst(air, edited, { first: member(nodeOf(air)), others: [] }, 60)
  const lines = steps.flatMap(({ lanes }) => lanes.flatMap((lane) => shortly(lane.steps)))
  const at = (text: string) => lines.findIndex((line) => line.includes(text))
  t.ok(at('install.sh') < at('touch /var/lib/rancher/rke2/agent/images/.cache.json'))
  t.ok(
    at('.cache.json') < at('rm -r rke2-artifacts'),
    'an installation that was cut off repeats it',
  )
})

await t.test('the look at a new server compares it with the others', async (t) => {
  const others = [member(second, { machineId: 'a' })]
  const look = planLook(lab, edited, { first: member(node, { machineId: 'a' }), others })
  const steps = look.lanes.flatMap((lane) => lane.steps)
  t.match(await refused(steps), /^it has the same machine-id as second/)
  t.match(
    steps.map((step) => (step.do === 'write' ? '' : step.bash)).join('\n'),
    'ssh -F .lab/lab/ssh_config kubemaster grep . /etc/machine-id; ssh -F .lab/lab/ssh_config second grep . /etc/machine-id;',
  )
})
