// The commands of the tutorials that change or show objects, typed from first to last against the API of the
// stand-in for RKE2, by the real kubectl. It stores objects and runs nothing, so it can tell that a call
// is understood and that an object is accepted, not what a cluster makes of it.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fixtures, top } from '../helpers/fixtures.ts'
import { manifestsOnNode } from '../../lib/rke2/manifests.ts'
import { programs } from '../stand-in/release.ts'
import { defaultLab } from './blocks.ts'
import { matches, type Typed } from './typed.ts'

const folder = join(top, 'tests/stand-in')

const works = (...[program = '', ...words]: string[]) =>
  spawnSync(program, words, { stdio: 'ignore' }).status === 0

/** Whether this machine has what the stand-in needs, and kubectl. */
export const hasTools = () =>
  works('python3', '-c', 'import yaml') &&
  works('openssl', 'version') &&
  works('kubectl', 'version', '--client')

const served = [
  /^kubectl apply -f tutorials\/\S+( --dry-run=server| --namespace \w+)?$/,
  /^sed '[^']*' tutorials\/\S+ \| kubectl apply -f -$/,
  /^kubectl kustomize tutorials\//,
  /^kubectl (apply|delete) -k tutorials\//,
  /^kubectl diff -f tutorials\/\S+$/,
  /^kubectl delete -f (?!https:)/,
  /^kubectl delete (pod|deployment|configmap|secret|service|namespace|hpa|persistentvolumeclaim) /,
  /^kubectl (set image|patch|label|scale|taint) /,
  /^kubectl (drain|uncordon) (kubemaster|worker0[12])\b/,
  /^kubectl delete node worker02 --timeout=120s$/,
  /^kubectl get node worker01 -o yaml$/,
  /^kubectl get (nodes|pods) --watch$/,
  /^kubectl wait --for=condition=Ready node\//,
  /^kubectl describe (configmap|secret|node) /,
  /^kubectl get --raw \/readyz$/,
  /^kubectl get (service|ingress|secret) /,
  /^kubectl get storageclass$/,
  /^kubectl get (ingressclass|helmcharts|pods --namespace kube-system)\b/,
  /^kubectl api-resources$/,
  /^kubectl (create|run) .*--dry-run=client/,
  /^kubectl auth (can-i|whoami)\b/,
  /^kubectl create (rolebinding|configmap|serviceaccount) /,
  /^kubectl get pods --all-namespaces --field-selector /,
  /^kubectl get nodes -o jsonpath=/,
  /^kubectl (delete|describe|get) (networkpolicy|networkpolicies|serviceaccount)\b/,
  / ?> ~\/(colleague\.kubeconfig|lab-ca\.crt)$|^kubectl .* --kubeconfig ~\/colleague\.kubeconfig\b/,
]

/** Looks at objects that the stand-in leaves as they were stored: nothing there, or waiting forever. */
const isUntouched = (command: string, output: string[]) =>
  /^kubectl get [a-z]+( -l \S+)?$/.test(command) &&
  output.some((row) => /^No resources found|^\S+ +Pending /.test(row))

/** What kubemaster's own `rke2` is asked for. */
const rke2Call = /^ssh -F \S+ kubemaster sudo rke2 (etcd-snapshot .*)$/

/** A ready file goes where RKE2 applies it: at once (the script that copies it is typed on the fake host). */
const readyFile = /^cp rke2\/examples\/(\S+)\.yaml rke2\/manifests\/$/

/** A list of nodes, as long as they are the ones of the lab and all of them are there. */
const isWhole = (command: string, output: string[]) =>
  /^kubectl get nodes( -o wide)?$/.test(command) &&
  output.length === defaultLab().nodes.length + 1 &&
  !output.some((row) => row.includes('NotReady'))

const onlyCluster = (command: string) => command.replace(' --kubeconfig .lab/lab/kubeconfig', '')

/** Whether the stand-in can be asked this, and answers as RKE2 would. */
export function canServe({ command, output }: Typed): boolean {
  const call = onlyCluster(command)
  return (
    served.some((one) => one.test(call)) ||
    rke2Call.test(call) ||
    readyFile.test(call) ||
    isUntouched(call, output) ||
    isWhole(call, output)
  )
}

/** What ends with 1, and is meant to. */
const refusal = /^no$|^Error from server \(Forbidden\)|^error: You must be logged in/

/** A cluster of the default lab's nodes on loopback addresses. */
export class Cluster {
  private readonly folder = mkdtempSync(join(tmpdir(), 'rke2-kvm-lab-docs-'))
  private readonly processes: ChildProcess[] = []
  private readonly net = `127.${random()}.${random()}` // another run of this test may be going on

  private readonly standIn = join(this.folder, 'rke2')

