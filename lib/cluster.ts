// EDGE. What concerns more than one node: who leads, the token's way, old nodes of the same name, the kubeconfig.
import { existsSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { LabError } from './errors.ts'
import { kubeconfigEdits, mergeKubeconfig } from './kubeconfig.ts'
import type { Lab, Node } from './lab.ts'
import { formatSeconds } from './progress.ts'
import { kubectl, type KubeNode, type Rke2State } from './rke2-state.ts'
import { tokenFile } from './rke2-config.ts'
import { kubeNodes, rke2State, runOnNode } from './rke2-node.ts'
import { ssh } from './ready.ts'
import { mode, query, readText, run, write } from './shell.ts'
import { TimedOut, until, type Seen } from './wait.ts'
import * as ui from './ui.ts'

export const servers = (lab: Lab) => lab.nodes.filter(({ role }) => role === 'server')

/** The first server of the lab file. */
export function firstServer(lab: Lab): Node {
  const [first] = servers(lab)
  if (!first) throw new Error('a checked lab has a server')
  return first
}

/** The server that newcomers join: the first one whose RKE2 runs. A dry run takes the first one as running. */
export async function findLeader(lab: Lab): Promise<Node> {
  if (mode.dryRun) return firstServer(lab)
  const states = await Promise.allSettled(servers(lab).map((node) => rke2State(lab, node)))
  const index = states.findIndex(
    ({ status, ...rest }) =>
      status === 'fulfilled' && 'value' in rest && rest.value.service === 'active',
  )
  const leader = servers(lab)[index]
  if (leader) return leader
  const failed = states.find((state) => state.status === 'rejected')
  throw new LabError('no server of this lab runs RKE2 yet', {
    details: failed?.reason instanceof Error ? [failed.reason.message] : [],
    hint: 'npx zx scripts/install-rke2.ts',
  })
}

/** A first server made anew must not start a second cluster while others carry the first one. */
export async function checkNoOtherCluster(lab: Lab, first: Node, state: Rke2State): Promise<void> {
  if (state.hasRun || mode.dryRun) return
  const others = servers(lab).filter((node) => node !== first)
  const states = await Promise.allSettled(others.map((node) => rke2State(lab, node)))
  const silent = others.filter(
    ({ dir }, index) => states[index]?.status === 'rejected' && existsSync(`${dir}/host_key.pub`),
  )
  if (silent.length > 0)
    throw new LabError(
      `it is new, and ${silent.map(({ name }) => name).join(' and ')} cannot be asked whether the cluster is there already`,
      {
        details: ['installing here could begin a second cluster'],
        hint: [
          `npx zx scripts/create.ts ${silent.map(({ name }) => name).join(' ')}`,
          '# then run this again',
        ],
      },
    )
  const living = others.filter((_, index) => {
    const other = states[index]
    return other?.status === 'fulfilled' && other.value.hasRun
  })
  if (living.length > 0)
    throw new LabError(
      `it is new, but the cluster is there already, on ${living.map(({ name }) => name).join(' and ')}`,
      {
        details: ['installing here would begin a second cluster'],
        hint: [`npx zx scripts/join.ts ${first.name}   # joins it to the one there is`],
      },
    )
}

/** Carries the cluster's token from the leader to the node, from SSH to SSH; it never stands in a command or on this host. */
export async function bringToken(lab: Lab, leader: Node, node: Node): Promise<void> {
  await run`${ssh(lab, leader)} sudo cat /var/lib/rancher/rke2/server/token | ${ssh(lab, node)} ${`sudo install -D -m 600 /dev/stdin ${tokenFile}`}`
}

const preflight = (address: string) => `
fetch() { curl --silent --insecure --max-time 10 "$1" || wget --quiet --no-check-certificate --timeout=10 --output-document=- "$1"; }
test "$(fetch https://${address}:9345/ping)" = pong ||
  { echo "https://${address}:9345 does not answer from here [unreachable]" >&2; exit 3; }
served=$(fetch https://${address}:9345/cacerts | sha256sum | cut -d ' ' -f 1)
expected=$(sed 's/^K10\\([0-9a-f]*\\)::.*/\\1/' ${tokenFile})
test "$served" = "$expected" ||
  { echo "the CA that https://${address}:9345 serves is not the one in the token [ca-mismatch]" >&2; exit 4; }
`

/** From the node: the server's port answers, and its CA is the one whose hash is in the token. */
export async function checkServerFromNode(lab: Lab, leader: Node, node: Node): Promise<void> {
  await runOnNode(lab, node, preflight(leader.address).trimStart()).catch((error: unknown) => {
    throw new LabError(
      error instanceof LabError
        ? error.message.replace(/^ssh failed \(exit \d\): /, '')
        : String(error),
      {
        hint: [
          `${ssh(lab, leader).join(' ')} systemctl status rke2-server`,
          '# is a firewall between them, or does another machine have the address of the server?',
        ],
        cause: error,
      },
    )
  })
}

/** A node that is new under a name that the cluster knows: the old Node and its password go first, once it is NotReady. */
export async function clearOldNode(
  lab: Lab,
  leader: Node,
  node: Node,
  state: Rke2State,
  seconds: number,
): Promise<void> {
  if (state.hasRun) return
  const old = await oldNode(lab, leader, node, seconds)
  if (!old) return
  if (old.ready && mode.dryRun)
    await run`${ssh(lab, leader)} sudo ${kubectl.split(' ')} wait --for=condition=Ready=Unknown node/${node.name} --timeout=${seconds}s`
  else if (old.ready) await waitUntilNotReady(lab, leader, node, seconds)
  // The Node last: as long as it is there, a run that was cut off comes here again.
  await run`${ssh(lab, leader)} sudo ${kubectl.split(' ')} delete secret --namespace kube-system ${node.name}.node-password.rke2 --ignore-not-found`
  await run`${ssh(lab, leader)} sudo ${kubectl.split(' ')} delete node ${node.name}`
}

// A server whose API does not answer knows nothing; in a dry run there may be none yet.
async function oldNode(
  lab: Lab,
  leader: Node,
  node: Node,
  seconds: number,
): Promise<KubeNode | undefined> {
  const probe = async (): Promise<Seen<KubeNode | undefined>> => {
    const nodes = await kubeNodes(lab, leader)
    if (!nodes && !mode.dryRun) return { state: `the API of ${leader.name} does not answer` }
    return { done: nodes?.find(({ name }) => name === node.name) }
  }
  return until(probe, { seconds: Math.min(seconds, 120), every: 3 }).catch((error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
    throw new LabError(error.lastState, {
      hint: `${ssh(lab, leader).join(' ')} sudo ${kubectl} get nodes`,
    })
  })
}

async function waitUntilNotReady(
  lab: Lab,
  leader: Node,
  node: Node,
  seconds: number,
): Promise<void> {
  ui.detail(
    `${node.name} is new, but Kubernetes still takes the old one for alive; waiting until it does not`,
  )
  const probe = async (): Promise<Seen<true>> => {
    const nodes = await kubeNodes(lab, leader)
    if (!nodes) return { state: `the API of ${leader.name} does not answer` }
    const old = nodes.find(({ name }) => name === node.name)
    return old?.ready ? { state: 'the old node is still Ready' } : { done: true }
  }
  await until(probe, { seconds, every: 3 }).catch((error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
    throw new LabError(
      `Kubernetes has a Ready node of this name, after ${formatSeconds(seconds)} still`,
      {
        details: ['another machine seems to run under this name; it is left alone'],
        hint: `${ssh(lab, leader).join(' ')} sudo ${kubectl} get node ${node.name} -o wide`,
      },
    )
  })
}

/** The kubeconfig on this host, with the server's address and the lab's name; written only when it differs. */
export async function ensureKubeconfig(lab: Lab, server: Node): Promise<string> {
  const file = `${lab.dir}/kubeconfig`
  const edits = kubeconfigEdits(lab.name, server.address).flatMap((edit) => ['-e', edit])
  const source = [...ssh(lab, server), 'sudo', 'cat', '/etc/rancher/rke2/rke2.yaml']
  const wanted = mode.dryRun ? '' : (await query`${source} | sed ${edits}`).stdout
  if (wanted && wanted === readText(file)) return file
  await run`${source} | sed ${edits} > ${file}.part && mv ${file}.part ${file}`
  return file
}

/** Merges the lab's kubeconfig into the person's own, after a copy of that. */
export async function mergeIntoHome(lab: Lab, file: string): Promise<void> {
  const home = realPath(join(homedir(), '.kube', 'config'))
  if (mode.dryRun) return mergeInScript(lab, file, home)
  const existing = readText(home) ?? ''
  const merged = mergeKubeconfig(existing, readText(file) ?? '', lab.name)
  if (merged === existing) return
  if (existing) write(`${home}.before-${lab.name}`, existing)
  write(home, merged)
}

// A link, as people have who keep such files elsewhere, stays one.
const realPath = (path: string) => (existsSync(path) ? realpathSync(path) : path)

async function mergeInScript(lab: Lab, file: string, home: string): Promise<void> {
  await run`mkdir -p ${dirname(home)} && touch ${home} && cp ${home} ${`${home}.before-${lab.name}`}`
  for (const kind of ['context', 'cluster', 'user'])
    await run`kubectl --kubeconfig ${home} config ${kind === 'user' ? ['unset', `users.${lab.name}`] : [`delete-${kind}`, lab.name]} || true`
  await run`KUBECONFIG=${`${home}:${file}`} kubectl config view --flatten --raw > ${home}.part && mv ${home}.part ${home}`
}

/** How to use the cluster: kubectl here, or through SSH where this host has none. */
export async function kubectlHint(lab: Lab, server: Node): Promise<string> {
  const here = (await query`command -v kubectl`).code === 0
  if (here) return `kubectl --kubeconfig ${lab.dir}/kubeconfig get nodes`
  return `${ssh(lab, server).join(' ')} sudo ${kubectl} get nodes`
}
