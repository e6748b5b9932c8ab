// PURE. What is in the file of a backup, and whether it is one of this lab.
import { z } from 'zod'
import type { Lab } from '../lab/lab.ts'
import { LabError, script } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import type { KubeNode } from './kube-nodes.ts'

const plain = z.string().regex(/^\w[\w.+:-]*$/)
const manifestSchema = z.strictObject({
  lab: plain,
  /** Of the snapshot, UTC. */
  date: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  version: z.string().regex(/^v\d+\.\d+\.\S+$/),
  /** Kubernetes' nodes. */
  nodes: z.array(z.strictObject({ name: plain, role: z.enum(['server', 'agent']) })),
  /** The snapshot's file, as RKE2 named it. */
  snapshot: plain,
  /** What RKE2 calls snapshot-token-hash: it can read the snapshot only with this token. */
  tokenHash: z.string().regex(/^[0-9a-f]{12}$/),
})

export type Manifest = z.infer<typeof manifestSchema>

/** The file in a backup that describes it, and the one with the checksums of all others. */
export const manifestName = 'backup.json'
export const sumsName = 'SHA256SUMS'

/** The text of a manifest; @SNAPSHOT, @DATE and @HASH are filled in when the snapshot is there. */
export function manifestText(lab: Lab, version: string, nodes: KubeNode[]): string {
  const role = ({ roles }: KubeNode) => (roles.includes('control-plane') ? 'server' : 'agent')
  const all = nodes.map((node) => ({ name: node.name, role: role(node) }))
  const manifest = { lab: lab.name, date: '@DATE', version, nodes: all }
  return `${JSON.stringify({ ...manifest, snapshot: '@SNAPSHOT', tokenHash: '@HASH' }, null, 2)}\n`
}

/** Reads a manifest; undefined if it is none. */
export function parseManifest(text: string): Manifest | undefined {
  try {
    return manifestSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** Bash that reads a backup back: it has just the files that are listed, and each has its checksum. */
export const checkBash = (
  file: string,
): string => commandText`( tar -tf ${file} ${[manifestName, sumsName, 'token', 'config.yaml']} >/dev/null
sums=$(tar -xOf ${file} ${sumsName})
while read -r sum name; do
  test "$(tar -xOf ${file} "$name" | sha256sum)" = "$sum  -" || { echo "$name is damaged" >&2; exit 1; }
done <<<"$sums"
test "$(tar -tf ${file} | sort)" = "$({ cut -c 67- <<<"$sums"; echo ${sumsName}; } | sort)" ||
  { echo "it does not have just the files that are listed" >&2; exit 1; } )`

/** Throws if a backup is another lab's. */
export function checkBelongs(lab: Lab, file: string, manifest: Manifest): void {
  const names = (all: { name: string; role: string }[]) =>
    all.flatMap(({ name, role }) => (role === 'server' ? name : [])).sort()
  const [theirs, ours] = [names(manifest.nodes), names(lab.nodes)]
  const other = manifest.nodes.find(({ name, role }) =>
    lab.nodes.some((node) => node.name === name && node.role !== role),
  )
  const why =
    manifest.lab !== lab.name
      ? `it is of lab ${manifest.lab}, this is lab ${lab.name}`
      : theirs.join() !== ours.join()
        ? `its servers are ${theirs.join(', ')}, those of this lab ${ours.join(', ')}`
        : other && `in it ${other.name} has the role ${other.role}`
  if (!why) return
  throw new LabError(`${file} is not a backup of this lab: ${why}`, {
    details: ['nothing was stopped or changed'],
    hint: [
      `ls -l ${lab.dir}/backups   # those of this lab`,
      commandText`tar -xOf ${file} lab.yaml   # the lab file that it was made with`,
    ],
  })
}

const minorOf = (version: string) => Number(/^v\d+\.(\d+)/.exec(version)?.[1])

/** Throws if the RKE2 of the nodes is too old for a backup. */
export function checkAge({ version }: Manifest, installed: string): void {
  if (minorOf(installed) >= minorOf(version)) return
  throw new LabError(`it runs RKE2 ${installed}, but the backup is of ${version}, a newer minor`, {
    details: [
      'nothing was stopped or changed',
      'etcd and Kubernetes cannot go back to an older minor',
    ],
    hint: [
      '# use a backup that was made with this minor or an older one,',
      `# or first set rke2.version to ${version} in the lab file, then:`,
      script('upgrade'),
    ],
  })
}

/** A moment of a manifest as people read it. */
export const momentText = (date: string) => `${date.slice(0, 10)} ${date.slice(11, 16)} UTC`
