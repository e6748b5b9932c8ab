// Which server leads, and which check fails if a node cannot be asked.
import t from 'tap'
import { SshError } from '../../lib/guest/ssh.ts'
import { findLeader } from '../../lib/rke2/cluster.ts'
import { reached, type Member } from '../../lib/rke2/service.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'
import { kubeNode, member, refused, shortly } from '../helpers/plans.ts'

const lab = makeLab()
const [one, two] = [nodeOf(lab), nodeOf(lab, 'worker01')]
const trouble = new SshError(one, { kind: 'silent', state: 'no answer on its address yet' })
const silent: Member = { ...member(one), trouble }
const active = { service: 'active' }

await t.test('the server that other nodes join', async (t) => {
  const ready = { ...active, nodes: [kubeNode('worker01')] }
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
      'one that is starting again, if none runs',
      [member(one, { service: 'inactive' }), member(two, { service: 'activating', hasRun: true })],
      'worker01',
    ],
    ['one that cannot be asked does not count', [silent, member(two, active)], 'worker01'],
  ]
  for (const [what, servers, leader] of cases) {
    const found = findLeader(servers)
    t.equal(found.leader.name, leader, what)
    t.strictSame(found.lacking, [], what)
  }
})

await t.test('while none runs, a check fails', async (t) => {
  const { leader, lacking } = findLeader([silent, member(two)])
  t.equal(leader.name, 'kubemaster')
  t.strictSame(shortly(lacking), ['? @kubemaster systemctl is-active rke2-server >/dev/null'])
  await t.rejects(Promise.all(lacking.map(({ holds }) => holds(() => {}))), {
    message: 'no server of this lab runs RKE2 yet',
    details: ['kubemaster: cannot be reached over SSH: no answer on its address yet'],
    hint: [{ script: 'install-rke2', words: [] }],
  })
})

await t.test('a node that cannot be asked fails a check', async (t) => {
  t.strictSame(shortly(reached(silent)), ['? @kubemaster true'])
  t.equal(await refused(reached(silent)), trouble.message)
  t.strictSame(reached(member(one)), [])
})
