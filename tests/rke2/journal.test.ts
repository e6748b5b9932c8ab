// The cause of a failure, from RKE2's journal.
import t from 'tap'
import { isDue, sighting, type Cause, type Place, type Sighting } from '../../lib/rke2/cause.ts'
import { known } from '../../lib/rke2/causes.ts'
import { endsAfter, keepsEnding, type Ends } from '../../lib/rke2/ends.ts'
import { diagnose, isImporting, lastMessage, onlyImports } from '../../lib/rke2/journal.ts'
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
  [
    'registries',
    'level=info msg="Waiting to retrieve agent configuration; server is not ready: yaml: line 2: mapping values are not allowed in this context"',
  ],
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
    'first-start-cut-off',
    'level=fatal msg="Error: starting kubernetes: failed to start cluster: context deadline exceeded"',
  ],
  [
    'image-missing',
    'level=error msg="PullImage failed" error="failed to pull and unpack image \\"docker.io/rancher/mirrored-pause:3.6\\": no route"',
  ],
  ['damaged-images', 'level=error error="failed to start shim: can\'t find shim for sandbox b"'],
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
  [
    'newer-on-disk',
    'level=fatal msg="/var/lib/rancher/rke2/server/tls/client-ca.key, /var/lib/rancher/rke2/server/cred/passwd newer than datastore and could cause a cluster outage. Remove the file(s) from disk and restart to be recreated from datastore."',
  ],
  ['damaged-keys', 'level=fatal msg="data does not contain a valid RSA or ECDSA private key"'],
  [
    'damaged-server-keys',
    'level=fatal msg="Error: preparing server: error loading key from /var/lib/rancher/rke2/server/tls/client-kubelet.key: <nil>"',
  ],
  [
    'damaged-server-keys',
    'level=fatal msg="Error: preparing server: data does not contain any valid RSA or ECDSA certificates"',
  ],
  [
    'kubelet-exits',
    'level=error msg="Kubelet exited: exit status 1"\nlevel=error msg="Kubelet exited: exit status 1"',
  ],
  ['no-cgroup', 'level=fatal msg="failed to find memory cgroup (v2)"'],
  [
    'inotify-limit',
    'F1125 21:29:31.6 2320 kubelet.go:1] Failed to start cAdvisor inotify_add_watch /sys/fs/cgroup/cpu,cpuacct: no space left on device',
  ],
  ['inotify-limit', 'level=fatal msg="failed to create fsnotify watcher: too many open files"'],
  [
    'damaged-keys',
    'level=error msg="Sending HTTP/1.1 400 response to 127.0.0.1:43210: node password not set"',
  ],
  [
    'unreachable',
    String.raw`level=error msg="Failed to validate connection to cluster at https://192.168.1.30:9345: failed to get CA certs: Get \"https://127.0.0.1:6444/cacerts\": EOF"`,
  ],
  [
    'wrong-token',
    'level=info msg="Waiting to retrieve agent configuration; server is not ready: failed to retrieve configuration from server: not authorized"',
  ],
  [
    'server-away',
    String.raw`level=fatal msg="Error: preparing server: failed to bootstrap cluster data: Get \"https://192.168.1.30:9345/v1-rke2/server-bootstrap\": dial tcp 192.168.1.30:9345: connect: connection refused"`,
  ],
  [
    'server-starting',
    'level=fatal msg="Error: preparing server: failed to bootstrap cluster data: starting"',
  ],
  ['no-token', 'level=fatal msg="Timeout while trying to read the file /etc/rancher/rke2/token"'],
  [
    'removed-member',
    '2026-11-25T21:13:31.1Z stderr F {"level":"error","msg":"the member has been permanently removed from the cluster"}',
  ],
  ['no-cgroup', 'level=fatal msg="failed to find cpuset cgroup (v2)"'],
  [
    'cgroup-v1',
    'E1125 21:29:31.6 2320 run.go:72] "command failed" err="kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported and will be removed in a future release"',
  ],
  [
    'rate-limit',
    'level=error msg="failed to pull image rancher/a: 429 Too Many Requests - toomanyrequests: You have reached your pull rate limit"',
  ],
  [
    'registry-http',
    String.raw`level=error msg="PullImage \"rancher/mirrored-pause:3.6\" failed" error="failed to pull and unpack image \"docker.io/rancher/mirrored-pause:3.6\": failed to resolve image: failed to do request: Head \"https://192.168.1.10:5000/v2/rancher/mirrored-pause/manifests/3.6?ns=docker.io\": http: server gave HTTP response to HTTPS client"`,
  ],
  [
    'registry-ca',
    String.raw`level=error msg="PullImage \"rancher/mirrored-pause:3.6\" failed" error="failed to pull and unpack image \"docker.io/rancher/mirrored-pause:3.6\": failed to resolve image: failed to do request: Head \"https://registry.lan:5000/v2/rancher/mirrored-pause/manifests/3.6?ns=docker.io\": tls: failed to verify certificate: x509: certificate signed by unknown authority"`,
  ],
  [
    'registry-ca',
    String.raw`level=fatal msg="failed to get runtime image index.docker.io/rancher/rke2-runtime:v1.35.0-rke2r1: Get \"https://registry.lan:5000/v2/\": x509: certificate signed by unknown authority"`,
  ],
]

