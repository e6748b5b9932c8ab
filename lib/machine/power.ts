// EDGE. Machines off and on: the steps, and the question before one that does not react loses its power.
import * as ui from '../cli/ui.ts'
import { hangUp } from '../guest/on-node.ts'
import { untilReady } from '../guest/ready.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { lastConsoleLine } from '../libvirt/console.ts'
import { look, virsh, type Host } from '../libvirt/observe.ts'
import { pair, type Machine } from '../libvirt/ownership.ts'
import { query } from '../shell/bash.ts'
import type { Shell } from '../shell/carry-out.ts'
import { forEach, inOrder, sh, untilBash, type Check, type Say, type Step } from '../shell/steps.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'
import { LabError, script } from '../text/errors.ts'
import { formatSeconds } from '../text/progress.ts'
import { commandText, quote } from '../text/quote.ts'
import { planNetwork, planStart } from './create.ts'

const off = ['shut off', 'crashed']

/** Whether the machine is made and has power. */
export const isOn = ({ domain }: Machine): boolean =>
  domain !== undefined && !off.includes(domain.state)

/** What the cluster loses when these nodes are shut down and other servers keep running; undefined if nothing. */
export function lostQuorum(all: Machine[], nodes: Node[]): string | undefined {
  const servers = all.filter(({ node }) => node.role === 'server')
  const left = servers.filter((one) => isOn(one) && !nodes.includes(one.node))
  if (left.length === 0 || left.length > servers.length / 2) return undefined
  return `${left.length} of ${servers.length} servers stay on: etcd needs more than half, so kubectl will not work until more are started`
}

/** Switches machines on, all at the same time, and waits until they answer. Returns as `Shell.apply`. */
export async function switchOn(
  lab: Lab,
  host: Host,
  machines: Machine[],
  seconds: number,
  shell: Shell,
): Promise<boolean> {
  await shell.apply(inOrder('Network', planNetwork(lab, host)))
  await shell.apply(forEach('Machines', machines, (machine) => planStart(lab, machine)))
  const wait = forEach('Wait for SSH', machines, ({ node }) => [untilReady(lab, node, seconds)])
  return shell.apply({ ...wait, watched: true })
}

/** How long a machine may take, and whether one that takes longer loses its power without a question. */
export interface Patience {
  timeout: number
  yes: boolean
}

/** Shuts machines down, agents first, then all servers: see `shutDown`. */
export async function shutDownInOrder(
  lab: Lab,
  machines: Machine[],
  options: Patience,
  shell: Shell,
): Promise<void> {
  for (const role of ['agent', 'server'])
    await shutDown(
      lab,
      machines.filter(({ node }) => node.role === role),
      options,
      shell,
    )
}

/** Shuts machines down, all at the same time, and waits up to `timeout` seconds; then asks whether those that are still on
 *  lose their power. */
export async function shutDown(
  lab: Lab,
  machines: Machine[],
  { timeout, yes }: Patience,
  shell: Shell,
): Promise<void> {
  const on = machines.filter(isOn)
  if (on.length === 0) return
  const names = (some: { name: string }[]) => some.map(({ name }) => name).join(', ')
  await shell.apply(forEach(`Shut down ${names(on)}`, on, (one) => askOff(lab, one)))
  const wait = forEach('Wait until off', on, ({ node }) => [untilOff(lab, node, timeout)])
  try {
    await shell.apply({ ...wait, watched: true })
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    const nodes = on.map(({ node }) => node)
    const left = pair(lab, await look(lab), nodes).filter(isOn)
    const about = [
      error.message,
      'as in a power cut, what a machine has not written to its disk yet is lost',
    ]
    if (left.length === 0 || !(await shell.ask(`Cut the power of ${names(left)}?`, about, yes)))
      throw error
    await shell.apply(forEach('Cut the power', left, ({ name }) => [cutPower(lab, name)]))
  }
}

const cutPower = (lab: Lab, name: string) => sh`${virsh(lab)} destroy ${name}`

// A paused machine does not hear its power button. A shared connection to a machine that is gone hangs until it times out.
function askOff(lab: Lab, { name, node, domain }: Machine): Step[] {
  const wakes: Record<string, string> = { paused: 'resume', pmsuspended: 'dompmwakeup' }
  const verb = wakes[domain?.state ?? '']
  return [
    ...(verb ? [sh`${virsh(lab)} ${verb} ${name}`] : []),
    hangUp(node),
    sh`${virsh(lab)} shutdown ${name}`,
  ]
}

const [every, again] = [2, 30]

/** The machine is off. It is asked again now and then: a guest that has just begun to boot does not listen yet. */
function untilOff(lab: Lab, node: Node, seconds: number): Check {
  const asked = commandText`${virsh(lab)} shutdown ${node.name}`
  const state = commandText`${virsh(lab)} -q domstate ${node.name}`
  const condition = `test "$(${state})" = 'shut off' || { test $((SECONDS % ${again})) -ge ${every} || ${asked} >/dev/null; false; }`
  return {
    do: 'check',
    bash: untilBash(`{ ${condition}; }`, seconds, every),
    holds: (say) => waitUntilOff(lab, node, seconds, say),
  }
}

async function waitUntilOff(lab: Lab, { name }: Node, seconds: number, say: Say): Promise<string> {
  let looks = 0
  const probe = async (): Promise<Seen<string>> => {
    const { code, stdout, stderr } = await query`${virsh(lab)} -q domstate ${name}`
    if (code === 0 && off.includes(stdout.trim())) return { done: 'off' }
    if (++looks % (again / every) === 0) await query`${virsh(lab)} shutdown ${name}`
    const state = code === 0 ? `shutting down (${stdout.trim()})` : stderr.trim()
    say(state, ui.paints ? await lastConsoleLine(lab, name) : '')
    return { state }
  }
  return until(probe, { seconds, every }).catch((error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
    throw new LabError(`${name}: still on after ${formatSeconds(seconds)}`, {
      details: [`last state: ${error.lastState}`],
      hint: [
        `virsh -c ${quote(lab.libvirt)} console ${name}`,
        '# or give it more time:',
        script('stop', name, '--timeout', String(seconds * 2)),
      ],
    })
  })
}
