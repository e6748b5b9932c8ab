// PURE. YAML for the programs of the lab. cloud-init (PyYAML), RKE2 and kubectl (yaml.v2) read YAML 1.1, but differently:
// 12:30 is 750 for PyYAML and text for yaml.v2; `y` is text for PyYAML and true for yaml.v2. So a value that one of them
// does not read as text is kept as the person wrote it, and text is quoted if one of them would read it as something else.
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
import { UsageError, type Hint } from './errors.ts'
import { counted } from './size.ts'

export { isAlias, isMap, isPair, isScalar, isSeq, type YamlMap, type YamlNode, type YamlSeq }

/** A number, a date, `yes`: an unquoted value that a reader of YAML 1.1 may not read as text. */
export class Bare {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A document with the places of its parts in the text, and its problems. */
export interface ReadYaml {
  /** Undefined if the text has only comments. */
  root: YamlNode | undefined
  /** Plain values: lists, `Map`, strings, booleans, null, and `Bare`. */
  value: unknown
  problems: string[]
  lineOf: (offset: number) => number
  /** The line where a second document starts. */
  second: number | undefined
}

const number = String.raw`[-+]?_*(?:0[bB][01_]+|0[oO]?[0-7_]+|0[xX][\da-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.[\d_]+)(?:_*[eE]_*[-+]?[\d_]+)?)`
const base60 = String.raw`[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?`
const date = String.raw`\d{4}-\d\d?-\d\d?(?:(?:[Tt]|[ \t]+)\d[\d:.]*[ \t]*(?:Z|[-+]\d\d?(?::?\d\d)?)?)?`
const word = '[yYnN]|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF'

// PyYAML fails on an unquoted = or <<, so both can only mean text.
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

/** Reads the first document of a text. Does not throw. */
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
          (node.tag && !known.test(node.tag) && `the tag ${node.tag} is not supported`) ||
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
  return path.includes(anchor) && `*${name} is inside its own anchor`
}

// This still fails for aliases that expand without end, and for a << that merges no map.
function valueOf(document: Document.Parsed, problems: string[]): unknown {
  try {
    return document.toJS({ mapAsMap: true })
  } catch (error) {
    problems.push((error as Error).message)
    return null
  }
}

/** A value that a person wrote, with its key and line. */
interface Entry {
  key: string
  value: unknown
  line: number
}

/** The keys and values of a file that people edit. Throws a UsageError with lines unless it is one plain mapping. */
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
    else if (twice) problems.push(`line ${line}: ${name} is already in line ${twice}`)
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

/** Throws all problems of a file as one UsageError, if there are any. */
export function refuse(file: string, problems: string[], hint: Hint[] = []): void {
  if (problems.length === 0) return
  const count = counted(problems.length, 'problem')
  throw new UsageError(`${file}: ${count}`, { details: problems, hint })
}

// Line breaks in YAML 1.1, and characters that PyYAML accepts only as escapes.
const unsafe = /(?![\t\n])[\p{Cc}\u2028\u2029\ufeff\ufffe\uffff]/u

/** A value as YAML that every reader reads the same way; maps may be objects or `Map`. With `json`, in JSON's form. */
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

/** The items of a value that may be missing, one item, or a list. */
export const asList = (value: unknown): unknown[] =>
  value === undefined || value === null ? [] : [value].flat()
