// Which files of a release are missing on this host.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { planRelease } from '../../lib/rke2/artifacts.ts'
import type { Step } from '../../lib/shell/steps.ts'
import { makeLab } from '../helpers/labs.ts'

const archive = 'rke2.linux-amd64.tar.gz'
const digest = createHash('sha256').update(archive).digest('hex')
const texts: Record<string, string> = {
  'install.sh': '# installs\n',
  'sha256sum-amd64.txt': `${digest}  ${archive}\n`,
  [archive]: archive,
}
const put = (folder: string, names: string[]) => {
  mkdirSync(folder, { recursive: true })
  for (const name of names) writeFileSync(join(folder, name), texts[name] ?? '')
}
/** The names of the files that curl downloads. */
const fetched = (steps: Step[]) =>
  steps.flatMap((step) =>
    step.do === 'run' && step.bash.includes('curl')
      ? (/https?:\S+\/([\w.-]+)/.exec(step.bash)?.[1] ?? '?')
      : [],
  )

await t.test('the steps download the missing files, the checksums first', async (t) => {
  process.env.XDG_CACHE_HOME = t.testdir()
  const lab = makeLab()
  t.strictSame(fetched(await planRelease(lab)), ['sha256sum-amd64.txt', 'install.sh', archive])
  const releases = join(t.testdirName, 'rke2-kvm-lab/rke2')
  t.throws(() => readdirSync(releases), { code: 'ENOENT' }, 'a plan creates nothing')

  const [step] = await planRelease(lab)
  const folder = /^mkdir -p (\S+)$/.exec(step?.do === 'run' ? step.bash : '')?.[1] ?? ''
  if (!folder.startsWith(releases)) throw new Error(`the first step makes no folder: ${folder}`)
  put(folder, ['install.sh', 'sha256sum-amd64.txt'])
  t.strictSame(fetched(await planRelease(lab)), [archive])
  put(folder, [archive])
  t.strictSame(await planRelease(lab), [], 'no step if all files are there')

  const mirrored = makeLab((raw) => (raw.rke2.mirror = 'http://mirror.test/rke2'))
  t.equal(fetched(await planRelease(mirrored)).length, 3, 'another mirror means other files')
})

await t.test('files of rke2.artifacts are used as they are, or rejected by name', async (t) => {
  const folder = t.testdir()
  const lab = makeLab((raw) => (raw.rke2.artifacts = folder))
  put(folder, ['install.sh'])
  await t.rejects(planRelease(lab), {
    message: `rke2.artifacts: ${folder} lacks sha256sum-amd64.txt, ${archive}`,
    hint: [/^curl -fL -o \S+sha256sum-amd64.txt https/, /^curl -fL/],
  })
  put(folder, Object.keys(texts))
  t.strictSame(await planRelease(lab), [])
  writeFileSync(join(folder, archive), 'something else')
  await t.rejects(planRelease(lab), {
    message: `rke2.artifacts: ${archive} does not match the checksum file`,
  })
  writeFileSync(join(folder, 'sha256sum-amd64.txt'), '')
  await t.rejects(planRelease(lab), { message: /has no line for rke2\.linux-amd64/ })
  rmSync(join(folder, archive))
})
