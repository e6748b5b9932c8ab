// The cause of a failure, from RKE2's journal.
import t from 'tap'
import type { Place } from '../../lib/rke2/cause.ts'
import {
  diagnose,
  isDue,
  isImporting,
  lastMessage,
  sighting,
  type Cause,
  type Sighting,
} from '../../lib/rke2/journal.ts'
import { hintText } from '../../lib/text/errors.ts'
import { fixture } from '../helpers/fixtures.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'

const lab = makeLab()
const at = { node: nodeOf(lab, 'worker01'), server: nodeOf(lab) }

const hints = (cause: Cause | undefined) =>
  cause?.fix.map((hint) => hintText(hint, '')).join('\n') ?? ''

// Lines as RKE2 logs them, from its sources and issues: see rke2/README.md.
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
  // Texts of newer sources and of recordings.
  [
    'cis',
    String.raw`level=fatal msg="missing required: user: unknown user etcd\nmissing required: group: unknown group etcd\n"`,
  ],
  [
    'wrong-token',
    'level=fatal msg="Error: preparing server: failed to bootstrap cluster data: https://192.168.1.30:9345/v1-rke2/server-bootstrap: 401 Unauthorized"',
  ],
  [
    'wrong-token',
    'level=warning msg="Skipping cluster configuration validation: https://192.168.1.30:9345/v1-rke2/config: 401 Unauthorized"',
  ],
  [
    'server-away',
    String.raw`level=fatal msg="Error: preparing server: failed to bootstrap cluster data: Get \"https://192.168.1.30:9345/v1-rke2/server-bootstrap\": dial tcp 192.168.1.30:9345: connect: no route to host"`,
  ],
  [
    'certificates-expired',
    'level=error msg="x509: certificate has expired or is not yet valid: current time 2028-11-25T21:34:58Z is after 2027-11-25T21:13:00Z"',
  ],
  [
    'clock-skew',
    'level=error msg="CA cert validation failed: x509: certificate has expired or is not yet valid: current time 2024-11-25T21:34:58Z is before 2026-11-25T21:13:00Z"',
  ],
  [
    'foreign-ca',
    'level=error msg="CA cert validation failed: Get https://127.0.0.1:6444/cacerts: x509: certificate signed by unknown authority"',
  ],
  [
    'malformed-token',
    'level=fatal msg="failed to normalize server token; must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>"',
  ],
  ['missing-keys', 'level=fatal msg="Error: token is required to join a cluster"'],
  [
    'removed-member',
    'level=fatal msg="this server is a not a member of the etcd cluster. Found [a], expect: b"',
  ],
  ['no-token', 'level=info msg="Waiting for /etc/rancher/rke2/token to be available"'],
  [
    'no-bootstrap-data',
    'level=fatal msg="no bootstrap data found in datastore - check server token value and verify datastore integrity"',
  ],
  [
    'etcd-silent',
    'level=fatal msg="failed to reconcile with local datastore: context deadline exceeded"',
  ],
  [
    'etcd-silent',
    'level=fatal msg="Error: starting kubernetes: failed to start cluster: context deadline exceeded"',
  ],
  [
    'damaged-keys',
    'level=fatal msg="error loading key from /var/lib/rancher/rke2/agent/client-kubelet.key: data does not contain any valid private key"',
  ],
  [
    'damaged-keys',
    'level=error msg="https://127.0.0.1:6444/v1-rke2/serving-kubelet.crt: 400 Bad Request"',
  ],
  ['kubelet-exits', 'level=error msg="Kubelet exited: exit status 1"'],
  ['no-cgroup', 'level=fatal msg="failed to find memory cgroup (v2)"'],
  [
    'inotify-limit',
    'level=fatal msg="failed to create fsnotify watcher: inotify_init: no space left on device"',
  ],
  [
    'rate-limit',
    'level=error msg="failed to pull image a: 429 Too Many Requests - toomanyrequests: You have reached your pull rate limit"',
  ],
]

await t.test('every known cause is named, with its fix', async (t) => {
  for (const [id, line] of journals) {
    const cause = diagnose(`level=info msg="Starting"\n${line}\n`, '', at)
    t.equal(cause?.id, id, line)
    const fix = cause?.fix.map((hint) => hintText(hint, '')) ?? []
    t.ok(fix.length > 0 && fix.every((command) => !command.includes('undefined')))
  }
  t.equal(
    diagnose('level=info msg="Waiting for API server to become available"', '', at),
    undefined,
  )
  t.equal(
    diagnose('level=error msg="server is not ready: Node password rejected"', '', at)?.id,
    'node-password',
  )
  t.equal(lastMessage('a\ntime="x" level=info msg="say \\"hi\\""\n'), 'say "hi"')
  t.equal(lastMessage(''), '')
})

