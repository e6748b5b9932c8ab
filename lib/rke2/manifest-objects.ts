// PURE. The objects in a manifest.
import { asList, readYaml } from '../text/yaml.ts'

const optOut = 'rke2.cattle.io/inject-cluster-config'

export interface Found {
  /** What no other object may have: group, kind, namespace and name. */
  key: string
  shown: string
  line: number
  rewritten: boolean
  /** Of MetalLB. */
  ranges: string[]
}

/** The objects of a file, which Kubernetes' own reader splits at lines that begin with ---; problems are said. */
export function objectsIn(text: string, say: (problem: string) => void): Found[] {
  const starts = [0, ...[...text.matchAll(/^---/gm)].map(({ index }) => index)]
  return starts.flatMap((start, index) => {
    const before = text.slice(0, start).split('\n').length - 1
    const { value, problems } = readYaml(text.slice(start, starts[index + 1]))
    for (const problem of problems)
      say(problem.replace(/^line (\d+)/, (_, line) => `line ${Number(line) + before}`))
    if (value === null || value === undefined) return []
    const items = value instanceof Map ? itemsOf(value) : [value]
    return items.flatMap((item) => objectIn(item, before + 1, say))
  })
}

const itemsOf = (list: Map<unknown, unknown>): unknown[] => {
  const items = list.get('items')
  return String(list.get('kind')).endsWith('List') && Array.isArray(items) ? items : [list]
}

function objectIn(value: unknown, line: number, say: (problem: string) => void): Found[] {
  const at = (...path: string[]) =>
    path.reduce<unknown>((one, key) => (one instanceof Map ? one.get(key) : undefined), value)
  const textAt = (...path: string[]) => {
    const text = at(...path)
    return typeof text === 'string' && text !== '' ? text : undefined
  }
  const [api, kind, name] = [textAt('apiVersion'), textAt('kind'), textAt('metadata', 'name')]
  if (!api || !kind || !name) {
    const lacking = [!api && 'apiVersion', !kind && 'kind', !name && 'metadata.name']
    say(`line ${line}: this document lacks ${lacking.filter(Boolean).join(', ')} as text`)
    return []
  }
  const namespace = textAt('metadata', 'namespace')
  const rewritten =
    kind === 'HelmChart' && textAt('metadata', 'annotations', optOut)?.toLowerCase() !== 'false'
  const group = api.includes('/') ? api.replace(/\/.*/, '') : ''
  const key = [group, kind, namespace ?? 'default', name].join(' ')
  const shown = [kind, namespace, name].filter(Boolean).join(' ')
  const ranges = kind === 'IPAddressPool' ? asList(at('spec', 'addresses')).map(String) : []
  return [{ key, shown, line, rewritten, ranges }]
}
