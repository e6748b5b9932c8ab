// config.yaml of each node: what people wrote, what the scripts add, and what RKE2 could not take.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { parseLab, type Lab, type Node } from '../../lib/lab/lab.ts'
import { parseRke2Config, rke2Config } from '../../lib/rke2/config.ts'
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
          'node-external-ip': '203.0.113.9',
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
    'keys for servers or for one machine only are left out',
  )
  t.match(
    rke2Config(lab, server, {}),
    'write-kubeconfig-mode: "0600"',
    'quoted: YAML 1.1 takes a bare 0600 for octal',
  )
  t.strictSame(parseRke2Config('', 'rke2/agent.yaml'), {})
  t.throws(() => parseRke2Config('- a\n', 'rke2/server.yaml'), /not a YAML mapping/)
  t.throws(
    () => parseRke2Config('node-ip: 10.0.0.1\ntls-san: [a]\ndata-dir+: /srv\n', 'rke2/server.yaml'),
    { message: /^rke2\/server\.yaml: node-ip, data-dir\+ is set by the scripts/ },
  )
})
