// EDGE. RKE2 on one node: its state, and the steps that configure and start it.
import { statSync } from 'node:fs'
import * as ui from '../cli/ui.ts'
import { makeOnNode, onNode, putOnNode, storeOn } from '../guest/on-node.ts'
import { askNode, commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { readText } from '../shell/bash.ts'
import type { Check, Step } from '../shell/steps.ts'
import { CommandError, LabError } from '../text/errors.ts'
import { quote } from '../text/quote.ts'
import { toYaml } from '../text/yaml.ts'
import { joinedServer, parseRke2Config, rke2Entries, type Config } from './config.ts'
import { parseKubeNodes, type KubeNode, kubectl } from './kube-nodes.ts'
import { planManifests, readManifests } from './manifest-files.ts'
import type { Manifest } from './manifests.ts'
import { environmentFile, keepOthers, proxyLines } from './proxy.ts'
import {
  embeddedProblem,
  holdsLogin,
  registriesFile,
  registriesOnNode,
  registriesSum,
} from './registries.ts'
import { importMemory } from './remains.ts'
import { secretsIn, withSecrets, type Secret } from './secrets.ts'
import { parseState, serviceOf, stateScript, untouched, type Rke2State } from './state.ts'
import { recreated } from './system.ts'

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
      `${typedOn(node, quote(allow), '-t')}   # asks for it once`,
      '# or, if the user has no password, set sudo: ALL=(ALL) NOPASSWD:ALL in cloud-init/user-data.yaml, then:',
      recreated(node),
    ],
    cause: error,
  })
}

/** A check that fails if the node could not be asked. */
export const reached = ({ node, trouble }: Member): Check[] =>
  trouble ? [refusal(commandOn(node, 'true'), trouble)] : []

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

/** The configurations that people edit, by role, and the secrets in them. */
export type Edited = Record<Node['role'], Config> & {
  /** The SHA-256 of rke2/registries.yaml; undefined if there is none. */
  registries?: string
  /** Those of rke2/manifests, for the servers; undefined: not read, so they stay as they are. */
  manifests?: Manifest[]
  secrets?: Record<Node['role'] | 'lab', Secret[]>
}

/** Reads and checks them, the manifests if they must be kept in step. */
export function readEdited(lab: Lab, labFile: string, { manifests = true } = {}): Edited {
  const { nodes } = lab
  const read = (role: Node['role']) => {
    const file = `rke2/${role}.yaml`
    const text = readText(file) ?? ''
    const machines = nodes.filter((node) => node.role === role).length
    return { config: parseRke2Config(text, file, machines), secrets: secretsIn(text, file) }
  }
  const [server, agent] = [read('server'), read('agent')]
  const registries = readText(registriesFile)
  const sum = registries === undefined ? undefined : registriesSum(registries)
  if (registries !== undefined && holdsLogin(registries) && statSync(registriesFile).mode & 0o044)
    ui.warn(`others on this host can read the login in it: chmod 600 ${registriesFile}`)
  const sharing = embeddedProblem({ ...server.config, ...lab.rke2.config }, registries)
  if (sharing) ui.warn(sharing)
  return {
    ...(sum === undefined ? {} : { registries: sum }),
    ...(manifests && { manifests: readManifests(lab, server.config) }),
    server: server.config,
    agent: agent.config,
    secrets: {
      lab: secretsIn(readText(labFile) ?? '', labFile, 'rke2', 'config'),
      server: server.secrets,
      agent: agent.secrets,
    },
  }
}

/** The steps that write config.yaml (root, 0600) and bring what else is edited, and whether the service must restart to read
 *  it. `joins` is the server that a new node joins; any other node keeps the server that it joined. */
export function planConfig(
  lab: Lab,
  { node, state }: Member,
  edited: Edited,
  joins?: Node,
): { steps: Step[]; unread: boolean } {
  const joined = state.hasRun ? joinedServer(lab, node, state.config) : undefined
  const entries = rke2Entries(lab, node, edited[node.role], joined ?? joins)
  const { lab: ofLab = [], [node.role]: ofRole = [] } = edited.secrets ?? {}
  const secrets = Object.entries(entries).flatMap(([key, value]) => {
    const among = value === lab.rke2.config[key] ? ofLab : ofRole
    return among.find((one) => one.key === key) ?? []
  })
  const shown = Object.entries(entries).filter(([key]) => !secrets.some((one) => one.key === key))
  const { content, bash } = withSecrets(toYaml(Object.fromEntries(shown)), secrets)
  const others = [...planRegistries(node, state, edited), ...planProxies(lab, node, state)]
  const manifests = planManifests(lab, { node, state }, edited)
  if (state.config === content)
    return {
      steps: [...others, ...manifests],
      unread: state.stale || others.length > 0 || (lab.proxy && state.unread) === true,
    }
  const file = '/etc/rancher/rke2/config.yaml'
  const put = secrets.length > 0 ? makeOnNode(node, file, bash) : putOnNode(node, file, content)
  return { steps: [put, ...others, ...manifests], unread: true }
}

// It goes from file to file: its logins are in no text that is shown or printed.
const planRegistries = (node: Node, state: Rke2State, { registries }: Edited): Step[] =>
  registries === undefined || registries === state.registries
    ? []
    : [{ do: 'run', bash: `${storeOn(node, registriesOnNode)} < ${quote(registriesFile)}` }]

function planProxies(lab: Lab, node: Node, state: Rke2State): Step[] {
  const file = environmentFile(serviceOf(node))
  const lines = proxyLines(lab, state.environment, process.env)
  if (!lines) return []
  const others = commandOn(node, keepOthers(file), { root: true })
  return [makeOnNode(node, file, lines.keeps ? `{ { ${others}\n} && ${lines.bash}; }` : lines.bash)]
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
