// The pages say what the code does. What they say to type is typed: on the fake host, on the API of the stand-in for RKE2
// or, where marked, on real guests (tests/e2e/lab.e2e.ts). What needs running containers is checked for its form only; a
// snapshot lists it.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { optionTexts } from '../../lib/cli/args.ts'
import { parseUserConfig } from '../../lib/machine/user-data.ts'
import { parseLab } from '../../lib/lab/lab.ts'
import { registriesFile, registriesSum } from '../../lib/rke2/registries.ts'
import { defaultLab, labKeys, scripts, withBlocks } from './blocks.ts'
import { checkCommand } from './commands.ts'
import { applied, commands, fences, inlineCode, matches, mentioned, typed } from './typed.ts'
import { asked, wayOf } from './counts.ts'
import { asReader, docsHost } from './host.ts'
import { parseKubectl } from './kubectl.ts'
import { manifestProblems } from './manifests.ts'
import { chapterFiles, pageFiles, readPage, slug } from './pages.ts'
import { play } from './play.ts'
import { canServe, Cluster, hasTools } from './stand-in.ts'
import { top } from '../helpers/fixtures.ts'
import { isChange, succeeds } from '../helpers/results.ts'

t.setTimeout(900_000) // seconds by itself, minutes beside tests that want the processor

const pages = pageFiles().map((file) => ({ file, page: readPage(file) }))
const manifests = readdirSync(join(top, 'tutorials/manifests'))

const kubemaster = /^(create|eject) kubemaster: / // what the tutorials make by hand, before the script does the rest
// Pages that are for a separate lab: what was typed before, and which blocks of bash are typed.
const aside: Record<string, { before: string[]; byHand?: RegExp }> = {
  'README.md': { before: ['up'] },
  'docs/scripts.md': { before: [] },
  'docs/manifests.md': { before: ['up'] },
  'docs/network.md': { before: ['up'] },
  'docs/registries.md': { before: ['up'] },
  'rke2/README.md': { before: ['create', 'eject'], byHand: /^(install-rke2|join)/ },
  'tutorials/34-make-it-yours.md': { before: ['up'] },
}

await t.test('what the pages take from the code is up to date', async (t) => {
  for (const { file, page } of pages)
    t.equal(page, await withBlocks(page, file), `${file} (npm run docs updates it)`)
})

await t.test('every command of the pages is well formed and names what exists', async (t) => {
  for (const { file, page } of pages) {
    const isPlayed = chapterFiles().includes(file) || file in aside
    t.ok(isPlayed || typed(page).length === 0, `${file} is typed by a test`)
    const all = [
      ...typed(page).map((one) => ({ ...one, loose: false })),
      ...mentioned(page).map((one) => ({ ...one, loose: true })),
    ]
    const wrong = all.flatMap(({ command, line, loose }) => {
      try {
        checkCommand(command, loose)
        return []
      } catch (error) {
        return [`line ${line}: ${command}: ${(error as Error).message}`]
      }
    })
    t.strictSame(wrong, [], `${file}: ${all.length} commands`)
  }
})

await t.test('what the tutorials say to type, from first to last on the fake host', (t) => {
  const { host, end } = docsHost()
  t.teardown(end)
  for (const file of chapterFiles().filter((file) => !(file in aside))) {
    const before = host.callsSoFar().length
    t.strictSame(play(host, readPage(file), kubemaster), [], file)
    const caused = host.callsSoFar().slice(before).filter(isChange)
    t.matchSnapshot(
      [...new Set(caused.map((call) => asReader(host, call)))].sort(),
      `${file}: the commands that it causes`,
    )
  }
  t.strictSame(host.unknown(), [])
  t.end()
})

for (const [file, { before, byHand }] of Object.entries(aside))
  await t.test(`what ${file} says to type, on a separate fake host`, async (t) => {
    const { host, end } = docsHost()
    t.teardown(end)
    for (const script of before)
      await succeeds(t, host, script, ...(script === 'up' ? ['--yes'] : []))
    t.strictSame(play(host, readPage(file), byHand), [])
    t.strictSame(host.unknown(), [])
  })

