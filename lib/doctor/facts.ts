// PURE. What the checks judge, and what it means when something could not be looked at.
import type { Lab, Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import type { LabError } from '../text/errors.ts'

/** What this host can be asked (look.ts has the commands). */
export type Question =
  | 'tools'
  | 'npm'
  | 'memory'
  | 'disk'
  | 'kvm'
  | 'interfaces'
  | 'neighbours'
  | 'forwards'
  | 'filters'
  | 'rules'

/** Gives an answer, which may be empty; throws NotLookedAt when there is none. */
export type HostFacts = (question: Question) => string

/** Why there is no answer; nothing may be concluded from that. */
export class NotLookedAt extends Error {
  readonly level: 'ok' | 'warning'
  readonly fix: string[]
  constructor(why: string, level: 'ok' | 'warning' = 'warning', fix: string[] = []) {
    super(why)
    this.level = level
    this.fix = fix
  }
}

/** What was found, or undefined when there was no answer. */
export function lookedAt<T>(find: () => T): T | undefined {
  try {
    return find()
  } catch (error) {
    if (error instanceof NotLookedAt) return undefined
    throw error
  }
}

const notUnderstood = (text: string) =>
  new NotLookedAt(`this is not understood: ${text.slice(0, 80)}`)

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

/** Whether KVM works (undefined: nobody can be asked). */
export interface Kvm {
  works: boolean | undefined
  why: string
}

/** How `virsh domcapabilities` ended. */
export interface Capabilities {
  code: number
  stderr: string
}

/** What TCP says about SSH's port on the address of a node. */
export interface Knock {
  node: Node
  answer: 'open' | 'refused' | 'silent'
}

/** Where the image is: a file on this host, a URL (perhaps with an obstacle), or nobody knows. */
export type ImagePlace =
  | 'not needed'
  | { file: string }
  | { url: string; obstacle: { why: string; sure: boolean } | undefined }
  | { error: LabError }

/** What create finds out before it changes anything. */
export interface Facts {
  lab: Lab
  nodes: Node[]
  /** Undefined when libvirt cannot be asked. */
  host: Host | undefined
  here: HostFacts
  knocks: Knock[]
  kvm: Kvm
  emulator: Capabilities | undefined
}

/** What doctor finds out besides. */
export interface AllFacts extends Facts {
  /** Why libvirt cannot be asked. */
  trouble: LabError | undefined
  image: ImagePlace
  /** Version of Node.js. */
  node: string
}
