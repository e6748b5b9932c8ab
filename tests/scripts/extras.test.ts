// Further disks and network cards through create, resize, snapshot and destroy, as real processes on a stand-in host.
import t, { type Test } from 'tap'
import { emptyBase } from '../../lib/libvirt/storage-xml.ts'
import { FakeHost } from '../helpers/fake-host.ts'
import { killAfterEachCall } from '../helpers/kill.ts'
import type { RawLab } from '../helpers/labs.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, idle, statusOf, succeeds } from '../helpers/results.ts'

const gib = 2 ** 30
const changes = (calls: string[]) => calls.map((call) => call.replace(/^virsh -c \S+ /, ''))
const empty = emptyBase({ name: 'lab' })

/** One machine with these disks, and a card. */
const withDisks =
  (...sizes: string[]) =>
  (lab: RawLab) => {
    lab.nodes = lab.nodes.slice(0, 1)
    const disks = sizes.map((size, index) => ({ name: `data-${index}`, size }))
    const networks = [{ name: 'storage', bridge: 'br0', address: '10.0.0.30/24' }]
    Object.assign(lab.nodes[0]!, { disks, networks })
  }

const capacityOf = (host: FakeHost, volume: string) =>
  Number(/<capacity unit='bytes'>(\d+)/.exec(host.read(`volumes/${volume}/xml`))?.[1]) / gib
const serials = (host: FakeHost) =>
  [
    ...host
      .read('domains/kubemaster/config.xml')
      .matchAll(/dev='(vd.)' bus='virtio'\/>\s*<serial>(.*?)</g),
  ].map(([, dev, serial]) => `${dev} ${serial}`)

await t.test('made with the machine, kept by every later run, and removed with it', async (t) => {
  const host = new FakeHost(t, withDisks('10GiB', '64MiB'))
  const { changes: done } = await succeeds(t, host, 'create')
  t.strictSame(
    changes(done).filter((call) => /^vol-create --|^define|^start /.test(call)),
    [
      'vol-create --pool rke2-kvm-lab .lab/lab/base.xml',
      'vol-create --pool rke2-kvm-lab .lab/lab/empty.xml',
      'vol-create --pool rke2-kvm-lab .lab/lab/nodes/kubemaster/disk.xml',
      'vol-create --pool rke2-kvm-lab .lab/lab/nodes/kubemaster/disk-data-0.xml',
      'vol-create --pool rke2-kvm-lab .lab/lab/nodes/kubemaster/disk-data-1.xml',
      'define --validate .lab/lab/nodes/kubemaster/domain.xml',
      'start kubemaster',
    ],
  )
  t.equal(capacityOf(host, 'lab-kubemaster-data-0.qcow2'), 10)
  t.strictSame(serials(host), ['vdb data-0', 'vdc data-1'])
  t.match(
    host.read('domains/kubemaster/config.xml'),
    /<source bridge='br0'\/>[^]*<source bridge='br0'\/>/,
  )
  await idle(t, host, 'create', 'nothing to do: every machine is there and ready')
  t.match(await statusOf(t, host, 'kubemaster'), { nodes: [{ remark: undefined }] })

  const asked = await host.run('destroy', [], { input: 'n\n' })
  t.match(asked.stdout + asked.stderr, 'volume   lab-kubemaster-data-1.qcow2')
  await succeeds(t, host, 'destroy', '--yes')
  t.match(host.inventory().volumes, [empty, /^base-[0-9a-f]{16}\.qcow2$/])
  t.equal(host.inventory().volumes?.length, 2)
  await succeeds(t, host, 'destroy', '--yes', '--images')
  t.strictSame(host.inventory().pools, [])
})

await t.test(
  'what is missing on the host, and what someone else made, is said first',
  async (t) => {
    const host = new FakeHost(t, (lab) => {
      withDisks('10GiB')(lab)
      Object.assign(lab.nodes[0]!, {
        networks: [
          { name: 'one', bridge: 'br9' },
          { name: 'two', network: 'isolated' },
        ],
      })
    })
    const refused = await host.run('create')
    failed(t, refused, '2 problems were found')
    t.match(refused.stderr, 'there is no bridge br9, which a network card of the lab file')
    t.match(refused.stderr, 'there is no libvirt network isolated, which')
    host.writeLab(withDisks('10GiB'))
    await succeeds(t, host, 'create')
    await succeeds(t, host, 'destroy', '--yes')
    host.addVolume('lab-kubemaster-data-0.qcow2')
    const foreign = await host.run('create')
    failed(
      t,
      foreign,
      'a volume called lab-kubemaster-data-0.qcow2 exists that this lab did not make',
    )
    const { stderr } = await succeeds(t, host, 'destroy', '--yes')
    t.match(stderr, 'left alone: volume lab-kubemaster-data-0.qcow2: this lab did not make it')
  },
)

