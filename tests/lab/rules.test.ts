// Rules that look at more than one key of a lab file.
import t from 'tap'
import { cidrContains, cidrsOverlap } from '../../lib/lab/rules.ts'
import { makeLab, problemsOf } from '../helpers/labs.ts'

await t.test(
  "an address of RKE2's default networks may be used if RKE2 uses other networks",
  async (t) => {
    const found = problemsOf((lab) => {
      lab.network = { nat: 'n', cidr: '10.42.7.0/24', gateway: '10.42.7.1' }
      lab.nodes = [{ name: 'a', role: 'server', address: '10.42.7.2' }]
      lab.rke2.config = { 'cluster-cidr': '10.90.0.0/16' }
    })
    t.strictSame(found, [])
  },
)

await t.test('an even number of servers gives a warning, an odd one does not', async (t) => {
  const servers = (count: number) =>
    makeLab((lab) => lab.nodes.slice(0, count).forEach((node) => (node.role = 'server'))).warnings
  t.strictSame(servers(1), [])
  t.match(servers(2), [/^2 servers: .*no more failures than 1$/])
  t.strictSame(servers(3), [])
})

await t.test('a shared address that cannot move gives a warning', async (t) => {
  const shared = (count: number) =>
    makeLab((lab) => {
      lab.nodes.slice(0, count).forEach((node) => (node.role = 'server'))
      lab.rke2.vip = '192.0.2.29'
    }).warnings
  t.match(shared(1), [/^rke2\.vip cannot move: .* three servers, and this lab has 1$/])
  t.strictSame(shared(3), [])
})

await t.test('networks overlap if one contains the other', async (t) => {
  t.ok(cidrsOverlap('10.0.0.0/8', '10.42.0.0/16'))
  t.ok(cidrsOverlap('10.42.0.0/16', '10.0.0.0/8'))
  t.ok(cidrsOverlap('192.0.2.1/24', '192.0.2.200/24'))
  t.notOk(cidrsOverlap('192.0.2.0/25', '192.0.2.128/25'))
  t.ok(cidrContains('192.0.2.0/24', '192.0.2.255'))
  t.notOk(cidrContains('192.0.2.0/24', '192.0.3.0'))
})