await t.test('only the current cause counts, and only after its patience', (t) => {
  const named = (...lines: string[]) => diagnose(lines.join('\n'), '', at)
  const unreachable = 'level=error msg="failed to get CA certs: Get https://127.0.0.1:6444: EOF"'
  const notReady = 'level=warning msg="server is not ready: 503 Service Unavailable"'
  const rejected = 'level=error msg="server is not ready: Node password rejected"'
  t.equal(named(unreachable, notReady), undefined, 'the server has been reached since')
  t.equal(named(unreachable, notReady, unreachable)?.id, 'unreachable')
  t.equal(named(unreachable, rejected)?.id, 'node-password', 'the last one logged')
  t.equal(
    named(rejected, 'rke2-agent.service: Scheduled restart job')?.id,
    'node-password',
    "systemd's lines are no progress",
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
  t.strictSame(
    due,
    [false, undefined, false, false],
    'the time starts again after the cause was gone',
  )
  t.ok(isDue(sighting(named(unreachable), seen, 50_000)!, 50_000))
  t.ok(isDue(sighting(named(rejected), seen, 50_000)!, 50_000), 'most causes count at once')
  t.end()
})

// Recordings of the real RKE2 v1.35.0, see tests/fixtures/README.md.

interface Recorded {
  /** Seconds since 1970. */
  at: number
  text: string
}

/** The lines up to the last one's time: a clock that was set back does not go on in the future. */
function recording(name: string): Recorded[] {
  let at = NaN
  const lines = fixture(`rke2-1.35.0/${name}`)
    .split('\n')
    .flatMap((line) => {
      const [, stamp, rest] = /^(\d{4}-\S+) \S+ (?:rke2|systemd)\[\d+\]: (.*)$/.exec(line) ?? []
      const time = stamp ?? /^time="([^"]*)"/.exec(line)?.[1]
      if (time) at = Date.parse(time.replace('+0000', 'Z')) / 1000
      const text = rest ?? line
      return Number.isNaN(at) || !text.includes('level=') ? [] : [{ at, text }]
    })
  return lines.filter((line) => line.at <= (lines.at(-1)?.at ?? 0))
}

/** Looks every 3 s, as the script does, and for two minutes more; what it ends with, and how long after its first line. */
function replay(journal: Recorded[], containerd: Recorded[] = [], place: Place = at) {
  const [first, last] = [journal[0]?.at ?? 0, journal.at(-1)?.at ?? 0]
  let seen: Sighting | undefined
  let since: number | undefined
  for (let now = first; now <= last + 120; now += 3) {
    const until = (lines: Recorded[]) =>
      lines.flatMap((line) => (line.at <= now ? [line.text] : [])).join('\n')
    seen = sighting(diagnose(until(journal), until(containerd), place), seen, now * 1000)
    if (seen) since ??= now
    else since = undefined
    if (seen && isDue(seen, now * 1000)) return { id: seen.cause.id, after: now - (since ?? now) }
  }
  return { id: undefined, after: 0 }
}

await t.test('a recorded start that succeeds is never taken for a failure', async (t) => {
  const logs: [journal: string, containerd?: string][] = [
    ['server-start.journal', 'import-race.containerd.txt'],
    ['import-race.journal', 'import-race.containerd.txt'],
    ['agent-join.journal', 'agent-containerd.txt'],
    ['power-cut.journal'],
    ['worker-again.journal'],
    ['unknown-key.journal'],
    ['upgrade.journal'],
    ['all-off-kubemaster.journal'],
    ['all-off-server02.journal'],
  ]
  for (const [journal, containerd] of logs)
    t.strictSame(
      replay(recording(journal), containerd ? recording(containerd) : []),
      { id: undefined, after: 0 },
      journal,
    )
})