// Seconds that each cause must last, and what its advice has.
const expected: Record<string, [patience: number, advice: RegExp]> = {
  'ca-mismatch': [0, /join\.ts worker01 {3}# reads the token again/],
  'node-password': [10, /delete node worker01.*delete secret worker01\.node-password\.rke2/],
  'duplicate-name': [0, /delete node worker01.*destroy\.ts worker01/],
  'wrong-token': [10, /join\.ts worker01 {3}# reads the token again/],
  'agent-token': [0, /join\.ts worker01 {3}# reads the token again/],
  'malformed-token': [0, /join\.ts worker01 {3}# reads the token again/],
  'config-mismatch': [0, /rke2\.config in the lab file/],
  'certificates-expired': [0, /timedatectl.*rke2 certificate rotate/],
  'clock-skew': [0, /timedatectl/],
  'certificate-name': [0, /tls-san/],
  'foreign-ca': [20, /curl -vk .*cacerts/],
  'other-cluster-data': [0, /destroy\.ts worker01/],
  'wrong-port': [0, /grep -rs \^server:/],
  unreachable: [20, /systemctl status rke2-server.*ping/],
  'server-away': [60, /systemctl status rke2-server.*ping/],
  'server-starting': [120, /kubemaster systemctl status rke2-server/],
  'removed-member': [0, /destroy\.ts worker01/],
  'too-many-learners': [120, /get nodes/],
  'no-token': [30, /join\.ts worker01/],
  'missing-keys': [0, /join\.ts worker01/],
  cis: [0, /rke2-cis-sysctl\.conf.*useradd/],
  registries: [0, /sudo rm \/etc\/rancher\/rke2\/registries.yaml/],
  apparmor: [0, /install --yes apparmor/],
  'inotify-limit': [0, /max_user_watches/],
  'no-space': [0, /df -h/],
  'no-cgroup': [0, /another image/],
  'rate-limit': [30, /rke2\.images: true/],
  'registry-http': [
    30,
    /rke2\/registries\.yaml.*"http:\/\/192\.168\.1\.10:5000"\].*join\.ts worker01/,
  ],
  'registry-ca': [
    30,
    /every node.*rke2\/registries\.yaml.*"registry\.lan:5000": \{ tls: \{ ca_file.*join\.ts worker01/,
  ],
  'image-pull': [30, /rke2\.images: true/],
  'no-bootstrap-data': [0, /db\/snapshots.*destroy\.ts worker01/],
  'first-start-cut-off': [30, /rke2-killall\.sh.*server\/db/],
  'etcd-silent': [240, /rke2-killall\.sh/],
  'image-missing': [30, /copy it to the node/],
  'damaged-images': [60, /rke2-killall\.sh/],
  'newer-on-disk': [0, /stop rke2-server.*sudo mv \S+server\/tls/],
  'damaged-keys': [20, /-size 0 -delete/],
  'damaged-server-keys': [20, /stop rke2-server.*tls\/etcd .*-size 0 -delete.*certificate rotate/],
  'cgroup-v1': [15, /unified_cgroup_hierarchy=1.*update-grub.*cgroup v2.*destroy\.ts worker01/],
  'kubelet-exits': [30, /kubelet-arg: in rke2\.config of the lab file, or in rke2\/agent\.yaml/],
}

const remains = { archives: [], unborn: false, empty: [] }
/** What the node has, where the cause depends on that. */
const places: Record<string, Partial<Place>> = {
  'damaged-server-keys': { node: nodeOf(lab) },
  'first-start-cut-off': { remains: { ...remains, unborn: true } },
  'image-missing': { remains: { ...remains, archives: ['rke2-images.linux-amd64.tar.zst'] } },
}

await t.test('every known cause is named by its text, with its patience and advice', async (t) => {
  for (const [id, line] of journals) {
    const cause = diagnose(`level=info msg="Starting"\n${line}\n`, '', { ...at, ...places[id] })
    t.equal(cause?.id, id, line)
    const fix = cause?.fix.map((hint) => hintText(hint, '')).join('; ') ?? ''
    t.match(fix, expected[id]?.[1], id)
    t.equal(cause?.patience, expected[id]?.[0], id)
    t.notMatch(fix, 'undefined')
  }
  const texts = new Set(journals.map(([id]) => id))
  for (const { id } of known) t.ok(texts.has(id), `${id} has a text here`)
  t.equal(
    diagnose('level=info msg="Waiting for API server to become available"', '', at),
    undefined,
  )
  t.equal(
    diagnose('level=error msg="server is not ready: Node password rejected"', '', at)?.id,
    'node-password',
  )
  t.notMatch(
    diagnose('level=fatal msg="critical configuration value mismatch"', '', at)?.why,
    'agent-token',
    'another agent-token is no mismatch',
  )
  t.equal(lastMessage('a\ntime="x" level=info msg="say \\"hi\\""\n'), 'say "hi"')
  t.equal(
    lastMessage(String.raw`level=warning msg="Unknown flag --a,\nskipping\n"`),
    'Unknown flag --a, skipping',
  )
  t.equal(lastMessage('level=info msg="a line that was cu'), 'a line that was cu')
  t.equal(lastMessage('level=fatal msg=EOF'), 'EOF')
  t.equal(lastMessage(''), '')
})

await t.test('what follows from a cause does not hide it', async (t) => {
  const full = 'level=error msg="write /var/lib/a: no space left on device"'
  const after = 'level=fatal msg="failed to wait for API server to become ready"'
  t.equal(diagnose(`${full}\n${after}`, '', at)?.id, 'no-space')
  t.equal(diagnose(after, '', at), undefined)
})

await t.test('why a kubelet ends is read from its own log', async (t) => {
  const exit = 'level=error msg="Kubelet exited: exit status 1"'
  const exited = `${exit}\n${exit}`
  const why = (kubelet: string) => diagnose(exited, '', at, { kubelet })
  const said = (err: string) =>
    `E1125 21:29:31.641199    2320 run.go:72] "command failed" err="${err}"`
  t.match(why(said('unknown flag: --a \\"b\\"')), {
    id: 'kubelet-exits',
    why: 'its kubelet ends at once: unknown flag: --a "b"',
  })
  t.equal(
    why('E1125 21:29:31.6 2320 server.go:7] out of luck')?.why,
    'its kubelet ends at once: out of luck',
  )
  t.match(why(said('kubelet is configured to not run on a host using cgroup v1.')), {
    id: 'cgroup-v1',
    why: 'it uses cgroup v1; since Kubernetes 1.35 the kubelet refuses to start there',
  })
  const onFedora = { ids: ['fedora'], kernel: '', installer: 'dnf' as const, units: [] }
  const refused = said('not run on a host using cgroup v1')
  const there = diagnose(exited, '', { ...at, system: onFedora }, { kubelet: refused })
  t.match(hints(there), 'grubby --update-kernel=ALL', 'the command of its distribution')
  t.match(why('')?.why, 'the last lines of kubelet.log say why')
  t.equal(
    diagnose('level=info msg="x"', '', at, { kubelet: said('a') }),
    undefined,
    'an old error of a kubelet that runs',
  )
})

await t.test(
  'reports of users: a kubelet that ends at once, certificates of a lab that was off for over a year, RHEL 10',
  async (t) => {
    const line = (time: string, level: string, msg: string) =>
      `time="${time}" level=${level} msg="${msg}"`
    const ended = [
      line('2026-03-02T10:00:00Z', 'info', 'Running kubelet --cloud-provider=external ...'),
      line('2026-03-02T10:00:05Z', 'error', 'Kubelet exited: exit status 1'),
      line(
        '2026-03-02T10:00:10Z',
        'info',
        'Waiting to retrieve kube-proxy configuration; server is not ready',
      ),
      line('2026-03-02T10:00:10Z', 'error', 'Kubelet exited: exit status 1'),
    ].join('\n')
    const withLog = (number: number, err: string) => ({
      now: Date.parse('2026-03-02T10:00:12Z'),
      kubelet: `E0302 10:00:05.000000 285 run.go:${number}] "command failed" err="${err}"`,
    })
    const v1 =
      'failed to run Kubelet: kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported and will be removed in a future release'
    t.equal(diagnose(ended, '', at, withLog(72, v1))?.id, 'cgroup-v1')
    const gate =
      'failed to set feature gates from initial flags-based config: unrecognized feature gate: LocalStorageCapacityIsolation'
    t.match(diagnose(ended, '', at, withLog(74, gate)), {
      id: 'kubelet-exits',
      why: `its kubelet ends at once: ${gate}`,
      patience: 30,
    })
    const expired = line(
      '2026-06-04T07:48:00Z',
      'error',
      String.raw`CA cert validation failed: Get \"https://127.0.0.1:9345/cacerts\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-06-04T07:48:00Z is after 2026-02-04T21:27:54Z`,
    )
    t.equal(diagnose(expired, '', at)?.id, 'certificates-expired')
    t.match(hints(diagnose(expired, '', at)), /timedatectl.*clock is right[^]*certificate rotate/)
    const modules = ['br_netfilter', 'iptable_nat'].map((name) =>
      line('2026-07-09T20:11:07Z', 'warning', `Failed to load kernel module ${name} with modprobe`),
    )
    t.equal(
      diagnose(modules.join('\n'), '', at),
      undefined,
      'a warning; modules are asked for before installing',
    )
  },
)

await t.test('a kubelet that ended once, or long ago, is no cause', async (t) => {
  const exit = (second: number) =>
    `time="2026-11-25T21:28:${second}Z" level=error msg="Kubelet exited: exit status 1"`
  const seen = (lines: string[], second: number) =>
    diagnose(lines.join('\n'), '', at, { now: Date.parse(`2026-11-25T21:28:${second}Z`) })?.id
  t.equal(seen([exit(10)], 12), undefined, 'once')
  t.equal(seen([exit(10), exit(15)], 17), 'kubelet-exits')
  t.equal(seen([exit(10), exit(15)], 46), undefined, 'it runs since')
  t.equal(seen([exit(10), exit(45)], 46), undefined, 'it ran meanwhile')
  const reached = 'level=info msg="server is not ready: 503 Service Unavailable"'
  t.equal(
    seen([exit(10), exit(15), reached], 17),
    'kubelet-exits',
    'what others do does not heal it',
  )
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
    named(
      'error="failed to pull image rancher/a: EOF"',
      'msg="PullImage rancher/a returns image reference b"',
    ),
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
  const full = named('level=error msg="no space left on device"')
  t.ok(isDue(sighting(full, seen, 50_000)!, 50_000), 'most causes count at once')
  t.end()
})

await t.test(
  'the import of images: pulls that fail meanwhile are no cause, later ones are',
  async (t) => {
    const importing =
      'time="2026-11-25T21:13:20Z" level=info msg="Importing images from /a.tar.zst"'
    const imported =
      'time="2026-11-25T21:14:45Z" level=info msg="Imported images from /a.tar.zst in 1m25s"'
    const failed = (time: string) =>
      `time="${time}" level=error msg="PullImage a failed" error="failed to pull and unpack image \\"docker.io/rancher/a:1\\": no route"`
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

await t.test('an import that ended with an earlier process is not going on', async (t) => {
  const importing = 'level=info msg="Importing images from /a.tar.zst"'
  const starting = 'level=info msg="Starting rke2 v1.35.0+rke2r1 (x)"'
  t.ok(isImporting(`${starting}\n${importing}`))
  t.notOk(isImporting(`${importing}\n${starting}`))
  const full = 'level=error msg="no space left on device"'
  const imported = 'level=info msg="Imported images from /a.tar.zst in 1m25s"'
  const kept = onlyImports(`${starting}\n${full}\n${importing}\n`)
  t.equal(kept, `${starting}\n${importing}\n`)
  t.notOk(isImporting(`${kept}${imported}\n`), 'what is logged later is another line')
  t.equal(onlyImports(`${full}\n`), '')
})

/** The ends by systemd's counter as it is seen every 3 s. */
const endsBy = (...counters: number[]) => {
  let ends: Ends | undefined
  const seen = counters.map((counter, index) => {
    ends = endsAfter(ends, counter, counter > 0 ? 'exit-code, status 1' : '', index * 3000)
    return keepsEnding(ends, index * 3000)
  })
  return { ends, seen }
}

await t.test('a service that ends again and again, by its counter of restarts', async (t) => {
  t.strictSame(endsBy(0, 0, 0, 1, 1, 1).seen, Array(6).fill(false), 'once may heal')
  t.match(endsBy(0, 0, 0, 1, 1, 1, 2), {
    seen: [...Array<boolean>(6).fill(false), true],
    ends: { count: 2, first: 9000, life: 9000 },
  })
  const healed = endsBy(0, 0, 0, 1, 1, 1, 2, ...Array<number>(8).fill(2)).seen
  t.equal(healed.at(-2), true, 'as long as it lived before, and a bit')
  t.equal(healed.at(-1), false, 'it has lived longer')
  t.match(endsBy(7, 7, 7).ends, { count: 0 }, 'restarts before the first look do not count')
  t.match(endsBy(7, 0, 1).ends, { count: 1 }, 'systemd counts from 0 after a restart by hand')
  t.match(endsBy(0, 3).ends, { count: 3, first: 1000, life: 1000 }, 'several between two looks')
  const quiet = endsAfter(endsBy(0, 1).ends, 1, '', 9000)
  t.equal(quiet.result, 'exit-code, status 1', 'also while it runs again')
})

await t.test('a failure that nobody foresaw is shown in its own words', async (t) => {
  const { ends } = endsBy(0, 1, 2)
  const found = (...lines: string[]) => diagnose(lines.join('\n'), '', at, { ends })
  const fatal = (text: string) => `level=fatal msg="${text}"`
  t.equal(diagnose(fatal('something new'), '', at), undefined, 'one end may heal')
  t.match(found(fatal('port 4711 \\"x\\" is bad'), 'level=info msg="Starting"'), {
    id: 'keeps-failing',
    why: 'RKE2 has ended 2 times (exit-code, status 1), and said: port 4711 "x" is bad',
    fix: [/journalctl --unit rke2-agent/, /systemctl status rke2-agent/],
    patience: 120,
    since: undefined,
  })
  const twice = found(fatal('port 4711 is bad'), fatal('x'), fatal('port 4712 is bad'))
  t.match(twice, { patience: 45, since: 3000 }, 'the same again, from the first end on')
  t.equal(found(fatal('a'), fatal('b'))?.patience, 120, 'another one may be on its way to heal')
  const seen = sighting(twice, undefined, 60_000)
  t.ok(seen && isDue(seen, 60_000) && !isDue(seen, 47_000), 'also if it was not seen all the time')
  const said = (...lines: string[]) => found(...lines)?.why.replace(/.* and said: /, '')
  const long = said(fatal(`${'/a, '.repeat(200)} newer than datastore`).slice(0, 600))
  t.match(long, /^\/a, .*\/a,/, 'also where the journal was cut')
  t.equal(
    said('level=error msg="Shutdown request received: no etcd"'),
    'Shutdown request received: no etcd',
  )
  t.equal(said('level=fatal msg=EOF', 'level=info msg="failed to x"'), 'EOF')
  t.equal(said('panic: runtime error', '', 'goroutine 1 [running]:'), 'panic: runtime error')
  t.equal(said('level=info msg="the last thing"'), 'the last thing')
  t.equal(said(''), 'nothing')
  t.equal(found(fatal('something new'), fatal('--token is required'))?.id, 'missing-keys')
  const silent = fatal(
    'Error: starting kubernetes: failed to start cluster: context deadline exceeded',
  )
  t.equal(
    found(silent, 'level=info msg="Running kubelet"')?.id,
    'etcd-silent',
    'each life gets a bit further',
  )
})

await t.test('etcd that does not answer, by what is known of the servers', async (t) => {
  const server = { node: nodeOf(lab) }
  const whole = fixture('rke2-1.35.0/cut-off-first-start.journal')
  const silent = diagnose(whole, '', { ...server, away: ['server02'] })
  t.match(silent, { id: 'etcd-silent', patience: 240, why: /cannot be reached: server02/ })
  t.match(silent?.fix[0], { script: 'start', words: ['server02'] })
  t.notMatch(hints(silent), 'rm -rf', 'nothing is removed where a cluster may have been')
  t.equal(diagnose(`${whole}\nmsg="Connection to etcd is ready"`, '', server), undefined)

  const removed =
    '2026-11-25T23:05:10.1Z stderr F {"level":"warn","ts":"2026-11-25T23:05:10.1Z","caller":"etcdserver/server.go:860","msg":"server error","error":"the member has been permanently removed from the cluster"}'
  t.equal(diagnose(whole, removed, server)?.id, 'removed-member', 'as etcd itself says')
})

await t.test('a server that is not ready yet does not reset the patience of a cause', async (t) => {
  const learner =
    'level=info msg="Waiting for other members to finish joining etcd cluster: etcdserver: too many learner members in cluster"'
  const own =
    'level=info msg="Waiting to retrieve kube-proxy configuration; server is not ready: https://127.0.0.1:9345/v1-rke2/readyz: 503 Service Unavailable"'
  t.equal(diagnose([learner, own].join('\n'), '', at)?.id, 'too-many-learners')
})

await t.test('what the files of a node say about a power cut', async (t) => {
  const server = { node: nodeOf(lab) }
  const silent =
    'level=fatal msg="Error: starting kubernetes: failed to start cluster: context deadline exceeded"'
  const seen = (empty: string[], unborn = false, place: Place = server, journal = silent) =>
    diagnose(journal, '', { ...place, remains: { archives: [], unborn, empty } })
  const etcd = '12/fs/usr/local/bin/etcd'
  t.match(seen([etcd], true), {
    id: 'damaged-images',
    why: /\/usr\/local\/bin\/etcd is an empty file/,
    patience: 30,
  })
  t.match(
    hints(seen([etcd], true)),
    /killall[^]*rm -rf \S+server\/db \S+agent\/containerd \S+\.cache\.json/,
  )
  for (const place of [server, at]) {
    const fix = hints(seen([etcd], false, place))
    t.match(fix, /not tested[^]*killall[^]*rm -rf \S+agent\/containerd \S+\.cache\.json/)
    t.notMatch(fix, 'server/db', 'that of a server that was Ready stays')
  }
  const key = '/var/lib/rancher/rke2/agent/client-kubelet.key'
  t.match(seen([key], false, at), { id: 'damaged-keys', why: /client-kubelet\.key/, patience: 20 })
  t.notMatch(hints(seen([key], false, at)), 'node-password')
  const ofServer = '/var/lib/rancher/rke2/server/tls/client-admin.key'
  const damaged = seen([key, ofServer], true, server)
  t.match(damaged, { id: 'damaged-server-keys', why: /client-admin\.key/, patience: 20 })
  t.match(hints(damaged), /not tested/)
  const password = hints(seen(['/etc/rancher/node/password'], false, at))
  t.match(password, 'delete secret worker01.node-password.rke2', 'the cluster knows the old one')
  t.equal(seen([])?.id, 'etcd-silent')
  t.equal(seen([etcd], true, server, ''), undefined, 'an image may have an empty program')

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
      t.match(cause?.why, `the image ${image} is in none of the copied archives`)
      t.match(cause?.why, `it belongs to ${archive}`)
      t.match(hints(cause), `get ${archive} of the same release`)
    }
    t.equal(diagnose('', failed('library/nginx:1'), { ...at, remains }), undefined, "not RKE2's")
    t.equal(diagnose('', failed('rancher/mirrored-pause:3.6'), at)?.id, 'image-pull')
    for (const [words, id] of [
      ['http: server gave HTTP response to HTTPS client', 'registry-http'],
      [
        'tls: failed to verify certificate: x509: certificate signed by unknown authority',
        'registry-ca',
      ],
    ] as const) {
      const of = (image: string) => failed(image).replace('no route', words)
      t.equal(diagnose('', of('rancher/mirrored-pause:3.6'), { ...at, remains })?.id, id)
      t.equal(diagnose('', of('me/mine:1'), at), undefined, "a pod of the user's")
    }
    t.equal(diagnose('', failed('library/nginx:nope'), at), undefined, 'also without archives')
    const limited = (image: string) =>
      failed(image).replace('no route', '429 Too Many Requests - toomanyrequests: rate limit')
    t.equal(diagnose('', limited('rancher/mirrored-pause:3.6'), at)?.id, 'rate-limit')
    t.equal(diagnose('', limited('library/nginx:1'), at), undefined, "not RKE2's")
    const runtime =
      'level=fatal msg="failed to get runtime image index.docker.io/rancher/rke2-runtime:v1.35.0-rke2r1: all endpoints failed"'
    t.match(diagnose(runtime, '', { ...at, remains })?.why, `it belongs to ${main}`)
  },
)
