// EDGE. The kubeconfig on this host, and how to use it.
import { existsSync, lstatSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { LabError } from '../text/errors.ts'
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

/** Merges the lab's kubeconfig into the person's own, after a copy of that; only when kubectl can read the result. */
export async function mergeIntoHome(lab: Lab, file: string): Promise<void> {
  const home = realPath(join(homedir(), '.kube', 'config'))
  const [existing, labs] = [readText(home) ?? '', readText(file)]
  const merged = labs && mergeKubeconfig(existing, labs, lab.name)
  if (mode.dryRun) return mergeInScript(lab, file, home)
  if (!merged || merged === existing) return
  await tryKubectl(`${lab.dir}/kubeconfig.merged`, merged)
  if (existing) write(freeName(`${home}.before-${lab.name}`, existing), existing)
  write(home, merged)
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

async function mergeInScript(lab: Lab, file: string, home: string): Promise<void> {
  const [part, made, backup] = [`${home}.part`, `${home}.new`, `${home}.before-${lab.name}`]
  await run`mkdir -p ${dirname(home)}
touch ${home}
cp ${home} ${part}`
  for (const kind of ['context', 'cluster', 'user'])
    await run`kubectl --kubeconfig ${part} config ${kind === 'user' ? ['unset', `users.${lab.name}`] : [`delete-${kind}`, lab.name]} || true`
  await run`KUBECONFIG=${`${part}:${file}`} kubectl config view --flatten --raw > ${made}`
  await run`cp ${home} ${part}
backup=${backup} count=0
while [ -e "$backup" ] && ! cmp -s ${home} "$backup"; do
  count=$((count + 1))
  backup=${backup}.$count
done
if [ ! -s ${home} ] || cmp -s ${home} ${made} || [ -e "$backup" ]; then rm ${part}; else mv ${part} "$backup"; fi
mv ${made} ${home}`
}

/** How to use the cluster: kubectl here, or through SSH where this host has none. */
export async function kubectlHint(lab: Lab, server: Node): Promise<string> {
  const here = (await query`command -v kubectl`).code === 0
  if (here) return `kubectl --kubeconfig ${lab.dir}/kubeconfig get nodes`
  return `${ssh(lab, server).join(' ')} sudo ${kubectl} get nodes`
}
