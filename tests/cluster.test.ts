// Everything about RKE2 that is decided without touching anything.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { statusTable } from '../lib/status-table.ts'
import type { NodeStatus } from '../lib/status.ts'
import { parse, stringify } from 'yaml'
import { findDigest } from '../lib/download/checksums.ts'
import { parseLab, type Lab, type Node } from '../lib/lab/lab.ts'
import { checkClock, checkNeeds, checkVersion } from '../lib/rke2/requirements.ts'
import { diagnose, isDue, lastMessage, sighting, type Sighting } from '../lib/rke2/journal.ts'
import { parseVersion, release } from '../lib/rke2/release.ts'
import {
  isBefore,
  parseKubeNodes,
  parseState,
  stateScript,
  statusScript,
  watchScript,
} from '../lib/rke2/state.ts'

const file = parse(readFileSync('lab.yaml', 'utf8')) as { rke2: object }
const labWith = (rke2: object = {}): Lab =>
  parseLab(stringify({ ...file, rke2: { ...file.rke2, ...rke2 } }), 'lab.yaml')
const lab = labWith()
const [server, agent] = lab.nodes as [Node, Node]

await t.test('the release files', async (t) => {
  t.equal(
    release(lab).archives[0]?.url,
    'https://github.com/rancher/rke2/releases/download/v1.35.7%2Brke2r1/rke2.linux-amd64.tar.gz',
  )
  t.match(
    release(lab).installer.url,
    /rancher\/rke2\/v1\.35\.7%2Brke2r1\/install\.sh$/,
    'the installer of that very tag',
  )
  const mirrored = release(labWith({ mirror: 'http://mirror.example/rke2/', images: true }))
  t.equal(mirrored.sums.url, 'http://mirror.example/rke2/v1.35.7%2Brke2r1/sha256sum-amd64.txt')
  t.equal(mirrored.installer.url, 'http://mirror.example/rke2/v1.35.7%2Brke2r1/install.sh')
  t.strictSame(
    mirrored.archives.map(({ name }) => name),
    ['rke2.linux-amd64.tar.gz', 'rke2-images.linux-amd64.tar.zst'],
  )
  t.match(
    release(labWith({ images: true, cni: 'cilium' })).archives.map(({ name }) => name),
    [
      'rke2.linux-amd64.tar.gz',
      'rke2-images.linux-amd64.tar.zst',
      'rke2-images-cilium.linux-amd64.tar.zst',
    ],
  )
  const sums = `${'a'.repeat(64)}  rke2.linux-amd64.tar.gz\n`
  t.equal(findDigest(sums, 'rke2.linux-amd64.tar.gz')?.hex, 'a'.repeat(64))
  t.equal(findDigest(sums, 'rke2-images.linux-amd64.tar.zst'), undefined, 'no line is no digest')
  t.equal(parseVersion('rke2 version v1.35.7+rke2r1 (abc)\ngo version go1.24\n'), 'v1.35.7+rke2r1')
  t.equal(parseVersion('bash: rke2: command not found'), undefined)
})

