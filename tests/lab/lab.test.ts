// A lab: its defaults, and what is derived from its names.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseLab, stableMac, stableUuid } from '../../lib/lab/lab.ts'
import { formatSize } from '../../lib/text/size.ts'
import { top } from '../helpers/fixtures.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'

await t.test('a small lab file gets defaults for everything else', async (t) => {
  const lab = makeLab()
  t.match(lab, {
    name: 'lab',
    libvirt: 'qemu:///system',
    domainType: 'auto',
    user: 'ubuntu',
    network: { nameservers: ['1.1.1.1', '8.8.8.8'] },
    rke2: { cni: 'canal', config: {}, images: false },
    dir: '.lab/lab',
    pool: { name: 'rke2-kvm-lab', path: '/var/lib/libvirt/images/rke2-kvm-lab' },
    warnings: [],
  })
  t.strictSame(nodeOf(lab, 'worker01'), {
    name: 'worker01',
    role: 'agent',
    address: '192.0.2.31',
    vcpus: 2,
    memory: 4 * 2 ** 30,
    disk: 40 * 2 ** 30,
    mac: stableMac('lab', 'worker01'),
    uuid: stableUuid('rke2-kvm-lab', 'domain', 'lab', 'worker01'),
    volume: 'lab-worker01.qcow2',
    seedVolume: 'lab-worker01-seed.iso',
    disks: [],
    networks: [],
    dir: '.lab/lab/nodes/worker01',
    sshConfig: '.lab/lab/ssh_config',
  })
})

await t.test('a node may differ from the defaults, and the defaults may be changed', async (t) => {
  const lab = makeLab((raw) => {
    raw.defaults = { vcpus: 4, memory: '2GiB' }
    Object.assign(raw.nodes[1]!, { memory: '512MiB', disk: '7G' })
  })
  const pick = ({ vcpus, memory, disk }: { vcpus: number; memory: number; disk: number }) => [
    vcpus,
    formatSize(memory),
    formatSize(disk),
  ]
  t.strictSame(lab.nodes.map(pick), [
    [4, '2 GiB', '40 GiB'],
    [4, '512 MiB', '7 GiB'],
    [4, '2 GiB', '40 GiB'],
  ])
})

await t.test('the pool may lie on another disk, and is the same pool', async (t) => {
  const { pool } = makeLab((raw) => (raw.pool = '/data/rke2-kvm-lab'))
  t.strictSame(pool, { ...makeLab().pool, path: '/data/rke2-kvm-lab' })
})

await t.test(
  "the project's lab files are valid, and called lab unless two are meant to live side by side",
  async (t) => {
    const files = ['lab.yaml', ...readdirSync(join(top, 'labs')).map((name) => join('labs', name))]
    const read = (file: string) => readFileSync(join(top, file), 'utf8')
    t.equal(read('lab.yaml'), read('labs/bridge.yaml'), 'the way back from a NAT network')
    const labs = files.map((file) => parseLab(read(file), file))
    t.strictSame(
      labs.flatMap(({ warnings }) => warnings),
      [],
    )
    const named = ['labs/ha.yaml', 'labs/two-hosts.yaml']
    const copied = files.filter((file) => !named.includes(file))
    for (const file of copied) {
      const lab = labs[files.indexOf(file)]
      t.strictSame([lab?.name, lab?.nodes[0]?.name], ['lab', 'kubemaster'], file)
    }
    const beside = [labs[0], labs[files.indexOf('labs/ha.yaml')]].flatMap((lab) => lab ?? [])
    t.equal(new Set(beside.map(({ name }) => name)).size, 2)
    const nodes = beside.flatMap((lab) => lab.nodes)
    for (const key of ['name', 'mac', 'address'] as const)
      t.equal(new Set(nodes.map((node) => node[key])).size, nodes.length, `no ${key} twice`)
    t.strictSame(
      labs[0]?.nodes.map(({ name, address }) => `${name} ${address}`),
      ['kubemaster 192.168.1.30', 'worker01 192.168.1.31', 'worker02 192.168.1.32'],
    )
  },
)

await t.test('MAC and UUIDs are the same on every run, and differ by lab and node', async (t) => {
  t.equal(stableMac('lab', 'kubemaster'), makeLab().nodes[0]?.mac)
  t.matchSnapshot(
    makeLab().nodes.map(({ name, mac, uuid }) => `${name} ${mac} ${uuid}`),
    'a change here would disown every existing machine',
  )
  const macs = ['a', 'b', 'c'].flatMap((lab) => ['a', 'b', 'c'].map((node) => stableMac(lab, node)))
  t.equal(new Set(macs).size, 9)
  t.ok(macs.every((mac) => /^52:54:00(:[0-9a-f]{2}){3}$/.test(mac)))
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  t.ok(
    Array.from({ length: 50 }, (_, index) => stableUuid(`${index}`)).every((one) => uuid.test(one)),
  )
  t.not(stableUuid('a-b', 'c'), stableUuid('a', 'b-c'))
})

await t.test(
  'lab a with node b-c and lab a-b with node c do not share a domain or a MAC',
  async (t) => {
    const one = makeLab((lab) => {
      lab.name = 'a'
      lab.nodes[0]!.name = 'b-c'
    }).nodes[0]!
    const other = makeLab((lab) => {
      lab.name = 'a-b'
      lab.nodes[0]!.name = 'c'
    }).nodes[0]!
    t.equal(one.volume, other.volume, 'their volumes have the same name: ownership decides')
    t.not(one.uuid, other.uuid)
    t.not(one.mac, other.mac)
  },
)
