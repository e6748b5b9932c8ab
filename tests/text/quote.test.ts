// Quoting, read back by real shells.
import { execFileSync, spawnSync } from 'node:child_process'
import t from 'tap'
import { hereDocument, quote } from '../../lib/text/quote.ts'
import { hostileStrings } from '../helpers/labs.ts'

await t.test('real shells return every word unchanged', async (t) => {
  const all = [
    ...hostileStrings,
    '',
    "'",
    "''",
    '"',
    '\\',
    '!x',
    'ä€',
    '\t',
    '=',
    '{a,b}',
    '~',
    '-n',
  ]
  for (const shell of ['bash', 'sh']) {
    const script = `printf '%s\\0' ${all.map(quote).join(' ')}`
    t.equal(spawnSync('bash', ['-n'], { input: script }).status, 0)
    const said = execFileSync(shell, ['-c', script], { encoding: 'utf8' })
    t.strictSame(said.split('\0').slice(0, -1), all, shell)
  }
  t.equal(quote('plain-word_1.2/3:4,5@6%7+8=9'), 'plain-word_1.2/3:4,5@6%7+8=9')
})

await t.test('a here-document passes its content unchanged', async (t) => {
  for (const content of [...hostileStrings, 'EOF\n', 'a\nEOF\nEOF_\nb\n', '$x `id` \\\n', '']) {
    const script = hereDocument('cat', content)
    const said = execFileSync('bash', ['-c', script], { encoding: 'utf8' })
    t.equal(said, content.endsWith('\n') ? content : `${content}\n`)
  }
})
