// Reads pages as a learner does: types their commands, in order, on the fake host.
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseLab } from '../../lib/lab.ts'
import { fixture, top, type FakeHost } from '../helpers/fake-bin.ts'
import { commands, fences, matches, typed, type Typed } from './console.ts'
import { asReader } from './host.ts'

const scripts = ['doctor', 'create', 'eject', 'status', 'destroy']

/** Plays a page; returns what was printed and is not what the page says. */
export async function play(host: FakeHost, page: string): Promise<string[]> {
  const wrong: string[] = []
  cpSync(join(top, 'tutorials'), join(host.project, 'tutorials'), { recursive: true })
  const added = fences(page).find(({ info }) => info === 'yaml add-to-nodes')
  const lab = readFileSync(join(host.project, 'lab.yaml'), 'utf8')
  for (const one of [...typed(page), ...byHand(page)].sort((a, b) => a.line - b.line)) {
    if (added && one.line > added.line)
      writeFileSync(join(host.project, 'lab.yaml'), lab.replace(/^rke2:$/m, `${added.text}\nrke2:`))
    const printed = await type(host, one)
    if (printed === undefined || one.output.length === 0 || matches(printed, one.output)) continue
    wrong.push(`line ${one.line}: ${one.command}\nprinted:\n${printed}`)
  }
  writeFileSync(join(host.project, 'lab.yaml'), lab) // such a page ends with taking the lines out
  return wrong
}

/** The blocks of steps for one machine, made from create and eject: typed as they stand. */
function byHand(page: string): Typed[] {
  const block = /^<!-- begin:steps (?:create|eject) kubemaster: .*-->\n```bash\n([^]*?)^```$/gm
  return [...page.matchAll(block)].map(({ index, 1: command = '' }) => ({
    command,
    output: [],
    line: page.slice(0, index).split('\n').length,
  }))
}

/** What a command prints on the fake host; undefined when it is none that can be run there. */
async function type(host: FakeHost, { command, output }: Typed): Promise<string | undefined> {
  if (command.endsWith('\n')) return paste(host, command)
  const all = commands(command)
  const [words = []] = all
  if (all.length !== 1) return undefined
  const script = words[0] === 'npx' ? /^scripts\/(.*)\.ts$/.exec(words[2] ?? '')?.[1] : undefined
  if (script === 'install-rke2' || script === 'join')
    return joinCluster(host, script, words.slice(3))
  if (script && scripts.includes(script) && output.length > 0)
    return run(host, script, words.slice(3))
  if (words[0] === 'cat' && output.length > 0)
    return readFileSync(join(host.project, words[1] ?? ''), 'utf8')
  if (/^virsh -c \S+ (destroy|start) /.test(command)) await pullPlug(host, words)
  return undefined
}

async function run(host: FakeHost, script: string, words: string[]): Promise<string> {
  const { code, stdout, stderr } = await host.run(script, words)
  const end = code === 0 ? '' : `\n(exit ${code})`
  return asReader(host, stderr + stdout) + end
}

/** Runs a block with bash, as a reader pastes it. */
async function paste(host: FakeHost, block: string): Promise<undefined> {
  const here = block
    .replaceAll('/home/you/rke2-kvm-lab', host.project)
    .replaceAll('/home/you', join(host.folder, 'home'))
  await promisify(execFile)('bash', ['-euc', here], { cwd: host.project, env: env(host) })
}

const env = (host: FakeHost) => ({
  PATH: host.bin,
  STAND_IN: host.state,
  FIXTURES: join(top, 'tests/fixtures'),
})

async function pullPlug(host: FakeHost, words: string[]): Promise<void> {
  if (!existsSync(join(host.state, 'domains', words[4] ?? ''))) return // of another lab
  const options = { cwd: host.project, env: env(host) }
  await promisify(execFile)(join(host.bin, 'virsh'), words.slice(1), options)
}

/**
 * Installs and joins RKE2 where a page shows the output of that, on a host whose machines are folders;
 * returns what was printed and is not what the page says.
 */
export async function playCluster(host: FakeHost, page: string): Promise<string[]> {
  const wrong: string[] = []
  for (const { command, output, line } of typed(page)) {
    const script = /^npx zx scripts\/(install-rke2|join)\.ts$/.exec(command)?.[1]
    if (!script || output.length === 0) continue
    const printed = await run(host, script, [])
    if (!matches(printed, output)) wrong.push(`line ${line}: ${command}\nprinted:\n${printed}`)
  }
  return wrong
}

const serverLabels = {
  'node-role.kubernetes.io/control-plane': 'true',
  'node-role.kubernetes.io/etcd': 'true',
}

// RKE2 cannot run on the fake host: what status reads on the nodes afterwards is put there.
function joinCluster(host: FakeHost, script: string, words: string[]): undefined {
  const lab = parseLab(readFileSync(join(host.project, 'lab.yaml'), 'utf8'), 'lab.yaml')
  const named = words.filter((word) => !word.startsWith('-'))
  const all = script === 'join' ? lab.nodes : lab.nodes.slice(0, 1)
  const items = lab.nodes.map(({ name, role }) => ({
    metadata: { name, labels: role === 'server' ? serverLabels : {} },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  }))
  for (const { name, role } of all.filter(
    (node) => named.length === 0 || named.includes(node.name),
  ))
    host.put(
      `guests/${name}`,
      `${fixture('cloud-init-done.cloud-init-22.4.2.txt')}== version\nrke2 version ${lab.rke2.version} (0123456)\n` +
        `== service\nactive\n${role === 'server' ? `== nodes\n${JSON.stringify({ items })}\n` : ''}`,
    )
}