// Fragments as RKE2 logs them: facts from its sources and issues, see rke2/README.md.
const journals: [id: string, line: string][] = [
  [
    'ca-mismatch',
    'level=fatal msg="token CA hash does not match the Cluster CA certificate hash: abc != def"',
  ],
  [
    'node-password',
    'level=error msg="Failed to retrieve agent config: Node password rejected, duplicate hostname or contents of node-passwd"',
  ],
  [
    'duplicate-name',
    'level=fatal msg="starting kubernetes: preparing server: duplicate node name found, please use a unique name"',
  ],
  [
    'wrong-token',
    'level=error msg="failed to retrieve configuration from server: https://127.0.0.1:6444/v1-rke2/config: 401 Unauthorized"',
  ],
  [
    'wrong-token',
    'level=fatal msg="failed to validate server configuration: https://192.168.1.30:9345: 401 Unauthorized"',
  ],
  [
    'agent-token',
    'level=fatal msg="https://192.168.1.30:9345/v1-rke2/server-bootstrap: 403 Forbidden"',
  ],
  ['malformed-token', 'level=fatal msg="invalid token CA hash length"'],
  ['config-mismatch', 'level=fatal msg="critical configuration value mismatch between servers"'],
  [
    'clock-skew',
    'level=error msg="x509: certificate has expired or is not yet valid: current time"',
  ],
  [
    'certificate-name',
    'level=error msg="failed to get CA certs: tls: failed to verify certificate: x509: certificate is valid for 10.43.0.1, 127.0.0.1, 192.168.1.30, not 192.168.1.9"',
  ],
  ['cis', 'level=fatal msg="invalid kernel parameter value vm.overcommit_memory=0 - expected 1"'],
  ['cis', 'level=fatal msg="missing required user: unknown user etcd"'],
  ['apparmor', 'exec: "apparmor_parser": executable file not found in $PATH'],
  ['no-space', 'level=fatal msg="write /var/lib/rancher/rke2/x: no space left on device"'],
  [
    'image-pull',
    'level=fatal msg="failed to get runtime image index.docker.io/rancher/rke2-runtime"',
  ],
  [
    'other-cluster-data',
    'level=fatal msg="bootstrap data already found and encrypted with different token"',
  ],
  [
    'wrong-port',
    'level=error msg="failed to get CA certs: https://127.0.0.1:6444/cacerts: 401 Unauthorized"',
  ],
  [
    'unreachable',
    'level=error msg="failed to get CA certs: Get https://127.0.0.1:6444/cacerts: EOF"',
  ],
  ['too-many-learners', 'level=fatal msg="etcdserver: too many learner members in cluster"'],
  ['missing-keys', 'level=fatal msg="--token is required"'],
]

await t.test('every known cause is named, with what mends it', async (t) => {
  for (const [id, line] of journals) {
    const cause = diagnose(`level=info msg="Starting"\n${line}\n`, { lab, node: agent, server })
    t.equal(cause?.id, id, line)
    t.ok(
      cause && cause.fix.length > 0 && cause.fix.every((command) => !command.includes('undefined')),
    )
  }
  t.equal(
    diagnose('level=info msg="Waiting for API server to become available"', {
      lab,
      node: agent,
      server,
    }),
    undefined,
  )
  t.equal(
    diagnose('level=error msg="server is not ready: Node password rejected"', {
      lab,
      node: agent,
      server,
    })?.id,
    'node-password',
  )
  t.equal(lastMessage('a\ntime="x" level=info msg="say \\"hi\\""\n'), 'say "hi"')
  t.equal(lastMessage(''), '')
})

await t.test('only what is wrong now counts, and only once it has stayed so', (t) => {
  const named = (...lines: string[]) => diagnose(lines.join('\n'), { lab, node: agent, server })
  const unreachable = 'level=error msg="failed to get CA certs: Get https://127.0.0.1:6444: EOF"'
  const notReady = 'level=warning msg="server is not ready: 503 Service Unavailable"'
  const rejected = 'level=error msg="server is not ready: Node password rejected"'
  t.equal(named(unreachable, notReady), undefined, 'the server was reached since')
  t.equal(named(unreachable, notReady, unreachable)?.id, 'unreachable')
  t.equal(named(unreachable, rejected)?.id, 'node-password', 'the last one told')
  t.equal(
    named(rejected, 'rke2-agent.service: Scheduled restart job')?.id,
    'node-password',
    'what systemd adds is no progress',
  )
  t.equal(
    named('error="failed to pull image a: EOF"', 'msg="PullImage a returns image reference b"'),
    undefined,
  )

  const journal = [[unreachable], [unreachable, notReady], [unreachable], [unreachable]]
  let seen: Sighting | undefined
  const due = journal.map((lines, index) => {
    const now = index * 15_000
    seen = sighting(named(...lines), seen, now)
    return seen && isDue(seen, now)
  })
  t.strictSame(due, [false, undefined, false, false], 'the count begins anew after it was gone')
  t.ok(isDue(sighting(named(unreachable), seen, 50_000)!, 50_000))
  t.ok(isDue(sighting(named(rejected), seen, 50_000)!, 50_000), 'most causes are named at once')
  t.end()
})

