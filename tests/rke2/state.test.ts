// The state of RKE2 on a node.
import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Lab } from '../../lib/lab/lab.ts'
import {
  parseState,
  parseTimes,
  stateScript,
  statusScript,
  watchScript,
} from '../../lib/rke2/state.ts'
import { isReady, parseKubeNodes } from '../../lib/rke2/kube-nodes.ts'
import { cluster } from '../../lib/rke2/status.ts'
import { parts } from '../../lib/text/sections.ts'
import { kubeNode, noNetwork } from '../helpers/plans.ts'

const idle = '== service\ninactive\n== start\n0\n9.5 9.5\n1700000000.5\n'

await t.test('the state that a node reports', async (t) => {
  const state = parseState(
    '== version\nrke2 version v1.36.5+rke2r1 (a)\n== service\nactivating\n== enabled\nenabled\n== start\n500000000\n1500.25 2000.00\n1700000000.75\n== config\na: 1\n\n== joined\n== data\nyes\n== gaps\napparmor\n== free\n1000\n',
  )
  t.match(state, {
    version: 'v1.36.5+rke2r1',
    service: 'activating',
    enabled: true,
    started: 1699999000.5,
    config: 'a: 1\n',
    hasRun: true,
    now: 1700000000.75,
    gaps: ['apparmor'],
    free: 1000,
    ingress: [],
  })
  const cutOff = `${idle}== cut-off\nyes\n== version\nrke2 version v1.36.5+rke2r1 (a)\n`
  t.equal(parseState(cutOff).version, undefined, 'partly installed is not installed')
  t.equal(
    parseState(`${cutOff}== joined\nyes\n`).version,
    'v1.36.5+rke2r1',
    'copied files on a node that has joined mean nothing',
  )
  t.equal(parseState(`${idle}== stale\nyes\n`).stale, true)
  t.match(parseState(`${idle}== outdated\nyes\n== cut-off\nyes\n`), {
    outdated: true,
    cutOff: true,
  })
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
      conditions: [
        { type: 'Ready', status: ready, message: `${ready}!`, lastHeartbeatTime: heartbeat },
      ],
      nodeInfo: { kubeletVersion: 'v1.36.5+rke2r1' },
    },
  })
  const version = 'v1.36.5+rke2r1'
  const common = { heartbeat, roles, version, cordoned: false, marked: false }
  t.strictSame(
    parseKubeNodes(JSON.stringify({ items: [item('a', 'True'), item('b', 'Unknown')] })),
    [
      { ...common, name: 'a', ready: true, trouble: '' },
      { ...common, name: 'b', ready: false, trouble: 'Unknown!' },
    ],
  )
  t.equal(parseKubeNodes('error: connection refused'), undefined)
  for (const script of [
    stateScript('rke2-agent'),
    watchScript('rke2-server'),
    watchScript('rke2-agent', "s=1;i=2;b='3'"),
    `true${statusScript('rke2-server')}`,
  ])
    t.equal(
      execFileSync('sh', ['-n'], { input: script, encoding: 'utf8' }),
      '',
      'any sh can parse it',
    )
})

await t.test('a start that ends between two looks is heard nevertheless', async (t) => {
  const folder = t.testdir({
    systemctl: '#!/bin/sh\necho "$UNIT"',
    journalctl: `#!/bin/sh
case $* in
--lines*) echo '-- cursor: end' ;;
*INVOCATION_ID=new*) test ! "$SAID" || printf '%s\\n' "$SAID" '-- cursor: said' ;;
*--after-cursor\\ end*) printf '%s\\n' 'it fails' '-- cursor: later' ;;
esac`,
  })
  for (const name of ['systemctl', 'journalctl']) chmodSync(join(folder, name), 0o755)
  const journal = (env: object, cursor?: string) =>
    parts(
      execFileSync('sh', {
        input: watchScript('rke2-server', cursor),
        encoding: 'utf8',
        env: { PATH: `${folder}:${process.env.PATH}`, UNIT: starting, ...env },
      }),
    ).get('journal')
  const starting = 'ActiveState=activating\nInvocationID=new'
  t.equal(journal({ SAID: 'it starts' }), 'it starts\n-- cursor: said\n')
  t.equal(journal({}), '-- cursor: end\n', 'it has said nothing yet')
  t.equal(journal({}, 'end'), 'it fails\n-- cursor: later\n')
  const stopping = 'ActiveState=deactivating\nInvocationID=old'
  t.equal(journal({ UNIT: stopping }), '', 'not from a service that is being stopped')
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
    const reported = Date.parse(kube.heartbeat) / 1000
    const state = { service: 'active', started: reported - 1, now: reported + 1 }
    t.equal(isReady(state, kube, { cni }), up, `${trouble}, ${String(cni)}`)
    t.notOk(isReady({ ...state, started: reported }, kube, { cni }), 'a stored condition')
    t.notOk(isReady({ ...state, service: 'activating' }, kube, { cni }))
  }
})

