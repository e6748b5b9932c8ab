// Whose the things on a host are.
import t from 'tap'
import {
  checkUnused,
  foreignDomain,
  networkTrouble,
  pair,
  poolTrouble,
  seedTag,
  whoseDomain,
  whoseNetwork,
  whosePool,
  whoseVolume,
  type Whose,
} from '../../lib/libvirt/ownership.ts'
import {
  base,
  domain,
  emptyHost,
  filesOf,
  hostWith,
  lab,
  ourNetwork,
  ourPool,
  poolPath,
  stranger,
  volumeOf,
} from '../helpers/hosts.ts'
import type { Lab } from '../../lib/lab/lab.ts'
import { emptyBase } from '../../lib/libvirt/storage-xml.ts'
import { makeLab, nodeOf, withExtras } from '../helpers/labs.ts'

const home = { lab: 'home', role: 'agent', address: '192.0.2.9' }
const node = nodeOf(lab)

await t.test('a domain is of the lab in its metadata, whatever its name is', async (t) => {
  t.equal(whoseDomain(lab, domain('anything')), 'ours')
  t.strictSame(whoseDomain(lab, { owner: home }), { lab: 'home' })
  t.equal(whoseDomain(lab, stranger('kubemaster')), 'foreign')
})

await t.test('a pool is ours by its uuid and its path', async (t) => {
  t.equal(whosePool(lab, ourPool), 'ours')
  t.equal(whosePool(lab, { ...ourPool, uuid: 'x' }), 'foreign')
  t.equal(whosePool(lab, { ...ourPool, path: '/data/vms/rke2-kvm-lab' }), 'moved')
  t.equal(whoseNetwork(lab, ourNetwork), 'ours')
  t.equal(whoseNetwork(lab, { uuid: 'x' }), 'foreign')
})

await t.test('whose a volume is', async (t) => {
  const [disk, seed] = [node.volume, node.seedVolume]
  const ours = domain('kubemaster', { files: filesOf(disk, seed) })
  const theirs = domain('other', { owner: home, files: filesOf(disk) })
  const small = { ...volumeOf(seed, ''), capacity: 100 }
  const grown = [volumeOf('top.qcow2', disk), volumeOf(disk)]
  const rows: [string, Whose, host: typeof emptyHost, volume: string, tag?: string][] = [
    ['it grows on a base image', 'ours', hostWith([], [disk]), disk],
    ['it does not', 'foreign', { ...hostWith([], [disk]), volumes: [volumeOf(disk, '')] }, disk],
    ['nothing is known of it', 'foreign', emptyHost, disk],
    ['our domain has it', 'ours', { ...emptyHost, domains: [ours] }, disk],
    ['our domain has it in the drive', 'ours', { ...emptyHost, domains: [ours] }, seed],
    ['another lab has it as well', { lab: 'home' }, hostWith([ours, theirs], [disk]), disk],
    [
      'what somebody uses grows on it',
      'foreign',
      {
        ...hostWith([stranger('x', { files: filesOf('top.qcow2') })], [disk]),
        volumes: grown,
      },
      disk,
    ],
    ['its tag says so', 'ours', emptyHost, seed, seedTag(lab, node)],
    ['its tag is of another node', 'foreign', emptyHost, seed, seedTag(lab, { name: 'worker01' })],
    ['its tag is of another lab', { lab: 'home' }, emptyHost, seed, 'rke2-kvm-lab:home/a'],
    ['it has no tag', 'foreign', emptyHost, seed],
    ['its upload was cut off', 'ours', { ...emptyHost, volumes: [small] }, seed],
  ]
  for (const [why, whose, host, volume, tag] of rows)
    t.strictSame(whoseVolume(lab, host, volume, 'kubemaster', tag), whose, why)
})

await t.test('each node is paired once with what it has', async (t) => {
  const files = filesOf('lab-kubemaster.qcow2')
  const host = hostWith(
    [domain('kubemaster', { files }), stranger('worker01'), domain('elsewhere')],
    ['lab-kubemaster.qcow2', 'lab-worker01.qcow2', 'lab-kubemaster-seed.iso', base],
  )
  host.volumes.push(volumeOf('lab-kubemaster-seed.iso', ''))
  const machines = pair(lab, host)
  t.strictSame(
    machines.map(({ node, domain, foreign, disk, seed }) => [
      node.name,
      domain?.name,
      foreign?.name,
      disk?.name,
      seed?.name,
    ]),
    [
      ['kubemaster', 'kubemaster', undefined, 'lab-kubemaster.qcow2', 'lab-kubemaster-seed.iso'],
      ['worker01', undefined, 'worker01', 'lab-worker01.qcow2', undefined],
      ['worker02', undefined, undefined, undefined, undefined],
    ],
  )
  const moved = pair(lab, { ...host, pool: { ...ourPool, path: '/data' } }, [node])
  t.match(moved, [{ domain: { name: 'kubemaster' } }])
  t.notOk(moved[0] && ('disk' in moved[0] || 'seed' in moved[0]), 'what is elsewhere is not it')
  const theirs = domain('x', { owner: home, files: filesOf('lab-kubemaster-seed.iso') })
  t.notOk(pair(lab, { ...host, domains: [theirs] }, [node])[0]?.seed)
})

