// Disks and network cards beside the first: their rules, and what is derived from them.
import t from 'tap'
import { makeLab, nodeOf, problemsOf, type RawLab } from '../helpers/labs.ts'

const mac = /^52:54:00(:[0-9a-f]{2}){3}$/

/** Gives nodes disks and cards. */
const extras =
  (...nodes: Record<string, unknown>[]) =>
  (lab: RawLab) =>
    nodes.forEach((more, index) => Object.assign(lab.nodes[index]!, more))

await t.test('each has its own volume or MAC, the same on every run', async (t) => {
  const change = extras({
    disks: [
      { name: 'data', size: '10GiB' },
      { name: 'log-1', size: '64MiB' },
    ],
    networks: [
      { name: 'storage', bridge: 'br1', address: '10.0.0.30/24' },
      { name: 'vms', network: 'isolated' },
    ],
  })
  const node = nodeOf(makeLab(change))
  t.strictSame(node.disks, [
    { name: 'data', volume: 'lab-kubemaster-data.qcow2', size: 10 * 2 ** 30 },
    { name: 'log-1', volume: 'lab-kubemaster-log-1.qcow2', size: 64 * 2 ** 20 },
  ])
  t.match(node.networks, [
    { name: 'storage', bridge: 'br1', address: '10.0.0.30/24', mac },
    { name: 'vms', network: 'isolated', mac },
  ])
  const macs = [node.mac, ...node.networks.map((card) => card.mac)]
  t.equal(new Set(macs).size, 3)
  t.strictSame(nodeOf(makeLab(change)).networks, node.networks)
})

const disk = (name: unknown, size = '1GiB') => ({ disks: [{ name, size }] })
const card = (more: object) => ({ networks: [{ name: 'storage', bridge: 'br1', ...more }] })
const address = (text: string) => card({ address: text })

type Row = [nodes: Record<string, unknown>[], reason: RegExp]
const wrong: Row[] = [
  [[disk('a'.repeat(21))], /disks\[0\]\.name: must be a-z, 0-9 and "-", at most 20 characters/],
  [[disk('Data')], /must be a-z/],
  [[disk('-a')], /must be a-z/],
  [[disk('a_b')], /must be a-z/],
  [[disk('data', '1MiB')], /at least 64MiB/],
  [[{ disks: [{ name: 'data' }] }], /disks\[0\]\.size/],
  ...['/', '/etc', '/usr/local', '/var', '/var/lib', '/srv/../etc', 'srv', '/a b', "/it's"].map(
    (mount): Row => [
      [{ disks: [{ name: 'data', size: '1GiB', mount }] }],
      /disks\[0\]\.mount: must be a folder for data/,
    ],
  ),
  [
    [{ disks: ['a', 'b'].map((name) => ({ name, size: '1GiB', mount: '/srv' })) }],
    /disks\[1\]\.mount: \/srv is already nodes\[0\]\.disks\[0\]/,
  ],
  [
    [{ disks: [...disk('data').disks, ...disk('data').disks] }],
    /nodes\[0\]\.disks\[1\]\.name: data is already nodes\[0\]\.disks\[0\]/,
  ],
  [
    [disk('b'), { name: 'kubemaster-b' }],
    /nodes\[0\]\.disks\[0\]\.name: its volume would be that of the node kubemaster-b/,
  ],
  [
    [disk('b-c'), { name: 'kubemaster-b', ...disk('c') }],
    /its volume would be that of nodes\[1\]\.disks\[0\]/,
  ],
  [[card({ network: 'x' })], /networks\[0\]: give either bridge or network/],
  [[{ networks: [{ name: 'storage' }] }], /give either bridge or network/],
  [[card({ bridge: 'a-very-long-bridge' })], /at most 15/],
  [[card({ name: 'eth1' })], /a name that the system gives/],
  [[card({ name: 'enp2s0' })], /a name that the system gives/],
  [[card({ name: 'cni0' })], /a name that the system gives/],
  [[card({ name: 'a-very-long-name' })], /at most 15/],
  [[card({ name: 'a.b' })], /must be a-z/],
  [[card({ gateway: '10.0.0.1' })], /gateway: unknown key/],
  [
    [{ networks: [...card({}).networks, ...card({}).networks] }],
    /networks\[1\]\.name: storage is already nodes\[0\]\.networks\[0\]/,
  ],
  [[address('10.0.0.30')], /must be an IPv4 address with its prefix/],
  [[address('fd00::1/64')], /must be an IPv4 address with its prefix/],
  [[address('192.0.2.77/28')], /192\.0\.2\.77\/28 overlaps network\.cidr 192\.0\.2\.0\/24/],
  [[address('10.42.3.1/24')], /overlaps RKE2's cluster-cidr 10\.42\.0\.0\/16/],
  [[address('10.43.3.1/24')], /overlaps RKE2's service-cidr/],
  [[address('10.0.0.0/24')], /is the first or the last address of its network/],
  [[address('10.0.0.255/24')], /is the first or the last/],
  [
    [address('10.0.0.3/24'), address('10.0.0.3/24')],
    /nodes\[1\]\.networks\[0\]\.address: 10\.0\.0\.3 is already that of nodes\[0\]\.networks\[0\]/,
  ],
  [
    [
      {
        networks: [
          { name: 'a', bridge: 'br1', address: '10.0.0.3/16' },
          { name: 'b', bridge: 'br2', address: '10.0.9.3/24' },
        ],
      },
    ],
    /10\.0\.9\.3\/24 overlaps nodes\[0\]\.networks\[0\] 10\.0\.0\.3\/16/,
  ],
]
await t.test('each broken rule is reported with its path and reason', async (t) => {
  for (const [nodes, reason] of wrong)
    t.match(problemsOf(extras(...nodes)).join('\n'), reason, JSON.stringify(nodes))
})

await t.test('the same names and addresses elsewhere are fine', async (t) => {
  const found = problemsOf((lab) => {
    extras(
      {
        disks: [{ name: 'data', size: '1GiB', mount: '/var/lib/data' }],
        ...address('10.0.0.3/24'),
      },
      { ...disk('data'), ...card({ bridge: 'br2', address: '10.0.0.3/24' }) },
      { ...disk('root'), ...card({ network: 'isolated', bridge: undefined }) },
    )(lab)
    lab.rke2.config = { 'cluster-cidr': '10.90.0.0/16' }
  })
  t.strictSame(found, [])
})
