// PURE. Values of RKE2's configuration that are never shown. Bash copies their lines from the file that a person edits, so
// that no secret is in any text that is shown or printed.
import { commandText, hereDocument } from '../text/quote.ts'
import { endOf } from '../text/yaml-edit.ts'
import { Bare, isMap, isScalar, readYaml, refuse, toYaml, type YamlNode } from '../text/yaml.ts'

/** A key with a secret, and where it stands. */
export interface Secret {
  file: string
  key: string
  /** Blanks before the key. */
  indent: string
  /** All its lines in the file, without these blanks where they have them. */
  lines: string[]
}

const telling = /secret|token|passw|passphrase|credential|key/i
const isOpen = (text: string) => /^(\/|true$|false$)/.test(text) // a path, a switch

/** Whether a value may be a secret: by its key, by the name in an item NAME=VALUE, or as the login in an address. */
export function mayBeSecret(key: string, value: unknown): boolean {
  if (/^node-(label|taint)/.test(key)) return false // anybody in the cluster can read them
  if (value instanceof Bare) return telling.test(key)
  if (Array.isArray(value)) return value.some((item) => mayBeSecret(key, item))
  if (typeof value !== 'string') return false
  const [, name, given] = /^([^=]+)=(.*)$/s.exec(value) ?? [undefined, key, value]
  return (
    (telling.test(`${key} ${name}`) && !isOpen(given ?? '')) || /:\/\/[^/\s]*:[^/\s]*@/.test(value)
  )
}

/** The secrets in the map at `path` of a file. Throws a UsageError unless each is on separate lines. */
export function secretsIn(text: string, file: string, ...path: string[]): Secret[] {
  const { root, value, lineOf } = readYaml(text)
  const [map, values] = path.reduce<[unknown, unknown]>(
    ([node, all], name) => [
      isMap(node) ? node.get(name, true) : undefined,
      all instanceof Map ? (all.get(name) as unknown) : undefined,
    ],
    [root, value],
  )
  if (!(values instanceof Map)) return []
  const problems: string[] = []
  const secrets = [...(values as Map<string, unknown>)].flatMap(([key, of]): Secret[] => {
    if (!mayBeSecret(key, of)) return []
    const pair =
      isMap(map) && !map.flow ? map.items.find((one) => nameOf(one.key) === key) : undefined
    const at = (pair?.key as YamlNode | undefined)?.range?.[0]
    const found = pair && at !== undefined && linesOf(text, key, lineOf(at), pair.value ?? pair.key)
    if (found && toYaml(readYaml(found.lines.join('\n')).value) === toYaml(new Map([[key, of]])))
      return [{ file, key, ...found }]
    const name = [...path, key].join('.')
    problems.push(`${name}: may be a secret; write it on separate lines, as ${key}: VALUE`)
    return []
  })
  refuse(file, problems)
  return secrets
}

const nameOf = (key: unknown) => (isScalar(key) ? key.value : undefined)

// Only if no other line begins like it.
function linesOf(text: string, key: string, first: number, value: unknown) {
  const all = text.split('\n')
  const indent = /^ */.exec(all[first - 1] ?? '')?.[0] ?? ''
  const start = `${indent}${key}:`
  const last = text
    .slice(0, endOf(value as YamlNode))
    .trimEnd()
    .split('\n').length
  if (all.filter((line) => line.startsWith(start)).length !== 1) return undefined
  const lines = all.slice(first - 1, last)
  return {
    indent,
    lines: lines.map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line)),
  }
}

/** A file of YAML with secrets at its end, as its content and as the bash that makes it. */
export function withSecrets(open: string, secrets: Secret[]): { content: string; bash: string } {
  const copies = secrets.map(({ file, key, indent, lines }) => {
    const start = `${indent}${key}`.replace(/[.[\]*^$/\\]/g, '\\$&')
    const edit = `/^${start}:/,+${lines.length - 1}{s/^${indent}//;p}`
    return commandText`sed -n ${edit} ${file} | grep '' # not shown: it may be a secret`
  })
  return {
    content: open + secrets.flatMap(({ lines }) => lines.map((line) => `${line}\n`)).join(''),
    bash: ['{', hereDocument('cat', open), ...copies, '}'].join('\n'),
  }
}
