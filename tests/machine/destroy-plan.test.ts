// What destroy removes, and what it leaves alone.
import t from 'tap'
import { hostsOf } from '../../lib/lab/hosts.ts'
import { destroyPlan, isNothing, planText } from '../../lib/machine/destroy-plan.ts'
import { LabError } from '../../lib/text/errors.ts'
import type { Node } from '../../lib/lab/lab.ts'
import type { Host } from '../../lib/libvirt/host.ts'
import { emptyBase } from '../../lib/libvirt/storage-xml.ts'
import { seedTag } from '../../lib/libvirt/ownership.ts'
import {
  base,
  domain,
  emptyHost,
  filesOf,
  hostWith,
  lab,
  ourNetwork,
  ourPool,
  stranger,
  volumeOf,
} from '../helpers/hosts.ts'
import { makeLab, nodeOf, withExtras } from '../helpers/labs.ts'

const noTags = new Map<string, string>()
const tags = new Map(lab.nodes.map((node) => [node.seedVolume, seedTag(lab, node)]))

await t.test('destroy removes all of the lab, and keeps the base image', async (t) => {
  const volumes = ['lab-kubemaster.qcow2', 'lab-kubemaster-seed.iso', 'lab-worker01.qcow2', base]
  const host = hostWith([domain('kubemaster'), stranger('elsewhere')], volumes)
  const plan = destroyPlan(lab, [], host, tags, false)
  t.strictSame(
    plan.domains.map(({ name }) => name),
    ['kubemaster'],
  )
  t.strictSame(plan.volumes, volumes.slice(0, 3))
  t.match(plan, { images: [], pool: false, networks: [], leftAlone: [] })
  t.notOk(isNothing(plan))
  t.match(planText(lab, plan, { files: ['.lab/lab'] }), [
    'domain   kubemaster (shut off)',
    /^volume/,
  ])
  const withImages = destroyPlan(lab, [], host, tags, true)
  t.match(withImages, { images: [base], pool: true })
})

await t.test('a base image that another lab uses is kept, and so is the pool', async (t) => {
  const host = hostWith([domain('kubemaster')], ['lab-kubemaster.qcow2', 'home-a.qcow2', base])
  t.match(destroyPlan(lab, [], host, tags, true), { images: [], pool: false })
})

await t.test('decoys with names like ours are left alone and reported', async (t) => {
  const volumes = [
    'lab-kubemaster.qcow2', // used by a domain of another owner
    'lab-worker01.qcow2', // not based on an image of ours
    'lab-worker01-seed.iso', // without our tag
    'lab-gone.qcow2', // of an unknown node
  ]
  const host = {
    ...hostWith(
      [stranger('kubemaster', { files: filesOf('lab-kubemaster.qcow2') }), domain('worker02')],
      volumes,
    ),
    network: { ...ourNetwork, uuid: 'x' },
  }
  host.volumes = [volumeOf('lab-kubemaster.qcow2'), volumeOf('lab-worker01.qcow2', '')]
  const plan = destroyPlan(lab, [], host, noTags, true)
  t.match(plan, { volumes: [], images: [], networks: [], pool: false })
  t.strictSame(
    plan.domains.map(({ name }) => name),
    ['worker02'],
  )
  t.notOk(plan.names.includes('kubemaster'), 'nor are its logs touched')
  t.match(plan.leftAlone, [
    'domain kubemaster: someone else made it',
    'volume lab-kubemaster.qcow2: a domain that this lab did not make uses it',
    'volume lab-worker01.qcow2: this lab did not make it',
    'volume lab-worker01-seed.iso: this lab did not make it',
    /^network .*: this lab did not make it$/,
    'volume lab-gone.qcow2: no node of the lab file and no domain uses it',
  ])
})

await t.test('a pool that is not ours is not looked into', async (t) => {
  const host = { ...hostWith([domain('kubemaster')], ['lab-kubemaster.qcow2', base]) }
  host.pool = { ...ourPool, uuid: 'x' }
  const plan = destroyPlan(lab, [], host, tags, true)
  t.match(plan, { volumes: [], images: [], pool: false })
  t.strictSame(plan.leftAlone, ['pool rke2-kvm-lab: these scripts did not make it'])
})

await t.test('lab a with node b-c does not remove the disk of lab a-b with node c', async (t) => {
  const one = makeLab((raw) => {
    raw.name = 'a'
    raw.nodes[0]!.name = 'b-c'
  })
  const owner = { lab: 'a-b', role: 'server', address: '192.0.2.30' }
  const other = domain('c', { owner, files: filesOf('a-b-c.qcow2', 'a-b-c-seed.iso') })
  const host = hostWith([other], ['a-b-c.qcow2', 'a-b-c-seed.iso', base])
  const plan = destroyPlan(one, [], host, noTags, false)
  t.match(plan, { domains: [], volumes: [] })
  t.match(
    plan.leftAlone.join('\n'),
    'volume a-b-c.qcow2: a domain that this lab did not make uses it',
  )
})

