// The command line: words, mistakes and the usage text.
import t from 'tap'
import { optionTexts, parseArgs, usageText, type Usage } from '../../lib/cli/args.ts'
import * as usages from '../../lib/cli/usages.ts'

const usage: Usage = {
  script: 'example',
  does: 'Does nothing.',
  nodes: true,
  timeout: 60,
  json: true,
  options: { force: 'by force' },
}

await t.test('words become options', async (t) => {
  t.strictSame(parseArgs([], usage), {
    lab: 'lab.yaml',
    nodes: [],
    dryRun: false,
    verbose: false,
    yes: false,
    json: false,
    help: false,
    timeout: 60,
    flags: new Set(),
  })
  const words = ['a', '--lab', 'x.yaml', '--dry-run', 'b', 'a', '--timeout=5', '--force', '007']
  t.match(parseArgs(words, usage), {
    lab: 'x.yaml',
    nodes: ['a', 'b', '007'],
    dryRun: true,
    timeout: 5,
    flags: new Set(['dry-run', 'force']),
  })
  t.equal(parseArgs(['--lab', '007'], usage).lab, '007', 'no number')
  t.strictSame(parseArgs(['--', '--lab'], usage).nodes, ['--lab'], 'after -- all are names')
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
  t.match(
    t.throws(() => parseArgs(['--x'], usage)),
    {
      hint: ['known options: --lab --timeout --force --json --dry-run --yes --verbose --help'],
    },
  )
  t.throws(() => parseArgs(['a'], { ...usage, nodes: false }), { message: /takes no node names/ })
  const { timeout: _, ...untimed } = usage
  t.throws(() => parseArgs(['--timeout', '5'], untimed), { message: /unknown option --timeout/ })
  t.equal(parseArgs([], usages.up).timeout, 0, 'each phase has its own')
  t.throws(() => parseArgs(['--timeout', '0'], usages.up), { message: /--timeout must be/ })
})

await t.test('the usage text names every option', async (t) => {
  t.matchSnapshot(usageText(usage), 'usage')
  for (const one of Object.values(usages)) {
    const text = usageText(one)
    for (const name of Object.keys(optionTexts(one))) t.ok(text.includes(`--${name}`), name)
    t.ok(
      text.split('\n').every((line) => line.length <= 110),
      one.script,
    )
  }
})
