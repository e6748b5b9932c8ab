// Disks and network cards beside the first: their rules, and what is derived from them.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { deviceOf, formatEmpty } from '../../lib/lab/extras.ts'
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
  ...[
    '/',
    '/etc',
    '/usr/local',
    '/var',
    '/var/lib',
    '/var/lib/cloud',
    '/var/lib/kubelet/pods/x',
    '/srv/../etc',
    'srv',
    '/a b',
    "/it's",
  ].map((mount): Row => [
    [{ disks: [{ name: 'data', size: '1GiB', mount }] }],
    /disks\[0\]\.mount: must be a folder for data/,
  ]),
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
  [
    [undefined, 'bigbox'].map((host) => ({ host, networks: [{ name: 'a', network: 'x' }] })),
    /nodes\[0\]\.networks\[0\]\.network: x ends at its host, and worker01 is on another one/,
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

const tools = ['wipefs', 'blkid', 'mkfs.ext4', 'mkswap']
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
const inShell = (text: string, cwd: string) => spawnSync('sh', ['-c', text], { cwd, env }).status
const lacking = tools.filter((tool) => inShell(`command -v ${tool}`, '.') !== 0)

await t.test(
  'only an empty disk is formatted',
  { skip: lacking.length > 0 && `without ${lacking.join()}` },
  (t) => {
    const folder = t.testdir()
    const disk = join(folder, 'disk')
    const format = () =>
      inShell(formatEmpty({ name: 'data' }).replaceAll(deviceOf({ name: 'data' }), disk), folder)
    t.not(format(), 0, 'a disk that is not there')
    const contents: [what: string, make: string][] = [
      ['a file system', 'mkfs.ext4 -q disk'],
      ['swap space', 'mkswap disk'],
      ['a partition table', String.raw`printf '\125\252' | dd of=disk bs=1 seek=510 conv=notrunc`],
      [
        'what is two things',
        String.raw`mkswap disk && printf '\123\357' | dd of=disk bs=1 seek=1080 conv=notrunc`,
      ],
    ]
    for (const [what, make] of contents) {
      t.equal(inShell(`rm -f disk && truncate -s 16M disk && { ${make}; } 2>&1`, folder), 0)
      const before = readFileSync(disk)
      t.not(format(), 0, what)
      t.ok(before.equals(readFileSync(disk)), `${what} is untouched`)
    }
    inShell('rm disk && truncate -s 16M disk', folder)
    t.equal(format(), 0, 'nothing')
    t.equal(inShell('test "$(blkid -p -s LABEL -o value disk)" = data', folder), 0)
    t.not(format(), 0, 'never twice')
    t.end()
  },
)