async function made(t: Test): Promise<FakeHost> {
  const host = new FakeHost(t, withDisks('10GiB'))
  await succeeds(t, host, 'create')
  await succeeds(t, host, 'eject')
  return host
}

await t.test('resize makes them larger and adds others; a snapshot has them too', async (t) => {
  const host = await made(t)
  await succeeds(t, host, 'snapshot', 'save', 'clean')
  await succeeds(t, host, 'start')
  host.writeLab(withDisks('20GiB'))
  const text = 'disk data-0 is 10 GiB, the lab file says 20 GiB; resize.ts changes it'
  t.match(await statusOf(t, host, 'kubemaster'), { nodes: [{ remark: text }] })
  const live = await succeeds(t, host, 'resize')
  const file = `/var/lib/libvirt/images/rke2-kvm-lab/lab-kubemaster-data-0.qcow2`
  t.strictSame(changes(live.changes), [`blockresize kubemaster ${file} ${20 * gib}B`])
  t.equal(capacityOf(host, 'lab-kubemaster-data-0.qcow2'), 20)

  host.writeLab(withDisks('30GiB', '5GiB'))
  t.match(await statusOf(t, host, 'kubemaster'), {
    nodes: [{ remark: /disk data-1 is only in the lab file; resize.ts adds it/ }],
  })
  const added = await succeeds(t, host, 'resize')
  t.strictSame(changes(added.changes), [
    'shutdown kubemaster',
    `vol-resize --pool rke2-kvm-lab lab-kubemaster-data-0.qcow2 ${30 * gib}B`,
    'vol-create --pool rke2-kvm-lab .lab/lab/nodes/kubemaster/disk-data-1.xml',
    'attach-device kubemaster .lab/lab/nodes/kubemaster/attach-data-1.xml --config',
    'start kubemaster',
  ])
  t.strictSame(serials(host), ['vdb data-0', 'vdc data-1'])
  await idle(t, host, 'resize', 'nothing to do: every machine has the sizes')

  await succeeds(t, host, 'snapshot', 'revert', 'clean', '--yes')
  t.strictSame(serials(host), ['vdb data-0'], 'as it was then')
  host.writeLab(withDisks('30GiB', '6GiB'))
  const { changes: again } = await succeeds(t, host, 'resize')
  t.match(
    changes(again),
    [
      'shutdown kubemaster',
      `vol-resize --pool rke2-kvm-lab lab-kubemaster-data-1.qcow2 ${6 * gib}B`,
      /^attach-device/,
      'start kubemaster',
    ],
    'with what is on it',
  )
  t.strictSame(serials(host), ['vdb data-0', 'vdc data-1'])
  await succeeds(t, host, 'destroy', '--yes', '--images')
  t.strictSame(host.inventory(), { domains: [], volumes: [], pools: [], networks: [] })
})

await t.test('a file system grows with its disk, also when a run was killed between', async (t) => {
  const mounted = (size: string) => (lab: RawLab) => {
    withDisks(size)(lab)
    Object.assign((lab.nodes[0]!.disks as object[])[0]!, { mount: '/var/lib/data' })
  }
  const host = new FakeHost(t, mounted('10GiB'))
  await succeeds(t, host, 'create')
  await succeeds(t, host, 'eject')
  const size = 'nodes/kubemaster/run/disk-data-0'
  host.put(size, String(10 * gib))
  await idle(t, host, 'resize', 'nothing to do: every machine has the sizes')
  host.writeLab(mounted('20GiB'))
  const file = '/var/lib/libvirt/images/rke2-kvm-lab/lab-kubemaster-data-0.qcow2'
  host.put('kill-after', `1\nvirsh -c qemu:///system blockresize kubemaster ${file} ${20 * gib}B`)
  t.equal((await host.run('resize')).code, null)
  t.equal(capacityOf(host, 'lab-kubemaster-data-0.qcow2'), 20)
  t.equal(Number(host.read(size)), 10 * gib)
  await succeeds(t, host, 'resize')
  t.equal(Number(host.read(size)), 20 * gib)
  await idle(t, host, 'resize', 'nothing to do: every machine has the sizes')
})

