// PURE. Lab file text -> checked lab with everything that is derived from it.
import { createHash } from 'node:crypto'
import { LineCounter, parseDocument } from 'yaml'
import { UsageError } from '../text/errors.ts'
import { ruleProblems, ruleWarnings, type Problem } from './rules.ts'
import { labSchema, type LabFile } from './schema.ts'
import { parseSize } from '../text/size.ts'

export interface Node {
  name: string
  role: 'server' | 'agent'
  address: string
  vcpus: number
  /** Bytes. */
  memory: number
  /** Bytes. */
  disk: number
  mac: string
  uuid: string
  /** Volume of the root disk and of the seed medium. */
  volume: string
  seedVolume: string
  /** Folder of the node's files, relative to the current folder. */
  dir: string
  /** The ssh_config by which it is reached. */
  sshConfig: string
}

export interface Lab extends Omit<LabFile, 'nodes' | 'defaults'> {
  nodes: Node[]
  /** Folder of the lab's files, relative to the current folder. */
  dir: string
  pool: { name: string; uuid: string; path: string }
  /** Of the libvirt network, when there is one. */
  networkUuid: string
  warnings: string[]
}

export const poolName = 'rke2-kvm-lab'

/** A fixed UUID for a name, so that what the scripts make can be recognised and made twice is made once. */
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

/** MAC in QEMU's range 52:54:00, the same for a lab and node name on every run. */
export function stableMac(lab: string, node: string): string {
  const hex = createHash('sha256').update(`${poolName}:${lab}:${node}`).digest('hex')
  return `52:54:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`
}

/** The volumes that a node of a lab has. */
export const volumeNames = (lab: string, node: string) => ({
  volume: `${lab}-${node}.qcow2`,
  seedVolume: `${lab}-${node}-seed.iso`,
})

/** Reads a lab file's text; throws one UsageError with all its problems, each with line, path and reason. */
export function parseLab(text: string, file: string): Lab {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  if (document.errors.length > 0)
    throw new UsageError(`${file} is not valid YAML`, {
      details: document.errors.map(({ message }) => message.split('\n')[0] ?? message),
    })
  let raw: unknown
  try {
    raw = document.toJS()
  } catch (error) {
    throw new UsageError(`${file} is not valid YAML`, { details: [(error as Error).message] })
  }
  const parsed = labSchema.safeParse(raw)
  const problems = [...shapeProblems(parsed.error?.issues ?? []), ...ruleProblems(raw)]
  if (!parsed.success || problems.length > 0)
    throw new UsageError(
      `${file}: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`,
      {
        details: problems
          .map(({ path, message }) => ({
            line: lineOf(path),
            text: `${pathText(path)}: ${message}`,
          }))
          .sort((one, other) => one.line - other.line)
          .map(({ line, text }) => (line > 0 ? `line ${line}, ${text}` : text)),
        hint: 'every key is described in README.md, "Lab file"',
      },
    )
  return derive(parsed.data, ruleWarnings(raw))

  /** Line of the value, or of the nearest thing around it that is there; 0 for the file as a whole. */
  function lineOf(path: (string | number)[]): number {
    for (let depth = path.length; depth > 0; depth--) {
      const found = document.getIn(path.slice(0, depth), true) as { range?: [number] } | undefined
      if (found?.range) return lines.linePos(found.range[0]).line
    }
    return 0
  }
}

function shapeProblems(
  issues: { code?: string; path: PropertyKey[]; message: string; keys?: string[] }[],
): Problem[] {
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

/** The uuid of a NAT network that this lab makes under that name; by it the lab knows its own. */
export const networkUuid = (lab: string, nat: string) => stableUuid(poolName, 'network', lab, nat)

function derive({ nodes, defaults, ...file }: LabFile, warnings: string[]): Lab {
  const dir = `.lab/${file.name}`
  return {
    ...file,
    dir,
    pool: {
      name: poolName,
      uuid: stableUuid(poolName, 'pool'),
      path: `/var/lib/libvirt/images/${poolName}`,
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
      dir: `${dir}/nodes/${node.name}`,
      sshConfig: `${dir}/ssh_config`,
    })),
  }
}
