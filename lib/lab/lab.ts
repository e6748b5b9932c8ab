// PURE. The text of a lab file to a checked lab, with everything that is derived from it.
import { createHash } from 'node:crypto'
import { LineCounter, parseDocument } from 'yaml'
import { UsageError } from '../text/errors.ts'
import { extraProblems, extrasOf, type Extras } from './extras.ts'
import { ruleProblems, ruleWarnings, type Problem } from './rules.ts'
import { namedImage } from './images.ts'
import { labSchema, type LabFile } from './schema.ts'
import { parseSize } from '../text/size.ts'
import { readYaml, refuse } from '../text/yaml.ts'

export interface Node extends Extras {
  name: string
  role: 'server' | 'agent'
  address: string
  /** The name of its host; undefined: that of `libvirt`. */
  host?: string | undefined
  vcpus: number
  /** Bytes. */
  memory: number
  /** Bytes. */
  disk: number
  mac: string
  uuid: string
  /** The volumes of the root disk and the seed. */
  volume: string
  seedVolume: string
  /** The folder of the node's files, relative to the current folder. */
  dir: string
  /** The ssh_config to reach it with. */
  sshConfig: string
}

export interface Lab extends Omit<LabFile, 'nodes' | 'defaults' | 'image' | 'pool'> {
  nodes: Node[]
  /** Either url or file; the url also of an image with a name. */
  image: LabFile['image']
  /** The folder of the lab's files, relative to the current folder. */
  dir: string
  pool: { name: string; uuid: string; path: string }
  /** Of the libvirt network, if there is one. */
  networkUuid: string
  warnings: string[]
  /** Where this is the lab as one of several hosts sees it (hosts.ts): the name of that host, '' for that of `libvirt`. */
  on?: string
  /** The nodes on the other hosts then. */
  others?: Node[]
}

const poolName = 'rke2-kvm-lab'

/** A fixed UUID for a name, so that the scripts recognise what they created and do not create it twice. */
export function stableUuid(...name: string[]): string {
  const hex = createHash('sha256').update(name.join('\0')).digest('hex')
  const variant = ((parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(18, 20),
    hex.slice(20, 32),
  ].join('-')
}

/** A MAC in QEMU's range 52:54:00, the same on every run for a lab and node name. */
export function stableMac(lab: string, node: string): string {
  const hex = createHash('sha256').update(`${poolName}:${lab}:${node}`).digest('hex')
  return `52:54:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`
}

/** The volumes of a lab's node. */
export const volumeNames = (lab: string, node: string) => ({
  volume: `${lab}-${node}.qcow2`,
  seedVolume: `${lab}-${node}-seed.iso`,
})

/** Where the backups of a lab are; they stay when the lab is removed. */
export const backupFolder = ({ dir }: { dir: string }) => `${dir}/backups`

const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object'

/** Parses a lab file; throws one UsageError with all problems, each with line, path and reason. */
export function parseLab(text: string, file: string): Lab {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  if (document.errors.length > 0)
    throw new UsageError(`${file} is not valid YAML`, {
      details: document.errors.map(({ message }) => message.split('\n')[0] ?? message),
    })
  let raw: unknown
  try {
    raw = withRke2Config(document.toJS(), text)
  } catch (error) {
    throw new UsageError(`${file} is not valid YAML`, { details: [(error as Error).message] })
  }
  if (isRecord(raw) && typeof raw.image === 'string') raw.image = { name: raw.image }
  const shape = labSchema.safeParse(raw)
  const problems = [
    ...shapeProblems(shape.error?.issues ?? []),
    ...ruleProblems(raw),
    ...extraProblems(raw),
  ]
    .map(({ path, message }) => ({ line: lineOf(path), text: `${pathText(path)}: ${message}` }))
    .sort((one, other) => one.line - other.line)
    .map(({ line, text }) => (line > 0 ? `line ${line}, ${text}` : text))
  refuse(file, problems, ['every key is described in docs/lab-file.md'])
  return derive(labSchema.parse(raw), ruleWarnings(raw))

  /** The line of the value, or of the nearest existing part around it; 0 for the whole file. */
  function lineOf(path: (string | number)[]): number {
    for (let depth = path.length; depth > 0; depth--) {
      const found = document.getIn(path.slice(0, depth), true) as { range?: [number] } | undefined
      if (found?.range) return lines.linePos(found.range[0]).line
    }
    return 0
  }
}

// rke2.config goes into a file that is YAML 1.1, so there `yes` and 012 mean what they mean to RKE2.
function withRke2Config(raw: { rke2?: { config?: unknown } } | null, text: string): unknown {
  if (!isMapping(raw?.rke2?.config)) return raw
  const { value, problems } = readYaml(text)
  if (problems.length > 0) throw new Error(problems.join('; '))
  const config = (value as Tree).get('rke2')?.get('config') ?? new Map<unknown, unknown>()
  if ([...config.keys()].some((key) => typeof key !== 'string'))
    throw new Error('rke2.config: a key is not text; quote it')
  return { ...raw, rke2: { ...raw?.rke2, config: Object.fromEntries(config) as unknown } }
}

type Tree = Map<unknown, Tree | undefined>
const isMapping = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

type Issue = { code?: string; path: PropertyKey[]; message: string; keys?: string[] }

function shapeProblems(issues: Issue[]): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
    if (issue.code === 'unrecognized_keys')
      return (issue.keys ?? []).map((key) => ({ path: [...path, key], message: 'unknown key' }))
    return [{ path, message: issue.message.replace(/^Invalid input: /, '') }]
  })
}

const pathText = (path: (string | number)[]) =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '') || 'the file'

const bytes = (size: string) => parseSize(size) ?? 0

/** The UUID of a lab's own NAT network with that name; another UUID means another owner. */
export const networkUuid = (lab: string, nat: string) => stableUuid(poolName, 'network', lab, nat)

function derive({ nodes, defaults, image, pool, ...file }: LabFile, warnings: string[]): Lab {
  const dir = `.lab/${file.name}`
  return {
    ...file,
    image: image.name ? { ...image, url: namedImage(image.name).url } : image,
    dir,
    pool: {
      name: poolName,
      uuid: stableUuid(poolName, 'pool'),
      path: pool ?? `/var/lib/libvirt/images/${poolName}`,
    },
    networkUuid: networkUuid(file.name, file.network.nat ?? ''),
    warnings,
    nodes: nodes.map((node) => ({
      ...node,
      vcpus: node.vcpus ?? defaults.vcpus,
      memory: bytes(node.memory ?? defaults.memory),
      disk: bytes(node.disk ?? defaults.disk),
      mac: stableMac(file.name, node.name),
      uuid: stableUuid(poolName, 'domain', file.name, node.name),
      ...volumeNames(file.name, node.name),
      ...extrasOf(node, volumeNames(file.name, node.name), (card) =>
        stableMac(file.name, `${node.name}/${card}`),
      ),
      dir: `${dir}/nodes/${node.name}`,
      sshConfig: `${dir}/ssh_config`,
    })),
  }
}
