// What is in manifests besides objects: images, and MetalLB beside RKE2's own load balancer and the lab's addresses.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { balancerTrouble, imagesOf, isFar, rangeTrouble } from '../../lib/rke2/manifest-contents.ts'
import { checkManifests } from '../../lib/rke2/manifests.ts'
import { UsageError } from '../../lib/text/errors.ts'
import { Bare } from '../../lib/text/yaml.ts'
import { top } from '../helpers/fixtures.ts'
import { makeLab } from '../helpers/labs.ts'

const example = (name: string) => ({
  name,
  text: readFileSync(join(top, 'rke2/examples', name), 'utf8'),
})
const metallb = ['metallb.yaml', 'metallb-pool.yaml'].map(example)

void t.test(
  'the images of manifests, also in texts within them, and charts by their file',
  async (t) => {
    t.strictSame(imagesOf([example('local-path-storage.yaml'), ...metallb]), [
      'docker.io/rancher/local-path-provisioner:v0.0.37',
      'docker.io/library/busybox:1.37',
      'the chart in metallb.yaml with its images',
    ])
    const cases: [text: string, images: string[]][] = [
      [
        '# image: a:1\nspec:\n  - image: "b:2"\n  - name: x\n    image: c.d:5000/e@sha256:ab # f\n',
        ['b:2', 'c.d:5000/e@sha256:ab'],
      ],
      ['containers: [{ name: x, image: b:2 }, {"image": "c:3"}]', ['b:2', 'c:3']],
      ['image: b:2\nimagePullPolicy: Always\n---\nimage: b:2\n', ['b:2']],
      ['myimage: b:2\n', []],
    ]
    for (const [text, images] of cases) t.strictSame(imagesOf([{ name: 'a.yaml', text }]), images)
  },
)

void t.test('MetalLB and servicelb are refused together', async (t) => {
  const names = (value: unknown, files = metallb) =>
    balancerTrouble(files, value).map((problem) => problem.replace(/:.*/, ''))
  for (const on of [true, 'true', new Bare('yes')])
    t.strictSame(names(on), ['metallb.yaml', 'metallb-pool.yaml'])
  for (const off of [undefined, false, 'false', new Bare('no')]) t.strictSame(names(off), [])
  t.strictSame(names(true, [example('local-path-storage.yaml')]), [])
  const native = { name: 'native.yaml', text: 'image: quay.io/metallb/speaker:v0.16.1\n' }
  t.strictSame(names(true, [native]), ['native.yaml'])
  t.strictSame(names(true, [native, { name: 'x', text: 'args: [--lb-class=metallb]' }]), [])
  const remark = { name: 'x', text: '# without loadBalancerClass\n' }
  t.strictSame(names(true, [native, remark]), ['native.yaml'])
})

void t.test('a range of MetalLB has no address of the lab', async (t) => {
  const lab = makeLab((raw) => {
    Object.assign(raw.rke2, { vip: '192.0.2.50' })
    raw.nodes[0]!.networks = [{ name: 'data', bridge: 'br1', address: '10.0.0.5/24' }]
  })
  const said = (range: string) => rangeTrouble(range, lab)
  t.strictSame(said('192.0.2.31 - 192.0.2.50'), [
    '192.0.2.31 - 192.0.2.50 has the address 192.0.2.31 of worker01',
    '192.0.2.31 - 192.0.2.50 has the address 192.0.2.32 of worker02',
    '192.0.2.31 - 192.0.2.50 has the address 192.0.2.50 of rke2.vip',
  ])
  for (const [range, address, whose] of [
    ['192.0.2.50/32', '192.0.2.50', 'rke2.vip'],
    ['192.0.2.1-192.0.2.1', '192.0.2.1', 'the gateway'],
    ['10.0.0.0/24', '10.0.0.5', 'kubemaster'],
  ] as const)
    t.strictSame(said(range), [`${range} has the address ${address} of ${whose}`])
  for (const free of [
    '192.0.2.33-192.0.2.49',
    '192.0.2.64/26',
    'fd00::/64',
    '999.1.1.1/8',
    '',
    '-',
  ])
    t.strictSame(said(free), [], free)

  for (const far of ['192.168.1.240-192.168.1.249', '10.0.1.0/24']) t.ok(isFar(far, lab), far)
  for (const near of ['192.0.2.64/26', '10.0.0.7-10.0.0.9', 'fd00::/64', 'x'])
    t.notOk(isFar(near, lab), near)

  const pool = '# 192.0.2.30\nkind: IPAddressPool\nspec: { addresses: [192.0.2.30/32, a-b] }\n'
  const list = `kind: List\nitems:\n  - apiVersion: metallb.io/v1beta1\n    metadata: { name: lab }\n${pool.replace(/^(?=.)/gm, '    ')}`
  const refused = new UsageError('rke2/manifests: 1 problem', {
    details: ['a.yaml: line 1: 192.0.2.30/32 has the address 192.0.2.30 of kubemaster'],
  })
  t.throws(() => checkManifests([{ name: 'a.yaml', text: list }], [], said), refused)
})
