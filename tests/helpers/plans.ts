// Plans as short lines, to compare them in tables.
import type { Member } from '../../lib/rke2/service.ts'
import { untouched, type Rke2State } from '../../lib/rke2/state.ts'
import { type KubeNode } from '../../lib/rke2/kube-nodes.ts'
import type { Step } from '../../lib/shell/steps.ts'
import type { Node } from '../../lib/lab/lab.ts'

/** Each step by its first line, of a script for a node its first line; `@NAME` is ssh to NAME, `?` a check. */
export const shortly = (steps: Step[]): string[] =>
  steps.map((step) => {
    if (step.do === 'write') return `write ${step.path}`
    const wait =
      /^\( end=\S+ \+ (\d+)\)\)\nuntil [^]* get node (\S+)[^]*\n\) && read [^&]* && (.*)\ndo /.exec(
        step.bash,
      )
    if (wait) return `? ${wait[1]} s ${wait[2]}: ${wait[3]}`
    const [first = '', second = ''] = step.bash
      .replaceAll('ssh -F .lab/lab/ssh_config ', '@')
      .replaceAll(/sudo \S+kubectl --kubeconfig \S+/g, 'kubectl')
      .replace(/^scp -q -F \S+ .* (\S+:)/, 'scp $1')
      .split('\n')
    const script = /^(.*) sh -s <<'EOF'$/.exec(first)?.[1]
    const text = script ? `${script} | ${second}` : first.replace(/ <<'EOF'$/, '')
    return step.do === 'check' ? `? ${text}` : text
  })

/** The message that the first check of a plan throws. */
export async function refused(steps: Step[]): Promise<string> {
  const [first] = steps
  if (first?.do !== 'check') return 'not refused'
  return first
    .holds(() => {})
    .then(
      () => 'holds',
      (error: unknown) => (error as Error).message,
    )
}

/** A node as RKE2 was seen on it. */
export const member = (node: Node, state: Partial<Rke2State> = {}): Member => ({
  name: node.name,
  node,
  state: { ...untouched, ...state },
})

/** A Kubernetes node that is Ready, or not, since long after every start. */
export const kubeNode = (name: string, ready = true, trouble = ''): KubeNode => ({
  name,
  ready,
  cordoned: false,
  marked: false,
  trouble,
  heartbeat: '2026-07-01T10:00:00Z',
  roles: [],
  version: 'v1.36.5+rke2r1',
})

/** What the kubelet says while no network plugin runs (kubernetes, pkg/kubelet/runtime.go and containerd's CRI plugin). */
export const noNetwork =
  'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized'