await t.test('a recorded failure is named within a minute of its first line', async (t) => {
  const faults: [journal: string, id: string][] = [
    ['cis.journal', 'cis'],
    ['wrong-ca.journal', 'ca-mismatch'],
    ['kubelet-arg.journal', 'kubelet-exits'],
    ['server-kubelet-arg.journal', 'kubelet-exits'],
    ['node-password.journal', 'node-password'],
    ['wrong-token-fresh.journal', 'wrong-token'],
    ['clock-behind.journal', 'clock-skew'],
  ]
  for (const [journal, id] of faults) {
    const found = replay(recording(journal))
    t.equal(found.id, id, journal)
    t.ok(found.after <= 60, `${journal}: after ${found.after} s`)
  }
})

await t.test(
  'the import of images: pulls that fail meanwhile are no cause, later ones are',
  async (t) => {
    const importing =
      'time="2026-11-25T21:13:20Z" level=info msg="Importing images from /a.tar.zst"'
    const imported =
      'time="2026-11-25T21:14:45Z" level=info msg="Imported images from /a.tar.zst in 1m25s"'
    const failed = (time: string) =>
      `time="${time}" level=error msg="PullImage a failed" error="failed to pull and unpack image: no route"`
    const full = 'time="2026-11-25T21:13:40Z" level=error msg="write: no space left on device"'
    t.equal(diagnose(importing, full, at)?.id, 'no-space', 'other causes count meanwhile')
    t.ok(isImporting(`x\n${importing}\ny`))
    t.notOk(isImporting(`${importing}\n${imported}`))
    t.equal(diagnose(importing, failed('2026-11-25T21:13:30.5Z'), at), undefined)
    t.equal(diagnose(`${importing}\n${imported}`, failed('2026-11-25T21:13:30.5Z'), at), undefined)
    t.equal(
      diagnose(`${importing}\n${imported}`, failed('2026-11-25T21:15:00Z'), at)?.id,
      'image-pull',
    )
    t.equal(
      diagnose(`${importing}\n${imported}`, failed('2026-11-26T05:15:00+08:00'), at)?.id,
      'image-pull',
      'local time',
    )
    t.equal(
      diagnose('', failed('2026-11-25T21:13:30Z'), at)?.id,
      'image-pull',
      'without images brought along',
    )
  },
)

await t.test(
  'a failure that nobody foresaw is shown in its own words, once it repeats',
  async (t) => {
    const fatal = (text: string) => `level=fatal msg="${text}"`
    const found = (...lines: string[]) => diagnose(lines.join('\n'), '', at)
    t.equal(found(fatal('something new')), undefined, 'one alone may go away')
    t.equal(found(fatal('one'), fatal('another')), undefined)
    const again = found(
      fatal('port 4711 \\"x\\" is bad'),
      'level=info msg="Starting"',
      fatal('port 4712 \\"x\\" is bad'),
    )
    t.match(again, {
      id: 'keeps-failing',
      why: 'RKE2 has ended 2 times with: port 4712 "x" is bad',
      fix: [/journalctl --unit rke2-agent/, /systemctl status rke2-agent/],
      patience: 30,
    })
    const shutDown = 'level=error msg="Shutdown request received: no etcd"'
    t.match(
      found(shutDown, shutDown)?.why,
      'ended 2 times with: Shutdown request received: no etcd',
    )
    t.equal(
      found(fatal('something new'), fatal('something new'), fatal('--token is required'))?.id,
      'missing-keys',
    )
  },
)

await t.test('a failure that goes away when the server is back is waited for', async (t) => {
  const whole = recording('server-away.journal').map(({ text }) => text)
  t.match(diagnose(whole.join('\n'), '', at), { id: 'unreachable', patience: 20 })
})

await t.test(
  'a first start that was cut off is named although the service starts again',
  async (t) => {
    const journal = recording('cut-off-first-start.journal')
    const server = { node: nodeOf(lab) }
    const remains = { archives: [], unborn: true, empty: [] }
    const found = replay(journal, [], { ...server, remains })
    t.equal(found.id, 'first-start-cut-off')
    t.ok(found.after <= 60, `after ${found.after} s`)
    t.equal(replay(journal, [], server).id, undefined, 'others get time to find each other')
    const whole = journal.map(({ text }) => text).join('\n')
    const silent = diagnose(whole, '', { ...server, away: ['server02'] })
    t.match(silent, { id: 'etcd-silent', patience: 300, why: /cannot be reached: server02/ })
    t.match(silent?.fix[0], { script: 'create', words: ['server02'] })
    t.notMatch(hints(silent), 'rm -rf', 'nothing is removed where a cluster may have been')
    t.equal(diagnose(`${whole}\nmsg="Connection to etcd is ready"`, '', server), undefined)
  },
)