await t.test('what a killed run left of a machine on its former host goes, too', async (t) => {
  const all = makeLab((raw) => {
    raw.hosts = { bigbox: { libvirt: 'qemu+ssh://me@bigbox/system' } }
    raw.nodes[1]!.host = 'bigbox'
  })
  const here = hostsOf(all)[0]!
  const host = hostWith([], ['lab-worker01.qcow2', 'lab-worker01-seed.iso'])
  const seeds = new Map([['lab-worker01-seed.iso', seedTag(all, { name: 'worker01' })]])
  for (const named of [[], [nodeOf(all, 'worker01')]])
    t.match(destroyPlan(here, named, host, seeds, false), {
      volumes: ['lab-worker01.qcow2', 'lab-worker01-seed.iso'],
      leftAlone: [],
    })
  t.notOk(destroyPlan(here, [], hostWith([], []), noTags, false).names.includes('worker01'))
})

await t.test('nodes by name: only theirs, and neither network nor pool', async (t) => {
  const host = {
    ...hostWith(
      [domain('worker01'), domain('worker02')],
      ['lab-worker01.qcow2', 'lab-worker02.qcow2'],
    ),
    network: ourNetwork,
    formerNetworks: [{ name: 'former', active: false }],
  }
  t.match(destroyPlan(lab, [nodeOf(lab, 'worker01')], host, tags, true), {
    domains: [{ name: 'worker01' }],
    volumes: ['lab-worker01.qcow2'],
    names: ['worker01'],
    networks: [],
    pool: false,
    images: [],
  })
})

await t.test('snapshot disks of a domain of ours are removed with it, no others', async (t) => {
  const chain = ['lab-kubemaster.qcow2', 'lab-kubemaster.snap1', 'lab-kubemaster.snap2']
  const others = ['thesis.qcow2', 'lab-kubemaster-2.qcow2', 'lab-kubemaster.old']
  const files = filesOf('lab-kubemaster.snap2', ...others.slice(0, 2))
  const host = {
    ...hostWith([domain('kubemaster', { files })], [...chain, ...others, base]),
    volumes: [
      volumeOf('lab-kubemaster.snap2', 'lab-kubemaster.snap1'),
      volumeOf('lab-kubemaster.snap1', 'lab-kubemaster.qcow2'),
      volumeOf('lab-kubemaster.qcow2'),
    ],
  }
  const plan = destroyPlan(lab, [], host, noTags, true)
  t.strictSame(plan.volumes, chain.toReversed(), 'overlays before their backing files')
  const cutOff = destroyPlan(lab, [], { ...host, domains: [] }, noTags, true)
  t.strictSame(cutOff.volumes, plan.volumes, 'also when the domain is gone already')
  const volumes = [...host.volumes.slice(0, 2), volumeOf('lab-kubemaster.qcow2', '')]
  const foreign = destroyPlan(lab, [], { ...host, domains: [], volumes }, noTags, true)
  t.strictSame(foreign.volumes, [], 'but not an overlay of a disk that the lab did not make')
  t.match(plan, { images: [base], pool: false })
  t.strictSame(plan.leftAlone, [
    'volume thesis.qcow2: kubemaster uses it, but this lab did not make it',
    'volume lab-kubemaster-2.qcow2: kubemaster uses it, but this lab did not make it',
    'volume lab-kubemaster.old: no node of the lab file and no domain uses it',
  ])
})

await t.test('a disk of ours that a foreign domain uses too is kept', async (t) => {
  const files = filesOf('lab-kubemaster.qcow2', 'lab-kubemaster.snap1')
  const volumes = ['lab-kubemaster.qcow2', 'lab-kubemaster.snap1', base]
  const twin = stranger('twin', { files: [...files, ...filesOf(base)] })
  const host = hostWith([domain('kubemaster', { files }), twin], volumes)
  const plan = destroyPlan(lab, [], host, noTags, true)
  t.match(plan, { domains: [{ name: 'kubemaster' }], volumes: [], images: [], pool: false })
  t.match(plan.leftAlone, [
    'volume lab-kubemaster.qcow2: a domain that this lab did not make uses it',
  ])
})

await t.test('so is one that backs a disk of another owner', async (t) => {
  const twin = stranger('twin', { files: filesOf('twin.qcow2') })
  const host = {
    ...hostWith([domain('kubemaster'), twin], ['lab-kubemaster.qcow2', 'twin.qcow2', base]),
    volumes: [volumeOf('lab-kubemaster.qcow2'), volumeOf('twin.qcow2', 'lab-kubemaster.qcow2')],
  }
  const plan = destroyPlan(lab, [], host, noTags, true)
  t.match(plan, { volumes: [], images: [], pool: false })
  t.match(plan.leftAlone, [
    'volume lab-kubemaster.qcow2: a domain that this lab did not make uses it',
  ])
})

