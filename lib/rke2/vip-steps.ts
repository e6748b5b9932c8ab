// EDGE. The steps around the address that the servers share: nobody else has it, it answers, and it leaves a server in time.
import { onNode } from '../guest/on-node.ts'
import { askNode, commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { ask } from '../shell/bash.ts'
import { untilBash, type Check, type Run, type Say, type Step } from '../shell/steps.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'
import { CommandError, LabError } from '../text/errors.ts'
import { formatSeconds } from '../text/progress.ts'
import { kubectl } from './kube-nodes.ts'
import {
  hasVip,
  ownBalancer,
  vipAnswers,
  vipAnswersHere,
  vipIsFree,
  vipPods,
  vipStatus,
  type VipStatus,
} from './vip.ts'
import type { Member } from './service.ts'

/** Nobody else has the address; asked before kube-vip first comes to a server. */
export function planVipIsFree(lab: Lab, { node, state }: Member): Run[] {
  const { vip } = lab.rke2
  if (vip === undefined || hasVip(lab, state)) return []
  return [
    onNode(node, vipIsFree(vip, lab), {
      explain: (error) =>
        new LabError(error.failed.stderr.split('\n').at(-1) ?? '', {
          hint: [
            '# give rke2.vip an address that nobody uses, outside of DHCP',
            typedOn(node, `ip neighbour show to ${vip}`),
            ownBalancer(vip),
          ],
          cause: error,
        }),
    }),
  ]
}

/** The address answers when it is asked from a node. */
export function planVipAnswers(lab: Lab, node: Node, server: Node, seconds: number): Check[] {
  const { vip } = lab.rke2
  if (vip === undefined) return []
  const script = vipAnswers(vip)
  const bash = untilBash(`(${commandOn(node, script)}\n)`, seconds, 3)
  return [
    { do: 'check', bash, holds: (say) => waitForVip(vip, script, { node, server, seconds }, say) },
  ]
}

async function waitForVip(
  vip: string,
  script: string,
  { node, server, seconds }: { node: Node; server: Node; seconds: number },
  say: Say,
): Promise<string> {
  let state = `${vip} does not answer on 6443 and 9345 yet`
  let looks = 0
  const probe = async (): Promise<Seen<string>> => {
    say(state)
    await askNode(node, script)
    return { done: `${vip} answers` }
  }
  const silent = async (error: unknown) => {
    if (!(error instanceof LabError)) throw error
    if (looks++ % 5 === 0) state = `${vip} does not answer yet${await podsOf(server)}`
    return { state: error instanceof CommandError ? state : error.message }
  }
  return until(() => probe().catch(silent), { seconds, every: 3 }).catch((error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
    const onServer = (words: string) => typedOn(server, `sudo ${kubectl} ${words}`)
    throw new LabError(`rke2.vip ${vip} did not answer within ${formatSeconds(seconds)}`, {
      details: [
        'kube-vip holds it on one of the servers, once its image is there',
        `last state: ${error.lastState}`,
      ],
      hint: [
        onServer(`get pods ${vipPods} --output wide`),
        onServer(`logs ${vipPods} --tail 20`),
        '# does something else have the address, or does the network filter it?',
      ],
    })
  })
}

/** Lets the address move to another server at once: kube-vip gives it back when its pod ends, not when RKE2 stops. */
export const planVipMoves = ({ rke2 }: Lab, server: Node, { name, role }: Node): Step[] =>
  rke2.vip === undefined || role !== 'server'
    ? []
    : [
        onNode(
          server,
          `${kubectl} delete pods ${vipPods} --field-selector spec.nodeName=${name} --timeout=60s`,
          { root: true, orWarn: `if ${name} holds ${rke2.vip}, that moves after about 20 s` },
        ),
      ]

// As kubectl lists them: NAME READY STATUS RESTARTS AGE.
async function podsOf(server: Node): Promise<string> {
  try {
    const list = await askNode(server, `${kubectl} get pods ${vipPods} --no-headers`, {
      root: true,
      seconds: 20,
    })
    const states = list
      .trim()
      .split('\n')
      .map((line) => line.split(/ +/)[2] ?? 'no pod')
    return `; kube-vip: ${[...new Set(states)].join(', ')}`
  } catch (error) {
    if (error instanceof LabError) return ''
    throw error
  }
}

/** Whether the address does not answer this host, on one of its two ports. */
export async function vipIsSilent({ rke2: { vip } }: Lab): Promise<boolean> {
  if (vip === undefined) return false
  const { api, join } = await portsOf(vip)
  return !api || !join
}

async function portsOf(vip: string): Promise<Pick<VipStatus, 'api' | 'join'>> {
  const commands = vipAnswersHere(vip)
  const answers = async (command: string) => (await ask(command)).code === 0
  const [api, join] = await Promise.all([answers(commands.api), answers(commands.join)])
  return { api, join }
}

/** What status shows of the address; undefined without rke2.vip. The servers are asked for nothing else, so that one whose API is
 *  slow tells it too. */
export async function lookAtVip(lab: Lab): Promise<VipStatus | undefined> {
  const { vip } = lab.rke2
  if (vip === undefined) return undefined
  const servers = lab.nodes.filter(({ role }) => role === 'server')
  const ask = async (node: Node) => (await addressesOf(node)) ?? (await addressesOf(node)) ?? []
  const [ports, ...answers] = await Promise.all([portsOf(vip), ...servers.map(ask)])
  return vipStatus(
    lab,
    answers.filter((addresses) => addresses.length > 0),
    ports,
  )
}

// Undefined if it does not tell any, its own neither.
async function addressesOf(node: Node): Promise<string[] | undefined> {
  try {
    const answer = await askNode(node, 'ip -o -4 address show', { root: true, seconds: 30 })
    const all = [...answer.matchAll(/ inet ([\d.]+)/g)].map(([, address = '']) => address)
    return all.includes(node.address) ? all : undefined
  } catch (error) {
    if (error instanceof LabError) return undefined
    throw error
  }
}
