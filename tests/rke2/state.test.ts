// The state of RKE2 on a node.
import { execFileSync } from 'node:child_process'
import t from 'tap'
import type { Lab } from '../../lib/lab/lab.ts'
import {
  isBefore,
  isReady,
  parseKubeNodes,
  parseState,
  stateScript,
  statusScript,
  watchScript,
} from '../../lib/rke2/state.ts'
import { kubeNode, noNetwork } from '../helpers/plans.ts'

await t.test('the state that a node reports', async (t) => {
  const state = parseState(
    '== version\nrke2 version v1.36.5+rke2r1 (a)\n== service\nactivating\n== enabled\nenabled\n== started\n1600000000\n== config\na: 1\n\n== joined\n== data\nyes\n== now\n1700000000\n== gaps\napparmor\n== free\n1000\n',
  )
  t.match(state, {
    version: 'v1.36.5+rke2r1',
    service: 'activating',
    enabled: true,
    started: 1600000000,
    config: 'a: 1\n',
    hasRun: true,
    now: 1700000000,
    gaps: ['apparmor'],
    free: 1000,
    ingress: [],
  })
  const cutOff = '== cut-off\nyes\n== version\nrke2 version v1.36.5+rke2r1 (a)\n'
  t.equal(parseState(cutOff).version, undefined, 'partly installed is not installed')
  t.equal(
    parseState(`${cutOff}== joined\nyes\n`).version,
    'v1.36.5+rke2r1',
    'copied files on a node that has joined mean nothing',
  )
  t.equal(parseState('== stale\nyes\n').stale, true)
  t.equal(parseState('== nodes\nerror: timed out\n').nodes, undefined, 'the API does not answer')
  t.match(parseState(''), { service: 'inactive', hasRun: false, config: '' })
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
      conditions: [
        { type: 'Ready', status: ready, message: `${ready}!`, lastHeartbeatTime: heartbeat },
      ],
      nodeInfo: { kubeletVersion: 'v1.36.5+rke2r1' },
    },
  })
  t.strictSame(
    parseKubeNodes(JSON.stringify({ items: [item('a', 'True'), item('b', 'Unknown')] })),
    [
      { name: 'a', ready: true, trouble: '', heartbeat, roles, version: 'v1.36.5+rke2r1' },
      { name: 'b', ready: false, trouble: 'Unknown!', heartbeat, roles, version: 'v1.36.5+rke2r1' },
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
    isReady({ service, started }, kubeNode('a', is), { cni: 'canal' })
  t.strictSame(
    [
      ready('active', started),
      ready('activating', started),
      ready('active', started + 1),
      ready('active', started, false),
      isReady({ service: 'active', started }, undefined, { cni: 'canal' }),
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

await t.test('with cni: none, a node may lack a network and nothing else', async (t) => {
  const both = `[${noNetwork}, container runtime is down]`
  const cases: [trouble: string, cni: Lab['rke2']['cni'], up: boolean][] = [
    [noNetwork, 'none', true],
    [noNetwork, ['multus', 'none'], true],
    [noNetwork, 'canal', false],
    [noNetwork, ['multus', 'canal'], false],
    [both, 'none', false],
    ['container runtime is down', 'none', false],
    ['Kubelet stopped posting node status.', 'none', false],
    ['', 'none', false],
  ]
  for (const [trouble, cni, up] of cases) {
    const kube = kubeNode('a', false, trouble)
    const state = { service: 'active', started: Date.parse(kube.heartbeat) / 1000 }
    t.equal(isReady(state, kube, { cni }), up, `${trouble}, ${String(cni)}`)
    t.notOk(isReady({ ...state, started: state.started + 1 }, kube, { cni }), 'a stored condition')
    t.notOk(isReady({ ...state, service: 'activating' }, kube, { cni }))
  }
})

await t.test('the ingress controllers that a server brings into the cluster', async (t) => {
  const charts = (...names: string[]) =>
    parseState(
      `== ingress\n${names.map((name) => `/var/lib/rancher/rke2/server/manifests/rke2-${name}.yaml\n`).join('')}== now\n1\n`,
    ).ingress
  t.strictSame(charts(), [])
  t.strictSame(charts('ingress-nginx'), ['ingress-nginx'])
  t.strictSame(charts('ingress-nginx', 'traefik'), ['ingress-nginx', 'traefik'])
})

await t.test('a config.yaml without an end of its last line swallows nothing', async (t) => {
  t.match(parseState('== config\na: 1\n== joined\nyes\n'), { config: 'a: 1', hasRun: true })
  t.match(stateScript('rke2-agent'), 'config.yaml 2>/dev/null; echo\n')
})
