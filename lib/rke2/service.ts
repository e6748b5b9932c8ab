// EDGE. RKE2 on one node: its state, and the steps that configure and start it.
import { askNode, onNode, putOnNode } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { readText } from '../shell/bash.ts'
import type { Check, Step } from '../shell/steps.ts'
import { CommandError, LabError } from '../text/errors.ts'
import { commandText, quote } from '../text/quote.ts'
import { recreated } from './system.ts'
import { joinedServer, parseRke2Config, rke2Config, type Config } from './config.ts'
import { importMemory } from './remains.ts'
import { kubectl, parseState, serviceOf, stateScript, untouched, type Rke2State } from './state.ts'
import { parseKubeNodes, type KubeNode } from './kube-nodes.ts'

/** A node, and the state of RKE2 on it. */
export interface Member {
  name: string
  node: Node
  /** That of an untouched node if there is trouble. */
  state: Rke2State
  /** Why the node cannot be asked. */
  trouble?: LabError
}

/** Asks a node for the state of RKE2. */
export async function lookAt(node: Node): Promise<Member> {
  const { name } = node
  const from = seconds()
  try {
    const answer = await askNode(node, stateScript(serviceOf(node)), { root: true, seconds: 90 })
    const state = parseState(answer)
    return { name, node, state: { ...state, skew: skewOf(state.now, from, seconds()) } }
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return { name, node, state: untouched, trouble: sudoTrouble(node, error) ?? error }
  }
}

const seconds = () => Date.now() / 1000

/** How far a clock is ahead of this host's, given when it was read by this host's. */
const skewOf = (now: number, from: number, to: number) =>
  now === 0 ? 0 : now < from ? Math.min(now + 1 - from, 0) : Math.max(now - to, 0)

// What sudo and sudo-rs say when they cannot ask anyone.
const sudoAsks =
  /^sudo(-rs)?: .*((password|authentication) is required|must have a tty)|not in the sudoers file/im

function sudoTrouble(node: Node, error: LabError): LabError | undefined {
  if (!(error instanceof CommandError && sudoAsks.test(error.failed.stderr))) return undefined
  const allow = `echo "$USER ALL=(ALL) NOPASSWD:ALL" | sudo tee /etc/sudoers.d/99-rke2-kvm-lab`
  return new LabError(`${node.name}: sudo wants a password there, and no script can type it`, {
    details: ['the login user has no NOPASSWD: see "sudo" in cloud-init/user-data.yaml'],
    hint: [
      `${commandText`ssh -t -F ${node.sshConfig} ${node.name}`} ${quote(allow)}   # asks for it once`,
      '# or, if the user has no password, set sudo: ALL=(ALL) NOPASSWD:ALL in cloud-init/user-data.yaml, then:',
      recreated(node),
    ],
    cause: error,
  })
}

/** A check that fails if the node could not be asked. */
export const reached = ({ node, trouble }: Member): Check[] =>
  trouble ? [refusal(typedOn(node, 'true'), trouble)] : []

/** A check that is already known to fail; `bash` checks again. */
export const refusal = (bash: string, error: LabError): Check => ({
  do: 'check',
  bash,
  holds: () => Promise.reject(error),
})

/** Kubernetes' nodes as a server reports them; undefined if its API does not answer. */
export async function kubeNodes(server: Node): Promise<KubeNode[] | undefined> {
  try {
    return parseKubeNodes(await askNode(server, `${kubectl} get nodes -o json`, { root: true }))
  } catch (error) {
    if (error instanceof LabError) return undefined
    throw error
  }
}

/** The configurations that people edit, by role. */
export type Edited = Record<Node['role'], Config>

/** Reads and checks them. */
export function readEdited({ nodes }: Lab): Edited {
  const read = (role: Node['role']) => {
    const file = `rke2/${role}.yaml`
    const machines = nodes.filter((node) => node.role === role).length
    return parseRke2Config(readText(file) ?? '', file, machines)
  }
  return { server: read('server'), agent: read('agent') }
}

/** The steps that write config.yaml (root, 0600), and whether the service must restart to read it. `joins` is the server
 *  that a new node joins; any other node keeps the server that it joined. */
export function planConfig(
  lab: Lab,
  { node, state }: Member,
  edited: Edited,
  joins?: Node,
): { steps: Step[]; unread: boolean } {
  const joined = state.hasRun ? joinedServer(lab, node, state.config) : undefined
  const config = rke2Config(lab, node, edited[node.role], joined ?? joins)
  if (state.config === config) return { steps: [], unread: state.stale }
  return { steps: [putOnNode(node, '/etc/rancher/rke2/config.yaml', config)], unread: true }
}

/** Lets RKE2 remember which archives of images it has imported: otherwise each start takes minutes longer. */
export const rememberImports = (node: Node): Step =>
  onNode(node, `touch ${importMemory}`, { root: true })

/** The steps that enable and start the service, or restart it. They do not wait. */
export function planStart({ node, state }: Member, restart: boolean): Step[] {
  if (state.service === 'active' && state.enabled && !restart) return []
  const service = serviceOf(node)
  const verb = restart && state.service !== 'inactive' ? 'restart' : 'start'
  return [
    onNode(node, `systemctl enable ${service}`, { root: true, state: 'starting' }),
    onNode(node, `systemctl ${verb} --no-block ${service}`, { root: true }),
  ]
}
