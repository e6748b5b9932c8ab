// EDGE. The kubeconfig on this host, and how to use it.
import { existsSync, lstatSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { ask, query, readText } from '../shell/bash.ts'
import type { Step } from '../shell/steps.ts'
import { LabError, line, script, type Hint, type Script } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { clusterAddress } from './config.ts'
import { kubeconfigEdits, leftAlone, mergeKubeconfig } from './kubeconfig.ts'
import { kubeNodes } from './service.ts'
import { kubectl, bringsNetwork, lacksNetwork } from './kube-nodes.ts'

const fileOf = (lab: Lab) => `${lab.dir}/kubeconfig`

/** Whether this host has kubectl. */
export const hasKubectl = async () => (await query`command -v kubectl`).code === 0

/** The absolute path of the lab's kubeconfig; throws if there is none yet. */
export function findKubeconfig(lab: Lab): string {
  const file = resolve(fileOf(lab))
  if (existsSync(file)) return file
  throw new LabError(`lab ${lab.name} has no kubeconfig on this host`, {
    hint: [script('install-rke2'), line('# or, from a host without anything: ', script('up'))],
  })
}
/** The lab's kubeconfig on this host. */
export const readLabs = (lab: Lab): string | undefined => readText(fileOf(lab))

// Prints the server's kubeconfig with its address and the lab's name.
function source(lab: Lab, server: Node): string {
  const edits = kubeconfigEdits(lab.name, clusterAddress(lab, server)).flatMap((edit) => [
    '-e',
    edit,
  ])
  const cat = commandOn(server, 'cat /etc/rancher/rke2/rke2.yaml', { root: true })
  return `${cat} | ${commandText`sed ${edits}`}`
}

/** The lab's kubeconfig as read from the server; undefined if it cannot be read yet. */
export async function readKubeconfig(lab: Lab, server: Node): Promise<string | undefined> {
  const { code, stdout } = await ask(source(lab, server))
  return code === 0 ? stdout : undefined
}

/** The step that copies the kubeconfig to this host, unless it is already there. */
export function planKubeconfig(lab: Lab, server: Node, wanted: string | undefined): Step[] {
  const file = fileOf(lab)
  if (wanted && wanted === readText(file)) return []
  const keep = commandText`> ${file}.part && mv ${file}.part ${file}`
  return [{ do: 'run', bash: `(${source(lab, server)} ${keep})` }] // in (): set -e ignores a failure before &&
}

/** The steps that merge the lab's kubeconfig into ~/.kube/config, if kubectl can read the result, after a backup. The
 *  printed steps use kubectl instead, because the files contain keys. */
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

// A symbolic link is followed, even to a file that does not exist yet, so that it stays a link.
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const link = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()
  return link ? resolve(dirname(path), readlinkSync(path)) : path
}

/** The first of NAME, NAME.1, NAME.2, ... that does not exist or already has this text. */
function freeName(name: string, text: string): string {
  for (let count = 0; ; count++) {
    const path = count === 0 ? name : `${name}.${count}`
    if ([undefined, text].includes(readText(path))) return path
  }
}

async function tryKubectl(trial: string, text: string): Promise<void> {
  if (!(await hasKubectl())) return
  try {
    writeFileSync(trial, text, { mode: 0o600 })
    const { code, stderr } = await query`kubectl --kubeconfig ${trial} config view`
    if (code === 0) return
    const details = stderr.replaceAll(trial, '~/.kube/config').split('\n')
    throw leftAlone('kubectl rejects ~/.kube/config with the lab in it', details)
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

/** What to type next: `then`, or how to use the cluster: kubectl on this host, or over SSH if this host has none. Before
 *  that a network plugin, if the user is to install one and none runs. */
export async function nextHint(lab: Lab, server: Node, then?: Script): Promise<Hint> {
  const program = (await hasKubectl())
    ? commandText`kubectl --kubeconfig ${fileOf(lab)}`
    : typedOn(server, `sudo ${kubectl}`)
  const next = then ?? `${program} get nodes`
  const lacks = bringsNetwork(lab.rke2) && (await kubeNodes(server))?.some(lacksNetwork)
  if (!lacks) return next
  const why = '# the manifest of your network plugin: nodes are NotReady until it runs'
  return line(`${program} apply -f URL   ${why}\n      `, next)
}
