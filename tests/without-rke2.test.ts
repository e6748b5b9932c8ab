// Someone who wants machines only deletes lib/rke2, the drills and the scripts that use them: nothing else may break.
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { top } from './helpers/fixtures.ts'
import { filesBehind, sourcesIn } from './helpers/sources.ts'

const copy = t.testdir()
const parts = [
  'lib',
  'scripts',
  'tests',
  'cloud-init',
  'rke2',
  'labs',
  'package.json',
  'tsconfig.json',
]
for (const name of [...parts, 'lab.yaml', 'tap-snapshots', '.taprc'])
  cpSync(join(top, name), join(copy, name), { recursive: true })
symlinkSync(join(top, 'node_modules'), join(copy, 'node_modules'))

const usesRke2 = (file: string) => [...filesBehind(file)].some((one) => one.startsWith('lib/rke2/'))
const gone = ['scripts', 'tests']
  .flatMap((folder) => sourcesIn(folder, '.ts'))
  .map(({ file }) => file)
  .filter(usesRke2)
for (const file of ['lib/rke2', 'lib/drills', ...gone, 'tests/without-rke2.test.ts'])
  rmSync(join(copy, file), { recursive: true })

const run = (command: string, ...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(command, words, { cwd: copy, encoding: 'utf8' })
  return status === 0 ? '' : stdout + stderr
}

await t.test('only the scripts of the cluster and its status go with it', async (t) => {
  t.strictSame(
    gone.filter((file) => file.startsWith('scripts/')),
    'backup drill env install-rke2 join logs remove resize restore snapshot start status up upgrade'
      .split(' ')
      .map((name) => `scripts/${name}.ts`),
  )
})

await t.test('types are right without it', async (t) => {
  t.equal(run('npx', 'tsc'), '')
})

await t.test('machines are created, ejected and destroyed without it', async (t) => {
  writeFileSync(
    join(copy, 'tests/machines.test.ts'),
    `import t from 'tap'
import { FakeHost } from './helpers/fake-host.ts'
const host = new FakeHost(t)
for (const words of [['create'], ['eject'], ['destroy', '--yes']]) {
  const [script, ...more] = words
  const { code, stderr } = await host.run(script, more)
  t.equal(code, 0, stderr)
}
t.strictSame(host.inventory().domains, [])
`,
  )
  t.equal(run('npx', 'tap', '--disable-coverage', 'tests/machines.test.ts'), '')
})
