// EDGE. The manifests of this host, and the steps that bring them to a server. RKE2 sees a change within 15 seconds: nothing
// restarts.
import { readdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import * as ui from '../cli/ui.ts'
import { onNode, putOnNode, storeOn } from '../guest/on-node.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { readText } from '../shell/bash.ts'
import { forEach, type Check, type Stage, type Step } from '../shell/steps.ts'
import type { LabError } from '../text/errors.ts'
import { commandText, quote } from '../text/quote.ts'
import { refuse } from '../text/yaml.ts'
import { disabledBy, type Config } from './config.ts'
import { kubectl } from './kube-nodes.ts'
import { balancerTrouble, imagesOf, isFar, rangeTrouble } from './manifest-contents.ts'
import { objectsIn } from './manifest-objects.ts'
import {
  addonOf,
  asManifest,
  checkManifests,
  manifestChanges,
  manifestList,
  manifestsFolder,
  manifestsOnNode,
  type Manifest,
  type ServerManifests,
} from './manifests.ts'
import { vipManifest } from './vip.ts'

/** Reads and checks rke2/manifests, and adds what is made from the lab file; `edited`: RKE2's configuration of servers. */
export function readManifests(lab: Lab, edited: Config): Manifest[] {
  const [here, made] = [manifestsHere(), vipManifest(lab)]
  const disabled = disabledBy(edited, lab.rke2.config)
  const servicelb = { ...edited, ...lab.rke2.config }['enable-servicelb']
  refuse(manifestsFolder, balancerTrouble(here, servicelb))
  const check = (files: typeof here) =>
    checkManifests(files, disabled, (range) => rangeTrouble(range, lab))
  if (!made) return check(here)
  if (here.some(({ name }) => name === made.name))
    refuse(manifestsFolder, [
      `${made.name}: this file is made from rke2.vip in the lab file; remove one of the two`,
    ])
  const all = check([...here, made])
  return all.map((one) => (one.name === made.name ? { ...one, made: made.text } : one))
}

/** Warns of ranges of addresses that lead nowhere, and of images that rke2.images does not bring along. */
export function warnOfManifests(lab: Lab): void {
  for (const { name, text } of manifestsHere())
    for (const range of objectsIn(text, () => {}).flatMap(({ ranges }) => ranges))
      if (isFar(range, lab))
        ui.warn(
          `${name}: ${range} is in no network of the nodes, so MetalLB cannot answer for it there`,
        )
  if (!lab.rke2.images) return
  const images = imagesOf([...manifestsHere(), vipManifest(lab) ?? []].flat())
  if (images.length > 0)
    ui.warn(
      `rke2.images brings RKE2's own images, not these: ${images.join(', ')}; see docs/manifests.md, "Without internet"`,
    )
}

/** What lies there and is made from the lab file, not checked. */
export const listManifests = (lab: Lab): Manifest[] =>
  [...manifestsHere(), vipManifest(lab) ?? []]
    .flat()
    .map(({ name, text }) => asManifest(name, text))

// A folder ends with /.
function manifestsHere(): { name: string; text: string }[] {
  try {
    return readdirSync(manifestsFolder)
      .filter((name) => !name.startsWith('.'))
      .sort()
      .map((name) => {
        const path = `${manifestsFolder}/${name}`
        const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory()
        return isFolder ? { name: `${name}/`, text: '' } : { name, text: readText(path) ?? '' }
      })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

interface Server {
  name: string
  node: Node
  /** Why it cannot be reached. */
  trouble?: LabError
  state: { hasRun: boolean; manifests: ServerManifests }
}
interface Wanted {
  manifests?: Manifest[]
}

/** The stage that keeps the manifests of servers alike that are in the cluster and do not join now; none if they are. */
export function planOthers<S extends Server>(
  lab: Lab,
  wanted: Wanted,
  servers: S[],
  joiners: S[],
): Stage[] {
  const others = servers.filter((one) => one.state.hasRun && !joiners.includes(one))
  const away = servers.filter((one) => one.trouble && !joiners.includes(one))
  const hasSome = wanted.manifests?.length || servers.some(({ state }) => state.manifests.hadSome)
  if (away.length > 0 && wanted.manifests && hasSome)
    ui.warn(
      `${away.map(({ name }) => name).join(', ')}: not reached, so its manifests may be old, and RKE2 applies them at its start: run join.ts when it is back`,
    )
  const stage = forEach('Manifests of the other servers', others, (one) =>
    planManifests(lab, one, wanted),
  )
  return stage.lanes.some(({ steps }) => steps.length > 0) ? [stage] : []
}

/** The steps after which a server has the manifests of this host; none for an agent, or where they were not read. They go
 *  from file to file, for they may hold secrets. */
export function planManifests(
  lab: Lab,
  { node, state }: Pick<Server, 'node' | 'state'>,
  { manifests }: Wanted,
): Step[] {
  const changes = node.role === 'server' && manifests && manifestChanges(manifests, state.manifests)
  if (!changes) return []
  const { put, remove, list } = changes
  const first = lab.nodes.find(({ role }) => role === 'server')
  const path = (name: string) => `${manifestsOnNode}/.${name}`
  return [
    onNode(node, `mkdir -p -m 700 ${dirname(manifestsOnNode)}`, { root: true }), // as RKE2 makes it
    ...put.map((name): Step => {
      const made = manifests.find((one) => one.name === name)?.made
      if (made !== undefined) return putOnNode(node, `${path(name)}.new`, made)
      const file = quote(`${manifestsFolder}/${name}`)
      return { do: 'run', bash: `${storeOn(node, `${path(name)}.new`)} < ${file}` }
    }),
    ...(node.name === first?.name ? remove.map((name) => stays(node, name)) : []), // by one server, before it is forgotten
    onNode(node, settleScript(put, remove, list), { root: true }),
  ]
}

// RKE2 ignores files whose names begin with a dot. The list comes first: what is put stays ours if this is cut off.
function settleScript(put: string[], remove: string[], list: string[]): string {
  const write = list.length > 0 ? commandText`printf ${'%s\\n'} ${list}` : 'true'
  return [
    'set -e',
    commandText`mkdir -p ${manifestsOnNode}`,
    commandText`cd ${manifestsOnNode}`,
    ...(put.length > 0
      ? [commandText`printf ${'%s\\n'} ${put.map((name) => `-  ${name}`)} >> ${manifestList}`]
      : []),
    ...put.map((name) => commandText`mv ${`.${name}.new`} ${name}`),
    'rm -f .*.yaml.new', // of a run that was cut off
    ...remove.map(
      (name) =>
        commandText`if test -e ${name}; then mv --backup=numbered ${name} ${`.${name}.removed`}; fi`,
    ),
    `( umask 077; ${write} > ${manifestList}.new )`,
    `mv ${manifestList}.new ${manifestList}`,
  ].join('\n')
}

function stays(node: Node, name: string): Check {
  const file = `${manifestsOnNode}/.${name}.removed`
  const addon = `delete addons.k3s.cattle.io ${addonOf(name)} --namespace kube-system`
  const text = `${name} is removed from ${node.name} (join.ts removes it from the other servers), but RKE2 leaves in the cluster what it made; to delete that, when no server has it:`
  const commands = [`delete --ignore-not-found -f ${file}`, addon]
    .map((words) => typedOn(node, `sudo ${kubectl} ${words}`))
    .join('\n')
  return {
    do: 'check',
    bash: commandText`printf ${'%s\\n'} ${[text, commands]} >&2`,
    async holds() {
      ui.warn(text)
      ui.detail(commands)
    },
  }
}