await t.test('what a node says of itself', async (t) => {
  const state = parseState(
    '== version\nrke2 version v1.35.7+rke2r1 (a)\n== service\nactivating\n== enabled\nenabled\n== config\na: 1\n== joined\n== data\nyes\n== now\n1700000000\n== gaps\napparmor\n== free\n1000\n',
  )
  t.match(state, {
    version: 'v1.35.7+rke2r1',
    service: 'activating',
    enabled: true,
    config: 'a: 1\n',
    hasRun: true,
    now: 1700000000,
    gaps: ['apparmor'],
    free: 1000,
  })
  const cutOff = '== cut-off\nyes\n== version\nrke2 version v1.35.7+rke2r1 (a)\n'
  t.equal(parseState(cutOff).version, undefined, 'installed by half is not installed')
  t.equal(
    parseState(`${cutOff}== joined\nyes\n`).version,
    'v1.35.7+rke2r1',
    'files that somebody brought to a node of a cluster mean nothing',
  )
  t.equal(parseState('== stale\nyes\n').stale, true)
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
  t.notOk(isBefore('', started), 'where it is not told it is no reason to wait')
  for (const script of [
    stateScript('rke2-agent'),
    watchScript('rke2-server', 1),
    `true${statusScript('rke2-server')}`,
  ])
    t.equal(
      execFileSync('sh', ['-n'], { input: script, encoding: 'utf8' }),
      '',
      'any sh can read it',
    )
})

await t.test('what must hold before RKE2 is started or left as it is', async (t) => {
  const state = parseState('')
  t.throws(
    () => checkNeeds(lab, agent, { ...state, gaps: ['iptables', 'apparmor'] }),
    /lacks iptables and apparmor/,
  )
  t.throws(() => checkNeeds(lab, agent, { ...state, free: 2 ** 30 }), /only 1 GiB are free/)
  t.doesNotThrow(() => checkNeeds(lab, agent, { ...state, free: 20 * 2 ** 30 }))
  t.throws(
    () => checkVersion(lab, agent, { ...state, version: 'v1.34.1+rke2r1' }),
    /that is an upgrade/,
  )
  t.doesNotThrow(() => checkVersion(lab, agent, { ...state, version: lab.rke2.version }))
  t.throws(
    () => checkClock(agent, { ...state, now: 1000 }, server, { ...state, now: 5000 }),
    /4000 s behind that of kubemaster/,
  )
  t.doesNotThrow(() => checkClock(agent, { ...state, now: 1000 }, server, { ...state, now: 1020 }))
})

await t.test(
  'the status table fits a terminal of 80 columns and tells all on a wide one',
  async (t) => {
    const status: NodeStatus = {
      name: 'kubemaster',
      role: 'server',
      address: '192.168.1.30',
      domain: 'running',
      ssh: 'unreachable',
      cloudInit: 'running',
      seed: 'attached',
      disk: { used: 2 ** 30, size: 40 * 2 ** 30 },
      rke2: { service: 'active', version: 'v1.35.7+rke2r1' },
      kubernetes: { ready: false, roles: ['etcd'], version: 'v1.35.7+rke2r1' },
      remark: null,
    }
    const narrow = statusTable([status, { ...status, remark: 'booted, SSH is not up yet' }], 80)
    for (const line of narrow.split('\n')) t.ok(line.length <= 80, line)
    t.match(narrow, /\nkubemaster: booted, SSH is not up yet$/)
    t.match(statusTable([status], 90), /^NODE +ROLE .* SEED +RKE2 +KUBERNETES$/m)
    t.match(statusTable([status], 110), / DISK +RKE2 +KUBERNETES$/m, 'only what does not fit goes')
    t.notMatch(statusTable([status], 20), 'ROLE', 'the rest is always there')
    t.match(
      statusTable([status], 200),
      /kubemaster +server .* 1 GiB of 40 GiB +active +v1\.35\.7\+rke2r1 +NotReady/,
    )
  },
)
