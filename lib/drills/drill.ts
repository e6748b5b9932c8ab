// PURE. What a drill is: one fault, put into one machine on purpose, that a person finds and repairs.
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { kubectl } from '../rke2/kube-nodes.ts'
import type { Run } from '../shell/steps.ts'
import type { Hint } from '../text/errors.ts'

/** The node with the fault, and a server whose kubectl is used. */
export interface Place {
  lab: Lab
  node: Node
  server: Node
}

export interface Clue {
  says: string
  type?: Hint[]
}

/** What a node must have: a script for root's sh there that ends with 1 without it, and that in words. */
export interface Needs {
  script: string
  words: string
}

export interface Drill {
  /** Says what one sees, not what it comes from. */
  name: string
  /** Why this lab cannot have it, if so. */
  unfit?: (lab: Lab) => string | undefined
  /** The node that it breaks: the last agent, the first server, or an agent if there is one. */
  on: 'agent' | 'server' | 'any'
  symptom: (at: Place) => string
  /** What its undo does not bring back. */
  costs?: string
  needs?: (at: Place) => Needs
  /** May be carried out again when it was interrupted. */
  fault: (at: Place) => Run[]
  /** Works whether all, some or none of the fault is there. */
  undo: (at: Place) => Run[]
  /** Removes what stays behind after a repair. */
  tidy?: (at: Place) => Run[]
  /** Bash that fails as long as the fault is there. */
  repaired: (at: Place) => string
  /** From a first look to the repair. */
  clues: (at: Place) => Clue[]
  /** What it was, for the end. */
  lesson: (at: Place) => string
}

/** The node that a drill breaks in this lab, or why the lab cannot have it. */
export function nodeFor({ on, unfit }: Pick<Drill, 'on' | 'unfit'>, lab: Lab): Node | string {
  const agent = lab.nodes.findLast(({ role }) => role === 'agent')
  const server = lab.nodes.find(({ role }) => role === 'server')
  const node = on === 'server' ? server : (agent ?? (on === 'any' ? server : undefined))
  return unfit?.(lab) ?? node ?? 'needs an agent, and this lab has servers only'
}

/** A server's kubectl, as a user types it on this host. */
export const kubectlOn = (server: Node, words: string) =>
  typedOn(server, `sudo ${kubectl} ${words}`)
