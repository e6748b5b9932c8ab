// Steps as bash, and carried out: the same effect.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eachOf, printing, together, working, written } from '../../lib/shell/carry-out.ts'
import { bashScript, forEach, inOrder, sh, type Stage, type Step } from '../../lib/shell/steps.ts'
import { CommandError, LabError, NodeErrors } from '../../lib/text/errors.ts'
import { hostileStrings } from '../helpers/labs.ts'

process.umask(0o077)
const folder = t.testdir()
const at = (name: string) => join(folder, name)
const quietly = () => t.capture(process.stderr, 'write')
const carryOut = (...steps: Step[]) => working().apply(inOrder('Test', steps))
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

await t.test('what is printed and what is carried out leave the same files', async (t) => {
  quietly()
  const stages = (place: string): Stage[] => [
    inOrder('Files', [
      { do: 'write', path: join(place, 'a/one'), content: 'no line end' },
      { do: 'write', path: join(place, 'a/two'), content: "it's $HOME `id`\nEOF\n" },
    ]),
    forEach(
      'Words',
      hostileStrings.map((word, index) => ({ name: `${index}`, word })),
      (one) => [sh`printf '%s\n' ${one.word} > ${join(place, `word-${one.name}`)}`],
    ),
    inOrder('Lists', [sh`printf '%s,' ${hostileStrings} > ${join(place, 'list')}`]),
  ]
  const [printed, done] = [at('printed'), at('done')]
  for (const place of [printed, done]) mkdirSync(place)
  const script = bashScript('a test', folder, stages(printed))
  execFileSync('bash', ['-s'], { input: script })
  for (const stage of stages(done)) await working().apply(stage)
  const contents = (place: string) =>
    readdirSync(place, { recursive: true, encoding: 'utf8' })
      .sort()
      .filter((name) => statSync(join(place, name)).isFile())
      .map((name) => [
        name,
        readFileSync(join(place, name), 'utf8').trimEnd(),
        statSync(join(place, name)).mode & 0o777,
      ])
  t.strictSame(contents(printed), contents(done))
  t.equal(contents(done).length, hostileStrings.length + 3)
})

await t.test('a script with nothing to do says so, and is valid', async (t) => {
  const script = bashScript('a test', '/', [inOrder('Nothing', [])])
  t.match(script, '# nothing to do\ntrue\n')
  t.equal(spawnSync('bash', ['-s'], { input: script }).status, 0)
})

await t.test(
  'a step that fails ends its lane; the other lanes go on, and all failures are reported',
  async (t) => {
    quietly()
    const lanes = ['a', 'b', 'c'].map((name) => ({ name }))
    const stage = forEach('Test', lanes, ({ name }) => [
      ...(name === 'b' ? [] : [sh`echo ${`no ${name}`} >&2; grep -q x /dev/null`]),
      sh`touch ${at(name)}`,
    ])
    const error = await errorOf(working().apply(stage))
    t.ok(error instanceof NodeErrors)
    t.match((error as NodeErrors).errors, [
      { message: 'a: grep failed (exit 1): no a' },
      { message: 'c: grep failed (exit 1): no c' },
    ])
    t.match(readdirSync(folder), ['b'])
  },
)

