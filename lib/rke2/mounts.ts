// PURE. Whether the further disks of a node are mounted where the lab file says, before RKE2 writes there.
import { typedOn } from '../guest/ssh-files.ts'
import { deviceOf, formatEmpty } from '../lab/extras.ts'
import type { Node } from '../lab/lab.ts'
import { quote } from '../text/quote.ts'

type Disks = Pick<Node, 'disks'>

const mountsOf = ({ disks }: Disks) =>
  disks.flatMap(({ name, mount }) => (mount ? [{ name, mount }] : []))

/** Those that are not, by what the node has mounted: nothing, if that is unknown. */
const bareDisks = (node: Disks, mounted: string[]) =>
  mounted.length === 0 ? [] : mountsOf(node).filter(({ mount }) => !mounted.includes(mount))

/** What is wrong, if anything. */
export function mountTrouble(node: Disks, mounted: string[]): string | false {
  const bare = bareDisks(node, mounted)
  const names = bare.map(({ name, mount }) => `its disk ${name} is not mounted on ${mount}`)
  return bare.length > 0 && `${names.join(', ')}: what is written there would fill its first disk`
}

/** What to type for a disk that was added to a machine later. It is formatted only if it is empty; otherwise what it has is shown. */
export const mountByHand = (node: Node, mounted: string[]): string[] =>
  bareDisks(node, mounted).flatMap((disk) => {
    const { mount } = disk
    const device = deviceOf(disk)
    const line = `${device} ${mount} ext4 defaults,nofail,x-systemd.growfs 0 2`
    return [
      `${formatEmpty(disk, 'sudo ')} || ! lsblk --fs ${device}`,
      `sudo mkdir -p ${mount} && { grep -q " ${mount} " /etc/fstab || echo ${line} | sudo tee -a /etc/fstab; } && sudo mount ${mount}`,
    ].map((command) => typedOn(node, quote(command)))
  })

/** The same for sh on the node. */
export const mountScript = (node: Node): string =>
  mountsOf(node)
    .map(
      ({ name, mount }) =>
        `grep -qs ' ${mount} ' /proc/mounts || lacks "the disk ${name}, mounted on ${mount}"`,
    )
    .join('\n')
