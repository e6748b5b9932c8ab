// EDGE. Waiting until a machine answers on SSH with its pinned key and cloud-init is done.
import { connect } from 'node:net'
import { parseInitFiles, readInitFiles, silentGuest, type InitState } from './cloud-init-status.ts'
import { consoleTail, lastConsoleLine } from '../libvirt/console.ts'
import { LabError } from '../text/errors.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { virsh } from '../libvirt/observe.ts'
import { nodeProgress, type NodeProgress } from '../cli/progress.ts'
import { eachOf } from '../phase.ts'
import { formatSeconds } from '../text/progress.ts'
import { quote } from '../text/quote.ts'
import { mode, query, queryWithin, run } from '../shell/shell.ts'
import { isAnswer, sshFiles, sshState } from './ssh-files.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'
import * as ui from '../cli/ui.ts'

/** ssh with the lab's keys, for `run` and `query`. */
export const ssh = (lab: Lab, node: Node) => ['ssh', '-F', sshFiles(lab).config, node.name]

/** What TCP says about a port: open, refused (a host is there), or nothing within the milliseconds given or until `signal`. */
export function knock(
  address: string,
  port: number,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<'open' | 'refused' | 'silent'> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    const end = (answer: 'open' | 'refused' | 'silent') => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(milliseconds, () => end('silent'))
    signal?.addEventListener('abort', () => end('silent'))
    socket.on('connect', () => end('open'))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ECONNREFUSED' ? 'refused' : 'silent'),
    )
  })
}

type Reached = InitState | { kind: 'unreachable'; state: string }

export interface Answer {
  /** cloud-init's state, or why SSH does not get there. */
  init: Reached
  /** All that was printed. */
  answer: string
}

/** Asks a node for cloud-init's state, and for `more` along with it; nobody waits for it any more after `signal`. */
export async function askNode(
  lab: Lab,
  node: Node,
  more = '',
  signal?: AbortSignal,
): Promise<Answer> {
  const answer = await knock(node.address, 22, 3000, signal)
  const unreachable = (said: string) => ({
    init: { kind: 'unreachable' as const, state: sshState(said) },
    answer: '',
  })
  if (answer !== 'open')
    return unreachable(answer === 'refused' ? 'connection refused' : 'timed out')
  const { code, stdout, stderr } = await queryWithin(60)`${ssh(lab, node)} ${readInitFiles + more}`
  return code === 0 ? { init: parseInitFiles(stdout), answer: stdout } : unreachable(stderr)
}

/** cloud-init's state on a node, or why SSH does not get there. */
export const initState = async (lab: Lab, node: Node): Promise<Reached> =>
  (await askNode(lab, node)).init

/** Waits until every node is initialised; seconds is the deadline for each. */
export async function waitUntilReady(lab: Lab, nodes: Node[], seconds: number): Promise<void> {
  if (mode.dryRun) return waitInScript(lab, nodes, seconds)
  const progress = nodeProgress(nodes.map(({ name }) => name))
  try {
    await eachOf(
      nodes,
      async (node) => {
        try {
          await waitForNode(lab, node, seconds, progress)
        } catch (error) {
          progress.failed(node.name) // the others are still waited for
          throw error
        }
      },
      nodes.length,
    )
  } finally {
    progress.stop()
  }
}

async function waitInScript(lab: Lab, nodes: Node[], seconds: number): Promise<void> {
  for (const node of nodes) {
    const tries = `until ${ssh(lab, node).join(' ')} true 2>/dev/null; do sleep 2; done`
    await run`timeout ${seconds} sh -c ${tries}`
    await run`${ssh(lab, node)} timeout ${seconds} cloud-init status --wait || test $? -eq 2`
  }
}

async function waitForNode(
  lab: Lab,
  node: Node,
  seconds: number,
  progress: NodeProgress,
): Promise<void> {
  let looks = 0
  let wasReached = false
  const probe = async (): Promise<Seen<InitState>> => {
    const init = await initState(lab, node)
    if (init.kind === 'done' || init.kind === 'failed') return { done: init }
    wasReached ||= init.kind !== 'unreachable' || isAnswer(init.state)
    if (init.kind === 'unreachable' && looks++ % 5 === 4) await checkRunning(lab, node)
    progress.set(node.name, init.state, ui.paints ? await lastConsoleLine(lab, node.name) : '')
    return { state: init.state }
  }
  const init = await until(probe, { seconds }).catch(async (error: unknown): Promise<never> => {
    throw error instanceof TimedOut ? await tooLate(lab, node, seconds, error, wasReached) : error
  })
  if (init.kind === 'failed') throw initFailed(lab, node, init.errors)
  const warnings = init.kind === 'done' ? init.warnings : []
  progress.done(node.name, warnings.length > 0 ? 'ready, with cloud-init warnings' : 'ready')
  if (warnings.length === 0) return
  ui.warn([`${node.name}: cloud-init finished, but complains:`, ...warnings.slice(0, 5)].join('\n'))
  ui.detail(`read: ${initLog(lab, node)}`)
}

const initLog = (lab: Lab, node: Node) =>
  `${ssh(lab, node).join(' ')} sudo cat /var/log/cloud-init-output.log`

async function checkRunning(lab: Lab, node: Node): Promise<void> {
  const { stdout, code } = await query`${virsh(lab)} domstate --reason ${node.name}`
  if (code === 0 && stdout.startsWith('paused'))
    throw new LabError(`it was paused while it was waited for: ${stdout.trim()}`, {
      details: stdout.includes('I/O error') ? ['mostly the disk of the host is full'] : [],
      hint: [
        `df -h ${lab.pool.path}`,
        `virsh -c ${quote(lab.libvirt)} resume ${node.name}`,
        '# then run this again',
      ],
    })
  if (code === 0 && !stdout.startsWith('running'))
    throw new LabError(`it stopped while it was waited for: ${stdout.trim()}`, {
      details: consoleDetails(await consoleTail(lab, node.name)),
      hint: [
        `virsh -c ${quote(lab.libvirt)} start ${node.name} --console`,
        '# then run this again',
      ],
    })
}

const consoleDetails = (tail: string[] = []): string[] =>
  tail.length > 0 ? ['end of its console:', ...tail.slice(-8).map((line) => `  ${line}`)] : []

async function tooLate(
  lab: Lab,
  node: Node,
  seconds: number,
  { lastState }: TimedOut,
  wasReached: boolean,
): Promise<LabError> {
  const tail = await consoleTail(lab, node.name)
  return new LabError(`not ready within ${formatSeconds(seconds)} (${node.address})`, {
    details: [
      `last state: ${lastState}`,
      ...(wasReached || !tail ? [] : [silentGuest(tail.join('\n'))]),
      ...consoleDetails(tail),
    ],
    hint: [
      `virsh -c ${quote(lab.libvirt)} console ${node.name}`,
      `# then run this again, with more time if it only was slow: --timeout ${seconds * 2}`,
    ],
  })
}

function initFailed(lab: Lab, node: Node, errors: string[]): LabError {
  return new LabError('cloud-init ended with an error', {
    details: errors,
    hint: [
      initLog(lab, node),
      '# mend cloud-init/user-data.yaml, then make the machine anew:',
      `npx zx scripts/destroy.ts ${node.name} && npx zx scripts/create.ts ${node.name}`,
    ],
  })
}
