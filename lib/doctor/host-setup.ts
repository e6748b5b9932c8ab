// EDGE. Looks at what this host has and lacks to run machines at all.
import { hostsOf } from '../lab/hosts.ts'
import type { Lab } from '../lab/lab.ts'
import { thisHost } from '../libvirt/host-names.ts'
import { virsh } from '../libvirt/observe.ts'
import { ask, query } from '../shell/bash.ts'
import { inOrder, type Run, type Stage } from '../shell/steps.ts'
import {
  needsNewGroup,
  parseSetup,
  setupScript,
  sizeScript,
  sumOfUris,
  type Setup,
} from './setup.ts'

export async function lookAtSetup(lab: Lab): Promise<Setup> {
  const { stdout } = await ask(setupScript(lab), { seconds: 30 })
  return parseSetup(lab, stdout)
}

/** Bytes of the packages to install, where the package manager says that. */
export async function packageBytes(setup: Setup): Promise<number | undefined> {
  const script = sizeScript(setup)
  const answer = script === undefined ? undefined : await ask(script)
  return answer?.code === 0 ? sumOfUris(answer.stdout) : undefined
}

/** The group under which the rest has to run, when libvirt does not let this login in and the database would. */
export async function newGroup(lab: Lab): Promise<'libvirt' | undefined> {
  if (!needsNewGroup(await lookAtSetup(lab))) return undefined
  const here = thisHost(hostsOf(lab)) ?? lab
  const { code } = await query`${virsh(here)} version`
  return code === 0 ? undefined : 'libvirt'
}

const failed = 'it did not work; the other fixes follow'

/** Fixes one after another; one that fails does not keep the others back. */
export const fixing = (fixes: string[]): Stage =>
  inOrder(
    'Fix',
    fixes.map((bash): Run => ({ do: 'run', bash, onTerminal: true, orWarn: failed })),
  )
