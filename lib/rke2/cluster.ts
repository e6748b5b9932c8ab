// EDGE. What concerns more than one node: who leads, and the token's way.
import { existsSync } from 'node:fs'
import { LabError } from '../text/errors.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { Rke2State } from './state.ts'
import { tokenFile } from './config.ts'
import { kubeNodes, rke2State, runOnNode } from './service.ts'
import { ssh } from '../guest/ready.ts'
import { mode, run } from '../shell/shell.ts'

export const servers = (lab: Lab) => lab.nodes.filter(({ role }) => role === 'server')

/** The first server of the lab file. */
export function firstServer(lab: Lab): Node {
  const [first] = servers(lab)
  if (!first) throw new Error('a checked lab has a server')
  return first
}

export interface Leader {
  leader: Node
  leaderState: Rke2State
}

/**
 * The server that newcomers join: the first one whose RKE2 runs; of several, the first that is a Ready node by its own
 * word. A dry run takes the first one as running.
 */
export async function findLeader(lab: Lab): Promise<Leader> {
  if (mode.dryRun)
    return { leader: firstServer(lab), leaderState: await rke2State(lab, firstServer(lab)) }
  const answers = await Promise.allSettled(
    servers(lab).map(async (leader) => ({ leader, leaderState: await rke2State(lab, leader) })),
  )
  const active = answers.flatMap((answer) =>
    answer.status === 'fulfilled' && answer.value.leaderState.service === 'active'
      ? [answer.value]
      : [],
  )
  const [first] = active
  if (!first)
    throw new LabError('no server of this lab runs RKE2 yet', {
      details: failures(answers).slice(0, 1),
      hint: 'npx zx scripts/install-rke2.ts',
    })
  if (active.length === 1) return first
  const isReady = await Promise.all(active.map(({ leader }) => saysItIsReady(lab, leader)))
  return active.find((_, index) => isReady[index]) ?? first
}

const saysItIsReady = async (lab: Lab, server: Node) =>
  (await kubeNodes(lab, server))?.some(({ name, ready }) => name === server.name && ready)

const failures = (answers: PromiseSettledResult<unknown>[]): string[] =>
  answers.flatMap((answer) =>
    answer.status === 'rejected' && answer.reason instanceof Error ? [answer.reason.message] : [],
  )

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
