// PURE. RKE2's kubeconfig, changed for use on this host and beside other clusters.
import { LabError } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  readYaml,
  toYaml,
  type ReadYaml,
  type YamlNode,
} from '../text/yaml.ts'
import {
  addEntry,
  addKey,
  fillKey,
  fillList,
  lineEnd,
  replaceEntry,
  withEdits,
  type Edit,
} from '../text/yaml-edit.ts'

/** sed expressions that turn RKE2's kubeconfig into the lab's: the server's address, and the lab's name instead of
 *  "default", quoted because a lab may be called "null" or "123". */
export function kubeconfigEdits(lab: string, address: string): string[] {
  return [`s|https://127\\.0\\.0\\.1:6443|https://${address}:6443|`, `s/: default$/: "${lab}"/`]
}

/** What a shell evaluates to use the cluster; completion where it is interactive, and its own is loaded already. */
export const shellSetup = (file: string, hasKubectl: boolean): string =>
  commandText`export KUBECONFIG=${file}` +
  (hasKubectl
    ? `
case $- in *i*)
  if [ "\${BASH_VERSION-}" ]; then eval "$(kubectl completion bash)"
  elif [ "\${ZSH_VERSION-}" ] && command -v compdef >/dev/null; then eval "$(kubectl completion zsh)"; fi
esac
`
    : '\n')

const file = '~/.kube/config'

interface Kubeconfig extends ReadYaml {
  text: string
  value: Map<unknown, unknown>
}

/** A list in the user's kubeconfig, and the lab's entry for it. */
interface Change {
  kind: string
  list: unknown[]
  entry: unknown
  wanted: unknown[]
}

/** The user's kubeconfig with the lab's entries added, or replaced if they exist. The current context and all other text
 *  stay as they are. Throws a LabError if that is not possible. */
export function mergeKubeconfig(existing: string, labs: string, lab: string): string {
  const from = readKubeconfig(labs, "the lab's kubeconfig")
  const into = readKubeconfig(existing, file)
  if (into.value.size === 0) return proven(alone(into, labs), from.value)

  const changes = ['clusters', 'contexts', 'users']
    .map((kind): Change => {
      const [list, entry] = [listOf(into, kind), listOf(from, kind).find(isNamed(lab))]
      return { kind, list, entry, wanted: withEntry(list, entry, lab) }
    })
    .filter(({ list, wanted }) => !isSame(list, wanted))
  const hasContext = Boolean(into.value.get('current-context'))
  if (changes.length === 0 && hasContext) return existing

  const text = existing.endsWith('\n') ? existing : existing + lineEnd(existing)
  const edits = changes.flatMap((change) => listEdits({ ...into, text }, change, lab))
  if (!hasContext) edits.push(...contextEdit({ ...into, text }, lab))
  const wanted = new Map(into.value)
  for (const { kind, wanted: list } of changes) wanted.set(kind, list)
  if (!hasContext) wanted.set('current-context', lab)
  return proven(withEdits(text, edits), wanted)
}

function readKubeconfig(text: string, what: string): Kubeconfig {
  const read = readYaml(text)
  if (read.problems.length > 0) throw leftAlone(`${what} is not valid YAML`, read.problems)
  const value = read.value ?? new Map()
  if (!(value instanceof Map)) throw leftAlone(`${what} is not a kubeconfig`)
  return { ...read, text, value }
}

/** The error for a ~/.kube/config that the lab cannot be merged into. */
export const leftAlone = (why: string, details: string[] = []) =>
  new LabError(`${why}; it was left alone`, {
    details,
    hint: [
      'kubectl config view   # can kubectl read it?',
      '# change it and run this again, or go on without --merge',
    ],
  })

const refusal = ({ lineOf }: Kubeconfig, node: YamlNode, why: string) =>
  leftAlone(`nothing can be added to ${file}`, [`line ${lineOf(node.range?.[0] ?? 0)}: ${why}`])

const isSame = (one: unknown, other: unknown) => toYaml(one) === toYaml(other)

const isNamed =
  (name: string) =>
  (entry: unknown): boolean =>
    entry instanceof Map && entry.get('name') === name

function listOf(config: Kubeconfig, kind: string): unknown[] {
  const list = config.value.get(kind) ?? []
  if (Array.isArray(list)) return list
  const pair = pairOf(config, kind)
  const why = `${kind} is not a list, so kubectl rejects the file; write ${kind}: []`
  throw pair ? refusal(config, pair.key, why) : leftAlone(`${file}: ${why}`)
}

const withEntry = (list: unknown[], entry: unknown, lab: string): unknown[] =>
  list.some(isNamed(lab)) ? list.map((one) => (isNamed(lab)(one) ? entry : one)) : [...list, entry]

// A file without entries: its comments stay above the lab's entries.
function alone({ text, root }: Kubeconfig, labs: string): string {
  const [at, end] = root?.range ?? [text.length, text.length]
  const above = text.slice(0, at) + text.slice(end)
  const gap = above.trim() && !above.endsWith('\n') ? lineEnd(text) : ''
  return (above.trim() && above) + gap + labs.replaceAll('\n', lineEnd(text))
}

// A final check: the new text, read again, must have the wanted value.
function proven(text: string, wanted: Map<unknown, unknown>): string {
  const { value, problems } = readYaml(text)
  if (problems.length === 0 && isSame(value, wanted)) return text
  throw leftAlone(
    `${file} is written in a way that cannot be edited`,
    problems.map((one) => `in the new text, ${one}`),
  )
}

/** A top-level key. If it occurs twice, the last one: kubectl reads that one. */
function pairOf({ root }: Kubeconfig, key: string) {
  const pairs = isMap(root) ? (root.items as { key: YamlNode; value: YamlNode | null }[]) : []
  return pairs.findLast((pair) => isScalar(pair.key) && pair.key.value === key)
}

function listEdits(into: Kubeconfig, { kind, list, entry }: Change, lab: string): Edit[] {
  const { text, root } = into
  if (!isMap(root)) return []
  const pair = pairOf(into, kind)
  if (!pair?.value) return [addKey(text, root, kind, [entry])]
  const { key, value } = pair
  if (isAlias(value)) throw refusal(into, key, `${kind} is an alias; write the list itself`)
  if (!isSeq(value) || value.items.length === 0) return fillList(text, root, key, value, entry)
  const [old, second] = (value.items as YamlNode[]).filter((_, index) => isNamed(lab)(list[index]))
  if (!old) return [addEntry(text, value, entry)]
  if (second) throw refusal(into, second, `a second entry of ${kind} is called ${lab}; remove one`)
  if (isAlias(old)) throw refusal(into, old, `${lab} is an alias; write the entry itself`)
  return [replaceEntry(text, value, old, entry)]
}

function contextEdit(into: Kubeconfig, lab: string): Edit[] {
  const pair = pairOf(into, 'current-context')
  if (pair?.value) return [fillKey(into.text, pair.key, pair.value, lab)]
  return isMap(into.root) ? [addKey(into.text, into.root, 'current-context', lab)] : []
}