await t.test('the ingress controllers that a server brings into the cluster', async (t) => {
  const charts = (...names: string[]) =>
    parseState(
      `${idle}== ingress\n${names.map((name) => `/var/lib/rancher/rke2/server/manifests/rke2-${name}.yaml\n`).join('')}`,
    ).ingress
  t.strictSame(charts(), [])
  t.strictSame(charts('ingress-nginx'), ['ingress-nginx'])
  t.strictSame(charts('ingress-nginx', 'traefik'), ['ingress-nginx', 'traefik'])
})

await t.test('a config.yaml without an end of its last line swallows nothing', async (t) => {
  const answer = `${idle}== config\na: 1\n== joined\nyes\n`
  t.match(parseState(answer), { config: 'a: 1', hasRun: true })
  t.match(stateScript('rke2-agent'), 'config.yaml || exit; echo\n')
})

await t.test('a program that was killed is no answer', async (t) => {
  const answer = (parts: Record<string, string>) =>
    Object.entries({ service: 'inactive', start: '0\n9.5 9.5\n1700000000.5', ...parts })
      .map(([name, text]) => `== ${name}\n${text}\n`)
      .join('')
  const killed: [Record<string, string>, string, string][] = [
    [{ version: 'exit 137' }, 'version of RKE2', 'exit 137'],
    [{ version: 'exit 137', 'cut-off': 'yes', data: 'yes' }, 'version of RKE2', 'exit 137'],
    [{ service: '' }, 'state of the service', 'nothing was printed'],
    [{ start: '9.5 9.5\n1700000000.5' }, 'time', '9.5 9.5'],
    [{ start: '' }, 'time', 'nothing was printed'],
  ]
  for (const [parts, what, said] of killed)
    t.throws(() => parseState(answer(parts)), {
      message: `the node does not tell the ${what}`,
      details: [said, ...(said === '9.5 9.5' ? ['1700000000.5'] : [])],
    })
  const unfinished = answer({ version: 'exit 139', 'cut-off': 'yes' })
  t.equal(parseState(unfinished).version, undefined, 'half unpacked: it is installed again')
  const node = { disks: [{ name: 'data', size: 1, mount: '/var/lib/data', volume: 'v' }] }
  t.match(cluster.read(answer({ version: 'Killed\nexit 137' }), node), {
    rke2: null,
    trouble: 'rke2 --version failed: exit 137',
  })
  t.equal(cluster.read(answer({ version: '' }), node).trouble, undefined, 'not installed')
  t.equal(
    cluster.read(answer({ mounted: '/\n/boot' }), node).mounts,
    'its disk data is not mounted on /var/lib/data: what is written there would fill its first disk',
  )
})

await t.test('Ready counts by a report of the kubelet after this start of the service', (t) => {
  const heartbeat = '2026-07-01T10:00:00Z'
  const at = Date.parse(heartbeat) / 1000
  const ready = (more: object, kube = kubeNode('a')) =>
    isReady({ service: 'active', started: at - 10, now: at + 10, ...more }, kube, { cni: 'canal' })
  const cases: [what: string, is: boolean, should: boolean][] = [
    ['reported after the start', ready({}), true],
    ['the service is starting', ready({ service: 'activating' }), false],
    ['reported in the very second of the start, so before it', ready({ started: at }), false],
    ['stored before a power cut', ready({ started: at + 5 }), false],
    ['dated by a clock that was ahead', ready({ started: at - 100, now: at - 90 }), false],
    ['not ready', ready({}, kubeNode('a', false)), false],
    ['never reported', ready({}, { ...kubeNode('a'), heartbeat: '' }), false],
    ['a service that never was started', ready({ started: NaN }), false],
    [
      'no such node',
      isReady({ service: 'active', started: 1, now: at }, undefined, { cni: 'canal' }),
      false,
    ],
  ]
  for (const [what, is, should] of cases) t.equal(is, should, what)
  t.end()
})

await t.test('the time of the start does not depend on how the clock was set since', (t) => {
  t.strictSame(parseTimes('90000000\n100.00 190.00\n1700000000.500000000\n'), {
    started: 1699999990.5,
    now: 1700000000.5,
  })
  t.strictSame(parseTimes('0\n100.00 190.00\n1700000000.5'), { started: NaN, now: 1700000000.5 })
  for (const cut of [undefined, '', '0\n', '0\n100.00 190.00\n'])
    t.equal(parseTimes(cut), undefined, 'not known')
  t.end()
})
