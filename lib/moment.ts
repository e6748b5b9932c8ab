// EDGE. The whole lab at one moment: saved, or put back, and on again until its nodes are Ready.
import * as ui from './cli/ui.ts'
import type { Lab, Node } from './lab/lab.ts'
import type { Machine } from './libvirt/ownership.ts'
import { switchOn, type Patience } from './machine/power.ts'
import { revert, save, switchedOff, type Saves } from './machine/snapshot-steps.ts'
import { whyNotRevert } from './machine/snapshots.ts'
import type { Shell } from './shell/carry-out.ts'
import { inWords } from './snapshot-list.ts'

interface Ways extends Patience {
  /** Leave the machines off. */
  off: boolean
  /** Waits for nodes whose machines are on again; not `known`: what runs there is not what will. */
  bringBack: (nodes: Node[], known: boolean) => Promise<string[]>
}

/** Saves the lab under a name. Returns as `bringBack`; undefined: the machines stay off. */
export async function saveLab(
  lab: Lab,
  saves: Saves,
  name: string,
  ways: Ways,
  shell: Shell,
): Promise<string[] | undefined> {
  return onAgain(lab, saves, await save(lab, saves, name, ways, shell), ways, shell, true)
}

/** The same, unless the lab can go back to that name already. */
export async function saveLabOnce(
  lab: Lab,
  saves: Saves,
  name: string,
  ways: Ways,
  shell: Shell,
): Promise<void> {
  const there = saves.all.find((one) => one.name === name)
  if (there?.of && !whyNotRevert(saves.machines, there))
    return ui.warn(`not saved again: there is ${inWords(there)}`)
  await saveLab(lab, saves, name, ways, shell)
}

/** Puts the lab back to a snapshot, after asking; with `save`, the present state is saved first. Returns as `saveLab`. */
export async function revertLab(
  lab: Lab,
  saves: Saves,
  name: string,
  ways: Ways & { save: boolean },
  shell: Shell,
): Promise<string[] | undefined> {
  await revert(lab, saves, name, { ...ways, about: inWords }, shell)
  return onAgain(lab, saves, saves.machines.map(switchedOff), ways, shell, false)
}

async function onAgain(
  lab: Lab,
  { seen }: Saves,
  back: Machine[],
  { off, timeout, bringBack }: Ways,
  shell: Shell,
  known: boolean,
): Promise<string[] | undefined> {
  if (off || back.length === 0) return undefined
  const areOn = await switchOn(lab, seen, back, timeout, shell)
  return bringBack(
    back.map(({ node }) => node),
    areOn || known,
  )
}
