// Words and turns that must not come back in pages, help, messages and comments: old ones, and those that make a reader
// stop. Each with what to write instead.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { top } from './helpers/fixtures.ts'

const words: [pattern: string, instead: string][] = [
  ['whither|whence|hither|thither|thence|yonder', 'where, from where, there'],
  ['there(of|in|by|upon|with|unto)|here(of|in|by|upon|with)', 'its, in it, by this, then'],
  ['where(of|in|by|upon|with|fore)', 'of which, in which, so that, then'],
  ['hence(forth)?|hitherto|erstwhile|forthwith|henceforward', 'so, from now on, until now, now'],
  ['shall|shalt|ought', 'must, should, will'],
  [
    'lest|albeit|whilst|amongst|amidst|betwixt|unto|upon',
    'so that not, although, while, among, on',
  ],
  ['naught|nought|withal|asunder|anon|aught', 'nothing, also, apart'],
  [
    'notwithstanding|inasmuch|insofar|aforesaid|aforementioned',
    'despite, because, as far as, this',
  ],
  ['anew', 'again'],
  ['mend(s|ed|ing)?', 'fix, repair'],
  [
    'so be it|be it|as it were|of late|in vain|to and fro|for ever',
    'leave it out; recently; forever',
  ],
  ['(is|are|was|were) to be|to be had|be had|had best', 'must be; available'],
  [
    // not "of its own pods", where it belongs to the noun that follows
    'of (its|their|your|his|our|my) own(?!\\s+(?!(and|but|or|for|with|which|that|in|on|to|at|so|when|by|from|until|as|if|under)\\b)[a-z])',
    'its own X: "its own disk" instead of "a disk of its own"',
  ],
  ['(is|are|was|were|gets?) told', 'is reported, sees, learns'],
  ['tells? of|speaks? of|makes? do', 'says, is about, is enough'],
  ['what it fails of|what (it|they) lacks?|never is', 'why it fails; what is missing; is never'],
  ['takes? away|took away|taken away|taking away', 'remove'],
  ['wish(es|ed)?', 'desired state; want'],
  ['keepers?', 'controller, owner'],
  ['heed|dwell|perish|befall|forego|suffices?|ails?', 'use, notice, is enough'],
  ['at hand|save for|in its stead|in their stead', 'available; except for; instead'],
  ['in place of', 'instead of'],
  ['whosoever|whatsoever|whomever|nay|yea', 'whoever, whatever'],
  ['till|ere|oft|thus|nor yet', 'until, before, often, so'],
  ['goes on|went on', 'continues, keeps running'],
]

const folders = ['cloud-init', 'docs', 'labs', 'lib', 'rke2', 'scripts', 'tests', 'tutorials']
const isText = (name: string) => /\.(md|ts|yaml|sh|py|cjs)$/.test(name)
const isOurs = (file: string) =>
  isText(file) && !file.startsWith('tests/fixtures/') && file !== 'tests/english.test.ts'
const files = [
  ...readdirSync(top).filter(isText),
  ...folders.flatMap((folder) =>
    readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name}`)
      .filter(isOurs),
  ),
]

// A turn may go on behind the end of a line, there with what begins a comment or a quotation.
const searches = words.map(([pattern, instead]) => ({
  search: new RegExp(`(?<![\\w-])(?:${pattern.replaceAll(' ', '[\\s*/#>]+')})(?![\\w-])`, 'gi'),
  instead,
}))

function findings(file: string, text: string): string[] {
  return searches.flatMap(({ search, instead }) =>
    [...text.matchAll(search)]
      .filter(([found]) => !/[a-z][A-Z]/.test(found)) // a name in the code
      .map((found) => {
        const line = text.slice(0, found.index).split('\n').length
        return `${file}:${line}: "${found[0].replace(/\s+/g, ' ')}" (write: ${instead})`
      }),
  )
}

await t.test('no page, help, message or comment has a word of the list', async (t) => {
  const found = files.flatMap((file) => findings(file, readFileSync(join(top, file), 'utf8')))
  for (const one of found) t.fail(one)
  t.ok(files.length > 100, `${files.length} files`)
})

await t.test('the search finds words, also across lines, and nothing within others', async (t) => {
  t.match(findings('a.md', 'One\nShall\n'), [/^a\.md:2: "Shall" \(write: must/])
  t.match(findings('a.ts', '// it is\n// to be done'), [/^a\.ts:1: "is \/\/ to be"/])
  t.strictSame(findings('a.md', 'shallow, amend, recommend, hereditary, thusly; a-till'), [])
})
