// EDGE. What is read of RKE2 and Kubernetes for a report of a problem. No file that holds a secret is among it.
import { printedBy } from '../guest/log-sources.ts'
import type { Node } from '../lab/lab.ts'
import type { Source } from '../shell/bundle.ts'
import { kubectl } from './kube-nodes.ts'
import { serviceOf } from './state.ts'

const data = '/var/lib/rancher/rke2'
const journal = 'journalctl --output short-iso --no-pager'
const end = 'tail -c 2000000'

/** RKE2 on a node. */
export function rke2Sources(node: Node): Source[] {
  const service = serviceOf(node)
  return [
    printedBy(
      node,
      'rke2.journal', // of this start; systemd's own lines have another field
      `id=$(systemctl show --property InvocationID --value ${service})
test "$id" || { echo '${service} was never started' >&2; exit 1; }
${journal} --lines 20000 "_SYSTEMD_INVOCATION_ID=$id" + "INVOCATION_ID=$id"`,
    ),
    printedBy(node, 'rke2-last-lines.journal', `${journal} --lines 2000 --unit ${service}`),
    printedBy(node, 'containerd.log', `${end} ${data}/agent/containerd/containerd.log`),
    printedBy(node, 'kubelet.log', `${end} ${data}/agent/logs/kubelet.log`),
    printedBy(
      node,
      'containers.txt',
      `timeout 20 ${data}/bin/crictl --runtime-endpoint unix:///run/k3s/containerd/containerd.sock ps --all`,
    ),
    printedBy(
      node,
      'certificates.txt',
      'PATH=$PATH:/usr/local/bin; timeout 20 rke2 certificate check --output table 2>&1',
    ),
  ]
}

/** Kubernetes, as a server sees it. */
export const clusterSources = (server: Node): Source[] =>
  Object.entries({
    nodes: 'get nodes --output wide',
    events: 'get events --all-namespaces --sort-by=.lastTimestamp',
    pods: 'get pods --all-namespaces --output wide',
  }).map(([name, words]) =>
    printedBy(server, `kubernetes-${name}.txt`, `timeout 20 ${kubectl} ${words}`),
  )
