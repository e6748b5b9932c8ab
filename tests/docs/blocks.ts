// The blocks of the pages that are made from the code: what stands between
// <!-- begin:KIND ARGUMENTS --> and <!-- end -->.
import { readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { z } from 'zod'
import { optionTexts, usageText, type Usage } from '../../lib/cli/args.ts'
import { parseLab } from '../../lib/lab/lab.ts'
import { labSchema } from '../../lib/lab/schema.ts'
import { phases, usageOf, type PhaseName } from '../../lib/cli/phases.ts'
import { known } from '../../lib/rke2/causes.ts'
import { hintText } from '../../lib/text/errors.ts'
import { top } from '../helpers/fixtures.ts'
import { counts } from './counts.ts'
import { chapterFiles, readPage } from './pages.ts'
import { sectionOf } from './steps.ts'

const block = /^(<!-- begin:([a-z-]+)(?: (.*?))? -->\n)([\s\S]*?)^(<!-- end -->)$/gm

/** The page with every block made again; `file` is its path in the project. */
export async function withBlocks(page: string, file: string): Promise<string> {
  const made = new Map<string, string>()
  for (const [, begin = '', kind = '', words = ''] of page.matchAll(block)) {
    const make = kinds[kind]
    if (!make) throw new Error(`no kind of block is called ${kind}`)
    made.set(begin, (await make(words, file)).trim())
  }
  return page.replace(
    block,
    (_, begin: string, _kind, _words, _old, end: string) => `${begin}${made.get(begin)}\n${end}`,
  )
}

type Make = (words: string, file: string) => string | Promise<string>

const kinds: Record<string, Make> = {
  usages: () => fenced('text', scripts.map(usageText).join('\n')),
  steps: async (words) => fenced('bash', await sectionOf(words)),
  table: () => scriptTable(),
  'lab-file': () => labFileTable(),
  versions: () => versionTable(),
  causes: () => causeTable(),
  pages: (_, file) => pageTable(file),
  nav: (_, file) => neighbours(file),
  counts: () => countTable(),
}

const fenced = (language: string, text: string) => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``

/** Scripts in the order in which people meet them. */
export const scripts: Usage[] = (Object.keys(phases) as PhaseName[]).map((name) => usageOf(name))

function scriptTable(): string {
  const common = ['lab FILE', 'dry-run', 'yes', 'verbose', 'help']
  const own = (usage: Usage) =>
    Object.keys(optionTexts(usage))
      .filter((name) => !common.includes(name))
      .map((name) => `\`--${name}\``)
      .join(', ')
  return rows(
    ['Script', 'What it does', 'Own options'],
    scripts.map((usage) => [`\`${usage.script}.ts\``, usage.does, own(usage)]),
  )
}

interface Schema {
  description?: string
  default?: unknown
  properties?: Record<string, Schema>
  items?: Schema
  enum?: string[]
  required?: string[]
}

/** Every key of a lab file with its path, such as nodes[].name. */
export function labKeys(): { key: string; schema: Schema; required: boolean }[] {
  const walk = (schema: Schema, path: string): ReturnType<typeof labKeys> =>
    Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
      const key = path ? `${path}.${name}` : name
      if (inner.properties) return walk(inner, key)
      if (inner.items?.properties) return walk(inner.items, `${key}[]`)
      return [{ key, schema: inner, required: schema.required?.includes(name) ?? false }]
    })
  return walk(z.toJSONSchema(labSchema, { io: 'input' }) as Schema, '')
}

function labFileTable(): string {
  const value = ({ schema, required }: ReturnType<typeof labKeys>[number]) =>
    schema.default === undefined
      ? required
        ? 'must be given'
        : ''
      : `\`${typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default)}\``
  return rows(
    ['Key', 'What', 'Default'],
    labKeys().map((one) => [`\`${one.key}\``, one.schema.description ?? '', value(one)]),
  )
}

interface Package {
  engines: { node: string }
  dependencies: Record<string, string>
}

function versionTable(): string {
  const { engines, dependencies } = JSON.parse(
    readFileSync(join(top, 'package.json'), 'utf8'),
  ) as Package
  const [, date, source] =
    /^ {2}version: \S+ # of (.*?);.* (https:\S+)$/m.exec(
      readFileSync(join(top, 'lab.yaml'), 'utf8'),
    ) ?? []
  if (!date || !source) throw new Error('lab.yaml does not say when its release of RKE2 was made')
  return rows(
    ['What', 'Version', 'From'],
    [
      [
        'RKE2',
        `\`${defaultLab().rke2.version}\``,
        `${date}, the newest v1.36 in [RKE2's release notes](${source}) then`,
      ],
      ['Node', engines.node.replace('>=', '') + ' or newer', '`package.json`'],
      ['zx', dependencies.zx ?? '', '`package.json`'],
    ],
  )
}

/** The lab of lab.yaml. */
export const defaultLab = () => parseLab(readFileSync(join(top, 'lab.yaml'), 'utf8'), 'lab.yaml')

function causeTable(): string {
  const lab = defaultLab()
  const [server, node] = lab.nodes
  if (!server || !node) throw new Error('the default lab has two nodes')
  const at = { node, server }
  return rows(
    ['Name', `What is wrong (with ${node.name})`, 'What to do'],
    known.map(({ id, why, fix }) => [
      `\`${id}\``,
      why(at),
      fix(at)
        .map((hint) => hintText(hint, ''))
        .map((line) => (line.startsWith('# ') ? line.slice(2) : `\`${escaped(line)}\``))
        .join('<br>'),
    ]),
  )
}

const title = (file: string) => /^# (.*)$/m.exec(readPage(file))?.[1] ?? file

function pageTable(from: string): string {
  const link = (file: string) => relative(dirname(from), file)
  const goal = (file: string) => /^\*\*Goal:\*\* ([^]*?)\n\n/m.exec(readPage(file))?.[1] ?? ''
  return rows(
    ['Page', 'What you do'],
    chapterFiles().map((file) => [
      `[${title(file)}](${link(file)})`,
      goal(file).replaceAll('\n', ' '),
    ]),
  )
}

function neighbours(file: string): string {
  const all = chapterFiles()
  const index = all.indexOf(file)
  const link = (other: string | undefined, word: string) =>
    other ? [`${word}: [${title(other)}](${basename(other)})`] : []
  return [
    ...link(all[index - 1], 'Before'),
    `[All pages](README.md)`,
    ...link(all[index + 1], 'Next'),
  ].join(' · ')
}

function countTable(): string {
  const [head = [], ...body] = counts()
  return rows(head, body)
}

const escaped = (command: string) => command.replaceAll('|', '\\|')

const rows = (head: string[], body: string[][]) =>
  [head, head.map(() => '---'), ...body].map((row) => `| ${row.join(' | ')} |`).join('\n')
