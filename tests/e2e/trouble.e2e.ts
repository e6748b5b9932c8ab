// NAT network, and trouble on real libvirt: an image without cloud-init, interruptions, two runs at once.
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { imageWithoutCloudInit } from './image.ts'
import { startRig } from './rig.ts'
import { workspace } from './workspace.ts'

const rig = await startRig()
t.teardown(() => rig.stop())
const { host } = rig
const before = await host.inventory()
const pool = '/var/lib/libvirt/images'

await t.test(
  'a machine behind NAT; create with a full disk, or killed anywhere, is finished by the next one; a snapshot goes with it',
  async (t) => {
    const work = workspace(
      host,
      rig.lab({
        name: 'nat',
        network: { nat: 'rke2-kvm-nat', cidr: '192.168.150.0/24', gateway: '192.168.150.1' },
        nodes: [{ name: 'natnode', role: 'server', address: '192.168.150.30' }],
      }),
    )
    t.teardown(() => work.remove())
    const killAt = async (mark: string) => {
      const child = host.spawn(work.command('create'), work.options)
      let said = ''
      child.stderr!.on('data', (data) => {
        said += data
        if (said.includes(mark)) host.signal(child, 'SIGKILL', { group: true })
      })
      await once(child, 'exit')
      t.match(said, mark, `killed at ${mark}`)
    }
    const rebooted = async (node: string) => {
      const bootOf = () => work.ssh(node, 'cat /proc/sys/kernel/random/boot_id').catch(() => '')
      const before = await bootOf()
      await work.ssh(node, 'sudo systemctl --no-block reboot')
      for (let now = ''; now === '' || now === before; now = await bootOf()) await setTimeout(2000)
      t.equal((await work.script('create')).exitCode, 0)
    }
    await host.run(['mount', '-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', pool])
    for (const mark of ['pool-define', 'net-start']) await killAt(mark)
    const full = await work.script('create')
    t.equal(full.exitCode, 1)
    t.match(full.stderr, /no space left/i, 'a full disk is named as the cause')
    t.match(full.stderr, 'try: df -h')
    await host.run(['mount', '-o', 'remount,size=4g', pool])
    for (const mark of [
      'vol-upload --pool rke2-kvm-lab base-',
      'disk.xml',
      'seed.iso',
      'define --validate .lab/nat/nodes',
    ])
      await killAt(mark)
    const first = host.spawn(work.command('create'), work.options)
    let said = ''
    first.stderr!.on('data', (data) => (said += data))
    while (!said.includes('Wait')) await once(first.stderr!, 'data')
    const second = await work.script('create')
    t.equal(second.exitCode, 1)
    t.match(second.stderr, 'another run is working on lab nat')
    const [code] = await once(first, 'exit')
    t.equal(code, 0, said)
    t.equal((await work.ssh('natnode', 'hostname')).trim(), 'natnode')
    await t.test(
      'booted with cgroup v1 it is refused by install-rke2, for that alone',
      async (t) => {
        await work.ssh(
          'natnode',
          'sudo sed -i "/^linux/s/$/ systemd.unified_cgroup_hierarchy=0/" /boot/grub/grub.cfg',
        )
        await rebooted('natnode')
        const { exitCode, stderr } = await work.script('install-rke2')
        t.equal(exitCode, 1)
        t.strictSame(stderr.match(/^✗.*/gm), [
          '✗ natnode: it uses cgroup v1; since Kubernetes 1.35 the kubelet refuses to start there',
        ])
        t.match(stderr, /try: ssh .*systemd\.unified_cgroup_hierarchy=1/)
        const printed = await work.script('install-rke2', '--dry-run')
        const ran = await host.exec(['bash'], { ...work.options, input: printed.stdout })
        t.not(ran.exitCode, 0)
        t.equal(ran.stderr, 'natnode: it lacks cgroup v2, which the kubelet needs\n')
      },
    )
    t.match(
      await host.run(['virsh', '-c', 'qemu:///system', 'net-list', '--autostart', '--name']),
      'rke2-kvm-nat',
    )
    for (const words of ['snapshot-create-as natnode one --disk-only', 'managedsave natnode'])
      await host.run(['virsh', '-c', 'qemu:///system', ...words.split(' ')])
    const leftovers = () => host.run(['find', '/var/lib/libvirt/qemu', '-name', '*natnode*'])
    t.match(await leftovers(), /save\/natnode/)
    const printed = await work.script('destroy', '--dry-run', '--images')
    t.match(printed.stdout, 'net-destroy rke2-kvm-nat')
    const ran = await host.exec(['bash'], { ...work.options, input: printed.stdout })
    t.equal(ran.exitCode, 0, ran.stderr)
    t.match((await work.script('destroy')).stderr, 'nothing to remove')
    t.equal(await leftovers(), '', 'neither snapshot nor saved memory')
    await host.run(['umount', pool])
    t.strictSame(await host.inventory(), before)
  },
)

await t.test(
  'an image without cloud-init is named as the cause, and Ctrl-C ends the wait with 130',
  async (t) => {
    const file = await imageWithoutCloudInit()
    const nodes = [{ name: 'mute', role: 'server', address: '192.168.1.77' }]
    const work = workspace(host, rig.lab({ name: 'mute', image: { file }, nodes }))
    t.teardown(() => work.remove())
    const child = host.spawn(work.command('create'), work.options)
    let said = ''
    child.stderr!.on('data', (data) => (said += data))
    while (!said.includes('no answer on its address')) await once(child.stderr!, 'data')
    host.signal(child, 'SIGINT')
    const [code] = await once(child, 'exit')
    t.equal(code, 130)
    t.match(said, 'interrupted: run the same command again to continue')
    const eject = await work.script('eject')
    t.equal(eject.exitCode, 1)
    t.match(eject.stderr, 'the seed stays in')
    const slow = await work.script('create', '--timeout', '120')
    t.equal(slow.exitCode, 1)
    t.match(slow.stderr, 'mute: not ready within 2 m 00 s')
    t.match(slow.stderr, 'never saw its seed', slow.stderr)
    t.equal((await work.script('destroy', '--yes', '--images')).exitCode, 0)
    t.strictSame(await host.inventory(), before)
  },
)
