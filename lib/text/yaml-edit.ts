// PURE. Edits of a YAML text that keep the rest of it byte for byte: places in the text, not a new document. Callers must
// read the result again and compare it, because a layout may exist that this file does not handle.
import { isMap, isPair, isSeq, toYaml, type YamlMap, type YamlNode, type YamlSeq } from './yaml.ts'

/** Replaces the text between two places. */
export interface Edit {
  at: number
  end: number
  text: string
  /** After all other edits at the same place, because it ends the whole map. */
  last?: boolean
}

/** The text with all edits; they must not overlap. */
export function withEdits(text: string, edits: Edit[]): string {
  let done = 0
  const pieces = edits
    .toSorted((one, other) => one.at - other.at || Number(one.last ?? 0) - Number(other.last ?? 0))
    .map((edit) => {
      const piece = text.slice(done, edit.at) + edit.text
      done = edit.end
      return piece
    })
  return pieces.join('') + text.slice(done)
}

/** The line end of this text. */
export const lineEnd = (text: string) => (text.includes('\r\n') ? '\r\n' : '\n')

/** Adds a key with its value at the end of a map. */
export function addKey(text: string, map: YamlMap, key: string, value: unknown): Edit {
  const pair = new Map([[key, value]])
  if (map.flow) return intoFlow(map, json(pair).slice(1, -1).trim())
  const column = columnOf(text, startOf(map))
  const lines = `${' '.repeat(column)}${block(text, pair, column)}`
  return { ...lineAfter(text, endOf(map)), text: lines + lineEnd(text), last: true }
}

/** Gives a key with an empty value a text. */
export function fillKey(text: string, key: YamlNode, value: YamlNode, filling: string): Edit {
  if (startOf(value) < endOf(value))
    return { at: startOf(value), end: endOf(value), text: JSON.stringify(filling) }
  const colon = text.indexOf(':', endOf(key)) + 1
  return { at: colon, end: colon, text: ` ${JSON.stringify(filling)}` }
}

/** Adds the first entry to a list that is null or []. */
export function fillList(
  text: string,
  map: YamlMap,
  key: YamlNode,
  list: YamlNode,
  entry: unknown,
): Edit[] {
  const [at, end] = [startOf(list), endOf(list)]
  if (map.flow) return [{ at, end, text: json([entry]) }]
  const column = columnOf(text, startOf(map))
  const lines = `${' '.repeat(column)}- ${block(text, entry, column + 2)}${lineEnd(text)}`
  const below = { ...lineAfter(text, at < end ? end : endOf(key)), text: lines }
  if (at === end) return [below]
  const space = /[ \t]*$/.exec(text.slice(0, at))?.[0].length ?? 0
  return [{ at: at - space, end, text: '' }, below]
}

/** Adds an entry at the end of a list that has some. */
export function addEntry(text: string, list: YamlSeq, entry: unknown): Edit {
  if (list.flow) return intoFlow(list, json(entry))
  const column = columnOf(text, startOf(list))
  const lines = `${' '.repeat(column)}- ${block(text, entry, column + 2)}${lineEnd(text)}`
  return { ...lineAfter(text, endOf(list)), text: lines }
}

/** Replaces an entry. */
export function replaceEntry(text: string, list: YamlSeq, old: YamlNode, entry: unknown): Edit {
  const inFlow = list.flow || !isMap(old) || old.flow
  const lines = inFlow ? json(entry) : block(text, entry, columnOf(text, startOf(old)))
  return { at: startOf(old), end: endOf(old), text: lines }
}

const startOf = (node: YamlNode) => node.range?.[0] ?? 0

/** Where a value ends. For the parser a block ends where the next value starts; here it ends with its last value. */
export function endOf(node: YamlNode): number {
  const last = (isMap(node) || isSeq(node)) && !node.flow ? node.items.at(-1) : undefined
  if (!last) return node.range?.[1] ?? 0
  if (isPair(last)) return endOf((last.value ?? last.key) as YamlNode)
  return endOf(last as YamlNode)
}

const columnOf = (text: string, at: number) =>
  text.slice(text.lastIndexOf('\n', at - 1) + 1, at).replace('\ufeff', '').length

function lineAfter(text: string, place: number): { at: number; end: number } {
  if (text[place - 1] === '\n') return { at: place, end: place }
  const newline = text.indexOf('\n', place)
  const at = newline < 0 ? text.length : newline + 1
  return { at, end: at }
}

function intoFlow(collection: YamlMap | YamlSeq, text: string): Edit {
  const last = collection.items.at(-1)
  if (!last) return { at: startOf(collection) + 1, end: startOf(collection) + 1, text }
  const node = (isPair(last) ? (last.value ?? last.key) : last) as YamlNode
  return { at: endOf(node), end: endOf(node), text: `, ${text}`, last: true }
}

const json = (value: unknown) => toYaml(value, { json: true }).trim()

const block = (text: string, value: unknown, column: number) =>
  toYaml(value)
    .trimEnd()
    .split('\n')
    .join(`${lineEnd(text)}${' '.repeat(column)}`)
