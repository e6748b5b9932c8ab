// Networks and addresses that are proposed.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { freeNetwork, movedTo, proposals } from '../../lib/doctor/free.ts'
import { parseLab } from '../../lib/lab/lab.ts'
import { hereWith } from '../helpers/facts.ts'
import { address, ips } from '../helpers/ip.ts'
import { makeLab, nat } from '../helpers/labs.ts'

await t.test('a network that neither an interface nor a route leads to', async (t) => {
  const free = (networks: string[], routes: string[], lab = makeLab(nat)) =>
    freeNetwork(
      lab,
      hereWith({
        interfaces: ips(...networks.map((network, index) => address(`eth${index}`, network))),
        routes: JSON.stringify(routes.map((dst) => ({ dst, dev: 'tun0' }))),
      }),
    )
  t.equal(free([], []), '192.168.150.0/24')
  t.equal(free(['192.168.150.1/24'], ['192.168.151.0/24', 'default']), '192.168.152.0/24')
  t.equal(free([], ['192.168.0.0/16']), '172.16.150.0/24')
  t.equal(free(['192.168.1.5/16'], ['172.16.0.0/12', '0.0.0.0/1']), '10.150.150.0/24')
  t.equal(free([], ['192.168.0.0/16', '172.16.0.0/12', '10.0.0.0/8']), undefined)
  const own = makeLab((lab) => {
    nat(lab)
    lab.network = { nat: 'nat', cidr: '192.168.150.0/24', gateway: '192.168.150.1' }
    lab.nodes.forEach((node, index) => (node.address = `192.168.150.${30 + index}`))
  })
  t.equal(free([], [], own), '192.168.151.0/24', 'another than that of the lab')
  const known = freeNetwork(own, hereWith({}, 'interfaces', 'routes'))
  t.equal(known, '192.168.151.0/24', 'what could not be looked at excludes nothing')
})

await t.test('addresses at the same place where they are free', async (t) => {
  const lab = makeLab()
  const here = hereWith({
    interfaces: ips(address('br0', '198.51.100.31/25', 'bridge')),
    neighbours: JSON.stringify([
      { dst: '198.51.100.30', lladdr: '02:00:00:00:00:01', state: ['STALE'] },
      { dst: '198.51.100.32', state: ['FAILED'] },
    ]),
  })
  const propose = (cidr: string, gateway: string) =>
    proposals(lab, here).network({ cidr, gateway }).slice(1)
  t.strictSame(propose('198.51.100.0/25', '198.51.100.1'), [
    '#   bridge: br0',
    '#   cidr: 198.51.100.0/25',
    '#   gateway: 198.51.100.1',
    '# and give the nodes free addresses there, perhaps kubemaster 198.51.100.32, worker01 198.51.100.33, worker02 198.51.100.34',
  ])
  t.match(
    propose('198.51.100.8/30', '198.51.100.9').at(-1),
    /kubemaster 198\.51\.100\.10, worker01 \(none\), worker02 \(none\)$/,
  )
  t.match(
    propose('203.0.112.0/22', '203.0.112.1').at(-1),
    /kubemaster 203\.0\.112\.30, worker01 203\.0\.112\.31,/,
  )
  const full = hereWith({
    routes: JSON.stringify(
      ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((dst) => ({ dst, dev: 'tun0' })),
    ),
  })
  t.match(proposals(lab, full).network(), [/^# every usual private network is in use/])
})

await t.test('a lab file as it is shipped moves to another network', async (t) => {
  const text = readFileSync('labs/nat.yaml', 'utf8')
  const lab = parseLab(text, 'labs/nat.yaml')
  const moved = movedTo('172.16.150.0/24', text, lab)
  const { network, nodes } = parseLab(moved?.text ?? '', 'moved')
  t.match(network, { cidr: '172.16.150.0/24', gateway: '172.16.150.1' })
  t.match(nodes.at(-1), { address: '172.16.150.32' })
  const bySed = execFileSync('sed', [moved?.sed ?? '', 'labs/nat.yaml'], { encoding: 'utf8' })
  t.equal(bySed, moved?.text)
  const wide = makeLab((raw) => (raw.network.cidr = '192.0.2.0/25'))
  t.equal(movedTo('172.16.150.0/24', '', wide), undefined, 'a network of another size')
})
