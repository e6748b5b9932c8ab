// EDGE. The steps that save the disks of all machines under one name, put them back, and remove that name.
import { hangUp } from '../guest/on-node.ts'
import { inLabOrder, labAt } from '../lab/hosts.ts'
import type { Lab } from '../lab/lab.ts'
import { observeAll, pairAll, type Seen } from '../libvirt/hosts.ts'
import { virsh } from '../libvirt/observe.ts'
import { whoseDomain, type Machine } from '../libvirt/ownership.ts'
import type { Snapshot } from '../libvirt/snapshot-xml.ts'
import { countAll, readSnapshots } from '../libvirt/snapshots.ts'
import type { Shell } from '../shell/carry-out.ts'
import { forEach, inOrder, sh, type Run, type Stage, type Step } from '../shell/steps.ts'
import { LabError, script, type CommandError } from '../text/errors.ts'
import { planStart } from './create.ts'
import { checkMachines } from './drift.ts'
import { cutPower, isOn, shutDownInOrder, type Patience } from './power.ts'
import { detachedBy } from './snapshot-losses.ts'
import {
  byName,
  checkName,
  checkSave,
  describe,
  findSnapshot,
  isUnchanged,
  nameBefore,
  whyNotRevert,
  type LabSnapshot,
} from './snapshots.ts'

/** The machines that are made, and the snapshots of the lab. */
export interface Saves {
  seen: Seen
  machines: Machine[]
  all: LabSnapshot[]
}

/** Reads them; snapshots also of machines that are no longer in the lab file. */
export async function lookAtSnapshots(lab: Lab): Promise<Saves> {
  const seen = await observeAll(lab)
  const machines = pairAll(seen, lab.nodes).filter(({ domain }) => domain)
  return { seen, machines, all: await snapshotsOf(lab, seen) }
}

/** The snapshots alone. */
export async function snapshotsOf(lab: Lab, seen: Pick<Seen, 'sites'>): Promise<LabSnapshot[]> {
  const all = seen.sites.map(({ lab: at, host }) => {
    const ours = host.domains.filter((domain) => whoseDomain(lab, domain) === 'ours')
    const made = ours.map(({ name }) => name)
    return readSnapshots(at, made)
  })
  return byName(lab, inLabOrder(lab, (await Promise.all(all)).flat()))
}

/** Shuts the machines down and saves their disks under the name. Returns the machines that must be on again, none when they
 *  are to stay off; what was interrupted is completed. */
export async function save(
  lab: Lab,
  { seen, machines, all }: Saves,
  name: string,
  options: Patience & { off: boolean },
  shell: Shell,
): Promise<Machine[]> {
  checkName(name)
  checkMachines(lab, pairAll(seen, lab.nodes))
  const there = all.find((one) => one.name === name)
  checkSave(lab, machines, all, there, await countAll(seen, machines))
  const kept = there ? machines.filter((machine) => isUnchanged(machine, there)) : []
  const back = kept.length > 0 && there?.wasOn ? machines : machines.filter(isOn)
  await shutDownInOrder(lab, machines, options, shell).catch((error: unknown) =>
    onAgain(lab, back, shell).finally(() => Promise.reject(error as Error)),
  )
  const names = machines.map((one) => one.name)
  const text = describe(names, back.length > 0 && !options.off)
  const steps = planSave(lab, machines, name, { there, kept, back, text })
  await shell.apply(inOrder(`Save ${name}`, steps))
  return options.off ? [] : back.map(switchedOff)
}

async function onAgain(lab: Lab, back: Machine[], shell: Shell): Promise<void> {
  const nodes = back.map(({ node }) => node)
  const now = pairAll(await observeAll(lab), nodes)
  await shell.apply(forEach('On again', now, (machine) => planStart(lab, machine)))
}

/** The machine as it is once it is shut down. */
export const switchedOff = (machine: Machine): Machine => ({
  ...machine,
  ...(machine.domain && { domain: { ...machine.domain, state: 'shut off' } }),
})

interface Parts {
  there: LabSnapshot | undefined
  /** Machines whose snapshot of that name is what is on their disk now. */
  kept: Machine[]
  back: Machine[]
  text: string
}

