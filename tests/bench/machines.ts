// The machine phases on real libvirt in a stand-in host. The guests are emulated and not waited for.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startHost } from '../e2e/host.ts'
import { guestImage } from '../e2e/image.ts'
import { workspace, type Workspace } from '../e2e/workspace.ts'
import { medians, secondsOf } from './clock.ts'

export interface MachineSeconds {
  /** From the start of create.ts to three running domains, the image in the cache. */
  create: number
  /** The same with an image that was never seen before, which is hashed. */
  createNew: number
  /** A shell script that does the same libvirt work. */
  byHand: number
  /** A shell script that copies and makes the files itself, and only defines and starts by libvirt. */
  withoutPool: number
  oldWay: number
  /** create.ts with an image that does not boot, so that thirty machines do not disturb the clock. */
  threeNodes: number
  thirtyNodes: number
  help: number
  status: number
}

/** Medians of so many runs. */
export async function machineSeconds(runs: number): Promise<MachineSeconds> {
  const image = await guestImage()
  const host = await startHost()
  const scratch = mkdtempSync(join(tmpdir(), 'rkl-bench-'))
  const pool = '/var/lib/libvirt/images'
  const blank = join(scratch, 'blank.qcow2')
  const cache = join(scratch, 'cache')

  async function checkRunning(count: number): Promise<void> {
    const names = await host.run(['virsh', '-c', 'qemu:///system', 'list', '--name'])
    if (names.split('\n').filter(Boolean).length !== count) throw new Error('not every domain runs')
  }

  /** Runs create.ts to the moment when it begins to wait for the guests, and ends it there. */
  async function createUntilWait(work: Workspace): Promise<void> {
    const child = host.spawn(work.command('create'), work.options)
    let said = ''
    const code = await new Promise<number | null>((resolve) => {
      child.stderr!.on('data', (data) => {
        said += String(data)
        if (said.includes('\nWait\n')) resolve(0)
      })
      child.once('exit', (status) => resolve(status ?? 1))
    })
    host.signal(child, 'SIGKILL', { group: true })
    if (code !== 0) throw new Error(`create ended with ${code}:\n${said}`)
  }

  async function createSeconds(count: number, file: string, cacheDir: string): Promise<number> {
    const work = workspace(host, lab(count, file))
    work.options.env = { ...work.options.env, XDG_CACHE_HOME: cacheDir }
    const taken = await secondsOf(() => createUntilWait(work))
    await checkRunning(count)
    await work.script('destroy', '--yes', '--images')
    work.remove()
    return taken
  }

  async function shellSeconds(text: string): Promise<number> {
    const taken = await secondsOf(() => host.run(['bash', '-c', text], { cwd: '/' }))
    await checkRunning(3)
    const clean = `for n in $(virsh -c qemu:///system list --all --name); do virsh -q -c qemu:///system destroy $n; virsh -q -c qemu:///system undefine $n; done
for p in $(virsh -c qemu:///system pool-list --all --name); do virsh -q -c qemu:///system pool-destroy $p; virsh -q -c qemu:///system pool-undefine $p; done; rm -rf ${pool}/*`
    await host.run(['bash', '-c', clean])
    return taken
  }

  /** status.ts with three nodes up. SSH servers of this machine stand in for the guests', as fast as with KVM. */
  async function statusSeconds(): Promise<{ status: number }> {
    const work = workspace(host, lab(3, blank))
    await createUntilWait(work)
    await host.run(['bash', '-c', nativeGuests(work.dir, scratch)])
    const taken = await medians(runs, {
      status: () =>
        secondsOf(async () => {
          const { nodes } = JSON.parse((await work.script('status', '--json')).stdout) as Status
          if (!nodes.every(({ ssh, cloudInit }) => ssh === 'ok' && cloudInit === 'done'))
            throw new Error(`status does not see three nodes up: ${JSON.stringify(nodes)}`)
        }),
    })
    await work.script('destroy', '--yes', '--images')
    work.remove()
    return taken
  }

  const help = workspace(host, lab(3, blank))
  try {
    writeFileSync(join(scratch, 'domain.xml'), handXml)
    await host.run(['qemu-img', 'create', '-q', '-f', 'qcow2', blank, '2G'])
    let fresh = 0
    await createSeconds(3, image, cache) // puts the image's digest into the cache
    const machines = await medians(runs, {
      create: () => createSeconds(3, image, cache),
      byHand: () => shellSeconds(byHand(image, pool, scratch)),
      withoutPool: () => shellSeconds(withoutPool(image, pool, scratch)),
      oldWay: () => shellSeconds(oldWay(image, pool)),
      createNew: () => createSeconds(3, image, join(scratch, `cache${fresh++}`)),
      threeNodes: () => createSeconds(3, blank, cache),
      thirtyNodes: () => createSeconds(30, blank, cache),
      help: () => secondsOf(() => help.script('create', '--help')),
    })
    return { ...machines, ...(await statusSeconds()) }
  } finally {
    help.remove()
    await host.stop()
    rmSync(scratch, { recursive: true, force: true })
  }
}

