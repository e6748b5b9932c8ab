// The lab's kubeconfig, and how it is merged into the user's own without a change to the rest.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { kubeconfigEdits, mergeKubeconfig } from '../../lib/rke2/kubeconfig.ts'
import { LabError } from '../../lib/text/errors.ts'
import { kubectlReads, noKubectl, type Kubeconfig } from '../helpers/yaml.ts'

const fromNode = readFileSync('tests/fixtures/rke2.yaml', 'utf8')
const edit = (text: string, name: string) =>
  execFileSync(
    'sed',
    kubeconfigEdits(name, '192.168.1.30').flatMap((one) => ['-e', one]),
    { input: text, encoding: 'utf8' },
  )

await t.test("the kubeconfig gets the server's address and the lab's name", async (t) => {
  const ours = parse(edit(fromNode, 'lab'))
  t.match(ours, {
    'current-context': 'lab',
    clusters: [{ name: 'lab', cluster: { server: 'https://192.168.1.30:6443' } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    users: [{ name: 'lab' }],
  })
})

await t.test('a lab may have a name that is not text in YAML', async (t) => {
  for (const name of ['null', 'true', 'no', 'on', 'y', '1e3', '0x1f', '12e03', 'lab']) {
    const file = edit(fromNode, name)
    const merged = mergeKubeconfig(edit(fromNode, 'on'), file, name)
    for (const text of [file, merged])
      for (const version of ['1.1', '1.2'] as const) {
        const config = parse(text, { version }) as Record<string, { name: unknown }[]>
        for (const key of ['clusters', 'contexts', 'users'])
          t.equal(config[key]?.at(-1)?.name, name, `${key} of ${name}, YAML ${version}`)
        t.match(config.contexts?.at(-1), { context: { cluster: name, user: name } })
      }
    t.equal(parse(file, { version: '1.1' })['current-context'], name)
    t.equal(parse(merged, { version: '1.1' })['current-context'], 'on')
  }
})

await t.test('merging replaces stale entries of the lab and keeps everything else', async (t) => {
  const other = edit(fromNode, 'other')
  const once = mergeKubeconfig(other, edit(fromNode, 'lab'), 'lab')
  t.strictSame(
    parse(once).clusters.map(({ name }: { name: string }) => name),
    ['other', 'lab'],
  )
  t.equal(parse(once)['current-context'], 'other', 'the current context stays')
  t.equal(
    mergeKubeconfig(once, edit(fromNode, 'lab'), 'lab'),
    once,
    'merging again changes nothing',
  )
  const renewed = edit(fromNode.replace('QQ==', 'Tkk='), 'lab')
  t.equal(parse(mergeKubeconfig(once, renewed, 'lab')).users.length, 2)
  t.match(mergeKubeconfig(once, renewed, 'lab'), 'Tkk=')
  t.equal(parse(mergeKubeconfig('', edit(fromNode, 'lab'), 'lab'))['current-context'], 'lab')
  t.throws(() => mergeKubeconfig('a: [', edit(fromNode, 'lab'), 'lab'), /left alone/)
})

// The lab's entries, as block and as JSON.
const ours = edit(fromNode, 'lab')
const cluster = `cluster:
    certificate-authority-data: ZGVmYXVsdA==
    server: https://192.168.1.30:6443
  name: lab
`
const context = `context:
    cluster: lab
    user: lab
  name: lab
`
const user = `name: lab
  user:
    client-certificate-data: QQ==
    client-key-data: Qg==
`
const entry = {
  cluster:
    '{ "cluster": { "certificate-authority-data": "ZGVmYXVsdA==", "server": "https://192.168.1.30:6443" }, "name": "lab" }',
  context: '{ "context": { "cluster": "lab", "user": "lab" }, "name": "lab" }',
  user: '{ "name": "lab", "user": { "client-certificate-data": "QQ==", "client-key-data": "Qg==" } }',
}
const indented = (text: string, by: string) => text.replaceAll(/^(?=.)/gm, by).trimStart()
const rest = `contexts:\n- ${context}users:\n- ${user}current-context: lab\n`
const added = `contexts:\n  - ${indented(context, '  ')}users:\n  - ${indented(user, '  ')}`
const crlf = (text: string) => text.replaceAll('\n', '\r\n')

const home = `# my clusters
apiVersion: v1
kind: Config
clusters:
- name: homelab # in the cellar
  cluster: &cellar
    server: https://10.0.0.9:6443
    insecure-skip-tls-verify: yes

# the old one
- { name: old, cluster: { <<: *cellar, server: 'https://10.0.0.8:6443' } }
contexts:
- name: homelab
  context: { cluster: homelab, user: admin }
users:
- name: oidc
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: get-token
      provideClusterInfo: no
      interactiveMode: Never
      env: [{name: PIN, value: "007"}]
current-context: homelab
# the end
`

const merges: [what: string, existing: string, merged: string][] = [
  [
    'comments, anchors, YAML 1.1 and styles of other entries stay',
    home,
    home
      .replace('contexts:\n', `- ${cluster}contexts:\n`)
      .replace('users:\n', `- ${context}users:\n`)
      .replace('current-context', `- ${user}current-context`),
  ],
  ['no file', '', ours],
  ['only comments', '# mine\n', `# mine\n${ours}`],
  ['only comments, no newline at the end', '---\n# mine', `---\n# mine\n${ours}`],
  ['an empty map', '{}\n', ours],
  ['null', '~\n', ours],
  ['an empty map, CRLF', '# mine\r\n{}\r\n', crlf(`# mine\n\n${ours}`)],
  [
    'lists that are null, left empty or []',
    'clusters: null # none\ncontexts:\nusers: []\ncurrent-context:\n',
    `clusters: # none\n- ${cluster}contexts:\n- ${context}users:\n- ${user}current-context: "lab"\n`,
  ],
  [
    'an empty list item, entries without a name',
    'clusters:\n- \ncontexts: []\nusers: []\ncurrent-context: ""\n',
    `clusters:\n- \n- ${cluster}contexts:\n- ${context}users:\n- ${user}current-context: "lab"\n`,
  ],
  [
    'CRLF, a byte order mark, no newline at the end',
    '\ufeffclusters:\r\n- name: a\r\n  cluster: {}\r\nkind: Config',
    `\ufeff${crlf(`clusters:\n- name: a\n  cluster: {}\n- ${cluster}kind: Config\n${added}current-context: lab\n`)}`,
  ],
  [
    'JSON',
    '{"kind": "Config", "clusters": [{"name":"a"}], "contexts": [], "users": null}\n',
    `{"kind": "Config", "clusters": [{"name":"a"}, ${entry.cluster}], "contexts": [ ${entry.context} ], "users": [ ${entry.user} ], "current-context": "lab"}\n`,
  ],
  [
    'an older entry of the lab, among others and at another indent',
    `clusters:\n    - name: lab # stale\n      cluster: {}\n    # next\n    - name: b\nusers: [{name: a}, {name: lab}]\ncurrent-context: b\n`,
    `clusters:\n    - ${indented(cluster, '    ')}    # next\n    - name: b\nusers: [{name: a}, ${entry.user}]\ncurrent-context: b\ncontexts:\n  - ${indented(context, '  ')}`,
  ],
  [
    'a second document: kubectl does not read it',
    `clusters: []\n${rest}---\nclusters: [{name: b}]\n`,
    `clusters:\n- ${cluster}${rest}---\nclusters: [{name: b}]\n`,
  ],
  [
    'a key that occurs twice: kubectl reads the last one',
    `clusters: [{name: a}]\nclusters: [{name: b}]\n${rest}`,
    `clusters: [{name: a}]\nclusters: [{name: b}, ${entry.cluster}]\n${rest}`,
  ],
]

await t.test('the entries are added, and all other text stays byte for byte', async (t) => {
  for (const [what, existing, merged] of merges) {
    t.equal(mergeKubeconfig(existing, ours, 'lab'), merged, what)
    t.equal(mergeKubeconfig(merged, ours, 'lab'), merged, `${what}, a second time`)
  }
})

await t.test(
  'kubectl reads the other entries as before, and the new ones',
  { skip: noKubectl },
  (t) => {
    const file = join(t.testdir(), 'config')
    const others = (entries: { name: string }[] | null) =>
      (entries ?? []).filter(({ name }) => name !== 'lab')
    for (const [what, existing, merged] of merges) {
      const before = kubectlReads(file, existing) as Kubeconfig
      const after = kubectlReads(file, merged) as Kubeconfig
      t.type(after, 'object', what)
      for (const kind of ['clusters', 'contexts', 'users'] as const) {
        t.strictSame(others(after[kind]), others(before[kind]), `${what}: ${kind} of others`)
        t.equal(after[kind]?.filter(({ name }) => name === 'lab').length, 1, `${what}: ${kind}`)
      }
      t.match(after.clusters?.find(({ name }) => name === 'lab')?.cluster, {
        server: 'https://192.168.1.30:6443',
      })
      t.equal(after['current-context'], before['current-context'] || 'lab', what)
    }
    t.end()
  },
)

const refused: [existing: string, message: RegExp, ...details: RegExp[]][] = [
  [
    'kind: Config\nclusters: {}\n',
    /^nothing can be added to .*; it was left/,
    /^line 2: clusters is not a list/,
  ],
  [
    'users: hello\n',
    /nothing can be added to/,
    /^line 1: users is not a list, .* write users: \[\]$/,
  ],
  ['a: 1\nb: [\n', /is not valid YAML; it was left alone/, /^line \d+: /],
  ['clusters:\n\t- name: a\n', /is not valid YAML/, /^line 2: Tabs/],
  ['- a\n', /is not a kubeconfig; it was left alone/],
  ['hello\n', /is not a kubeconfig/],
  ['a: &c [{name: a}]\nclusters: *c\n', /nothing can be added to/, /^line 2: clusters is an alias/],
  ['a: &c {name: lab}\nusers:\n- *c\n', /nothing can be added to/, /^line 3: lab is an alias/],
  [
    'users:\n- {name: lab}\n- name: lab\n',
    /nothing can be added to/,
    /^line 3: a second entry of users/,
  ],
  [
    'users:\n- name: lab\n  user: {token: &t x}\n- name: b\n  user: {token: *t}\n',
    /is written in a way that cannot be edited/,
    /\*t has no anchor/,
  ],
  ['<<: {clusters: [{name: q}]}\n', /is written in a way that cannot be edited/],
]

await t.test('a file that cannot be edited is rejected, with the line and a hint', (t) => {
  for (const [existing, message, ...details] of refused)
    t.throws(
      () => mergeKubeconfig(existing, ours, 'lab'),
      { constructor: LabError, message, details, hint: [/^kubectl config view/] },
      existing,
    )
  t.end()
})