await t.test('tried again, undone, explained, or only a warning', async (t) => {
  const shown = quietly()
  const count = at('count')
  const flaky = sh`echo x >> ${count}; test "$(wc -l < ${count})" -ge 2`
  await carryOut({ ...flaky, tries: 3 })
  t.equal(readFileSync(count, 'utf8'), 'x\nx\n')
  rmSync(count)
  execFileSync('bash', ['-s'], {
    input: bashScript('x', folder, [inOrder('x', [{ ...flaky, tries: 3 }])]),
  })
  t.equal(readFileSync(count, 'utf8'), 'x\nx\n')

  const undone: Step = {
    ...sh`touch ${at('half')}; grep -q x /dev/null`,
    undo: `rm ${at('half')}`,
    explain: (cause, isUndone) => new LabError(`${cause.failed.program}, undone: ${isUndone}`),
  }
  t.match(await errorOf(carryOut(undone)), { message: 'grep, undone: true' })
  t.notOk(readdirSync(folder).includes('half'))
  const printed = bashScript('x', folder, [inOrder('x', [undone, sh`touch ${at('later')}`])])
  t.equal(spawnSync('bash', ['-s'], { input: printed }).status, 1)
  t.notOk(readdirSync(folder).some((name) => ['half', 'later'].includes(name)))

  const minor: Step = { ...sh`grep -q x /dev/null`, orWarn: 'it stays' }
  await carryOut(minor, sh`touch ${at('later')}`)
  t.match(
    shown()
      .map(({ args }) => args[0])
      .join(''),
    '! it stays: grep failed (exit 1)',
  )
  t.ok(readdirSync(folder).includes('later'))
  t.equal(
    spawnSync('bash', ['-s'], { input: bashScript('x', folder, [inOrder('x', [minor])]) }).status,
    0,
  )
})

await t.test('a check that does not hold ends the plan before anything is changed', async (t) => {
  quietly()
  const check: Step = {
    do: 'check',
    bash: 'false # it does not hold',
    holds: async () => {
      throw new LabError('it does not hold')
    },
  }
  t.match(await errorOf(carryOut(check, sh`touch ${at('never')}`)), { message: 'it does not hold' })
  const script = bashScript('x', folder, [inOrder('x', [check, sh`touch ${at('never')}`])])
  t.equal(spawnSync('bash', ['-s'], { input: script }).status, 1)
  t.notOk(readdirSync(folder).includes('never'))
})

await t.test(
  'a printing shell changes nothing, asks nothing, and prints all stages at its end',
  async (t) => {
    const out = t.capture(process.stdout, 'write')
    const shell = printing('a test', true)
    await shell.apply(inOrder('One', [sh`touch ${at('dry')}`]))
    await shell.apply(inOrder('Two', written(at('dry-file'), 'x')))
    shell.remember(at('dry-cache'), 'x')
    t.equal(await shell.ask('really?', [], false), true)
    t.equal(await shell.locked(at('dry-lock'), 'x', async () => 1), 1)
    shell.end('nothing to do', 'next')
    const printed = out()
      .map(({ args }) => args[0])
      .join('')
    t.match(printed, /# One\ntouch .*\n\n# Two\n/)
    t.notOk(readdirSync(folder).some((name) => name.startsWith('dry')))
  },
)

await t.test('what is so already is no step', async (t) => {
  quietly()
  t.equal(written(at('same'), 'x\n').length, 1)
  await carryOut(...written(at('same'), 'x\n'))
  t.strictSame(written(at('same'), 'x\n'), [])
  t.equal(written(at('same'), 'y\n').length, 1)
})

await t.test('reads side by side: every failure counts, with its name', async (t) => {
  const fails = async (message: string) => {
    throw new LabError(message)
  }
  t.strictSame(await eachOf([{ name: 'a' }, { name: 'b' }], async ({ name }) => name, 1), [
    'a',
    'b',
  ])
  t.match(await errorOf(eachOf([{ name: 'a' }], () => fails('x'))), { message: 'a: x' })
  t.match(await errorOf(eachOf([{ name: 'a' }, { name: 'b' }], () => fails('x'))), {
    errors: [{ message: 'a: x' }, { message: 'b: x' }],
  })
  t.strictSame(
    await together(
      async () => 1,
      async () => 'x',
    ),
    [1, 'x'],
  )
  t.match(
    await errorOf(
      together(
        () => fails('x'),
        () => fails('y'),
      ),
    ),
    {
      errors: [{ message: 'x' }, { message: 'y' }],
    },
  )
  t.ok(new CommandError({ command: 'a', program: 'a', status: 1, stderr: '' }) instanceof LabError)
})
