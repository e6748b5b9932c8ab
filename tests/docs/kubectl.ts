// PURE. Which calls of kubectl are well formed: the verbs and options that the pages use (kubectl 1.32 --help, and 1.34's
// --cpu of autoscale).

interface Verb {
  /** Options that take a value, and those that do not, both with their short names. */
  value?: string
  plain?: string
  /** resource: kinds and names; pod: a pod's name; anything else is free. */
  takes?: 'resource' | 'pod' | 'node'
  /** Words that must follow, such as `status` for rollout. */
  sub?: Record<string, Verb>
  /** Options without which it does nothing. */
  needs?: string
}

const everywhere = { value: 'kubeconfig namespace n context server as', plain: 'help' }
const out = 'o output l selector f filename'

const verbs: Record<string, Verb> = {
  get: {
    value: `${out} raw sort-by field-selector L label-columns`,
    plain: 'w watch A all-namespaces show-labels no-headers ignore-not-found',
    takes: 'resource',
  },
  describe: { value: 'l selector f filename', plain: 'A all-namespaces', takes: 'resource' },
  logs: {
    value: 'c container l selector since tail',
    plain: 'f follow p previous all-containers prefix timestamps',
    takes: 'pod',
  },
  events: { value: 'for types o output', plain: 'A all-namespaces w watch no-headers' },
  exec: { value: 'c container', plain: 'i stdin t tty q quiet', takes: 'pod' },
  apply: {
    value: `${out} k kustomize dry-run`,
    plain: 'server-side',
    needs: 'f filename k kustomize',
  },
  diff: { value: 'f filename k kustomize l selector', needs: 'f filename k kustomize' },
  delete: {
    value: `${out} field-selector k kustomize grace-period timeout`,
    plain: 'all ignore-not-found now force wait',
    takes: 'resource',
  },
  edit: { value: out, takes: 'resource' },
  scale: { value: `${out} replicas`, takes: 'resource', needs: 'replicas' },
  label: { value: out, plain: 'overwrite all list', takes: 'resource' },
  patch: { value: `${out} p patch type`, takes: 'resource', needs: 'p patch' },
  wait: { value: `${out} for timeout`, plain: 'all', takes: 'resource', needs: 'for' },
  explain: { value: 'api-version', plain: 'recursive' },
  run: {
    value: 'image restart env labels dry-run o output',
    plain: 'rm i stdin t tty command',
    needs: 'image',
  },
  debug: {
    value: 'image c container copy-to target profile',
    plain: 'i stdin t tty share-processes',
    takes: 'pod',
  },
  'port-forward': { value: 'address', takes: 'pod' },
  drain: {
    value: 'timeout grace-period',
    plain: 'ignore-daemonsets delete-emptydir-data force',
    takes: 'node',
  },
  cordon: { takes: 'node' },
  taint: { plain: 'overwrite all', value: 'l selector', takes: 'resource' },
  uncordon: { takes: 'node' },
  'api-resources': { value: 'o output' },
  'cluster-info': {},
  version: { value: 'o output', plain: 'client' },
  rollout: {
    sub: {
      status: { value: 'timeout', plain: 'w watch', takes: 'resource' },
      history: { value: 'revision o output', takes: 'resource' },
      undo: { value: 'to-revision', takes: 'resource' },
      restart: { value: 'l selector', takes: 'resource' },
    },
  },
  set: { sub: { image: { value: 'l selector', plain: 'all', takes: 'resource' } } },
  auth: {
    sub: {
      'can-i': { value: 'subresource', plain: 'list q quiet' },
      whoami: { value: 'o output' },
    },
  },
  kustomize: {},
  autoscale: { value: 'min max cpu cpu-percent name', takes: 'resource', needs: 'max' },
  top: {
    sub: { nodes: {}, node: {}, pods: { plain: 'A all-namespaces', value: 'l selector sort-by' } },
  },
  config: {
    sub: {
      'get-contexts': {},
      'use-context': {},
      'delete-context': {},
      view: { plain: 'flatten raw minify', value: 'o output' },
      'set-credentials': { value: 'token' },
      'set-cluster': { value: 'certificate-authority', plain: 'embed-certs' },
      'set-context': { value: 'cluster user', plain: 'current' },
    },
  },
  create: {
    value: 'f filename',
    sub: {
      configmap: { value: 'from-file from-literal dry-run o output' },
      deployment: { value: 'image replicas port dry-run o output', needs: 'image' },
      namespace: { value: 'dry-run o output' },
      job: { value: 'from image dry-run o output' },
      serviceaccount: { value: 'dry-run o output' },
      rolebinding: { value: 'clusterrole role serviceaccount user dry-run o output' },
      token: { value: 'duration audience' },
      secret: {
        sub: {
          tls: { value: 'cert key' },
          generic: { value: 'from-file from-literal dry-run o output' },
        },
      },
    },
  },
}

