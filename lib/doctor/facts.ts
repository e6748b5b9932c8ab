// PURE. The facts for the checks, some of which may be missing, and the findings that checks return.
import type { Lab, Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import type { Hint } from '../text/errors.ts'

/** The questions to this host and to that of libvirt (look.ts has the commands). */
export type Question =
  | 'tools'
  | 'npm'
  | 'virsh'
  | 'modes'
  | 'libvirt'
  | 'folder'
  | 'memory'
  | 'disk'
  | 'kvm'
  | 'processor'
  | 'interfaces'
  | 'routes'
  | 'neighbours'
  | 'forwards'
  | 'filters'
  | 'rules'
  | 'backend'

/** Returns an answer, perhaps an empty one; throws NotLookedAt when there is none. */
export type HostFacts = (question: Question) => string

/** Why there is no answer; a check must not conclude anything from that. */
export class NotLookedAt extends Error {
  readonly level: 'ok' | 'warning'
  constructor(why: string, level: 'ok' | 'warning' = 'warning') {
    super(why)
    this.level = level
  }
}

/** The result, or undefined when there is no answer. */
export function lookedAt<T>(find: () => T): T | undefined {
  try {
    return find()
  } catch (error) {
    if (error instanceof NotLookedAt) return undefined
    throw error
  }
}

const notUnderstood = (text: string) => new NotLookedAt(`unexpected output: ${text.slice(0, 80)}`)

/** The number in an answer. */
export function numberIn(text: string, pattern: RegExp): number {
  const [, digits] = pattern.exec(text) ?? []
  if (digits) return Number(digits)
  throw notUnderstood(text)
}

/** The list in an answer in JSON. */
export function listIn<T>(json: string): T[] {
  try {
    const list = JSON.parse(json || '[]') as unknown
    if (Array.isArray(list)) return list as T[]
  } catch {} // an error below
  throw notUnderstood(json)
}

/** Whether KVM works; undefined when there is no way to know. */
export interface Kvm {
  works: boolean | undefined
  why: string
  /** taken: another hypervisor holds it. foreign: the host's processor is not an x86-64. */
  cause?: 'taken' | 'foreign'
}

/** How `virsh domcapabilities` ended. */
export interface Capabilities {
  code: number
  stderr: string
}

/** The result of a connection to the SSH port of a node. */
export interface Knock {
  node: Node
  answer: 'open' | 'refused' | 'silent'
}

/** The facts that create needs. */
export interface Facts {
  lab: Lab
  nodes: Node[]
  /** Undefined when libvirt does not answer. */
  host: Host | undefined
  here: HostFacts
  knocks: Knock[]
  kvm: Kvm
  emulator: Capabilities | undefined
  /** Lines for the lab file with a free network or with `other`, and free addresses; only doctor looks for them. */
  propose?: {
    network(other?: { cidr: string; gateway: string }): Hint[]
    addresses(taken: string[]): string[]
  }
}
