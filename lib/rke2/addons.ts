// PURE. What status shows of rke2/manifests: which servers have each file, and whether RKE2 has applied it. An Addon has no
// status: once all of a file is applied, its checksum is that of the file; why it is not yet is in an event.
import { parts } from '../text/sections.ts'
import { counted } from '../text/size.ts'
import { table } from '../text/table.ts'
import { quote } from '../text/quote.ts'
import { kubectl } from './kube-nodes.ts'
import {
  addonOf,
  manifestList,
  manifestsOnNode,
  manifestsScript,
  parseManifests,
  type Manifest,
  type ServerManifests,
} from './manifests.ts'

const get = `timeout 10 ${kubectl} get --namespace kube-system --output json`

/** Appended to what status runs on a server as the login user; the API is asked where something was put. */
export const addonsScript = `; sudo sh -c ${quote(`part() { echo; echo "== $1"; }
${manifestsScript}
test -s ${manifestsOnNode}/${manifestList} || exit 0
part addons; ${get} addons.k3s.cattle.io 2>/dev/null
part addon-events; ${get} events --field-selector involvedObject.kind=Addon 2>/dev/null`)}`

/** What a server reports about its manifests. */
export interface ServerAddons extends ServerManifests {
  /** The checksum of what was applied last, by Addon; undefined if the API did not answer. */
  applied?: Map<string, string>
  /** What went wrong since a file was applied last, by Addon. */
  trouble: Map<string, string>
}

/** Reads that; undefined where the server did not tell. */
export function parseAddons(found: ReturnType<typeof parts>): ServerAddons | undefined {
  if (!found.has('manifest-list')) return undefined
  const addons = itemsIn(found.get('addons'))
  const events = itemsIn(found.get('addon-events')) ?? []
  return {
    ...parseManifests(found),
    ...(addons && {
      applied: new Map(
        addons.map(({ metadata, spec }) => [metadata?.name ?? '', spec?.checksum ?? '']),
      ),
    }),
    trouble: troubleIn(events),
  }
}

/** Events have whole seconds; versions grow. */
function troubleIn(events: Item[]): Map<string, string> {
  const since = (one: Item) => one.lastTimestamp ?? one.eventTime ?? ''
  const version = (one: Item) => Number(one.metadata?.resourceVersion ?? 0)
  const sorted = events.toSorted(
    (one, other) => since(one).localeCompare(since(other)) || version(one) - version(other),
  )
  const trouble = new Map<string, string>()
  for (const { involvedObject: { name = '' } = {}, type, reason = '', message = '' } of sorted)
    if (reason === 'AppliedManifest') trouble.delete(name)
    else if (type !== 'Normal')
      trouble.set(name, `${reason}: ${message.trim().replace(/\s+/g, ' ')}`)
  return trouble
}

interface Item {
  metadata?: { name?: string; resourceVersion?: string }
  spec?: { checksum?: string }
  involvedObject?: { name?: string }
  type?: string
  reason?: string
  message?: string
  lastTimestamp?: string | null
  eventTime?: string | null
}

function itemsIn(json: string | undefined): Item[] | undefined {
  try {
    return (JSON.parse(json ?? '') as { items?: Item[] }).items
  } catch {
    return undefined
  }
}

/** A manifest as `status.ts --json` prints it; the names are stable. */
export interface ManifestStatus {
  file: string
  /** How many servers have it as it is here, of those that answered. */
  servers: number
  of: number
  /** applied: RKE2 has applied this file; waiting, failed: not yet; null: no API says. */
  addon: 'applied' | 'waiting' | 'failed' | null
  remark: string | null
}

/** The manifests here and on the servers that answered. */
export function manifestStatus(wanted: Manifest[], answers: ServerAddons[]): ManifestStatus[] {
  const names = [wanted.map(({ name }) => name), answers.flatMap((one) => [...one.ours.keys()])]
  return [...new Set(names.flat())].sort().map((file) => {
    const { sum, rewritten } = wanted.find(({ name }) => name === file) ?? {}
    const isSame = ({ files, ours }: ServerAddons) =>
      files.has(file) && ours.get(file) === sum && (rewritten || files.get(file) === sum)
    const has = answers.filter(isSame).length
    const [addon, why] = addonState(file, answers)
    const isBehind = sum === undefined || has < answers.length
    const differs = sum === undefined ? 'no longer here' : 'not on all servers as it is here'
    const remark = [isBehind && `${differs}: run install-rke2.ts and join.ts`, why]
    return {
      file,
      servers: has,
      of: answers.length,
      addon,
      remark: remark.filter(Boolean).join('; ') || null,
    }
  })
}

function addonState(file: string, answers: ServerAddons[]): [ManifestStatus['addon'], string?] {
  const server = answers.find((one) => one.applied && one.files.has(file))
  if (!server) return [null]
  if (server.applied?.get(addonOf(file)) === server.files.get(file)) return ['applied']
  const why = server.trouble.get(addonOf(file))
  return why ? ['failed', why] : ['waiting']
}

/** A table for people, and a line for each remark; empty if there are none. `silent`: servers that did not answer. */
export function manifestTable(all: ManifestStatus[], silent = 0): string {
  if (all.length === 0) return ''
  const rows = all.map(({ file, servers, of, addon }) => [
    file,
    `${servers} of ${of}`,
    addon ?? '-',
  ])
  const remarks = all.flatMap(({ file, remark }) => (remark ? `${file}: ${remark}` : []))
  if (silent > 0) remarks.push(`not counted, as there was no answer: ${counted(silent, 'server')}`)
  return ['', '', table(['MANIFEST', 'SERVERS', 'ADDON'], rows), ...remarks].join('\n')
}