/** Singular, plural and short names of the kinds that the cluster of the pages has. */
const kinds = new Set(
  (
    'all node nodes no pod pods po service services svc deployment deployments deploy replicaset ' +
    'replicasets rs statefulset statefulsets sts daemonset daemonsets ds job jobs configmap ' +
    'configmaps cm secret secrets namespace namespaces ns event events ingress ingresses ing ' +
    'ingressclass ingressclasses cronjob cronjobs cj poddisruptionbudget poddisruptionbudgets pdb networkpolicy networkpolicies ' +
    'netpol serviceaccount serviceaccounts sa role roles rolebinding rolebindings clusterrole clusterroles ' +
    'clusterrolebinding clusterrolebindings horizontalpodautoscaler horizontalpodautoscalers hpa ' +
    'resourcequota resourcequotas limitrange limitranges storageclass storageclasses sc persistentvolume ' +
    'persistentvolumes pv persistentvolumeclaim persistentvolumeclaims pvc endpointslice ' +
    'endpointslices helmchart helmcharts addon addons'
  ).split(' '),
)

export interface KubectlCall {
  verb: string
  /** Files and addresses given with -f. */
  files: string[]
}

/** Reads the words after `kubectl`; `loose` is for calls that a text only names. Throws what is wrong. */
export function parseKubectl(words: string[], loose = false): KubectlCall {
  let rest = words
  let verb: Verb = { sub: verbs }
  const path: string[] = []
  const seen: string[] = []
  const files: string[] = []
  const free: string[] = []
  while (rest.length > 0) {
    const [word = '', ...after] = rest
    rest = after
    if (word === '--') break
    if (!word.startsWith('-') || word === '-') {
      const sub = verb.sub?.[word]
      if (sub) {
        verb = sub
        path.push(word)
      } else if (verb.sub && free.length === 0)
        throw new Error(`kubectl ${[...path, word].join(' ')}?`)
      else free.push(word)
      continue
    }
    const [, name = '', glued] = /^--?([^=]+)(?:=([^]*))?$/.exec(word) ?? []
    const names = word.startsWith('--') || takesValue(verb, name) ? [name] : name.split('')
    for (const one of names) {
      seen.push(one)
      if (takesValue(verb, one)) {
        const value = glued ?? rest[0]
        if (glued === undefined) rest = rest.slice(1)
        if (value === undefined) throw new Error(`--${one} needs a value`)
        if (['f', 'filename', 'k', 'kustomize'].includes(one)) files.push(value)
      } else if (!listed(verb.plain, one) && !listed(everywhere.plain, one))
        throw new Error(`kubectl ${path.join(' ')} has no option ${word}`)
    }
  }
  if (path.length === 0 && !loose) throw new Error('kubectl without a verb')
  if (!loose) checkOperands(verb, path, free, seen, files)
  else if (verb.takes === 'resource') checkKinds(free)
  return { verb: path.join(' '), files }
}

const listed = (names: string | undefined, name: string) =>
  names?.split(' ').includes(name) ?? false
const takesValue = (verb: Verb, name: string) =>
  listed(verb.value, name) || listed(everywhere.value, name)

function checkOperands(
  verb: Verb,
  path: string[],
  free: string[],
  seen: string[],
  files: string[],
): void {
  const name = `kubectl ${path.join(' ')}`
  if (verb.sub && path.at(-1) !== 'create') throw new Error(`${name} lacks a word`)
  if (verb.needs && !seen.some((one) => listed(verb.needs, one)))
    throw new Error(`${name} needs --${verb.needs.split(' ').at(-1)}`)
  const enough = files.length > 0 || seen.includes('raw') || seen.includes('l')
  if (verb.takes && free.length === 0 && !enough) throw new Error(`${name} of what?`)
  if (verb.takes === 'resource') checkKinds(free)
}

function checkKinds(free: string[]): void {
  const [first] = free
  if (first === undefined || first === first.toUpperCase()) return
  for (const word of first.split(',')) {
    const kind = word.split('/')[0] ?? ''
    if (!kinds.has(kind)) throw new Error(`there is no kind ${kind}`)
  }
}
