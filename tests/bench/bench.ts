// `npm run bench [--runs N]`: how long the libvirt work takes, as ratios inside one run on one machine. Real libvirt in a
// stand-in host; the guests are emulated and not waited for. Prints a table and writes tests/bench/results.json.
import { writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import minimist from 'minimist'
import { guestImage } from '../e2e/image.ts'
import { startHost } from '../e2e/host.ts'
import { workspace } from '../e2e/workspace.ts'
import { table } from '../../lib/table.ts'

const { runs } = minimist(process.argv.slice(2), { default: { runs: 5 } }) as unknown as {
  runs: number
}
const host = await startHost()
const scratch = mkdtempSync(join(tmpdir(), 'rkl-bench-'))
const pool = '/var/lib/libvirt/images'
const image = await guestImage()
const blank = join(scratch, 'blank.qcow2')
await host.run(['qemu-img', 'create', '-q', '-f', 'qcow2', blank, '2G'])

/** A lab of n machines; a blank image does not boot, so that thirty of them do not disturb the clock. */
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
  rke2: { version: 'v1.35.7+rke2r1' },
})

async function runningDomains(): Promise<number> {
  return (await host.run(['virsh', '-c', 'qemu:///system', 'list', '--name']))
    .split('\n')
    .filter(Boolean).length
}

/** Seconds from the start of create.ts to the moment when it begins to wait for the guests. */
async function createSeconds(count: number, file: string): Promise<number> {
  const work = workspace(host, lab(count, file))
  const started = performance.now()
  const child = host.spawn(work.command('create'), work.options)
  let said = ''
  const code = await new Promise<number | null>((resolve) => {
    child.stderr!.on('data', (data) => {
      said += String(data)
      if (said.includes('\nWait\n')) resolve(0)
    })
    child.once('exit', (status) => resolve(status ?? 1))
  })
  if (code !== 0) throw new Error(`create ended with ${code}:\n${said}`)
  const seconds = (performance.now() - started) / 1000
  host.signal(child, 'SIGKILL', { group: true })
  if ((await runningDomains()) !== count) throw new Error('not every domain runs')
  await work.script('destroy', '--yes', '--images')
  work.remove()
  return seconds
}

const seed = `printf '#cloud-config\\n' > user-data; printf 'instance-id: %s\\n' "$n" > meta-data
  genisoimage -quiet -V cidata -J -r -o seed.iso user-data meta-data`
const xml = `<domain type='qemu'><name>NAME</name><memory unit='MiB'>512</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/><apic/></features><cpu mode='maximum'/><devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='DIR/disk.qcow2'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><source file='DIR/seed.iso'/><target dev='sda' bus='scsi'/><readonly/></disk>
<controller type='scsi' model='virtio-scsi'/><interface type='bridge'><source bridge='br0'/><model type='virtio'/></interface>
<serial type='pty'/></devices></domain>`

/** The same libvirt work by a script that somebody who knows it all would write by hand, nodes side by side. */
const byHand = `set -e
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
const oldWay = `set -e
for n in old0 old1 old2; do
  d=${pool}/$n; mkdir -p "$d"; cd "$d"
  ${seed}
  qemu-img convert -O qcow2 ${image} disk.qcow2
  qemu-img resize -q disk.qcow2 12G
  virt-install --connect qemu:///system --virt-type qemu --name "$n" --memory 512 --vcpus 1 --import --os-variant linux2022 \\
    --disk disk.qcow2 --disk seed.iso,device=cdrom,bus=scsi --controller scsi,model=virtio-scsi --network bridge=br0,model=virtio \\
    --graphics none --noautoconsole --quiet
done`

async function shellSeconds(text: string): Promise<number> {
  const started = performance.now()
  await host.run(['bash', '-c', text], { cwd: '/' })
  const seconds = (performance.now() - started) / 1000
  if ((await runningDomains()) !== 3) throw new Error('not every domain runs')
  const clean = `for n in $(virsh -c qemu:///system list --all --name); do virsh -q -c qemu:///system destroy $n; virsh -q -c qemu:///system undefine $n; done
for p in $(virsh -c qemu:///system pool-list --all --name); do virsh -q -c qemu:///system pool-destroy $p; virsh -q -c qemu:///system pool-undefine $p; done; rm -rf ${pool}/*`
  await host.run(['bash', '-c', clean])
  return seconds
}

async function helpSeconds(): Promise<number> {
  const work = workspace(host, lab(3, blank))
  const started = performance.now()
  await work.script('create', '--help')
  const seconds = (performance.now() - started) / 1000
  work.remove()
  return seconds
}

async function median(measure: () => Promise<number>): Promise<number> {
  const seconds: number[] = []
  for (let run = 0; run < runs; run++) seconds.push(await measure())
  return seconds.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? NaN
}

try {
  writeFileSync(join(scratch, 'domain.xml'), xml)
  const create = await median(() => createSeconds(3, image))
  const hand = await median(() => shellSeconds(byHand))
  const old = await median(() => shellSeconds(oldWay))
  const three = await median(() => createSeconds(3, blank))
  const thirty = await median(() => createSeconds(30, blank))
  const help = await median(helpSeconds)
  const results = {
    machine: { cpus: cpus().length, node: process.version },
    runs,
    seconds: { create, byHand: hand, oldWay: old, threeNodes: three, thirtyNodes: thirty, help },
    ratios: {
      createToByHand: create / hand,
      oldWayToCreate: old / create,
      thirtyToThree: thirty / three,
    },
  }
  writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
  const row = (what: string, seconds: number, ratio = '') => [
    what,
    `${seconds.toFixed(2)} s`,
    ratio,
  ]
  console.log(
    table(
      [`MEDIAN OF ${runs}`, 'SECONDS', 'RATIO'],
      [
        row('create.ts: process start to 3 running domains', create),
        row(
          'the same by hand, in parallel',
          hand,
          `create takes ${(create / hand).toFixed(2)} times that (at most 2.5)`,
        ),
        row('the old way', old, `${(old / create).toFixed(1)} times create (at least 5)`),
        row('create.ts, 3 nodes, image that does not boot', three),
        row(
          'create.ts, 30 nodes, the same',
          thirty,
          `${(thirty / three).toFixed(1)} times 3 nodes`,
        ),
        row('create.ts --help', help),
      ],
    ),
  )
} finally {
  await host.stop()
  rmSync(scratch, { recursive: true, force: true })
}
