// Manifests against Kubernetes' own schema, as kubernetes-models has it; of other kinds only the keys of spec.
import { parseAllDocuments } from 'yaml'

interface ModelClass {
  prototype: { validate(): void }
}

/** What is wrong with the manifests in a text; none: nothing. */
export async function manifestProblems(text: string): Promise<string[]> {
  const problems: string[] = []
  for (const document of parseAllDocuments(text)) {
    if (document.errors.length > 0) return document.errors.map(({ message }) => message)
    problems.push(...(await problemsOf(document.toJS() as Manifest)))
  }
  return problems
}

interface Manifest {
  apiVersion?: string
  kind?: string
  metadata?: { name?: string }
  spec?: object
}

/** From k3s-io/helm-controller, pkg/apis/helm.cattle.io/v1, and metallb v0.16.1, config/crd/bases. */
const specKeys: Record<string, string> = {
  'helm.cattle.io/v1 HelmChart':
    'authPassCredentials backOffLimit bootstrap chart chartContent createNamespace failurePolicy helmVersion jobImage repo repoCA set targetNamespace timeout valuesContent version',
  'helm.cattle.io/v1 HelmChartConfig': 'failurePolicy valuesContent',
  'metallb.io/v1beta1 IPAddressPool': 'addresses autoAssign avoidBuggyIPs serviceAllocation',
  'metallb.io/v1beta1 L2Advertisement':
    'interfaces ipAddressPoolSelectors ipAddressPools nodeSelectors',
}

async function problemsOf(manifest: Manifest): Promise<string[]> {
  const { apiVersion = '', kind = '', metadata } = manifest
  const known = specKeys[`${apiVersion} ${kind}`]
  if (known)
    return Object.keys(manifest.spec ?? {})
      .filter((key) => !known.split(' ').includes(key))
      .map((key) => `${kind} ${metadata?.name}.spec: unknown key ${key}`)
  const model = await modelOf(apiVersion, kind)
  if (!model) return [`there is no ${kind} in ${apiVersion}`]
  const all: Watched = new Map()
  try {
    model.prototype.validate.call(watch(manifest, all))
  } catch (error) {
    return [`${kind} ${metadata?.name}: ${(error as Error).message}`]
  }
  return unread(manifest, all, `${kind} ${metadata?.name}`)
}

async function modelOf(apiVersion: string, kind: string): Promise<ModelClass | undefined> {
  try {
    const models = (await import(`kubernetes-models/${apiVersion}/${kind}`)) as Record<
      string,
      ModelClass
    >
    return models[kind]
  } catch {
    return undefined
  }
}

// The validators look only at keys that the schema has; so a key that none looked at is unknown.
type Watched = Map<object, { proxy: object; read: Set<string> }>

function watch(value: object, all: Watched): object {
  const known = all.get(value)
  if (known) return known.proxy
  const read = new Set<string>()
  const proxy = new Proxy(value, {
    get(target, key) {
      if (typeof key === 'string') read.add(key)
      const inner: unknown = Reflect.get(target, key)
      return typeof inner === 'object' && inner !== null ? watch(inner, all) : inner
    },
  })
  all.set(value, { proxy, read })
  return proxy
}

function unread(value: unknown, all: Watched, path: string): string[] {
  if (typeof value !== 'object' || value === null) return []
  const read = Array.isArray(value) ? undefined : all.get(value)?.read
  return Object.entries(value).flatMap(([key, inner]) =>
    read && !read.has(key) ? [`${path}: unknown key ${key}`] : unread(inner, all, `${path}.${key}`),
  )
}