interface Status {
  nodes: { ssh: string; cloudInit: string }[]
}

const lab = (count: number, file: string) => ({
  name: 'bench',
  domainType: 'qemu',
  image: { file },
  network: { bridge: 'br0', cidr: '192.168.1.0/24', gateway: '192.168.1.1' },
  defaults: { vcpus: 1, memory: '512MiB', disk: '12GiB' },
  nodes: Array.from({ length: count }, (_, index) => ({
    name: `bench${index}`,
    role: index === 0 ? 'server' : 'agent',
    address: `192.168.1.${100 + index}`,
  })),
  rke2: { version: 'v1.36.5+rke2r1' },
})

const seed = `printf '#cloud-config\\n' > user-data; printf 'instance-id: %s\\n' "$n" > meta-data
  genisoimage -quiet -V cidata -J -r -o seed.iso user-data meta-data`
const handXml = `<domain type='qemu'><name>NAME</name><memory unit='MiB'>512</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/><apic/></features><cpu mode='maximum'/><devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='DIR/disk.qcow2'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><source file='DIR/seed.iso'/><target dev='sda' bus='scsi'/><readonly/></disk>
<controller type='scsi' model='virtio-scsi'/><interface type='bridge'><source bridge='br0'/><model type='virtio'/></interface>
<serial type='pty'/></devices></domain>`

/** The same libvirt work by a script that somebody who knows it all would write by hand, nodes side by side. */
const byHand = (image: string, pool: string, scratch: string) => `set -e
v() { virsh -q -c qemu:///system "$@"; }
v pool-define-as hand dir --target ${pool}
v pool-start hand
v vol-create-as hand base.qcow2 0 --format qcow2
v vol-upload --pool hand base.qcow2 ${image}
node() {
  n=$1; d=${pool}/$n; mkdir "$d"; cd "$d"
  ssh-keygen -q -t ed25519 -N '' -f host_key
  ${seed}
  v vol-create-as hand "$n.iso" 0 --format raw
  v vol-upload --pool hand "$n.iso" seed.iso
  v vol-create-as hand "$n.qcow2" 12G --format qcow2 --backing-vol base.qcow2 --backing-vol-format qcow2
  sed "s|NAME|$n|; s|DIR/disk|${pool}/$n|; s|DIR/seed|${pool}/$n|" ${scratch}/domain.xml > domain.xml
  v define --validate domain.xml
  v start "$n"
}
for n in hand0 hand1 hand2; do node $n & done
wait`

/** As little as it takes: no pool, no upload; it works on the libvirt of this host only, and as root. */
const withoutPool = (image: string, pool: string, scratch: string) => `set -e
cp ${image} ${pool}/base.qcow2
node() {
  n=$1; d=${pool}/$n; mkdir -p "$d"; cd "$d"
  ssh-keygen -q -t ed25519 -N '' -f host_key
  ${seed}
  qemu-img create -q -f qcow2 -b ${pool}/base.qcow2 -F qcow2 disk.qcow2 12G
  sed "s|NAME|$n|; s|DIR|$d|" ${scratch}/domain.xml > domain.xml
  virsh -q -c qemu:///system define --validate domain.xml
  virsh -q -c qemu:///system start "$n"
}
for n in hand0 hand1 hand2; do node $n & done
wait`

/** The old way: a whole copy of the image for each machine and virt-install, one after another; its sleeps left out. */
const oldWay = (image: string, pool: string) => `set -e
for n in old0 old1 old2; do
  d=${pool}/$n; mkdir -p "$d"; cd "$d"
  ${seed}
  qemu-img convert -O qcow2 ${image} disk.qcow2
  qemu-img resize -q disk.qcow2 12G
  virt-install --connect qemu:///system --virt-type qemu --name "$n" --memory 512 --vcpus 1 --import --os-variant linux2022 \\
    --disk disk.qcow2 --disk seed.iso,device=cdrom,bus=scsi --controller scsi,model=virtio-scsi --network bridge=br0,model=virtio \\
    --graphics none --noautoconsole --quiet
done`

/** One SSH server for each node's address, with the node's host key and a login for the lab's user. */
const nativeGuests = (dir: string, scratch: string) => `set -e
mkdir -p /run/sshd /run/cloud-init
echo '{"v1": {"errors": []}}' > /run/cloud-init/result.json
{ cat /etc/passwd; echo 'ubuntu:x:0:0::/root:/bin/sh'; } > ${scratch}/passwd
mount --bind ${scratch}/passwd /etc/passwd
for i in 0 1 2; do
  ip address add 192.168.1.10$i/24 dev br0
  $(command -v sshd || echo /usr/sbin/sshd) -f /dev/null -h ${dir}/.lab/bench/nodes/bench$i/host_key -o ListenAddress=192.168.1.10$i \\
    -o AuthorizedKeysFile=${dir}/.lab/bench/id_ed25519.pub -o StrictModes=no -o PidFile=none
done`
