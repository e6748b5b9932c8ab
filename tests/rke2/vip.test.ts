// rke2.vip: the manifest of kube-vip, what is refused on a cluster, and what status says.
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { joinedServer, rke2Config } from '../../lib/rke2/config.ts'
import { checkManifests } from '../../lib/rke2/manifests.ts'
import { planFirst } from '../../lib/rke2/install.ts'
import { planJoin } from '../../lib/rke2/join.ts'
import { checkVipKnown } from '../../lib/rke2/vip-checks.ts'
import { vipLine, vipManifest, vipStatus } from '../../lib/rke2/vip.ts'
import { manifestProblems } from '../docs/manifests.ts'
import { makeLab, nodeOf, type RawLab } from '../helpers/labs.ts'
import { kubeNode, member, shortly } from '../helpers/plans.ts'

const vip = '192.0.2.29'
const several = (raw: RawLab) => raw.nodes.slice(1).forEach((node) => (node.role = 'server'))
const lab = makeLab((raw) => {
  several(raw)
  raw.rke2.vip = vip
})
const without = makeLab(several)
const [first, second, third] = ['kubemaster', 'worker01', 'worker02'].map((name) =>
  nodeOf(lab, name),
) as [(typeof lab.nodes)[0] & {}, (typeof lab.nodes)[0] & {}, (typeof lab.nodes)[0] & {}]
const edited = { server: {}, agent: {} }

interface Container {
  image: string
  imagePullPolicy: string
  args: string[]
  env: { name: string; value?: string; valueFrom?: object }[]
  securityContext: object
}
const objects = (of = lab) =>
  parseAllDocuments(vipManifest(of)?.text ?? '').map(
    (one) => one.toJS() as { kind: string; rules: object[]; spec: Record<string, any> },
  )

void t.test('its objects are what the schemas say, and RKE2 would take them', async (t) => {
  t.equal(vipManifest(without), undefined)
  const made = vipManifest(lab)!
  t.strictSame(await manifestProblems(made.text), [])
  t.match(checkManifests([made]), [{ name: 'kube-vip.yaml' }])
  t.strictSame(
    objects().map(({ kind }) => kind),
    ['ServiceAccount', 'Role', 'RoleBinding', 'DaemonSet'],
  )
})

void t.test(
  'it may touch leases alone, and holds the address by ARP for the control plane',
  async (t) => {
    const [, role, , set] = objects()
    t.strictSame(role?.rules, [
      {
        apiGroups: ['coordination.k8s.io'],
        resources: ['leases'],
        verbs: ['get', 'create', 'update'],
      },
    ])
    const { containers, ...pod } = set!.spec.template.spec as { containers: Container[] }
    t.strictSame(
      pod,
      {
        serviceAccountName: 'kube-vip',
        hostNetwork: true,
        priorityClassName: 'system-node-critical',
        nodeSelector: { 'node-role.kubernetes.io/control-plane': 'true' },
        tolerations: [
          { operator: 'Exists', effect: 'NoSchedule' },
          { operator: 'Exists', effect: 'NoExecute' },
        ],
      },
      'on every server whatever its taints, and nowhere else',
    )
    t.equal(containers.length, 1)
    const [container] = containers
    t.equal(container?.imagePullPolicy, 'IfNotPresent', 'an image brought along is enough')
    t.strictSame(container?.securityContext, {
      capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
    })
    t.strictSame(set?.spec.selector.matchLabels, set?.spec.template.metadata.labels)
    t.equal(container?.image, 'ghcr.io/kube-vip/kube-vip:v1.2.3')
    t.strictSame(container?.args, ['manager'])
    const environment = Object.fromEntries(
      (container?.env ?? []).map(({ name, value, valueFrom }) => [name, value ?? valueFrom]),
    )
    t.strictSame(environment, {
      vip_nodename: { fieldRef: { fieldPath: 'spec.nodeName' } },
      address: vip,
      port: '6443',
      vip_arp: 'true',
      cp_enable: 'true',
      cp_namespace: 'kube-system',
      svc_enable: 'false',
      vip_leaderelection: 'true',
      vip_leasename: 'plndr-cp-lock',
      vip_leaseduration: '15',
      vip_renewdeadline: '10',
      vip_retryperiod: '2',
      prometheus_server: '127.0.0.1:2112',
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: '6443',
    })
    const image = 'registry.lan:5000/kube-vip:v1.2.4'
    const other = makeLab((raw) => Object.assign(raw.rke2, { vip, vipImage: image }))
    t.match(vipManifest(other)?.text, `image: ${image}\n`)
  },
)

