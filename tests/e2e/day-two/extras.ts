// A machine with further disks and a further network card, seen inside its guest.
import type { Test } from 'tap'
import type { Workspace } from '../workspace.ts'

const folder = '/var/lib/data'

/** A file on a further disk. */
export const onFurtherDisk = `${folder}/of-the-lesson`

/** What the machine has beside its first disk and card; `sizes`: of its disks, of which the first is mounted. */
export const further = (sizes: Record<string, string>) => ({
  disks: Object.entries(sizes).map(([name, size], index) => ({
    name,
    size,
    ...(index === 0 && { mount: folder }),
  })),
  networks: [{ name: 'storage', bridge: 'br0', address: '10.9.0.31/24' }],
})

/** Disks by their names with these sizes in MiB, the first one mounted and filled by its file system; the card with its address. */
export async function seeFurther(
  t: Test,
  { work, node }: { work: Workspace; node: string },
  sizes: Record<string, number>,
): Promise<void> {
  const names = Object.keys(sizes)
  const said = await work.ssh(
    node,
    `for disk in ${names.join(' ')}; do lsblk -bdno SIZE "$(readlink -f /dev/disk/by-id/virtio-$disk)"; done
test "$(findmnt -no SOURCE ${folder})" = "$(readlink -f /dev/disk/by-id/virtio-${names[0]})" && findmnt -no FSTYPE ${folder}
df -B1 --output=size ${folder} | tail -n 1
ip -br -4 address show dev storage; ip route show default | wc -l`,
  )
  const lines = said.trim().split('\n')
  const mib = (line = '') => Number(line) / 2 ** 20
  t.strictSame(lines.splice(0, names.length).map(mib), Object.values(sizes), 'sizes of the disks')
  const [type, size, card, routes] = lines
  t.equal(type, 'ext4')
  const first = Object.values(sizes)[0] ?? 0
  t.ok(mib(size) > 0.9 * first, `${mib(size)} MiB of ${first} on ${folder}`)
  t.match(card, /^storage +UP +10\.9\.0\.31\/24/)
  t.equal(routes?.trim(), '1', 'one default route')
}
