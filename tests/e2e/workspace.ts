// A folder as a person has it after `git clone` and `npm ci`, with its own lab: links to this project, and copies
// of what people edit.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import type { ExecOptions, ExecResult, Host } from './host.ts'

const project = resolve(import.meta.dirname, '../..')
const zx = join(project, 'node_modules/zx/build/cli.js')
const register = join(project, 'lib/runtime/register.cjs')

// What npm tells the programs that it starts is not for the npm that is typed there.
const withoutNpm = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => name.startsWith('npm_'))
    .map((name) => [name, undefined]),
)

export interface Workspace {
  dir: string
  /** The command line of a script, for host.spawn. */
  command(script: string, ...words: string[]): string[]
  /** What scripts are started with. */
  options: ExecOptions
  /** Runs a script on the stand-in host. */
  script(name: string, ...words: string[]): Promise<ExecResult>
  /** Runs a command on a node by SSH, as the README says; throws when it fails. */
  ssh(node: string, command: string): Promise<string>
  writeLab(lab: object): void
  remove(): void
}

/** Makes the folder with lab.yaml holding `lab`. */
export function workspace(host: Host, lab: { name: string; [key: string]: unknown }): Workspace {
  const dir = mkdtempSync(join(tmpdir(), 'rkl-work-'))
  for (const name of [
    'scripts',
    'lib',
    'labs',
    'tutorials',
    'node_modules',
    'package.json',
    '.npmrc',
  ])
    symlinkSync(join(project, name), join(dir, name))
  for (const name of ['cloud-init', 'rke2'])
    cpSync(join(project, name), join(dir, name), { recursive: true })
  mkdirSync(join(dir, 'home'))
  const env = {
    ...withoutNpm,
    XDG_CACHE_HOME: join(dir, 'cache'),
    HOME: join(dir, 'home'),
    CI: undefined,
    NODE_EXTRA_CA_CERTS: undefined, // where it is set, Node 20 reads all of them at each start: 0.13 s
  }
  const options: ExecOptions = { cwd: dir, env, timeout: 20 * 60_000 }
  const writeLab = (text: object) => writeFileSync(join(dir, 'lab.yaml'), stringify(text))
  writeLab(lab)
  const command = (script: string, ...words: string[]) => [
    process.execPath,
    '--import',
    register,
    zx,
    join(project, `scripts/${script}.ts`),
    ...words,
  ]
  return {
    dir,
    options,
    command,
    script: (name, ...words) => host.exec(command(name, ...words), options),
    ssh: (node, text) =>
      host.run(['ssh', '-F', `.lab/${lab.name}/ssh_config`, node, text], options),
    writeLab,
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}