void t.test('nodes join by the address, the first server nobody', async (t) => {
  t.notMatch(rke2Config(lab, first, {}), 'server:')
  t.match(rke2Config(lab, first, {}), `  - ${vip}\n`)
  const joined = rke2Config(lab, second, {}, first)
  t.match(joined, `\nserver: https://${vip}:9345\n`)
  t.equal(joinedServer(lab, second, joined)?.role, 'server', 'it joined one of them')
  t.equal(joinedServer(without, second, joined), undefined, 'the address is gone')
  t.equal(joinedServer(lab, second, rke2Config(without, second, {}, third))?.name, 'worker02')
})

void t.test('before the start nobody else has it; before others join it answers', async (t) => {
  const stages = planFirst(lab, edited, { first: member(first), others: [] }, 60)
  const steps = stages.map(({ title, lanes }) => [
    title,
    ...lanes.flatMap((one) => shortly(one.steps)),
  ])
  const start = steps.find(([title]) => title === 'Configure and start')!
  t.match(start[1], /^@kubemaster \| curl .*192\.0\.2\.29:6443/)
  t.match(start[2], 'config.yaml')
  t.match(steps.at(-1), ['Wait until rke2.vip answers', /^\? \( end=/])
  const running = member(first, {
    version: lab.rke2.version,
    service: 'active',
    nodes: [kubeNode('kubemaster')],
  })
  const joins = shortly(planJoin({ lab, edited, leader: running, seconds: 60 }, member(second)))
  const at = joins.findIndex((one) => one.includes('server/token'))
  t.match(joins[at + 1], /^\? \( end=/)
  t.match(joins[at + 2], '--noproxy 192.0.2.29 ')
})

void t.test('an address that certificates lack is refused on a cluster', async (t) => {
  const known = { hasRun: true, config: rke2Config(lab, first, {}) }
  const unknown = { hasRun: true, config: rke2Config(without, first, {}) }
  const [a, b, c] = [member(first, known), member(second, unknown), member(third)]
  const old = member(first, unknown)
  for (const [servers, its] of [
    [[a, c], undefined],
    [[old, c], old],
    [[c], c],
    [[], undefined],
  ] as const)
    t.doesNotThrow(() => checkVipKnown(lab, [...servers], its))
  t.doesNotThrow(() => checkVipKnown(without, [old, b]))
  t.throws(() => checkVipKnown(lab, [a, b, c], a), {
    message: `rke2.vip ${vip} is new to this cluster: the certificate of worker01 does not hold it`,
    hint: [
      /tls-san: \[192\.0\.2\.29\]/,
      { script: 'install-rke2' },
      { script: 'join' },
      /then/,
      /load balancer/,
    ],
  })
  t.throws(() => checkVipKnown(lab, [old, c]), {
    message: /the certificate of kubemaster/,
    hint: [{ script: 'install-rke2' }, /again/],
  })
})

void t.test('status: one holder is right, and both ports answer', async (t) => {
  const two = makeLab((raw) => {
    raw.nodes.slice(1, 2).forEach((node) => (node.role = 'server'))
    raw.rke2.vip = vip
  })
  const of = (...names: string[]) =>
    [second, first].map(({ name, address }) => [address, ...(names.includes(name) ? [vip] : [])])
  const both = { api: true, join: true }
  const cases: [answers: string[][], ports: typeof both, remark: RegExp | null][] = [
    [of('kubemaster'), both, null],
    [of('kubemaster'), { api: true, join: false }, /^9345 does not answer$/],
    [of('kubemaster', 'worker01'), both, /^kubemaster and worker01 have it, and only one/],
    [of(), { api: false, join: false }, /^no server has it; 6443 and 9345 do not answer$/],
    [of(), both, /^another machine has it, and no server does$/],
    [of().slice(1), both, /^no server that answered has it, and 1 did not answer$/],
    [[], both, /^no server that answered has it, and 2 did not answer$/],
  ]
  for (const [answers, ports, remark] of cases) {
    const status = vipStatus(two, answers, ports)
    if (remark) t.match(status.remark, remark)
    else t.equal(status.remark, null)
  }
  const fine = vipStatus(two, of('worker01'), both)
  t.match(fine, { address: vip, holders: ['worker01'] })
  t.equal(vipLine(fine), `\n\nrke2.vip ${vip}: held by worker01, answers on 6443 and 9345`)
})
