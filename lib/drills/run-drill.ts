// EDGE. A drill from its fault to its end: put in, looked at, undone.
import * as ui from '../cli/ui.ts'
import { untilReady } from '../guest/ready.ts'
import { commandOn } from '../guest/ssh.ts'
import type { Lab } from '../lab/lab.ts'
import { look } from '../libvirt/observe.ts'
import { pair } from '../libvirt/ownership.ts'
import { isOn, switchOn } from '../machine/power.ts'
import { bringBack } from '../rke2/back.ts'
import { lookAtCluster } from '../rke2/cluster.ts'
import { isReady } from '../rke2/kube-nodes.ts'
import { untilNodeReady } from '../rke2/ready.ts'
import type { Member } from '../rke2/service.ts'
import { ask } from '../shell/bash.ts'
import type { Shell } from '../shell/carry-out.ts'
import { forEach, inOrder, type Check, type Run } from '../shell/steps.ts'
import { LabError, script } from '../text/errors.ts'
import type { Drill, Needs, Place } from './drill.ts'
import { choices, type Current } from './drills.ts'
import { removeNote, writeNote } from './note.ts'

/** Puts the fault of a drill into a lab whose nodes are Ready; not `isNew`: continues where a run was interrupted. Returns what is
 *  seen then; nothing if it is only printed. */
export async function putIn(
  lab: Lab,
  { note, drill, node }: Current,
  isNew: boolean,
  shell: Shell,
): Promise<string | undefined> {
  const { leader, members } = await shell.look('Look at the nodes', () => membersOf(lab))
  if (isNew) checkWhole(lab, members, leader)
  const at = { lab, node, server: leader.node }
  if (isNew && drill.needs)
    await shell.apply(
      inOrder('Look whether it can be done', [isPossible(drill.name, drill.needs(at), at)]),
    )
  const isIn = await shell.apply(
    inOrder('Break one thing', [
      writeNote(lab, note),
      ...drill.fault(at).map((step): Run => ({ ...step, unseen: true })),
      writeNote(lab, { ...note, isSet: true }),
    ]),
  )
  return isIn ? drill.symptom(at) : undefined
}

/** Ends the drill if the fault is gone and every node Ready, else throws. Returns where it was; nothing if it is only printed. */
export async function checkRepair(
  lab: Lab,
  { drill, node }: Current,
  shell: Shell,
): Promise<Place | undefined> {
  const { leader, members } = await shell.look('Look at the nodes', () => membersOf(lab))
  const at = { lab, node, server: leader.node }
  await shell.apply(inOrder('Look at the fault', [isRepaired(drill, at)]))
  await shell.apply(forEach('Look for Ready', members, (one) => [isReadyNow(lab, one, leader)]))
  const end = inOrder('End the drill', [...(drill.tidy?.(at) ?? []), removeNote(lab)])
  return (await shell.apply(end)) ? at : undefined
}

/** Takes the fault out again and waits until the node is Ready. Returns as `checkRepair`. */
export async function takeOut(
  lab: Lab,
  { drill, node }: Current,
  seconds: number,
  shell: Shell,
): Promise<Place | undefined> {
  const end = inOrder('End the drill', [removeNote(lab)])
  const host = await look(lab)
  const [machine] = pair(lab, host, [node])
  if (!machine?.domain) {
    ui.warn(`${node.name}: its machine is gone, and the fault with it`)
    await shell.apply(end)
    return undefined
  }
  if (!isOn(machine)) await switchOn(lab, host, [machine], seconds, shell)
  const { leader, lacking } = await lookAtCluster(lab, [])
  if (node.role === 'agent') await shell.apply(inOrder('Find a server that runs', lacking))
  const at = { lab, node, server: leader.node }
  const isDone = await shell.apply(inOrder('Undo the fault', drill.undo(at)))
  const wait = forEach('Wait for SSH', [node], () => [untilReady(lab, node, seconds)])
  await shell.apply({ ...wait, watched: true })
  await bringBack(lab, [node], seconds, shell, isDone)
  return (await shell.apply(end)) ? at : undefined
}

async function membersOf(lab: Lab): Promise<{ leader: Member; members: Member[] }> {
  const { leader, all } = await lookAtCluster(lab, lab.nodes)
  return { leader, members: all.filter(({ state, trouble }) => trouble ?? state.hasRun) }
}

function checkWhole(lab: Lab, members: Member[], leader: Member): void {
  const found = lab.nodes.flatMap(({ name }) => {
    const member = members.find((one) => one.name === name)
    if (!member) return `${name} is no node of the cluster`
    const kube = kubeOf(member, leader)
    if (!isReady(member.state, kube, lab.rke2)) return `${name} is not Ready`
    return kube?.cordoned ? `${name} is cordoned` : []
  })
  if (found.length === 0) return
  throw new LabError('a drill can start only when every node is Ready', {
    details: found,
    hint: script('status'),
  })
}

const kubeOf = ({ name }: Member, { state }: Member) =>
  state.nodes?.find((kube) => kube.name === name)

function isPossible(name: string, { script: asked, words }: Needs, at: Place): Check {
  const bash = commandOn(at.node, asked, { root: true })
  return {
    do: 'check',
    bash,
    holds: async () => {
      const { code, stderr } = await ask(bash)
      if (code === 0) return
      const why = code === 1 ? `${at.node.name} ${words}` : `${at.node.name} could not be asked`
      throw new LabError(`${name} cannot be done: ${why}`, {
        details: code === 1 ? [] : [stderr],
        hint: script('drill', 'list'),
      })
    },
  }
}

// A person who runs the check learns no more than the symptom.
function isRepaired(drill: Drill, at: Place): Check {
  const bash = drill.repaired(at)
  return {
    do: 'check',
    bash,
    holds: async () => {
      if ((await ask(bash)).code !== 0) throw notYet([drill.symptom(at)])
    },
  }
}

function isReadyNow(lab: Lab, member: Member, leader: Member): Check {
  return {
    do: 'check',
    bash: untilNodeReady(lab, member, leader.node, 0).bash,
    holds: async () => {
      if (!isReady(member.state, kubeOf(member, leader), lab.rke2))
        throw notYet([`${member.name} is not Ready; after a repair that can take a minute`])
    },
  }
}

const notYet = (details: string[]) => new LabError('not repaired yet', { details, hint: choices })
