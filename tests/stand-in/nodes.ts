// Nodes of the stand-in, run on loopback as plain processes.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'

const here = import.meta.dirname
const patience = 60_000
export const works = (...command: [string, ...string[]]) =>
  spawnSync(command[0], command.slice(1), { stdio: 'ignore' }).status === 0
const needs = works('python3', '-c', 'import yaml') && works('openssl', 'version')
t.setTimeout(900_000) // 20 s by itself, minutes beside other tests that want the processor
if (!needs) t.plan(0, 'python3 with yaml, and openssl, are needed')

export const top = await mkdtemp(join(tmpdir(), 'rke2-stand-in-'))
const random = () => 1 + Math.floor(Math.random() * 250)
export const net = `127.${random()}.${random()}` // another run of this test may be going on
const nodes: Node[] = []
t.teardown(async () => {
  for (const node of nodes) node.process?.kill('SIGKILL')
  await rm(top, { recursive: true, force: true })
})

/** One node: a folder that is its disk, its own address and the service that runs on it. */
export class Node {
  name: string
  role: 'server' | 'agent'
  address = `${net}.${nodes.length + 1}`
  root: string
  log = ''
  program = join(here, 'rke2')
  exit: Promise<number | null> = Promise.resolve(null)
  process: ChildProcess | undefined

  constructor(name: string, role: 'server' | 'agent', id = name) {
    this.name = name
    this.role = role
    this.root = join(top, id)
    nodes.push(this)
  }

  async start(config: Record<string, unknown>, switches: Record<string, unknown> = {}) {
    await mkdir(join(this.root, 'etc/rancher/rke2'), { recursive: true })
    const own = { 'node-name': this.name, 'node-ip': this.address }
    const bind = this.role === 'server' ? { 'bind-address': this.address } : {}
    await this.write('etc/rancher/rke2/config.yaml', JSON.stringify({ ...own, ...bind, ...config }))
    await this.write('etc/rke2-stand-in.json', JSON.stringify(switches))
    const quick = { 'ready-delay': 0.1, 'node-ready-delay': 0.5, heartbeat: 0.3, retry: 0.3 }
    const env = {
      ...process.env,
      RKE2_STAND_IN_ROOT: this.root,
      RKE2_STAND_IN: JSON.stringify({ ...quick, 'node-lost-after': 3 }),
    }
    const child = spawn(this.program, [this.role], { env })
    this.process = child
    child.stderr.on('data', (chunk: Buffer) => (this.log += chunk.toString()))
    this.exit = new Promise((done) => child.on('exit', done))
    return this
  }

  stop() {
    this.process?.kill('SIGKILL')
    return this.exit
  }

  async until(fragment: string) {
    const end = Date.now() + patience
    while (!this.log.includes(fragment) && Date.now() < end) await sleep(100)
    return this.log.includes(fragment)
  }

  path(path: string) {
    return join(this.root, path)
  }
  read(path: string) {
    return readFile(this.path(path), 'utf8')
  }
  write(path: string, text: string) {
    return writeFile(this.path(path), text)
  }
  async token() {
    return (await this.read('var/lib/rancher/rke2/server/token')).trim()
  }

  kubectl(...args: string[]) {
    const program = this.path('var/lib/rancher/rke2/bin/kubectl')
    return run(program, ['--kubeconfig', this.path('etc/rancher/rke2/rke2.yaml'), ...args])
  }

  /** Waits until a Node is Ready ('True'), NotReady ('False') or lost ('Unknown'). */
  async ready(name: string, wanted = 'True') {
    const tls = (file: string) => this.read(`var/lib/rancher/rke2/server/tls/client-admin.${file}`)
    const options = { cert: await tls('crt'), key: await tls('key') }
    for (const end = Date.now() + patience; Date.now() < end; await sleep(100)) {
      const [code, text] = await get(`https://${this.address}:6443/api/v1/nodes/${name}`, options)
      if (code !== 200) continue
      const conditions: { type: string; status: string }[] = JSON.parse(text).status.conditions
      if (conditions.find((x) => x.type === 'Ready')?.status === wanted) return true
    }
    return false
  }
}

export function run(program: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  const done = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env } })
  return { code: done.status, out: done.stdout, err: done.stderr }
}

/** Status and text of one HTTPS request; 0 when there is no answer. */
export function get(url: string, options: RequestOptions = {}) {
  return new Promise<[number, string]>((done) => {
    request(url, { rejectUnauthorized: false, ...options }, (answer) => {
      let text = ''
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
      answer.on('end', () => done([answer.statusCode ?? 0, text]))
    })
      .on('error', (error) => done([0, error.message]))
      .end()
  })
}
