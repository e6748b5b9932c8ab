// What is in manifests besides objects: images, and MetalLB beside RKE2's own load balancer.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { balancerTrouble, imagesOf } from '../../lib/rke2/manifest-contents.ts'
import { Bare } from '../../lib/text/yaml.ts'
import { top } from '../helpers/fixtures.ts'

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
