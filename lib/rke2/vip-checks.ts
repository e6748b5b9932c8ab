// EDGE. What is refused while a cluster does not know the address that its servers are to share.
import { existsSync } from 'node:fs'
import { publicHostKey } from '../guest/keys.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { LabError, script } from '../text/errors.ts'
import { hasVip, ownBalancer, vipFile } from './vip.ts'
import type { ServerManifests } from './manifests.ts'

interface Server {
  name: string
  node: Node
  /** Why it cannot be asked. */
  trouble?: LabError
  state: { hasRun: boolean; config: string; manifests: ServerManifests }
}

const namesOf = (servers: Server[]) => servers.map(({ name }) => name).join(' and ')

/** Throws where the address is new to a cluster of several servers whose certificates do not hold it, or perhaps not, and where
 *  the only server, which is not `first`, does not have it yet. */
export function checkVipKnown({ rke2: { vip } }: Lab, servers: Server[], first?: Server): void {
  if (vip === undefined) return
  const members = servers.filter(({ state }) => state.hasRun)
  const lacking = members.filter(({ state }) => !state.config.split('\n').includes(`  - ${vip}`))
  const silent = servers.filter(({ node, trouble }) => trouble && existsSync(publicHostKey(node)))
  const isNew =
    lacking.length > 0 || members.some(({ state }) => !state.manifests.ours.has(vipFile))
  if (isNew && silent.length > 0 && members.length > 0)
    throw new LabError(
      `rke2.vip ${vip} is new to this cluster, and ${namesOf(silent)} cannot be asked whether the certificate there holds it`,
      {
        details: silent.flatMap(({ trouble }) => trouble?.message ?? []),
        hint: [script('start', ...silent.map(({ name }) => name)), '# then run this again'],
      },
    )
  const isAlone = members.length === 1
  if (lacking.length === 0 || (isAlone && lacking[0] === first)) return
  throw new LabError(
    `rke2.vip ${vip} is new to this cluster: the certificate of ${namesOf(lacking)} does not hold it`,
    {
      details: ['nodes that join there would not trust the server that answers'],
      hint: isAlone
        ? [script('install-rke2'), '# then run this again']
        : [
            `# write into the lab file, instead of rke2.vip for now: rke2: { config: { tls-san: [${vip}] } }`,
            script('install-rke2'),
            script('join'),
            '# then write rke2.vip instead, and run both again',
            ownBalancer(vip),
          ],
    },
  )
}

/** Throws where join.ts would be the first to bring kube-vip: install-rke2.ts asks before whether the address is free. */
export function checkVipPut(lab: Lab, servers: Server[]): void {
  const { vip } = lab.rke2
  const members = servers.filter(({ state }) => state.hasRun)
  const [first] = servers
  if (vip === undefined || !first || members.length === 0) return
  const has = first.state.hasRun
    ? hasVip(lab, first.state)
    : members.some(({ state }) => state.manifests.ours.has(vipFile))
  if (has) return
  throw new LabError(`rke2.vip ${vip}: the servers do not have the kube-vip.yaml of the lab file`, {
    details: ['install-rke2.ts brings it, and looks before whether something else has the address'],
    hint: first.state.hasRun
      ? [script('install-rke2'), '# then run this again', ownBalancer(vip)]
      : [
          `# take rke2.vip out of the lab file until ${first.name} is in the cluster again`,
          ownBalancer(vip),
        ],
  })
}

/** Throws where servers could not join again after a restore, because no kube-vip would hold the address. */
export function checkVipRestored(lab: Lab, servers: Server[]): void {
  const { vip } = lab.rke2
  const lacking = servers.filter(({ state }) => !hasVip(lab, state))
  if (vip === undefined || lacking.length === 0) return
  throw new LabError(
    `rke2.vip ${vip}: ${namesOf(lacking)} ${lacking.length > 1 ? 'do' : 'does'} not have the kube-vip.yaml of the lab file, so nobody may answer there after the restore`,
    {
      details: ['nothing was stopped or changed'],
      hint: [
        '# if the cluster works, and docs/vip.md if that is refused:',
        script('install-rke2'),
        script('join'),
        '# else take rke2.vip out of the lab file; then run this again',
        ownBalancer(vip),
      ],
    },
  )
}
