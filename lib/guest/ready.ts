// EDGE. Waiting until a machine answers on SSH with its pinned key and cloud-init is done.
import * as ui from '../cli/ui.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { consoleTail, lastConsoleLine } from '../libvirt/console.ts'
import { adviceFor } from '../libvirt/trouble.ts'
import { virsh } from '../libvirt/observe.ts'
import { query } from '../shell/bash.ts'
import { untilBash, type Check, type Say } from '../shell/steps.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'
import { LabError, line, script } from '../text/errors.ts'
import { formatSeconds } from '../text/progress.ts'
import { quote } from '../text/quote.ts'
import {
  initEnded,
  initFine,
  lostGuest,
  parseInitFiles,
  readInitFiles,
  silentGuest,
  type InitState,
} from './cloud-init-status.ts'
import { askNode, commandOn, knock, SshError } from './ssh.ts'
import { isAnswer, sshTrouble, typedOn, type SshTrouble } from './ssh-files.ts'

type Reached = InitState | { kind: 'unreachable'; trouble: SshTrouble }

export interface Answer {
  /** cloud-init's state, or why SSH cannot connect. */
  init: Reached
  /** The whole output. */
  answer: string
}

/** Asks a node for cloud-init's state and runs `more`, a script for sh; `signal` ends the wait for its SSH port. */
export async function askInit(node: Node, more = '', signal?: AbortSignal): Promise<Answer> {
  const knocked = await knock(node.address, 22, 3000, signal)
  const unreachable = (trouble: SshTrouble): Answer => ({
    init: { kind: 'unreachable', trouble },
    answer: '',
  })
  if (knocked !== 'open')
    return unreachable(sshTrouble(knocked === 'refused' ? 'connection refused' : 'timed out'))
  try {
    const answer = await askNode(node, readInitFiles + more)
    return { init: parseInitFiles(answer), answer }
  } catch (error) {
    if (error instanceof SshError) return unreachable(error.trouble)
    if (error instanceof LabError) return unreachable({ kind: 'command', state: error.message })
    throw error
  }
}

/** Waits up to `seconds` until SSH answers and cloud-init is done. */
export const untilReady = (lab: Lab, node: Node, seconds: number): Check => ({
  do: 'check',
  bash: `${untilBash(commandOn(node, initEnded), seconds, 2)}\n${commandOn(node, initFine)}`,
  holds: (say) => waitForNode(lab, node, seconds, say),
})

async function waitForNode(lab: Lab, node: Node, seconds: number, say: Say): Promise<string> {
  let looks = 0
  let wasReached = false
  let isTold = false
  const probe = async (): Promise<Seen<InitState>> => {
    const { init } = await askInit(node)
    if (init.kind === 'done' || init.kind === 'failed') return { done: init }
    const isSilent = init.kind === 'unreachable' && !isAnswer(init.trouble)
    wasReached ||= !isSilent
    if (isSilent && looks++ % 5 === 4) await checkRunning(lab, node)
    if (isSilent && !isTold && looks % 15 === 0) isTold = await tellIfLost(lab, node)
    const state = init.kind === 'unreachable' ? init.trouble.state : init.state
    say(state, ui.paints ? await lastConsoleLine(lab, node.name) : '')
    return { state }
  }
  const init = await until(probe, { seconds }).catch(async (error: unknown): Promise<never> => {
    throw error instanceof TimedOut ? await tooLate(lab, node, seconds, error, wasReached) : error
  })
  if (init.kind === 'failed') throw initFailed(node, init.errors)
  const warnings = init.kind === 'done' ? init.warnings : []
  if (warnings.length === 0) return 'ready'
  ui.warn([`${node.name}: cloud-init finished with warnings:`, ...warnings.slice(0, 5)].join('\n'))
  ui.detail(`read: ${initLog(node)}`)
  return 'ready, with cloud-init warnings'
}

const initLog = (node: Node) => typedOn(node, 'sudo cat /var/log/cloud-init-output.log')

async function checkRunning(lab: Lab, node: Node): Promise<void> {
  const { stdout, code } = await query`${virsh(lab)} domstate --reason ${node.name}`
  if (code === 0 && stdout.startsWith('paused'))
    throw new LabError(`it was paused during the wait: ${stdout.trim()}`, {
      details: stdout.includes('I/O error') ? ['usually the disk of the host is full'] : [],
      hint: [
        ...adviceFor(lab.libvirt, [`df -h ${lab.pool.path}`]),
        `virsh -c ${quote(lab.libvirt)} resume ${node.name}`,
        '# then run this again',
      ],
    })
  if (code === 0 && !stdout.startsWith('running'))
    throw new LabError(`it stopped during the wait: ${stdout.trim()}`, {
      details: consoleDetails(await consoleTail(lab, node.name)),
      hint: [
        `virsh -c ${quote(lab.libvirt)} start ${node.name} --console`,
        '# then run this again',
      ],
    })
}

// Only told: a slow guest may still come.
async function tellIfLost(lab: Lab, node: Node): Promise<boolean> {
  const lost = lostGuest((await consoleTail(lab, node.name))?.join('\n') ?? '')
  if (lost) ui.warn(`${node.name}: no answer so far, and its console says why: ${lost}`)
  return lost !== undefined
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
      `# then run this again; if it was only slow, with more time: --timeout ${seconds * 2}`,
    ],
  })
}

function initFailed(node: Node, errors: string[]): LabError {
  return new LabError('cloud-init ended with an error', {
    details: errors,
    hint: [
      initLog(node),
      '# fix cloud-init/user-data.yaml, then recreate the machine:',
      line(script('destroy', node.name), ' && ', script('create', node.name)),
    ],
  })
}