await t.test('a server that is not ready yet does not reset the patience of a cause', async (t) => {
  const learner =
    'level=info msg="Waiting for other members to finish joining etcd cluster: etcdserver: too many learner members in cluster"'
  const own =
    'level=info msg="Waiting to retrieve kube-proxy configuration; server is not ready: https://127.0.0.1:9345/v1-rke2/readyz: 503 Service Unavailable"'
  t.equal(diagnose([learner, own].join('\n'), '', at)?.id, 'too-many-learners')
})

await t.test('what the files of a node say about a power cut', async (t) => {
  const server = { node: nodeOf(lab) }
  const seen = (empty: string[], unborn = false, place: Place = server) =>
    diagnose('', '', { ...place, remains: { archives: [], unborn, empty } })
  const etcd = '12/fs/usr/local/bin/etcd'
  t.match(seen([etcd], true), {
    id: 'damaged-images',
    why: /\/usr\/local\/bin\/etcd is an empty file/,
    patience: 60,
  })
  t.match(
    hints(seen([etcd], true)),
    /killall[^]*rm -rf \S+server\/db \S+agent\/containerd \S+\.cache\.json/,
  )
  for (const place of [server, at]) {
    const fix = hints(seen([etcd], false, place))
    t.match(fix, /untried[^]*killall[^]*rm -rf \S+agent\/containerd \S+\.cache\.json/)
    t.notMatch(fix, 'server/db', 'that of a server that was Ready stays')
  }
  const key = '/var/lib/rancher/rke2/agent/client-kubelet.key'
  t.match(seen([key], false, at), { id: 'damaged-keys', why: /client-kubelet\.key/, patience: 20 })
  t.notMatch(hints(seen([key], false, at)), 'node-password')
  const password = hints(seen(['/etc/rancher/node/password'], false, at))
  t.match(password, 'delete secret worker01.node-password.rke2', 'the cluster knows the old one')
  t.equal(seen([]), undefined)

  const shim =
    'time="2026-11-25T23:05:20Z" level=error msg="StartContainer for \\"a\\" failed" error="failed to start shim: can\'t find shim for sandbox b"'
  const runs =
    'time="2026-11-25T23:05:30Z" level=info msg="StartContainer for \\"c\\" returns successfully"'
  t.equal(diagnose('', shim, at)?.id, 'damaged-images')
  t.equal(diagnose('', `${shim}\n${runs}`, at), undefined, 'a container has started since')
})

await t.test(
  'an image that is missing in the archives is named, with the archive for it',
  async (t) => {
    const main = 'rke2-images.linux-amd64.tar.zst'
    const remains = { archives: [main], unborn: false, empty: [] }
    const failed = (image: string) =>
      `level=error msg="PullImage \\"${image}\\" failed" error="failed to pull and unpack image \\"docker.io/${image}\\": no route"`
    const images: [image: string, archive: string][] = [
      ['rancher/nginx-ingress-controller:v1.14.5', 'rke2-images-ingress-nginx.linux-amd64.tar.zst'],
      ['rancher/hardened-traefik:v3.7.13', 'rke2-images-traefik.linux-amd64.tar.zst'],
      ['rancher/mirrored-calico-node:v3.32.2', 'rke2-images-calico.linux-amd64.tar.zst'],
      ['rancher/mirrored-cilium-cilium:v1.20.1', 'rke2-images-cilium.linux-amd64.tar.zst'],
      ['rancher/hardened-multus-cni:v4.3.0', 'rke2-images-multus.linux-amd64.tar.zst'],
      ['rancher/mirrored-pause:3.6', main],
    ]
    for (const [image, archive] of images) {
      const cause = diagnose('', failed(image), { ...at, remains })
      t.match(cause, { id: 'image-missing', patience: 30 })
      t.match(cause?.why, `the image ${image} is in none of the archives`)
      t.match(cause?.why, `it belongs to ${archive}`)
      t.match(hints(cause), `get ${archive} of the same release`)
    }
    t.equal(diagnose('', failed('library/nginx:1'), { ...at, remains }), undefined, "not RKE2's")
    t.equal(diagnose('', failed('rancher/mirrored-pause:3.6'), at)?.id, 'image-pull')
    const runtime =
      'level=fatal msg="failed to get runtime image index.docker.io/rancher/rke2-runtime:v1.35.0-rke2r1: all endpoints failed"'
    t.match(diagnose(runtime, '', { ...at, remains })?.why, `it belongs to ${main}`)
  },
)