await t.test('a disk that a Ready node does not have mounted is said by each run', async (t) => {
  const host = new FakeHost(t, withDisks())
  for (const script of ['create', 'eject', 'install-rke2']) await succeeds(t, host, script)
  host.writeLab((lab) => {
    withDisks('10GiB')(lab)
    Object.assign((lab.nodes[0]!.disks as object[])[0]!, { mount: '/var/lib/data' })
  })
  for (const script of ['resize', 'resize', 'install-rke2']) {
    const { stderr } = await succeeds(t, host, script)
    t.match(stderr, 'kubemaster: its disk data-0 is not mounted on /var/lib/data', script)
    t.match(stderr, 'sudo mkfs.ext4 -q -L data-0 /dev/disk/by-id/virtio-data-0', script)
  }
  const { nodes } = await statusOf(t, host)
  t.match(nodes[0], { kubernetes: { ready: true }, remark: /^its disk data-0 is not mounted on / })
})

await t.test('what resize does not do is said before anything is changed', async (t) => {
  const host = await made(t)
  host.writeLab(withDisks('9GiB'))
  const smaller = await host.run('resize')
  failed(
    t,
    smaller,
    'kubemaster: its disk data-0 has 10 GiB, the lab file says 9 GiB; a disk cannot shrink',
  )
  t.match(smaller.stderr, 'put size: 10GiB back into the lab file')
  host.writeLab(withDisks('9000GiB'))
  failed(t, await host.run('resize'), /the disks would grow by/)
  host.addVolume('lab-kubemaster-data-1.qcow2')
  host.writeLab(withDisks('10GiB', '5GiB'))
  const taken = await host.run('resize')
  failed(t, taken, /kubemaster: a volume called lab-kubemaster-data-1\.qcow2 exists that this lab/)
  t.strictSame(taken.changes, [])
  host.forget('volumes/lab-kubemaster-data-1.qcow2')
  host.writeLab((lab) => {
    withDisks()(lab)
    Object.assign(lab.nodes[0]!, { networks: [{ name: 'other', bridge: 'br0' }] })
  })
  t.match(await statusOf(t, host, 'kubemaster'), {
    nodes: [
      {
        remark:
          /the lab file lacks its disk lab-kubemaster-data-0\.qcow2; an existing machine is not changed.*card other is only in the lab file; an existing/,
      },
    ],
  })
  await succeeds(t, host, 'destroy', '--yes')
  t.notMatch(host.inventory().volumes?.join(' '), 'data-0', 'it went with its machine')
})

await t.test('killed at any time, the next run finishes', async (t) => {
  await t.test('create', async (t) => {
    const host = new FakeHost(t, withDisks('10GiB'))
    host.save()
    const { changes: calls } = await succeeds(t, host, 'create')
    const whole = { ...host.inventory(), disks: serials(host) }
    const points = calls.filter((call) => / (vol-create --|define --|start kube)/.test(call))
    t.ok(points.length > 5)
    for (const after of points) {
      host.restore()
      host.put('kill-after', `1\n${after}`)
      t.equal((await host.run('create')).code, null, `killed after ${after}`)
      await succeeds(t, host, 'create')
      t.strictSame({ ...host.inventory(), disks: serials(host) }, whole)
    }
  })
  await t.test('resize', (t) =>
    killAfterEachCall(
      t,
      'resize',
      async (t) => {
        const host = await made(t)
        host.writeLab((lab) => {
          withDisks('10GiB', '5GiB')(lab)
          lab.nodes[0]!.disk = '50GiB'
        })
        return host
      },
      { least: 3 },
    ),
  )
  await t.test('destroy', (t) =>
    killAfterEachCall(t, 'destroy', (t) => made(t), {
      words: ['--yes', '--images'],
      only: /undefine|vol-delete/,
      least: 3,
    }),
  )
})

await t.test('--dry-run, run by bash, does the same', async (t) => {
  const host = new FakeHost(t, withDisks('10GiB'))
  host.save()
  const script = await printed(t, host, 'create')
  await succeeds(t, host, 'create')
  const volumes = host.inventory().volumes
  host.restore()
  runByBash(t, host, script)
  t.strictSame(host.inventory().volumes, volumes)
  t.strictSame(serials(host), ['vdb data-0'])
  host.writeLab(withDisks('20GiB', '5GiB'))
  await succeeds(t, host, 'stop')
  runByBash(t, host, await printed(t, host, 'resize'))
  t.strictSame(serials(host), ['vdb data-0', 'vdc data-1'])
  t.equal(capacityOf(host, 'lab-kubemaster-data-0.qcow2'), 20)
})
