// Which server leads, and which check fails if a node cannot be asked.
import t from 'tap'
import { SshError } from '../../lib/guest/ssh.ts'
import { findLeader } from '../../lib/rke2/cluster.ts'
import { reached, type Member } from '../../lib/rke2/service.ts'
import { LabError } from '../../lib/text/errors.ts'
import type { Node } from '../../lib/lab/lab.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'
import { kubeNode, member, noNetwork, refused, shortly } from '../helpers/plans.ts'

const lab = makeLab()
const [one, two] = [nodeOf(lab), nodeOf(lab, 'worker01')]
const trouble = new SshError(one, { kind: 'silent', state: 'no answer on its address yet' })
const silent: Member = { ...member(one), trouble }
const seconds = (date: string) => Date.parse(date) / 1000
const active = {
  service: 'active',
  started: seconds('2026-07-01T09:00:00Z'),
  now: seconds('2026-07-01T10:01:00Z'),
}

await t.test('the server that other nodes join', async (t) => {
  const ready = { ...active, nodes: [kubeNode('worker01')] }
  const withoutNetwork = { ...active, nodes: [kubeNode('kubemaster', false, noNetwork)] }
  const notReady = { ...active, nodes: [kubeNode('kubemaster', false), kubeNode('worker01')] }
  const cases: [what: string, servers: Member[], leader: string][] = [
    ['the first one that runs', [member(one), member(two, active)], 'worker01'],
    ['the first one of several', [member(one, active), member(two, active)], 'kubemaster'],
    [
      'one that is Ready before one that only runs',
      [member(one, notReady), member(two, ready)],
      'worker01',
    ],
    [
      'one that is Ready before one that only lacks a network',
      [member(one, withoutNetwork), member(two, ready)],
      'worker01',
    ],
    [
      'a Ready that was stored before its start does not count',
      [
        member(one, { ...active, started: active.now, nodes: [kubeNode('kubemaster')] }),
        member(two, ready),
      ],
      'worker01',
    ],
    [
      'one that is starting again, if none runs',
      [member(one, { service: 'inactive' }), member(two, { service: 'activating', hasRun: true })],
      'worker01',
    ],
    ['one that cannot be asked does not count', [silent, member(two, active)], 'worker01'],
  ]
  const bare = makeLab((raw) => (raw.rke2.cni = 'none'))
  const servers = [member(one, withoutNetwork), member(two, ready)]
  t.equal(findLeader(bare, servers).leader.name, 'kubemaster', 'with cni: none no node is Ready')
  for (const [what, servers, leader] of cases) {
    const found = findLeader(lab, servers)
    t.equal(found.leader.name, leader, what)
    t.strictSame(found.lacking, [], what)
  }
})

await t.test('while none runs, a check fails', async (t) => {
  const { leader, lacking } = findLeader(lab, [silent, member(two)])
  t.equal(leader.name, 'kubemaster')
  t.strictSame(shortly(lacking), ['? @kubemaster systemctl is-active --quiet rke2-server'])
  await t.rejects(Promise.all(lacking.map(({ holds }) => holds(() => {}))), {
    message: 'no server of this lab runs RKE2 yet',
    details: ['kubemaster: cannot be reached over SSH: no answer on its address yet'],
    hint: [{ script: 'install-rke2', words: [] }],
  })
})

await t.test('servers that are off must be started', async (t) => {
  const why = (off: Node[], unseen?: LabError) =>
    findLeader(lab, [silent, member(two)], { off, ...(unseen && { unseen }) })
      .lacking[0]?.holds(() => {})
      .catch((error: unknown) => error)
  t.match(await why([one]), {
    message: 'no server to join: kubemaster is off',
    hint: [{ script: 'start', words: ['kubemaster'] }, '# then run this again'],
  })
  t.match(await why([one, two]), { message: 'no server to join: kubemaster, worker01 are off' })
  t.match(await why([], new LabError('libvirt is down')), {
    message: 'no server of this lab runs RKE2 yet',
    details: [/no answer on its address yet/, 'libvirt is down'],
  })
})

await t.test('a node that cannot be asked fails a check', async (t) => {
  t.strictSame(shortly(reached(silent)), ['? @kubemaster true'])
  t.equal(await refused(reached(silent)), trouble.message)
  t.strictSame(reached(member(one)), [])
})
