// The address that the servers share: whether someone else has it.
import t from 'tap'
import { proposals } from '../../lib/doctor/free.ts'
import { findAll } from '../../lib/doctor/all-checks.ts'
import { checkVip } from '../../lib/doctor/vip.ts'
import { factsWith, hereWith } from '../helpers/facts.ts'
import { address, ips } from '../helpers/ip.ts'
import type { RawLab } from '../helpers/labs.ts'

const vip = '192.0.2.29'
const shared = (lab: RawLab) => {
  lab.rke2.vip = vip
}
const neighbour = (lladdr: string, state: string) =>
  JSON.stringify([{ dst: vip, lladdr, state: [state] }])

await t.test('nobody, a server of the lab, an agent, or another machine has it', async (t) => {
  t.strictSame(checkVip(factsWith()), [])
  const facts = factsWith({}, shared)
  const [own, agent] = ['server', 'agent'].map(
    (wanted) => facts.lab.nodes.find(({ role }) => role === wanted)?.mac ?? '',
  ) as [string, string]
  const other = '02:00:00:00:00:01'
  const cases: [neighbours: string, level: string, found: string][] = [
    ['[]', 'ok', `nobody answers on rke2.vip ${vip}`],
    [neighbour(own, 'REACHABLE'), 'ok', `rke2.vip ${vip} is held by kubemaster`],
    [neighbour(agent, 'STALE'), 'ok', `nobody answers on rke2.vip ${vip}`],
    [
      neighbour(agent, 'REACHABLE'),
      'failure',
      `rke2.vip: the agent worker01 answers on ${vip} (MAC ${agent})`,
    ],
    [neighbour(other, 'STALE'), 'ok', `nobody answers on rke2.vip ${vip}`],
    [
      neighbour(other, 'REACHABLE'),
      'failure',
      `rke2.vip: something else answers on ${vip} (MAC ${other})`,
    ],
  ]
  for (const [neighbours, level, found] of cases) {
    const here = hereWith({ neighbours })
    const propose = proposals(facts.lab, here)
    const [finding] = checkVip({ ...facts, here, propose })
    t.match(finding, { level, found })
    if (level === 'failure') t.match(finding?.fix, [/perhaps 192\.0\.2\.33$/])
  }
  const here = hereWith({ interfaces: ips(address('br0', `${vip}/24`, 'bridge')) })
  t.match(checkVip({ ...facts, here }), [{ level: 'failure', found: /this host has .* on br0$/ }])
})

await t.test('where nobody can look, the other addresses are judged all the same', async (t) => {
  const facts = factsWith({ here: hereWith({}, 'neighbours') }, shared)
  const found = findAll(facts).filter(({ check }) => check === 'addresses')
  t.match(found.at(-1), { level: 'warning', found: /not checked/ })
})
