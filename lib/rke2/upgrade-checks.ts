// EDGE. What is looked at before an upgrade: versions, APIs, and every node.
import * as ui from '../cli/ui.ts'
import { askNode, commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab } from '../lab/lab.ts'
import { forEach, type Stage, type Step } from '../shell/steps.ts'
import { LabError, script } from '../text/errors.ts'
import { planRoom } from './checks.ts'
import type { Cluster } from './cluster.ts'
import { bringsNetwork, isReady, kubectl } from './kube-nodes.ts'
import { reached, refusal, type Member } from './service.ts'
import { serviceOf } from './state.ts'
import { checkPath, pathWarnings, removedApis } from './upgrade-path.ts'
import { installedOn, isInstalled, kubeOf, type Upgrade } from './upgrade.ts'

/** Throws if one of the nodes cannot go to the lab's version; warns of what changes with it. */
export async function checkVersions(
  { rke2 }: Lab,
  { all, leader }: Cluster,
  ingress: string[],
): Promise<void> {
  const installed = installedOn(all)
  checkPath(rke2.version, installed)
  const warnings = installed.flatMap(({ version }) => pathWarnings(version, rke2.version, ingress))
  if (leader.state.nodes && leader.state.version !== rke2.version)
    warnings.push(...(await apiWarnings(leader, rke2.version)))
  for (const warning of new Set(warnings)) ui.warn(warning)
}

// The API counts who asks for what it will remove (kubernetes.io/docs/reference/using-api/deprecation-policy).
async function apiWarnings({ node }: Member, target: string): Promise<string[]> {
  const count = 'apiserver_requested_deprecated_apis'
  const asked = `metrics=$(${kubectl} get --raw /metrics) || exit
{ echo "$metrics" | grep '^${count}{' || true; }`
  try {
    return removedApis(await askNode(node, asked, { root: true }), target)
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return [`could not check whether removed APIs are in use: ${error.message}`]
  }
}

/** Every node is fit for it: it can be reached, is Ready, and has room for the release. */
export const planPreflight = (upgrade: Upgrade): Stage =>
  forEach('Check every node', upgrade.members, (one) => planFit(upgrade, one))

// A node that an earlier run has begun with need not be Ready: it is the next one.
function planFit({ lab, leader }: Upgrade, one: Member): Step[] {
  if (one.trouble) return reached(one)
  if (isInstalled(lab, one)) return []
  const { name, node, state } = one
  if (!state.hasRun) return [planRoom(lab, one)]
  const kube = kubeOf(leader, one)
  const known = leader.state.nodes !== undefined || one === leader
  const isFit = !known || isReady(state, kube, lab.rke2)
  const ready = bringsNetwork(lab.rke2)
    ? `${kubectl} get node ${name}`
    : `${kubectl} wait --for=condition=Ready node/${name} --timeout=5s`
  const asked = `${commandOn(leader.node, ready, { root: true })} >/dev/null`
  const why = kube?.trouble || `service ${state.service}`
  const error = new LabError(`it is not Ready (${why}), and an upgrade needs all nodes`, {
    details: ['nothing was changed'],
    hint: [
      script('start', name),
      typedOn(node, `sudo journalctl --unit ${serviceOf(node)} --lines 50 --no-pager`),
    ],
  })
  return [
    isFit ? { do: 'check', bash: asked, holds: async () => {} } : refusal(asked, error),
    planRoom(lab, one),
  ]
}