await t.test('a node that was removed from the lab file is still ours', async (t) => {
  const old = domain('worker09', { files: filesOf('lab-worker09.qcow2') })
  const host = hostWith([old], ['lab-worker09.qcow2', base])
  t.match(destroyPlan(lab, [], host, noTags, false), {
    domains: [{ name: 'worker09' }],
    volumes: ['lab-worker09.qcow2'],
  })
})

await t.test('nothing is removed while not all of it can be seen', async (t) => {
  const host = hostWith([domain('kubemaster')], ['lab-kubemaster.qcow2'])
  const error = new LabError('the storage daemon of libvirt is off', { hint: 'start it' })
  const plan = (more: Partial<Host>, nodes: Node[] = []) =>
    destroyPlan(lab, nodes, { ...host, ...more }, noTags, false)
  const storage = { unseen: [{ what: 'storage' as const, error }] }
  const networks = { unseen: [{ what: 'networks' as const, error }] }
  const expected = {
    message: /^not all of the lab can be seen, so nothing is removed: the storage daemon/,
    hint: ['start it'],
  }
  t.throws(() => plan(storage), expected)
  t.throws(() => plan(storage, [nodeOf(lab)]), expected)
  t.throws(() => plan(networks), expected)
  t.match(plan(networks, [nodeOf(lab)]).volumes, ['lab-kubemaster.qcow2'], 'a node has no network')
  t.throws(() => plan({ pool: { ...ourPool, path: '/data' } }), {
    message: /nothing is removed: the storage pool rke2-kvm-lab is in \/data, the lab file says/,
  })
  t.throws(() => plan({ pool: { ...ourPool, active: false } }), {
    message: /nothing is removed: the storage pool rke2-kvm-lab is off$/,
    hint: ['virsh -c qemu:///system pool-start rke2-kvm-lab'],
  })
})

await t.test('nothing there: nothing to remove', async (t) => {
  t.ok(isNothing(destroyPlan(lab, [], emptyHost, noTags, true)))
  t.ok(
    isNothing(
      destroyPlan(lab, [], { ...emptyHost, pool: ourPool, volumeNames: [base] }, noTags, false),
    ),
  )
})

await t.test(
  'further disks go with their machine, also when the lab file lacks them by now',
  async (t) => {
    const volumes = ['lab-kubemaster.qcow2', 'lab-kubemaster-data.qcow2', 'lab-kubemaster-x.qcow2']
    const host = hostWith(
      [domain('kubemaster', { files: filesOf(...volumes) })],
      [...volumes, emptyBase(lab)],
    )
    host.volumes = [
      volumeOf('lab-kubemaster.qcow2'),
      volumeOf('lab-kubemaster-data.qcow2', emptyBase(lab)),
      volumeOf('lab-kubemaster-x.qcow2', ''), // made and attached by hand
    ]
    const left = ['volume lab-kubemaster-x.qcow2: kubemaster uses it, but this lab did not make it']
    for (const own of [lab, makeLab(withExtras)])
      t.match(destroyPlan(own, [], host, tags, true), {
        volumes: volumes.slice(0, 2),
        images: [emptyBase(lab)],
        leftAlone: left,
      })
    const cut = { ...host, domains: [] } // an interrupted removal
    t.match(destroyPlan(makeLab(withExtras), [], cut, tags, true), { volumes: volumes.slice(0, 2) })
    t.match(
      destroyPlan(lab, [], cut, tags, true).leftAlone.join(),
      'lab-kubemaster-data.qcow2: no node',
    )
  },
)

await t.test('a snapshot of a further disk that the lab did not make is left alone', async (t) => {
  const [disk, before] = ['lab-kubemaster-data.qcow2', 'lab-kubemaster-data.before']
  const host = hostWith(
    [domain('kubemaster', { files: filesOf('lab-kubemaster.qcow2', before) })],
    ['lab-kubemaster.qcow2', disk, before],
  )
  const plan = (backing: string) => {
    host.volumes = [
      volumeOf('lab-kubemaster.qcow2'),
      volumeOf(disk, backing),
      volumeOf(before, disk),
    ]
    return destroyPlan(makeLab(withExtras), [], host, tags, true)
  }
  const byHand = plan('')
  t.strictSame(byHand.volumes, ['lab-kubemaster.qcow2'])
  t.match(byHand.leftAlone, [
    `volume ${disk}: this lab did not make it`,
    `volume ${before}: kubemaster uses it, but this lab did not make it`,
  ])
  t.strictSame(plan(emptyBase(lab)).volumes, [before, 'lab-kubemaster.qcow2', disk])
})
