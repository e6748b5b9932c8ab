// EDGE. The lab that `npm start` takes: without a bridge the one with a NAT network, on a range that is free here.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkNetworks, freeInstead } from './doctor/examine.ts'
import { movedTo } from './doctor/free.ts'
import { parseLab, type Lab } from './lab/lab.ts'
import { put, readText } from './shell/bash.ts'
import { sh, type Step } from './shell/steps.ts'

const shipped = { bridge: 'labs/bridge.yaml', nat: 'labs/nat.yaml' }

export interface Choice {
  lab: Lab
  file: string
  /** Why the lab has a NAT network although its file had a bridge. */
  insteadOfBridge?: string
  /** The steps that make it lab.yaml. */
  copy: Step[]
}

/** The lab to use: without its bridge, the lab file as it was shipped gives way to the one with a NAT network. */
export async function chooseLab(lab: Lab, file: string): Promise<Choice> {
  const noBridge = (await checkNetworks(lab)).find(({ check }) => check === 'bridge')
  const text = readText(shipped.nat)
  const isShipped = file === 'lab.yaml' && readText(file) === readText(shipped.bridge)
  if (!noBridge || !isShipped || text === undefined) return { lab, file, copy: [] }

  const nat = parseLab(text, shipped.nat)
  const why = `this host has no bridge ${lab.network.bridge}`
  const free = await freeInstead(nat)
  const change = free && movedTo(free, text, nat)
  if (!change)
    return {
      lab: nat,
      file: shipped.nat,
      insteadOfBridge: why,
      copy: [sh`cp ${shipped.nat} lab.yaml`],
    }
  const moved = temporary(change.text)
  return {
    lab: parseLab(change.text, shipped.nat),
    file: moved,
    insteadOfBridge: `${why}, and another network has ${nat.network.cidr}`,
    copy: [sh`sed ${change.sed} ${shipped.nat} >lab.yaml`],
  }
}

/** A lab file for the phases of a dry run, where lab.yaml is not written. */
function temporary(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'rke2-kvm-lab-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  put(join(folder, 'lab.yaml'), text)
  return join(folder, 'lab.yaml')
}
