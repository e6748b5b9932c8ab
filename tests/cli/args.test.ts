// Words on the command line -> options, and the table of phases that says which.
import t from 'tap'
import { optionTexts, parseArgs, usageText, type Usage } from '../../lib/cli/args.ts'
import { UsageError } from '../../lib/text/errors.ts'
import { phases, phasesOfUp, usageOf, type PhaseName } from '../../lib/cli/phases.ts'

const usage: Usage<'force'> = {
  script: 'example',
  does: 'Does nothing.',
  nodes: true,
  timeout: 60,
  json: true,
  flags: { force: 'by force' },
}

await t.test('words become options', async (t) => {
  t.strictSame(parseArgs([], usage), {
    lab: 'lab.yaml',
    nodes: [],
    command: [],
    words: [],
    dryRun: false,
    verbose: false,
    yes: false,
    json: false,
    help: false,
    timeout: 60,
    flags: { force: false },
    values: {},
  })
  const words = ['a', '--lab', 'x.yaml', '--dry-run', 'b', 'a', '--timeout=5', '--force', '007']
  t.match(parseArgs(words, usage), {
    lab: 'x.yaml',
    nodes: ['a', 'b', '007'],
    dryRun: true,
    timeout: 5,
    flags: { force: true },
  })
  const negative = { ...usage, flags: { 'no-force': 'without force' } }
  t.equal(parseArgs(['--no-force'], negative).flags['no-force'], true)
  t.equal(parseArgs([], negative).flags['no-force'], false)
  t.equal(parseArgs(['--lab', '007'], usage).lab, '007', 'no number')
  t.strictSame(parseArgs(['--', '--lab'], usage).nodes, ['--lab'], 'after -- all are names')
  t.strictSame(parseArgs(['--keep', '007'], usageOf('backup')).values, { keep: '007' })
  t.match(parseArgs(['a.tar'], usageOf('restore')), { operand: 'a.tar', nodes: [] })
  t.notOk('operand' in parseArgs([], usageOf('restore')))
})

await t.test('words in one of some forms', async (t) => {
  const forms = { ...usage, nodes: false, words: ['save NAME', 'list'] }
  t.match(parseArgs(['save', '007', '--force'], forms), { words: ['save', '007'], nodes: [] })
  t.match(parseArgs(['list'], forms), { words: ['list'] })
  t.ok(parseArgs(['--help'], forms).help)
  for (const [words, message] of [
    [[], /does not know what to do/],
    [['lst'], /does not know lst/],
    [['save'], /it is example save NAME/],
    [['list', 'all'], /it is example list/],
  ] as [string[], RegExp][])
    t.throws(() => parseArgs(words, forms), { message }, words.join(' '))
  t.match(
    usageText(forms),
    /^npx zx scripts\/example.ts save NAME \[options\]\nnpx zx scripts\/example.ts list \[options\]\n\n/,
  )
})

await t.test('wrong words are errors that list the known ones', async (t) => {
  const wrong: [string[], RegExp][] = [
    [['--dryrun'], /unknown option --dryrun/],
    [['-f'], /unknown option -f/],
    [['--images'], /unknown option --images/],
    [['--timeout', 'soon'], /--timeout must be a number of seconds, got soon/],
    [['--timeout', '0'], /--timeout must be/],
    [['--timeout', '-5'], /unknown option -5/],
    [['--timeout'], /--timeout needs a value/],
    [['--lab'], /--lab needs a value/],
    [['--lab', 'a', '--lab', 'b'], /--lab is given more than once/],
  ]
  for (const [words, message] of wrong)
    t.throws(() => parseArgs(words, usage), { message }, words.join(' '))
  t.throws(
    () => parseArgs(['--x'], usage),
    new UsageError('unknown option --x', {
      hint: 'known options: --lab --timeout --force --json --dry-run --yes --verbose --help',
    }),
  )
  t.throws(() => parseArgs(['a'], { ...usage, nodes: false }), { message: /takes no node names/ })
  t.throws(() => parseArgs(['a', 'b'], usageOf('restore')), { message: /takes one FILE, got a, b/ })
  t.throws(() => parseArgs(['--keep'], usageOf('backup')), { message: /--keep needs a value/ })
  const { timeout: _, ...untimed } = usage
  t.throws(() => parseArgs(['--timeout', '5'], untimed), { message: /unknown option --timeout/ })
  t.equal(parseArgs([], usageOf('up')).timeout, 0, 'each phase has its own')
  t.throws(() => parseArgs(['--timeout', '0'], usageOf('up')), { message: /--timeout must be/ })
})

await t.test('a script that takes a command reads it after --', async (t) => {
  const taking = { ...usage, command: true }
  const words = ['a', '--force', '--', 'ls', '--all', '--', '-f', 'a b']
  t.match(parseArgs(words, taking), {
    nodes: ['a'],
    flags: { force: true },
    command: ['ls', '--all', '--', '-f', 'a b'],
  })
  const message = 'example needs a command after --'
  for (const none of [['a'], ['a', '--'], ['--', ' ']])
    t.throws(() => parseArgs(none, taking), { message }, none.join(' '))
  t.equal(parseArgs(['--help'], taking).help, true)
  t.match(usageText(taking), 'example.ts [NODE...] [options] -- COMMAND\n')
})

await t.test('the usage text names every option', async (t) => {
  t.matchSnapshot(usageText(usage), 'usage')
  for (const name of Object.keys(phases) as PhaseName[]) {
    const one: Usage = usageOf(name)
    const text = usageText(one)
    for (const option of Object.keys(optionTexts(one))) t.ok(text.includes(`--${option}`), option)
    t.ok(
      text.split('\n').every((line) => line.length <= 110),
      one.script,
    )
  }
})

await t.test('the table of phases knows the flags by name', async (t) => {
  const { flags } = parseArgs(['--images', '--yes'], usageOf('destroy'))
  t.strictSame(flags, { images: true })
  // @ts-expect-error a flag that the table does not have
  t.equal(flags.image, undefined)
  t.strictSame(parseArgs([], usageOf('join')).flags, {})
})

await t.test('what up runs is in its usage, in order', async (t) => {
  const order = Object.keys(phasesOfUp)
  t.strictSame(order, ['doctor', 'create', 'eject', 'install-rke2', 'join'])
  t.match(usageOf('up').does, order.join(', '))
})
