// PURE. YAML as the programs of the lab read it: cloud-init (PyYAML), RKE2 (yaml.v2) and kubectl (yaml.v2 too) read YAML
// 1.1, each its own: 12:30 is 750 to PyYAML and text to yaml.v2, `y` is text to PyYAML and true to yaml.v2. So what may be
// anything but text keeps the text that the person wrote, and what is text is quoted wherever one of them would take it
// for something else.
import {
  Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Node as YamlNode,
  type ScalarTag,
  type YAMLMap as YamlMap,
  type YAMLSeq as YamlSeq,
} from 'yaml'
import { UsageError } from './errors.ts'

export { isAlias, isMap, isPair, isScalar, isSeq, type YamlMap, type YamlNode, type YamlSeq }

/** A number, a date, `yes`: what a person wrote without quotes and a reader of YAML 1.1 may take for more than text. */
export class Bare {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A document with the place of its parts in the text, and what is wrong with it. */
export interface ReadYaml {
  /** Undefined where the text has nothing but comments. */
  root: YamlNode | undefined
  /** Plain values: lists, maps as `Map`, texts, booleans, null, and `Bare`. */
  value: unknown
  problems: string[]
  lineOf: (offset: number) => number
  /** Line on which a second document starts. */
  second: number | undefined
}

const number = String.raw`[-+]?_*(?:0[bB][01_]+|0[oO]?[0-7_]+|0[xX][\da-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.[\d_]+)(?:_*[eE]_*[-+]?[\d_]+)?)`
const base60 = String.raw`[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?`
const date = String.raw`\d{4}-\d\d?-\d\d?(?:(?:[Tt]|[ \t]+)\d[\d:.]*[ \t]*(?:Z|[-+]\d\d?(?::?\d\d)?)?)?`
const word = '[yYnN]|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF'

// A bare = or << is no value to PyYAML, it stumbles over both: they can only be meant as text.
const bare: ScalarTag = {
  tag: 'tag:rke2-kvm-lab,bare',
  default: true,
  identify: (value) => value instanceof Bare || typeof value === 'number',
  test: new RegExp(
    `^(?:${number}|${base60}|${date}|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN)|${word}|=|<<)$`,
  ),
  resolve: (text) => (text === '=' || text === '<<' ? text : new Bare(text)),
  stringify: ({ value }) => (value instanceof Bare ? value.text : String(value)),
}
const schema = { schema: 'failsafe', customTags: ['null', 'bool', 'binary', bare] } as const
const options = { ...schema, customTags: [...schema.customTags], aliasDuplicateObjects: false }

const known = /^tag:yaml\.org,2002:(str|binary|null|bool|map|seq)$/

/** Reads the first document of a text; never throws. */
export function readYaml(text: string): ReadYaml {
  const lineCounter = new LineCounter()
  const documents = parseAllDocuments(text, {
    ...options,
    lineCounter,
    merge: true,
    uniqueKeys: false,
  })
  const lineOf = (offset: number) => lineCounter.linePos(offset).line
  const [first, next] = 'empty' in documents ? [] : documents
  if (!first) return { root: undefined, value: null, problems: [], lineOf, second: undefined }
  const problems = first.errors.map(
    ({ pos, message }) =>
      `line ${lineOf(pos[0])}: ${(message.split('\n')[0] ?? '').replace(/ at line \d+.*/, '')}`,
  )
  if (problems.length === 0)
    visit(first, {
      Node: (_, node, path) => {
        const trouble =
          (node.tag && !known.test(node.tag) && `the tag ${node.tag} is not known here`) ||
          (isAlias(node) && aliasTrouble(node.resolve(first), node.source, path))
        if (trouble) problems.push(`line ${lineOf(node.range?.[0] ?? 0)}: ${trouble}`)
      },
    })
  return {
    root: first.contents ?? undefined,
    value: problems.length === 0 ? valueOf(first, problems) : null,
    problems,
    lineOf,
    second: next && lineOf(next.range[0]),
  }
}

function aliasTrouble(anchor: unknown, name: string, path: readonly unknown[]) {
  if (!anchor) return `*${name} has no anchor &${name} before it`
  return path.includes(anchor) && `*${name} stands inside its own anchor`
}

// What is left to go wrong: aliases that multiply without end, and a << that merges no map.
function valueOf(document: Document.Parsed, problems: string[]): unknown {
  try {
    return document.toJS({ mapAsMap: true })
  } catch (error) {
    problems.push((error as Error).message)
    return null
  }
}

/** A value that a person wrote, with its key and where it stands. */
export interface Entry {
  key: string
  value: unknown
  line: number
}

/** The keys and values of a file that people edit. Throws a UsageError, with lines, for anything but one plain mapping. */
export function readMapping(text: string, file: string, keys: string): Entry[] {
  const { root, value, problems, lineOf, second } = readYaml(text)
  if (second) problems.push(`line ${second}: a second document starts here; only one is read`)
  if (problems.length > 0) throw new UsageError(`${file} is not valid YAML`, { details: problems })
  if (value === null) return []
  if (!isMap(root) || !(value instanceof Map))
    throw new UsageError(`${file} is not a YAML mapping of ${keys}`)
  const lines = new Map<unknown, number>()
  for (const { key } of root.items as { key: YamlNode }[]) {
    const line = lineOf(key.range?.[0] ?? 0)
    const name = isScalar(key) && isMergeKey(key.value) ? '<<' : isScalar(key) ? key.value : null
    const twice = lines.get(name)
    if (typeof name !== 'string') problems.push(`line ${line}: this key is not text; quote it`)
    else if (twice) problems.push(`line ${line}: ${name} is there already, in line ${twice}`)
    lines.set(name, line)
  }
  refuse(file, problems)
  const line = (key: string) => lines.get(key) ?? lines.get('<<') ?? 1
  return Array.from(value as Map<string, unknown>, ([key, of]) => ({
    key,
    value: of,
    line: line(key),
  }))
}

const isMergeKey = (value: unknown) => typeof value === 'symbol' && value.description === '<<'

/** Throws all that is wrong with a file as one UsageError; nothing for no problem. */
export function refuse(file: string, problems: string[]): void {
  if (problems.length === 0) return
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  throw new UsageError(`${file}: ${count}`, { details: problems })
}

// Line breaks to YAML 1.1, and characters that PyYAML takes only as escapes.
const unsafe = /(?![\t\n])[\p{Cc}\u2028\u2029\ufeff\ufffe\uffff]/u

/** A value as YAML in which every reader finds the same text; maps may be objects or `Map`. With `json`, in JSON's form. */
export function toYaml(value: unknown, { json = false } = {}): string {
  const document = new Document(value, options)
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string' && unsafe.test(scalar.value))
        scalar.type = 'QUOTE_DOUBLE'
    },
  })
  return document
    .toString({
      lineWidth: 0,
      doubleQuotedAsJSON: true,
      ...(json && {
        collectionStyle: 'flow',
        defaultStringType: 'QUOTE_DOUBLE',
        defaultKeyType: 'QUOTE_DOUBLE',
      }),
    })
    .replace(
      new RegExp(unsafe, 'gu'),
      (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
}

/** What may be left out, given once, or given as a list. */
export const asList = (value: unknown): unknown[] =>
  value === undefined || value === null ? [] : [value].flat()
