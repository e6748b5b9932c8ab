// config.yaml of each node: what people wrote, what the scripts add, and what RKE2 cannot take.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { parseLab, type Lab, type Node } from '../../lib/lab/lab.ts'
import { ingressOf, parseRke2Config, rke2Config } from '../../lib/rke2/config.ts'
import { UsageError } from '../../lib/text/errors.ts'

const file = parse(readFileSync('lab.yaml', 'utf8')) as { rke2: object }
const labWith = (rke2: object = {}): Lab =>
  parseLab(stringify({ ...file, rke2: { ...file.rke2, ...rke2 } }), 'lab.yaml')
const lab = labWith()
const [server, agent] = lab.nodes as [Node, Node]

await t.test('config.yaml of each kind of node', async (t) => {
  const first = parse(
    rke2Config(
      labWith({ vip: '192.168.1.29', config: { 'tls-san': ['lab.example'], profile: 'cis' } }),
      server,
      { 'tls-san': 'api.example', 'write-kubeconfig-mode': '0640' },
    ),
  )
  t.strictSame(first, {
    'write-kubeconfig-mode': '0640',
    profile: 'cis',
    'node-name': 'kubemaster',
    'node-ip': '192.168.1.30',
    'tls-san': ['kubemaster', '192.168.1.30', '192.168.1.29', 'api.example', 'lab.example'],
    cni: 'canal',
  })
  t.match(
    rke2Config(labWith({ cni: ['multus', 'canal'] }), server, {}),
    'cni:\n  - multus\n  - canal\n',
  )
  const joining = parse(rke2Config(lab, { ...server, name: 'second' }, {}, server))
  t.match(joining, {
    server: 'https://192.168.1.30:9345',
    'token-file': '/etc/rancher/rke2/token',
    'node-name': 'second',
  })
  const worker = parse(
    rke2Config(
      labWith({
        config: {
          profile: 'cis',
          'node-label': ['disk=ssd'],
          'kubelet-arg+': ['v=2'],
          'node-taint': ['CriticalAddonsOnly=true:NoExecute'],
          'kube-proxy-arg': ['proxy-mode=ipvs'],
          'node-external-ip': '203.0.113.9', // of the only server
          'service-cidr': '10.99.0.0/16',
          'kube-apiserver-arg': ['v=2'],
        },
      }),
      agent,
      { 'kubelet-arg': ['max-pods=50'] },
      server,
    ),
  )
  t.strictSame(
    worker,
    {
      'kubelet-arg': ['max-pods=50'],
      profile: 'cis',
      'node-label': ['disk=ssd'],
      'kubelet-arg+': ['v=2'],
      'kube-proxy-arg': ['proxy-mode=ipvs'],
      'node-name': 'worker01',
      'node-ip': '192.168.1.31',
      server: 'https://192.168.1.30:9345',
      'token-file': '/etc/rancher/rke2/token',
    },
    'keys only for servers or only for one machine are left out',
  )
  t.match(
    rke2Config(lab, server, {}),
    'write-kubeconfig-mode: "0600"',
    'quoted, because an unquoted 0600 is octal in YAML 1.1',
  )
  t.strictSame(parseRke2Config('', 'rke2/agent.yaml'), {})
})

const problemsOf = (text: string, file = 'rke2/server.yaml', machines = 1) => {
  try {
    parseRke2Config(text, file, machines)
  } catch (error) {
    if (error instanceof UsageError) return [error.message, ...error.details]
    throw error
  }
  return []
}