await t.test('what is in the way is said with whose it is', async (t) => {
  t.match(foreignDomain(lab, stranger('kubemaster')).message, /belongs to something else$/)
  const theirs = domain('kubemaster', { owner: home })
  t.match(foreignDomain(lab, theirs).message, /belongs to lab home$/)

  t.equal(poolTrouble({ ...emptyHost, pool: ourPool }, lab), undefined)
  t.match(poolTrouble({ ...emptyHost, pool: { ...ourPool, uuid: 'x' } }, lab), {
    message: 'a storage pool called rke2-kvm-lab exists that these scripts did not make',
    details: [`its directory is ${poolPath}; it is left alone`],
  })
  const moved = { ...emptyHost, pool: { ...ourPool, path: '/data/vms/rke2-kvm-lab' } }
  t.match(poolTrouble(moved, lab), {
    message: `the storage pool rke2-kvm-lab is in /data/vms/rke2-kvm-lab, the lab file says ${poolPath}`,
    hint: [/pool: \/data\/vms\/rke2-kvm-lab$/, {}, /pool-edit rke2-kvm-lab/],
  })
  const renamed = { ...emptyHost, pool: { ...ourPool, path: '/data/disks' } }
  t.match(poolTrouble(renamed, lab)?.hint, [/^# if you moved it by hand: .*pool-edit/])
  const there = { ...lab, pool: { ...lab.pool, path: '/data/vms/rke2-kvm-lab' } }
  t.equal(poolTrouble(moved, there), undefined, 'once the lab file says so, it is ours again')
  t.equal(networkTrouble({ ...emptyHost, network: ourNetwork }, lab), undefined)
  t.match(networkTrouble({ ...emptyHost, network: { ...ourNetwork, uuid: 'x' } }, lab), {
    message: /^a libvirt network called .* that this lab did not make$/,
  })
  const user = stranger('thesis', { files: filesOf('lab-kubemaster.qcow2') })
  t.throws(() => checkUnused(lab, { ...emptyHost, domains: [user] }, 'lab-kubemaster.qcow2'), {
    message: 'the volume lab-kubemaster.qcow2 is used by thesis, which this lab did not make',
  })
})

await t.test('a further disk is ours by what it grows on, not by who has it', async (t) => {
  const own = makeLab(withExtras)
  const [made, byHand] = own.nodes[0]?.disks.map(({ volume }) => volume) ?? []
  const files = filesOf(node.volume, made ?? '', byHand ?? '')
  const host = hostWith([domain('kubemaster', { files })], [node.volume, made ?? '', byHand ?? ''])
  host.volumes = [
    volumeOf(node.volume),
    volumeOf(made ?? '', emptyBase(lab)),
    volumeOf(byHand ?? '', ''), // attached by virsh
  ]
  t.strictSame(
    pair(own, host)[0]?.more?.map(({ name }) => name),
    [made],
  )
  t.equal(whoseVolume(own, host, byHand ?? '', 'kubemaster'), 'foreign')
  const theirs = { ...host, domains: [stranger('x', { files })] }
  t.equal(whoseVolume(own, theirs, made ?? '', 'kubemaster'), 'foreign')
})

await t.test('a volume whose name fits two labs is of the one that made it', async (t) => {
  const labOf = (name: string, node: string, disk?: string) =>
    makeLab((raw) => {
      raw.name = name
      raw.nodes = raw.nodes.slice(0, 1)
      Object.assign(raw.nodes[0]!, {
        name: node,
        disks: disk ? [{ name: disk, size: '1GiB' }] : [],
      })
    })
  const rows: [volume: string, backing: string, whose: Lab, other: Lab][] = []
  const [one, two, root] = [
    labOf('lab', 'a', 'b-c'),
    labOf('lab-a', 'b', 'c'),
    labOf('lab-a-b', 'c'),
  ]
  for (const whose of [one, two])
    for (const other of [one, two, root])
      if (whose !== other) rows.push(['lab-a-b-c.qcow2', emptyBase(whose), whose, other])
  for (const other of [one, two]) rows.push(['lab-a-b-c.qcow2', base, root, other])
  for (const [volume, backing, whose, other] of rows) {
    const host = { ...hostWith([], [volume]), volumes: [volumeOf(volume, backing)] }
    const seen = (lab: Lab) => whoseVolume(lab, host, volume, lab.nodes[0]!.name)
    t.strictSame([seen(whose), seen(other)], ['ours', 'foreign'], `${whose.name}, ${other.name}`)
  }
})
