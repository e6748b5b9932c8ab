// EDGE. The kubeconfig on this host, and how to use it.
import { existsSync, lstatSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { ask, query, readText } from '../shell/bash.ts'
import type { Step } from '../shell/steps.ts'
import { LabError } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { kubeconfigEdits, mergeKubeconfig } from './kubeconfig.ts'
import { kubectl } from './state.ts'

const fileOf = (lab: Lab) => `${lab.dir}/kubeconfig`

// Prints the server's kubeconfig with its address and the lab's name.
function source(lab: Lab, server: Node): string {
  const edits = kubeconfigEdits(lab.name, server.address).flatMap((edit) => ['-e', edit])
  return `${typedOn(server, 'sudo cat /etc/rancher/rke2/rke2.yaml')} | ${commandText`sed ${edits}`}`
}

/** The lab's kubeconfig as the server has it; undefined when it cannot be had, or not yet. */
export async function readKubeconfig(lab: Lab, server: Node): Promise<string | undefined> {
  const { code, stdout } = await ask(source(lab, server))
  return code === 0 ? stdout : undefined
}

/** The step that brings the kubeconfig onto this host, where it is not so already. */
export function planKubeconfig(lab: Lab, server: Node, wanted: string | undefined): Step[] {
  const file = fileOf(lab)
  if (wanted && wanted === readText(file)) return []
  const keep = commandText`> ${file}.part && mv ${file}.part ${file}`
  return [{ do: 'run', bash: `(${source(lab, server)} ${keep})` }] // in (): set -e overlooks a failure before &&
}

/** The steps that merge the lab's kubeconfig into the person's own, after a copy of that; only when kubectl can read the
 *  result. Printed they do it by kubectl: the texts hold keys. */
export function planMerge(lab: Lab, labs: string | undefined): Step[] {
  const home = realPath(join(homedir(), '.kube', 'config'))
  const { merge, backup, replace } = mergeByKubectl(lab, home)
  if (!labs) return [merge, backup, replace].map((bash) => ({ do: 'run', bash }))
  const existing = readText(home) ?? ''
  const merged = mergeKubeconfig(existing, labs, lab.name)
  if (merged === existing) return []
  const copy = freeName(`${home}.before-${lab.name}`, existing)
  return [
    { do: 'check', bash: merge, holds: () => tryKubectl(`${fileOf(lab)}.merged`, merged) },
    ...(existing ? [{ do: 'write', path: copy, content: existing, printed: backup } as const] : []),
    { do: 'write', path: home, content: merged, printed: replace },
  ]
}

// A link, as people have who keep such files elsewhere, stays one; also when there is nothing yet where it leads to.
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const link = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()
  return link ? resolve(dirname(path), readlinkSync(path)) : path
}

/** The name, or the first NAME.1, NAME.2, ... that is free or has this very text in it. */
function freeName(name: string, text: string): string {
  for (let count = 0; ; count++) {
    const path = count === 0 ? name : `${name}.${count}`
    if ([undefined, text].includes(readText(path))) return path
  }
}

async function tryKubectl(trial: string, text: string): Promise<void> {
  if ((await query`command -v kubectl`).code !== 0) return
  try {
    writeFileSync(trial, text, { mode: 0o600 })
    const { code, stderr } = await query`kubectl --kubeconfig ${trial} config view`
    if (code === 0) return
    throw new LabError('kubectl refuses ~/.kube/config with the lab in it; it was left alone', {
      details: stderr.replaceAll(trial, '~/.kube/config').split('\n'),
      hint: [
        'kubectl config view   # is it read as it is?',
        '# change it and run this again, or go on without --merge',
      ],
    })
  } finally {
    rmSync(trial, { force: true })
  }
}

function mergeByKubectl(lab: Lab, home: string) {
  const [part, made, copy] = [`${home}.part`, `${home}.new`, `${home}.before-${lab.name}`]
  const config = commandText`kubectl --kubeconfig ${part} config`
  return {
    merge: `${commandText`mkdir -p ${dirname(home)}
touch ${home}
cp ${home} ${part}`}
${config} ${commandText`delete-context ${lab.name}`} || true
${config} ${commandText`delete-cluster ${lab.name}`} || true
${config} ${commandText`unset ${`users.${lab.name}`}`} || true
${commandText`KUBECONFIG=${`${part}:${fileOf(lab)}`} kubectl config view --flatten --raw > ${made}
rm ${part}`}`,
    backup: commandText`backup=${copy} count=0
while [ -e "$backup" ] && ! cmp -s ${home} "$backup"; do
  count=$((count + 1))
  backup=${copy}.$count
done
if [ -s ${home} ] && ! cmp -s ${home} ${made} && [ ! -e "$backup" ]; then
  cp ${home} ${part}
  mv ${part} "$backup"
fi`,
    replace: commandText`mv ${made} ${home}`,
  }
}

/** How to use the cluster: kubectl here, or through SSH where this host has none. */
export async function kubectlHint(lab: Lab, server: Node): Promise<string> {
  const here = (await query`command -v kubectl`).code === 0
  return here
    ? commandText`kubectl --kubeconfig ${fileOf(lab)} get nodes`
    : typedOn(server, `sudo ${kubectl} get nodes`)
}
