// The stages for the first server, by its state.
import t from 'tap'
import { rke2Config } from '../../lib/rke2/config.ts'
import { planFirst } from '../../lib/rke2/install.ts'
import type { Rke2State } from '../../lib/rke2/state.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'
import { kubeNode, member, shortly } from '../helpers/plans.ts'

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
  '? 60 s kubemaster: [[ $ready == True* && ! "${ready#True }" < $started ]]',
]
const install = [
  'Install on kubemaster',
  '@kubemaster mkdir -p rke2-artifacts',
  'scp kubemaster:rke2-artifacts/',
  "@kubemaster | cd rke2-artifacts && grep ' rke2\\.linux-amd64\\.tar\\.gz$' sha256sum-amd64.txt | sha256sum --check --quiet -",
  '@kubemaster | sudo INSTALL_RKE2_ARTIFACT_PATH="$PWD/rke2-artifacts" sh rke2-artifacts/install.sh',
  '@kubemaster | /usr/local/bin/rke2 --version | grep -wF v1.35.7+rke2r1 >/dev/null',
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

await t.test('what must be fixed first is reported before anything changes', async (t) => {
  const refusals: [Partial<Rke2State>, string][] = [
    [
      { ...isThere, version: 'v1.34.1+rke2r1' },
      'kubemaster: it runs RKE2 v1.34.1+rke2r1, but the lab file says v1.35.7+rke2r1: that is an upgrade',
    ],
    [{ free: 2 ** 30 }, 'kubemaster: only 1 GiB is free on its disk, but RKE2 needs 3 GiB'],
  ]
  for (const [state, message] of refusals) t.throws(() => planned(state), { message })
  t.throws(() => planned({}, [member(second, { hasRun: true })]), {
    message: 'kubemaster: it is new, but the cluster already exists on second',
    hint: [{ line: [{ script: 'join', words: ['kubemaster'] }, /joins it/] }],
  })
})