  async start(): Promise<void> {
    const { version } = defaultLab().rke2
    const program = readFileSync(join(folder, 'rke2'), 'utf8')
    const filled = program.replace(/^VERSION = '.*?'/m, `VERSION = '${version}'`)
    writeFileSync(this.standIn, filled, { mode: 0o755 })
    for (const name of programs) copyFileSync(join(folder, name), join(this.folder, name))
    symlinkSync(join(fixtures, 'rke2-1.35.0'), join(this.folder, 'recordings'))
    const [server, ...agents] = defaultLab().nodes.map(({ name }) => name)
    if (!server) throw new Error('the default lab has nodes')
    const address = `${this.net}.1`
    this.run(server, 'server', { 'bind-address': address, 'node-ip': address })
    const token = this.path(server, 'var/lib/rancher/rke2/server/token')
    for (const file of [token, this.kubeconfig]) await until(() => existsSync(file))
    for (const [index, name] of agents.entries())
      this.run(name, 'agent', {
        'node-ip': `${this.net}.${index + 2}`,
        server: `https://${address}:9345`,
        token: readFileSync(token, 'utf8').trim(),
      })
    const all = agents.length + 1
    await until(() => this.bash('kubectl get nodes').text.split(' Ready ').length > all)
  }

  private path = (node: string, file: string) => join(this.folder, node, file)
  private get kubeconfig() {
    return this.path('kubemaster', 'etc/rancher/rke2/rke2.yaml')
  }

  private run(name: string, role: string, config: Record<string, string>): void {
    const file = this.path(name, 'etc/rancher/rke2/config.yaml')
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, JSON.stringify({ 'node-name': name, ...config }))
    const quick = {
      'ready-delay': 0.1,
      'node-ready-delay': 0.3,
      heartbeat: 1,
      retry: 0.3,
      deploy: 0.3,
    }
    const env = {
      ...process.env,
      RKE2_STAND_IN_ROOT: join(this.folder, name),
      RKE2_STAND_IN: JSON.stringify(quick),
    }
    this.processes.push(spawn(this.standIn, [role], { env, stdio: 'ignore' }))
  }

  private bash(command: string): { status: number | null; text: string } {
    const env = {
      ...process.env,
      HOME: this.folder,
      KUBECONFIG: this.kubeconfig,
      RKE2_STAND_IN_ROOT: join(this.folder, 'kubemaster'),
    }
    const { status, stdout } = spawnSync('bash', ['-c', `exec 2>&1; ${command}`], {
      cwd: top,
      encoding: 'utf8',
      timeout: 30_000,
      env,
    })
    return { status, text: stdout }
  }

  /** Types a command of a page that it can serve; returns what is wrong, undefined for nothing. */
  type({ command, output, line }: Typed): string | undefined {
    const isWatch = command.endsWith(' --watch')
    const here = onlyCluster(command)
      .replace(rke2Call, `'${this.standIn}' $1`)
      .replace(
        readyFile,
        `cp rke2/examples/$1.yaml '${this.path('kubemaster', manifestsOnNode)}' && ` +
          'until kubectl get addons.k3s.cattle.io $1 --namespace kube-system >/dev/null; do sleep 0.2; done 2>/dev/null',
      )
      .replace('https://192.168.1.30:', `https://${this.net}.1:`)
    const { status, text } = this.bash(`${isWatch ? 'timeout 3 ' : ''}${here}`)
    const printed = this.asInPages(text).split('\n').map(squeezed).join('\n')
    const hasDifference = command.startsWith('kubectl diff ') && status === 1
    const isRefused = status === 1 && output.some((row) => refusal.test(row))
    const isFine =
      status === 0 || hasDifference || isRefused || (isWatch && status === 124 && text !== '')
    if (isFine && (output.length === 0 || matches(printed, output.map(squeezed)))) return undefined
    return `line ${line}: ${command} (exit ${status})\nprinted:\n${text}`
  }

  /** The addresses, the version and the system of the pages. */
  private asInPages(text: string): string {
    const { nodes } = defaultLab()
    const [, system = 'unknown'] =
      /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? []
    return nodes
      .reduce(
        (all, { address }, index) => all.replaceAll(`${this.net}.${index + 1}`, address),
        text.replaceAll(`${this.folder}/kubemaster`, ''),
      )
      .replaceAll(`-${hostname()}-`, '-kubemaster-')
      .replaceAll(system, 'Ubuntu 24.04')
  }

  end(): void {
    for (const process of this.processes) process.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A row without what differs each time: ages, random parts of names, times, addresses of pods and services, widths. */
export const squeezed = (row: string) =>
  row
    .replace(/ \d+[smhd](\d+[sm])?(?= |$)/g, ' AGE')
    .replace(/^(\S+)-[a-z0-9]{5} /, '$1-RANDOM ')
    .replace(/-\d{10}\b/g, '-TIME')
    .replace(/\b10\.4[23]\.\d+\.\d+\b/g, 'ADDRESS')
    .replace(/ +/g, ' ')
    .trimEnd()

const random = () => 1 + Math.floor(Math.random() * 250)

async function until(done: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !done(); await pause(100))
    if (Date.now() > end) throw new Error('the stand-in did not start within 60 s')
}