await t.test('the two commands of the README, typed on a fresh host, make the cluster', (t) => {
  const { host, end } = docsHost()
  t.teardown(end)
  const [firstScreen = ''] = readPage('README.md').split('\n## ')
  t.strictSame(play(host, firstScreen), [])
  t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
  t.end()
})

await t.test('mistakes in a lab file are shown as in docs/lab-file.md', async (t) => {
  const { host, end } = docsHost()
  t.teardown(end)
  const lab = readFileSync(join(top, 'lab.yaml'), 'utf8')
  const wrong = lab.replace('memory:', 'memroy:').replace('192.168.1.31', '192.168.2.31')
  writeFileSync(join(host.project, 'lab.yaml'), wrong)
  const shown = fences(readPage('docs/lab-file.md')).find(({ text }) =>
    text.startsWith('✗ lab.yaml'),
  )
  const { code, stderr } = await host.run('status')
  t.equal(code, 2)
  t.ok(shown && matches(stderr, shown.text.split('\n')), stderr)
})

const skip = hasTools() ? false : 'needs kubectl, openssl and python3 with yaml'
await t.test('an API (of the stand-in for RKE2) takes the objects', { skip }, async (t) => {
  const cluster = new Cluster()
  t.teardown(() => cluster.end())
  await cluster.start()
  for (const file of asked) {
    const page = readPage(file)
    const served = [...typed(page).filter(canServe), ...applied(page)].sort(
      (a, b) => a.line - b.line,
    )
    const wrong = served.flatMap((one) => cluster.type(one) ?? [])
    t.strictSame(wrong, [], `${file}: ${served.length} commands`)
  }
})

await t.test('what of the blocks of bash is checked for its form only is known', (t) => {
  for (const { file, page } of pages)
    t.matchSnapshot(
      typed(page).flatMap((one) => (wayOf(one, file) === 'form' ? [one.command] : [])),
      `${file}: not run by any test`,
    )
  t.end()
})

await t.test('links lead somewhere', async (t) => {
  for (const { file, page } of pages)
    for (const [, target = ''] of page.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = '', anchor] = target.split('#')
      const to = path === '' ? file : join(dirname(file), path)
      t.ok(existsSync(join(top, to)), `${file}: ${target}`)
      if (anchor) t.ok(anchors(readPage(to)).includes(anchor), `${file}: ${target}`)
    }
})

/** Anchors of a page's headings. */
function anchors(page: string): string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => slug(heading))
}

