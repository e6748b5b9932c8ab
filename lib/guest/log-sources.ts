// EDGE. What is read of a machine from inside for a report of a problem.
import type { Node } from '../lab/lab.ts'
import type { Source } from '../shell/bundle.ts'
import { commandOn } from './ssh.ts'

/** The file of the archive that root's sh on the node prints. */
export const printedBy = (node: Node, file: string, script: string): Source => ({
  file: `nodes/${node.name}/${file}`,
  bash: commandOn(node, script, { root: true }),
})

/** The system and cloud-init. */
export const guestSources = (node: Node): Source[] => [
  printedBy(
    node,
    'system.txt',
    'cat /etc/os-release; uname -r; uptime; head -n 3 /proc/meminfo; df -h / /var/lib',
  ),
  printedBy(
    node,
    'cloud-init.journal',
    "journalctl --unit 'cloud-*' --lines 5000 --output short-iso --no-pager",
  ),
]
