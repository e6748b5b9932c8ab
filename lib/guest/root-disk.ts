// EDGE. The root file system of a node: whether it fills its disk, and the step that grows it. cloud-init grows it at the first
// boot only. And the step for those of further disks.
import { deviceOf } from '../lab/extras.ts'
import type { Node } from '../lab/lab.ts'
import type { Run } from '../shell/steps.ts'
import { LabError } from '../text/errors.ts'
import { parts } from '../text/sections.ts'
import { onNode } from './on-node.ts'
import { askNode } from './ssh.ts'
import { typedOn } from './ssh-files.ts'

// The partition of the root file system is not the same in all images.
const findRoot = `\
PATH=$PATH:/usr/sbin:/sbin
part=$(findmnt -no SOURCE /) && part=\${part%%\\[*} && type=$(findmnt -no FSTYPE /)
disk=$(lsblk -no PKNAME "$part" | head -n 1)
number=$(cat "/sys/class/block/\${part##*/}/partition" 2>/dev/null)
why=
command -v growpart >/dev/null || why="it lacks growpart: install cloud-guest-utils or cloud-utils-growpart"
case $type in ext* | xfs | btrfs) ;; *) why="its root file system is of type $type, which has to be grown by hand" ;; esac
test "$number" || why="its root file system is on $part, not on a partition: it has to be grown by hand"
`

// A file system in bytes: of which device, of which type, mounted where. Nothing where the type does not say.
const measure = `measure() {
case $2 in
ext*) dumpe2fs -h "$1" 2>/dev/null | awk '/^Block count:/ { count = $3 } /^Block size:/ { size = $3 } END { printf "%.0f", count * size }' ;;
xfs) xfs_info "$3" | awk -F '[= ,]+' '/^data/ { printf "%.0f", $3 * $5 }' ;;
esac
}
`

const withMount = ({ disks }: Node) =>
  disks.flatMap(({ mount, ...disk }) => (mount ? [{ mount, device: deviceOf(disk) }] : []))

const lookScript = (node: Node) => `${findRoot}${measure}
echo "== why"; echo "$why"
echo "== room"; test -z "$why" && growpart --dry-run "/dev/$disk" "$number" >/dev/null 2>&1 && echo yes
size=$(measure "$part" "$type" /)
echo "== sizes"; echo "\${size:-0} $(blockdev --getsize64 "$part")"
echo "== mounts"
${withMount(node)
  .map(
    ({ mount, device }) =>
      `type=$(findmnt -nro FSTYPE ${device} ${mount}) && size=$(measure ${device} "$type" ${mount}) && echo "\${size:-0} $(blockdev --getsize64 ${device})"\n`,
  )
  .join('')}true
`

// growpart ends with 1 where there is nothing to grow.
const growScript = (must: boolean) => `${findRoot}
test -z "$why" || ${must ? '{ echo "$why" >&2; exit 3; }' : 'exit 0'}
growpart "/dev/$disk" "$number" || test $? -eq 1 || exit
case $type in
ext*) resize2fs "$part" ;;
xfs) xfs_growfs / ;;
btrfs) btrfs filesystem resize max / ;;
esac
`

export interface Root {
  /** The disk has room for a larger file system. */
  grows: boolean
  /** Why it cannot be grown. */
  why: string
  /** The file system of a further disk is smaller than the disk: nothing grew it after the disk. */
  mounts: boolean
}

const slack = 64 * 2 ** 20 // a file system may leave the rest of a partition that is too small for it

/** Parses what the look at a node's root file system printed. */
export function parseRoot(answer: string): Root {
  const found = parts(answer)
  const text = (name: string) => (found.get(name) ?? '').trim()
  const isSmall = (line: string) => {
    const [size = 0, whole = 0] = line.split(' ').map(Number)
    return size > 0 && whole - size > slack
  }
  const why = text('why')
  return {
    grows: why === '' && (text('room') === 'yes' || isSmall(text('sizes'))),
    why,
    mounts: text('mounts').split('\n').some(isSmall),
  }
}

/** Looks at the root file system of a node, and those of its further disks. */
export const lookAtRoot = async (node: Node): Promise<Root> =>
  parseRoot(await askNode(node, lookScript(node), { root: true }))

/** The step that makes the root file system as large as its disk; unless it `must`, only where a script can do that. */
export const growRoot = (node: Node, must: boolean): Run =>
  onNode(node, growScript(must), {
    root: true,
    state: 'growing its file system',
    explain: (error) =>
      error.failed.status === 3
        ? cannotGrow(node, error.failed.stderr.split('\n').at(-1) ?? '')
        : error,
  })

/** The steps that make the file systems of further disks as large as the disks, where they are mounted as the lab file says. */
export const growMounts = (node: Node): Run[] =>
  withMount(node).map(({ mount, device }) =>
    onNode(
      node,
      `PATH=$PATH:/usr/sbin:/sbin
case $(findmnt -nro FSTYPE ${device} ${mount}) in
ext*) resize2fs ${device} ;;
xfs) xfs_growfs ${mount} ;;
btrfs) btrfs filesystem resize max ${mount} ;;
esac
`,
      { root: true, state: 'growing its file system' },
    ),
  )

/** The error for a root file system that only the user can grow. */
export const cannotGrow = (node: Node, why: string): LabError =>
  new LabError(`${node.name}: ${why}`, {
    hint: [typedOn(node, 'lsblk --fs'), '# then run this again'],
  })