await t.test('each chapter has its parts and is neither too short nor too long', async (t) => {
  t.ok(readPage('README.md').split('\n').length <= 150, 'README.md is a first page')
  for (const file of chapterFiles()) {
    const page = readPage(file)
    const parts = [
      '**Goal:**',
      '**Time:**',
      '**You need:**',
      '## What just happened',
      '## Check',
      '## Exercises',
    ]
    for (const part of parts) t.ok(page.includes(part), `${file} has ${part}`)
    const own = page.replace(/^<!-- begin[^]*?^<!-- end -->$/gm, '').split('\n')
    const written = own.filter((line) => !/^\s*(```.*)?$/.test(line)).length
    t.ok(
      written >= 60 && written <= 135,
      `${file} has ${written} lines without the generated ones and fences`,
    )
    if (page.includes('<!-- begin:steps'))
      t.match(page, 'umask 077', `${file} has what the printed scripts begin with`)
    t.equal(page.split('<details>').length, page.split('</details>').length, `${file} folds`)
  }
})

await t.test('scripts, lab-file keys and versions that the pages name exist', async (t) => {
  const keys = labKeys().map(({ key }) => key)
  // of kubectl and systemctl
  const options = ['from-file', 'no-block', 'namespace', 'previous', 'target', 'cpu-percent']
  for (const usage of scripts) options.push(...Object.keys(optionTexts(usage)))
  const isKey = (text: string) => keys.some((key) => key === text || key.startsWith(`${text}.`))
  for (const { file, page } of pages) {
    for (const { text, line } of inlineCode(page)) {
      const script = /^(?:scripts\/)?([\w-]+\.ts)$/.exec(text)?.[1]
      if (script)
        t.ok(
          ['scripts', 'lib', 'tests'].some((folder) => existsSync(join(top, folder, script))),
          `${file}:${line}: ${text}`,
        )
      const option = /^--([a-z][\w-]*)/.exec(text)?.[1]
      if (option)
        t.ok(
          options.some((one) => one.split(' ')[0] === option),
          `${file}:${line}: ${text}`,
        )
      if (/^(image|network|defaults|rke2)\.\w+$/.test(text) && text !== 'defaults.memroy')
        t.ok(isKey(text), `${file}:${line}: ${text}`)
      if (/^(labs|tutorials|cloud-init|rke2)\/[\w./-]+$/.test(text))
        t.ok(text === registriesFile || existsSync(join(top, text)), `${file}:${line}: ${text}`)
    }
    const { version } = defaultLab().rke2
    const upgrade = 'v1.37.0+rke2r1' // an example of another one
    for (const [found] of page.matchAll(/v\d+\.\d+\.\d+(?:\+|%2B)rke2r\d/g))
      if (found.replace('%2B', '+') !== upgrade) t.equal(found.replace('%2B', '+'), version, file)
  }
})

await t.test('every script and every manifest is used on a page', async (t) => {
  const text = pages.map(({ page }) => page).join('\n')
  for (const { script } of scripts)
    t.match(text, new RegExp(`npx zx scripts/${script}\\.ts|\\b${script}\\.ts`), script)
  t.strictSame(
    readdirSync(join(top, 'scripts')).sort(),
    scripts.map(({ script }) => `${script}.ts`).sort(),
    'the table of scripts is complete',
  )
  for (const name of manifests) t.ok(text.includes(`manifests/${name}`), name)
})

await t.test("the manifests are what Kubernetes' schema says", async (t) => {
  for (const name of manifests) t.strictSame(await manifestProblems(readManifest(name)), [], name)
  const typo = 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [], node: y}'
  t.strictSame(await manifestProblems(typo), ['Pod x.spec: unknown key node'])
  t.match(await manifestProblems(typo.replace('[]', '3')), [/containers must be array/])
  t.strictSame(await manifestProblems('apiVersion: v1\nkind: Pods'), ['there is no Pods in v1'])
})

function readManifest(name: string): string {
  return readFileSync(join(top, 'tutorials/manifests', name), 'utf8')
}

await t.test("what Kustomize makes is what Kubernetes' schema says", { skip }, async (t) => {
  const folder = t.testdir()
  cpSync(join(top, 'tutorials/kustomize'), folder, { recursive: true })
  const answers = pages
    .flatMap(({ page }) => fences(page))
    .filter(({ text }) => text.includes('kind: Kustomization'))
  for (const [index, { text }] of answers.entries()) {
    mkdirSync(join(folder, `answer-${index}`))
    writeFileSync(join(folder, `answer-${index}/kustomization.yaml`), text)
  }
  for (const name of readdirSync(folder)) {
    const { stdout, stderr } = spawnSync('kubectl', ['kustomize', name], {
      cwd: folder,
      encoding: 'utf8',
    })
    t.equal(stderr, '', name)
    t.match(stdout, 'kind: Deployment', name)
    t.strictSame(await manifestProblems(stdout), [], name)
  }
  t.equal(answers.length, 1)
})

await t.test('selectors of the manifests find the pods that they are meant for', async (t) => {
  interface Workload {
    kind?: string
    metadata?: { labels?: Record<string, string> }
    spec?: { selector?: Record<string, unknown>; template?: Workload }
  }
  const all = manifests
    .filter((name) => !name.startsWith('repair-')) // broken on purpose
    .flatMap((name) => readManifest(name).split(/^---$/m))
    .map((text) => parse(text) as Workload)
  const labels = all.map(
    ({ metadata, spec }) => spec?.template?.metadata?.labels ?? metadata?.labels,
  )
  for (const { kind, spec } of all) {
    const selector = kind === 'Service' ? spec?.selector : spec?.selector?.matchLabels
    if (!selector) continue
    const finds = (own: Record<string, string> = {}) =>
      Object.entries(selector).every(([key, value]) => own[key] === value)
    t.ok(
      spec?.template ? finds(spec.template.metadata?.labels) : labels.some(finds),
      `${kind} ${JSON.stringify(selector)}`,
    )
  }
})

/** The lab with the keys of a page; `rke2` keeps its others. */
const within = (lab: Record<string, unknown>, value: Record<string, unknown>) => ({
  ...lab,
  ...value,
  ...(value.rke2 ? { rke2: { ...(lab.rke2 as object), ...value.rke2 } } : {}),
})

await t.test(
  'YAML in the pages is a lab file, a cloud-config or a manifest that is accepted',
  async (t) => {
    const lab = parse(readFileSync(join(top, 'lab.yaml'), 'utf8')) as Record<string, unknown>
    for (const { file, page } of pages)
      for (const { info, text, line } of fences(page).filter(({ info }) =>
        info.startsWith('yaml'),
      )) {
        const where = `${file}:${line}`
        const value = parse(text.split(/^---$/m)[0] ?? '') as Record<string, unknown>
        if (info === 'yaml add-to-nodes' || value.kind === 'Kustomization') continue // played; built above
        if (text.startsWith('#cloud-config'))
          t.doesNotThrow(() => parseUserConfig(text, where), where)
        else if ('apiVersion' in value) t.strictSame(await manifestProblems(text), [], where)
        else if ('mirrors' in value || 'configs' in value)
          t.doesNotThrow(() => registriesSum(text), where)
        else if (!('version' in ((value.network as object) ?? {})))
          t.doesNotThrow(() => parseLab(JSON.stringify(within(lab, value)), where), where)
      }
  },
)

await t.test('the checks themselves find mistakes', async (t) => {
  for (const line of [
    'kubectl gat pods',
    'kubectl get pots',
    'kubectl get pods --wide',
    'kubectl get',
    'kubectl apply tutorials/manifests/pod.yaml',
    'kubectl apply -f tutorials/manifests/pot.yaml',
    'kubectl scale deployment web',
    'kubectl rollout deployment web',
    'npx zx scripts/creat.ts',
    'npx zx scripts/create.ts --forse',
    'npx zx scripts/create.ts worker7',
    'npm run nothing',
    'virsh list',
    'virsh -c qemu:///system lst',
    'ssh kubemaster',
    'ssh -F .lab/lab/ssh_config kubemater',
    'ssh -F .lab/lab/ssh_config kubemaster sudo rke2 snapshot',
    'cat tutorials/manifests/nothing.yaml',
    'tree',
  ])
    t.throws(() => checkCommand(line), line)
  t.strictSame(commands('a \'b c\' | d $(e f); g "h\\"i"'), [
    ['e', 'f'],
    ['a', 'b c'],
    ['d', 'SUBSTITUTED'],
    ['g', 'h\\"i'],
  ])
  t.strictSame(parseKubectl(['apply', '-f', 'x', '-f', 'y']).files, ['x', 'y'])
  t.ok(matches('a\nb\nc\n', ['a', '...', 'c']))
  t.ok(matches('one two three\n', ['one ... three']))
  t.notOk(matches('a\nb\nc\n', ['a', 'c']))
  t.notOk(matches('a\nb\n', ['a']))
})
