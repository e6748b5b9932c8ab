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

const lookScript = `${findRoot}
echo "== why"; echo "$why"
echo "== room"; test -z "$why" && growpart --dry-run "/dev/$disk" "$number" >/dev/null 2>&1 && echo yes
case $type in
ext*) size=$(dumpe2fs -h "$part" 2>/dev/null | awk '/^Block count:/ { count = $3 } /^Block size:/ { size = $3 } END { printf "%.0f", count * size }') ;;
xfs) size=$(xfs_info / | awk -F '[= ,]+' '/^data/ { printf "%.0f", $3 * $5 }') ;;
esac
echo "== sizes"; echo "\${size:-0} $(blockdev --getsize64 "$part")"
true
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
}

const slack = 64 * 2 ** 20 // a file system may leave the rest of a partition that is too small for it

/** Parses what the look at a node's root file system printed. */
export function parseRoot(answer: string): Root {
  const found = parts(answer)
  const text = (name: string) => (found.get(name) ?? '').trim()
  const [size = 0, partition = 0] = text('sizes').split(' ').map(Number)
  const isSmall = size > 0 && partition - size > slack
  const why = text('why')
  return { grows: why === '' && (text('room') === 'yes' || isSmall), why }
}

/** Looks at the root file system of a node. */
export const lookAtRoot = async (node: Node): Promise<Root> =>
  parseRoot(await askNode(node, lookScript, { root: true }))

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

/** The step that makes the file system of a further disk as large as the disk, where it is mounted as the lab file says. */
export const growMount = (node: Node, disk: Node['disks'][number]): Run =>
  onNode(
    node,
    `PATH=$PATH:/usr/sbin:/sbin
findmnt -n ${disk.mount} >/dev/null || exit 0
resize2fs ${deviceOf(disk)}
`,
    { root: true, state: 'growing its file system' },
  )

/** The error for a root file system that only the user can grow. */
export const cannotGrow = (node: Node, why: string): LabError =>
  new LabError(`${node.name}: ${why}`, {
    hint: [typedOn(node, 'lsblk --fs'), '# then run this again'],
  })
