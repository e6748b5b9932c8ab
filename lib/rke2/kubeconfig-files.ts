// EDGE. The kubeconfig on this host, and how to use it.
import { existsSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { kubeconfigEdits, mergeKubeconfig } from './kubeconfig.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { ssh } from '../guest/ready.ts'
import { kubectl } from './state.ts'
import { mode, query, readText, run, write } from '../shell/shell.ts'

/** The kubeconfig on this host, with the server's address and the lab's name; written only when it differs. */
export async function ensureKubeconfig(lab: Lab, server: Node): Promise<string> {
  const file = `${lab.dir}/kubeconfig`
  const edits = kubeconfigEdits(lab.name, server.address).flatMap((edit) => ['-e', edit])
  const source = [...ssh(lab, server), 'sudo', 'cat', '/etc/rancher/rke2/rke2.yaml']
  const wanted = mode.dryRun ? '' : (await query`${source} | sed ${edits}`).stdout
  if (wanted && wanted === readText(file)) return file
  await run`${source} | sed ${edits} > ${file}.part && mv ${file}.part ${file}`
  return file
}

/** Merges the lab's kubeconfig into the person's own, after a copy of that. */
export async function mergeIntoHome(lab: Lab, file: string): Promise<void> {
  const home = realPath(join(homedir(), '.kube', 'config'))
  if (mode.dryRun) return mergeInScript(lab, file, home)
  const existing = readText(home) ?? ''
  const merged = mergeKubeconfig(existing, readText(file) ?? '', lab.name)
  if (merged === existing) return
  if (existing) write(`${home}.before-${lab.name}`, existing)
  write(home, merged)
}

// A link, as people have who keep such files elsewhere, stays one.
const realPath = (path: string) => (existsSync(path) ? realpathSync(path) : path)

async function mergeInScript(lab: Lab, file: string, home: string): Promise<void> {
  await run`mkdir -p ${dirname(home)} && touch ${home} && cp ${home} ${`${home}.before-${lab.name}`}`
  for (const kind of ['context', 'cluster', 'user'])
    await run`kubectl --kubeconfig ${home} config ${kind === 'user' ? ['unset', `users.${lab.name}`] : [`delete-${kind}`, lab.name]} || true`
  await run`KUBECONFIG=${`${home}:${file}`} kubectl config view --flatten --raw > ${home}.part && mv ${home}.part ${home}`
}

/** How to use the cluster: kubectl here, or through SSH where this host has none. */
export async function kubectlHint(lab: Lab, server: Node): Promise<string> {
  const here = (await query`command -v kubectl`).code === 0
  if (here) return `kubectl --kubeconfig ${lab.dir}/kubeconfig get nodes`
  return `${ssh(lab, server).join(' ')} sudo ${kubectl} get nodes`
}
