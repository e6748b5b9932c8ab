// The cause of a failure, from RKE2's journal.
import t from 'tap'
import { diagnose, isDue, lastMessage, sighting, type Sighting } from '../../lib/rke2/journal.ts'
import { hintText } from '../../lib/text/errors.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'

const lab = makeLab()
const at = { node: nodeOf(lab, 'worker01'), server: nodeOf(lab) }

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
]

await t.test('every known cause is named, with its fix', async (t) => {
  for (const [id, line] of journals) {
    const cause = diagnose(`level=info msg="Starting"\n${line}\n`, at)
    t.equal(cause?.id, id, line)
    const fix = cause?.fix.map((hint) => hintText(hint, '')) ?? []
    t.ok(fix.length > 0 && fix.every((command) => !command.includes('undefined')))
  }
  t.equal(diagnose('level=info msg="Waiting for API server to become available"', at), undefined)
  t.equal(
    diagnose('level=error msg="server is not ready: Node password rejected"', at)?.id,
    'node-password',
  )
  t.equal(lastMessage('a\ntime="x" level=info msg="say \\"hi\\""\n'), 'say "hi"')
  t.equal(lastMessage(''), '')
})

await t.test('only the current cause counts, and only after its patience', (t) => {
  const named = (...lines: string[]) => diagnose(lines.join('\n'), at)
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