const one = 'rke2/server.yaml: 1 problem'
const refused: [text: string, ...says: (string | RegExp)[]][] = [
  ['- a\n', 'rke2/server.yaml is not a YAML mapping of RKE2 keys'],
  ['a: 1\nb: ]\n', 'rke2/server.yaml is not valid YAML', /^line 2: /],
  ['a: 1\n---\nb: 1\n', 'rke2/server.yaml is not valid YAML', /^line 2: a second document/],
  ['debug: true\ndebug: false\n', one, 'line 2: debug is already in line 1'],
  [
    '# mine\nnode-ip: 10.0.0.1\ntls-san: [a]\ndata-dir+: /srv\n',
    'rke2/server.yaml: 2 problems',
    /^line 2, node-ip: is set by the scripts; use nodes\[\]\.address in the lab file$/,
    /^line 4, data-dir\+: is set by the scripts, or they rely on its default; remove it$/,
  ],
  [
    'cni: [multus, canal]\n',
    one,
    /^line 1, cni: is set by the scripts; use rke2\.cni in the lab file$/,
  ],
  ['token: x\n', one, /^line 1, token: is set by the scripts, .* remove this secret$/],
  ['bind-address: 192.0.2.30\n', one, /^line 1, bind-address: .* rely on its default; remove it$/],
  ['disable-agent: true\n', one, /^line 1, disable-agent: would leave out/],
  ['cluster-cidr: 10.42.0.0/16,fd00:42::/56\n', one, /^line 1, cluster-cidr: has an IPv6 network/],
  ['cluster-dns: 10.43.0.10,fd00::a\n', one, /^line 1, cluster-dns: has an IPv6 network/],
  ['agent-token-file: /x\n', one, /^line 1, agent-token-file: is set by the scripts/],
  ['kubelet-arg: { max-pods: 50 }\n', one, /^line 1, kubelet-arg: is a map/],
  ['kubelet-arg:\n- max-pods: 50\n', one, /^line 1, kubelet-arg: holds a map/],
  ['kubelet-arg:\n- [a]\n', one, /^line 1, kubelet-arg: holds a list inside a list/],
  ['profile: {{ profile }}\n', one, /^line 1, profile: is a template that was not filled in$/],
  ['profile: "{{ profile }}"\n', one, /^line 1, profile: is a template/],
  ['node-label:\n- a=b\n- {{ label }}\n', one, /^line 1, node-label: holds a template/],
  ['debug: true\nprofile: ${PROFILE}\n', one, /^line 2, profile: is a template/],
  ['${KEY}: 1\n', one, /^line 1, \$\{KEY\}: is a template/],
  ['profile: {% if x %}\n', 'rke2/server.yaml is not valid YAML', /^line 1: /],
  ['profile:\n', one, /^line 1, profile: is empty \(null\)/],
  ['selinux: "yes"\n', one, /^line 1, selinux: "yes" is text here; write true$/],
  ['tls-san: ~\n', one, /^line 1, tls-san: is empty/],
  ['tls-san: [a, ~]\n', one, /^line 1, tls-san: holds an empty item \(null\)/],
  ['selinux: !!binary aGk=\n', one, /binary/],
  ['debug: true\n<<: { cni: none }\n', one, /^line 2, cni: is set by the scripts/],
  ['on: 1\n', one, 'line 1: this key is not text; quote it'],
]

await t.test('what RKE2 cannot take is rejected by line and key, before anything changes', (t) => {
  for (const [text, ...says] of refused) t.match(problemsOf(text), says, text)
  for (const text of ['', '{}\n', '# none\n', 'kubelet-arg: []\n'])
    t.strictSame(problemsOf(text), [])
  t.end()
})

await t.test('a value that differs per machine is for one machine only', async (t) => {
  const text = 'node-external-ip: 203.0.113.9\n'
  t.strictSame(parseRke2Config(text, 'rke2/agent.yaml', 1), { 'node-external-ip': '203.0.113.9' })
  t.match(problemsOf(text, 'rke2/agent.yaml', 2), [
    'rke2/agent.yaml: 1 problem',
    /^line 1, node-external-ip: .* would be the same on all 2; remove it$/,
  ])
})

await t.test('the ingress controllers: as configured, else as found', async (t) => {
  const found = ['ingress-nginx']
  const set = (value: unknown) => labWith({ config: { 'ingress-controller': value } })
  t.strictSame(ingressOf(lab, {}, found), found)
  t.strictSame(ingressOf(lab, {}), [])
  t.strictSame(ingressOf(set('traefik'), {}, found), ['traefik'])
  t.strictSame(ingressOf(set('none'), {}, found), [])
  t.strictSame(ingressOf(set('traefik,ingress-nginx'), {}), ['traefik', 'ingress-nginx'])
  t.strictSame(ingressOf(lab, { 'ingress-controller': ['ingress-nginx'] }), found)
})

const kept: [written: string, line: string][] = [
  ['write-kubeconfig-mode: 0640', 'write-kubeconfig-mode: 0640'],
  ["write-kubeconfig-mode: '0640'", 'write-kubeconfig-mode: "0640"'],
  ['selinux: yes', 'selinux: yes'],
  ['debug: True', 'debug: true'],
  ['etcd-snapshot-retention: 012', 'etcd-snapshot-retention: 012'],
  ['etcd-snapshot-schedule-cron: 0 */5 * * *', 'etcd-snapshot-schedule-cron: 0 */5 * * *'],
  ['cluster-domain: 12:30', 'cluster-domain: 12:30'],
  ['profile: &p cis\nsnapshotter: *p', 'profile: cis\nsnapshotter: cis'],
  ['<<: { profile: cis }', 'profile: cis'],
]

await t.test('what a person wrote keeps its meaning for RKE2', (t) => {
  for (const [written, line] of kept) {
    const made = rke2Config(lab, server, parseRke2Config(`${written}\n`, 'rke2/server.yaml'))
    t.ok(`\n${made}`.includes(`\n${line}\n`), `${written}: ${made}`)
  }
  const both = { 'tls-san': ['a'], 'tls-san+': ['b'] }
  t.match(
    (parse(rke2Config(lab, server, both)) as { 'tls-san': string[] })['tls-san'],
    ['kubemaster', '192.168.1.30', 'a', 'b'],
    'a name in tls-san+ is kept beside the list of the scripts',
  )
  t.end()
})
