// The files of a release: their names and addresses.
import t from 'tap'
import { findDigest } from '../../lib/download/checksums.ts'
import { parseVersion, release } from '../../lib/rke2/release.ts'
import { makeLab } from '../helpers/labs.ts'

const labWith = (rke2: object = {}) => makeLab((lab) => Object.assign(lab.rke2, rke2))
const lab = labWith()

await t.test('the release files', async (t) => {
  t.equal(
    release(lab).archives[0]?.url,
    'https://github.com/rancher/rke2/releases/download/v1.36.5%2Brke2r1/rke2.linux-amd64.tar.gz',
  )
  t.match(
    release(lab).installer.url,
    /rancher\/rke2\/v1\.36\.5%2Brke2r1\/install\.sh$/,
    'the installer of the same tag',
  )
  const mirrored = release(labWith({ mirror: 'http://mirror.example/rke2/', images: true }))
  t.equal(mirrored.sums.url, 'http://mirror.example/rke2/v1.36.5%2Brke2r1/sha256sum-amd64.txt')
  t.equal(mirrored.installer.url, 'http://mirror.example/rke2/v1.36.5%2Brke2r1/install.sh')
  t.strictSame(
    mirrored.archives.map(({ name }) => name),
    ['rke2.linux-amd64.tar.gz', 'rke2-images.linux-amd64.tar.zst'],
  )
  t.match(
    release(labWith({ images: true, cni: 'cilium' })).archives.map(({ name }) => name),
    [
      'rke2.linux-amd64.tar.gz',
      'rke2-images.linux-amd64.tar.zst',
      'rke2-images-cilium.linux-amd64.tar.zst',
    ],
  )
  const images: [rke2: object, ingress: string[], archives: string[]][] = [
    [{ cni: ['multus', 'canal'] }, [], ['', '-multus']],
    [{ cni: ['multus', 'cilium'] }, [], ['', '-multus', '-cilium']],
    [{ cni: 'calico' }, ['traefik'], ['', '-calico']],
    [{ cni: 'none' }, ['ingress-nginx', 'traefik'], ['', '-ingress-nginx']],
    [{ version: 'v1.35.7+rke2r1' }, ['ingress-nginx'], ['']],
    [{ version: 'v1.35.7+rke2r1' }, ['traefik', 'ingress-nginx'], ['', '-traefik']],
    [{ version: 'v1.37.0+rke2r1' }, ['traefik', 'ingress-nginx'], ['', '-ingress-nginx']],
  ]
  for (const [rke2, ingress, archives] of images)
    t.strictSame(
      release(labWith({ images: true, ...rke2 }), ingress)
        .archives.slice(1)
        .map(({ name }) => name),
      archives.map((part) => `rke2-images${part}.linux-amd64.tar.zst`),
      `${JSON.stringify(rke2)}, ${ingress.join()}`,
    )
  const sums = `${'a'.repeat(64)}  rke2.linux-amd64.tar.gz\n`
  t.equal(findDigest(sums, 'rke2.linux-amd64.tar.gz')?.hex, 'a'.repeat(64))
  t.equal(findDigest(sums, 'rke2-images.linux-amd64.tar.zst'), undefined, 'no line, no digest')
  t.equal(parseVersion('rke2 version v1.36.5+rke2r1 (abc)\ngo version go1.24\n'), 'v1.36.5+rke2r1')
  t.equal(parseVersion('bash: rke2: command not found'), undefined)
})
