// PURE. The kubeconfig that RKE2 writes, made fit for this host and for company.
import { parse, stringify } from 'yaml'
import { LabError } from '../text/errors.ts'

/** sed expressions that turn RKE2's kubeconfig into the lab's: the server's address, and names instead of "default",
 *  quoted, since a lab may be called "null" or "123". */
export function kubeconfigEdits(lab: string, address: string): string[] {
  return [`s|https://127\\.0\\.0\\.1:6443|https://${address}:6443|`, `s/: default$/: "${lab}"/`]
}

interface Entry {
  name: string
}

interface Kubeconfig {
  apiVersion: string
  kind: string
  clusters: Entry[]
  contexts: Entry[]
  users: Entry[]
  'current-context'?: string
  [key: string]: unknown
}

function parseKubeconfig(text: string, what: string): Kubeconfig {
  let config: Partial<Kubeconfig> | null
  try {
    config = parse(text) as Partial<Kubeconfig> | null
  } catch (error) {
    throw new LabError(`${what} is not valid YAML; it was left alone`, { cause: error })
  }
  if (config !== null && (typeof config !== 'object' || Array.isArray(config)))
    throw new LabError(`${what} is not a kubeconfig; it was left alone`)
  return { apiVersion: 'v1', kind: 'Config', ...config, ...lists(config ?? {}) }
}

const lists = (config: Partial<Kubeconfig>) => ({
  clusters: config.clusters ?? [],
  contexts: config.contexts ?? [],
  users: config.users ?? [],
})

/** The person's kubeconfig with the lab's entries in place of older ones of the same name. Its current context stays. */
export function mergeKubeconfig(existing: string, labs: string, lab: string): string {
  const [into, from] = [
    parseKubeconfig(existing, '~/.kube/config'),
    parseKubeconfig(labs, "the lab's kubeconfig"),
  ]
  const merged = (key: 'clusters' | 'contexts' | 'users') => [
    ...into[key].filter(({ name }) => name !== lab),
    ...from[key],
  ]
  return stringify(
    {
      ...into,
      clusters: merged('clusters'),
      contexts: merged('contexts'),
      users: merged('users'),
      'current-context': into['current-context'] || lab,
    },
    { lineWidth: 0, version: '1.1' }, // kubectl reads YAML 1.1, in which a bare `on` is no text
  )
}
