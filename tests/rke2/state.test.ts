// The state of RKE2 on a node.
import { execFileSync } from 'node:child_process'
import t from 'tap'
import {
  isBefore,
  isReady,
  parseKubeNodes,
  parseState,
  stateScript,
  statusScript,
  watchScript,
} from '../../lib/rke2/state.ts'
import { cluster } from '../../lib/rke2/status.ts'
import { kubeNode } from '../helpers/plans.ts'

await t.test('the state that a node reports', async (t) => {
  const state = parseState(
    '== version\nrke2 version v1.35.7+rke2r1 (a)\n== service\nactivating\n== enabled\nenabled\n== started\n1600000000\n== config\na: 1\n\n== joined\n== data\nyes\n== now\n1700000000\n== gaps\napparmor\n== free\n1000\n',
  )
  t.match(state, {
    version: 'v1.35.7+rke2r1',
    service: 'activating',
    enabled: true,
    started: 1600000000,
    config: 'a: 1\n',
    hasRun: true,
    now: 1700000000,
    gaps: ['apparmor'],
    free: 1000,
  })
  const idle = '== service\ninactive\n== now\n1700000000\n'
  const cutOff = `${idle}== cut-off\nyes\n== version\nrke2 version v1.35.7+rke2r1 (a)\n`
  t.equal(parseState(cutOff).version, undefined, 'partly installed is not installed')
  t.equal(
    parseState(`${cutOff}== joined\nyes\n`).version,
    'v1.35.7+rke2r1',
    'copied files on a node that has joined mean nothing',
  )
  t.equal(parseState(`${idle}== stale\nyes\n`).stale, true)
  const silent = parseState(`${idle}== nodes\nerror: timed out\n`)
  t.equal(silent.nodes, undefined, 'the API does not answer')
  t.match(parseState(idle), { service: 'inactive', hasRun: false, config: '' })
  t.equal(parseState(idle).version, undefined, 'there is no program')
  const roles = ['control-plane', 'etcd']
  const heartbeat = '2026-07-01T10:00:00Z'
  const item = (name: string, ready: string) => ({
    metadata: {
      name,
      labels: {
        'node-role.kubernetes.io/etcd': 'true',
        'node-role.kubernetes.io/control-plane': 'true',
      },
    },
    status: {
      conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: heartbeat }],
      nodeInfo: { kubeletVersion: 'v1.35.7+rke2r1' },
    },
  })
  t.strictSame(
    parseKubeNodes(JSON.stringify({ items: [item('a', 'True'), item('b', 'Unknown')] })),
    [
      { name: 'a', ready: true, heartbeat, roles, version: 'v1.35.7+rke2r1' },
      { name: 'b', ready: false, heartbeat, roles, version: 'v1.35.7+rke2r1' },
    ],
  )
  t.equal(parseKubeNodes('error: connection refused'), undefined)
  const started = Date.parse(heartbeat) / 1000
  const starts = [started - 1, started, started + 1, NaN]
  t.strictSame(
    starts.map((start) => isBefore(heartbeat, start)),
    [false, false, true, false],
  )
  t.notOk(isBefore('', started), 'no heartbeat is no reason to wait')
  const ready = (service: string, started: number, is = true) =>
    isReady({ service, started }, kubeNode('a', is))
  t.strictSame(
    [
      ready('active', started),
      ready('activating', started),
      ready('active', started + 1),
      ready('active', started, false),
      isReady({ service: 'active', started }, undefined),
    ],
    [true, false, false, false, false],
  )
  for (const script of [
    stateScript('rke2-agent'),
    watchScript('rke2-server', 1),
    `true${statusScript('rke2-server')}`,
  ])
    t.equal(
      execFileSync('sh', ['-n'], { input: script, encoding: 'utf8' }),
      '',
      'any sh can parse it',
    )
})

await t.test('a config.yaml without an end of its last line swallows nothing', async (t) => {
  const answer = '== service\nactive\n== now\n1\n== config\na: 1\n== joined\nyes\n'
  t.match(parseState(answer), { config: 'a: 1', hasRun: true })
  t.match(stateScript('rke2-agent'), 'config.yaml || exit; echo\n')
})

await t.test('a program that was killed is no answer', async (t) => {
  const answer = (parts: Record<string, string>) =>
    Object.entries({ service: 'inactive', now: '1700000000', ...parts })
      .map(([name, text]) => `== ${name}\n${text}\n`)
      .join('')
  const killed: [Record<string, string>, string, string][] = [
    [{ version: 'exit 137' }, 'version of RKE2', 'exit 137'],
    [{ version: 'exit 137', 'cut-off': 'yes', data: 'yes' }, 'version of RKE2', 'exit 137'],
    [{ service: '' }, 'state of the service', 'nothing was printed'],
    [{ started: 'exit 143' }, 'time "started"', 'exit 143'],
    [{ now: '' }, 'time "now"', 'nothing was printed'],
  ]
  for (const [parts, what, said] of killed)
    t.throws(() => parseState(answer(parts)), {
      message: `the node does not tell the ${what}`,
      details: [said],
    })
  const unfinished = answer({ version: 'exit 139', 'cut-off': 'yes' })
  t.equal(parseState(unfinished).version, undefined, 'half unpacked: it is installed again')
  t.match(cluster.read(answer({ version: 'Killed\nexit 137' })), {
    rke2: null,
    trouble: 'rke2 --version failed: exit 137',
  })
  t.equal(cluster.read(answer({ version: '' })).trouble, undefined, 'not installed')
})