function planSave(lab: Lab, machines: Machine[], name: string, { there, kept, back, text }: Parts) {
  const stale = machines.filter((one) => there?.on.has(one.name) && !kept.includes(one))
  const missing = machines.filter((one) => !kept.includes(one))
  return [
    ...stale.map((one) => forget(there!.on.get(one.name)!)),
    ...missing.map((one, index): Run => {
      const made = [...kept, ...missing.slice(0, index)]
      const undo = [
        ...made.map((other) => forget({ ...labAt(lab, other.node), machine: other.name, name })),
        ...back.map((other) => sh`${virsh(labAt(lab, other.node))} start ${other.name}`),
      ].map(({ bash }) => `${bash} >/dev/null || failed=yes`)
      return {
        ...sh`${virsh(labAt(lab, one.node))} snapshot-create-as ${one.name} ${name} --description ${text}`,
        ...(undo.length > 0 && { undo: ['failed=', ...undo, 'test -z "$failed"'].join('; ') }),
        explain: (cause, undone) => notSaved(one.name, cause, undone || undo.length === 0),
      }
    }),
  ]
}

const forget = ({ libvirt, machine, name }: Pick<Snapshot, 'libvirt' | 'machine' | 'name'>) =>
  sh`${virsh({ libvirt })} snapshot-delete ${machine} ${name}`

const notSaved = (machine: string, cause: CommandError, undone: boolean) =>
  new LabError(`${machine}: not saved: ${cause.message}`, {
    details: [
      ...cause.details,
      undone
        ? 'it was removed from the other machines again; those that were on are starting'
        : 'it may be left on other machines, and machines may be off',
    ],
    hint: [...helpOf(cause), undone ? script('status') : script('snapshot', 'list')],
    cause,
  })

// Not the command itself: alone, it would leave the lab half saved or half reverted.
const helpOf = ({ hint, failed }: CommandError) => hint.filter((one) => one !== failed.command)

/** Puts every machine back to the snapshot, after asking. They are off then. */
export async function revert(
  lab: Lab,
  saves: Saves,
  name: string,
  {
    save: keeps,
    about,
    ...options
  }: Patience & { save: boolean; about: (one: LabSnapshot) => string },
  shell: Shell,
): Promise<void> {
  const { machines, all } = saves
  const one = findSnapshot(name, all)
  const trouble = whyNotRevert(machines, one)
  if (trouble)
    throw new LabError(`the lab cannot go back to ${name}: ${trouble.why}`, { hint: trouble.hint })
  const before = nameBefore(name, all)
  const question = `Save the present state first, as ${before}?`
  const detached = detachedBy(one, machines)
  const isKept =
    keeps || (!options.yes && (await shell.ask(question, [about(one), ...detached], false)))
  const lost = ['what was changed since then is lost', ...detached]
  if (!isKept && !(await shell.ask(`Put the lab back to ${name}?`, lost, options.yes)))
    throw new LabError('nothing was changed')
  if (isKept) await save(lab, saves, before, { ...options, off: true }, shell)
  else {
    // What a clean shutdown would still write is thrown away in a moment.
    const cut = (one: Machine) => [hangUp(one.node), cutPower(lab, one)]
    await shell.apply(forEach('Cut the power', machines.filter(isOn), cut))
  }
  await shell.apply(forEach(`Back to ${name}`, machines, (one) => planRevert(lab, one, name)))
}

// A saved memory would be started on a disk that it does not know.
const planRevert = (lab: Lab, { name, node }: Machine, snapshot: string): Step[] => [
  sh`${virsh(labAt(lab, node))} managedsave-remove ${name}`,
  {
    ...sh`${virsh(labAt(lab, node))} snapshot-revert ${name} ${snapshot}`,
    explain: (cause) => notReverted(name, snapshot, cause),
  },
]

const notReverted = (machine: string, snapshot: string, cause: CommandError) =>
  /does not exist in one or more devices|could not apply snapshot/i.test(cause.failed.stderr)
    ? new LabError(`${machine}: ${snapshot} is no longer on its disk`, {
        details: ['libvirt lists it still; another program has removed it'],
        hint: script('snapshot', 'remove', snapshot),
        cause,
      })
    : new LabError(`${machine}: ${cause.message}`, {
        details: [...cause.details, 'other machines may be back already, so all stay off'],
        hint: [...helpOf(cause), '# when that is fixed, run the same again'],
        cause,
      })

/** The steps that remove a snapshot from all machines that have it. */
export const removal = ({ name, on }: LabSnapshot): Stage =>
  forEach(
    `Remove ${name}`,
    [...on.values()].map((snapshot) => ({ name: snapshot.machine, snapshot })),
    ({ snapshot }) => [forget(snapshot)],
  )
