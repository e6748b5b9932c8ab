// The host that the pages speak of: the fake one of the tests, with the lab files of this project.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Test } from 'tap'
import { parse } from 'yaml'
import { FakeHost, fixture, qcow2, top } from '../helpers/fake-bin.ts'

// Pins the image in every lab file, so that no network is needed. Plainly an example.
const digest = '0123456789abcdef'.repeat(4)

/** A fake host with lab.yaml, labs/, cloud-init/ and rke2/ of this project; ended by `end`. */
export function docsHost({ hasImage = true } = {}): { host: FakeHost; end: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'rke2-kvm-lab-docs-'))
  const test = { testdir: () => folder, teardown: () => {} } as unknown as Test
  const host = new FakeHost(test)
  host.isStrict = false // dry runs ask nodes for RKE2, which no machine here knows; no answer is an empty node
  for (const name of ['labs', 'rke2'])
    cpSync(join(top, name), join(host.project, name), { recursive: true })
  rmSync(join(host.project, 'image.qcow2'))
  const labs = ['lab.yaml', ...readdirSync(join(top, 'labs')).map((name) => `labs/${name}`)]
  for (const file of labs) writeFileSync(join(host.project, file), pinned(file))
  if (hasImage) putImage(host)
  standInForPages(host)
  host.put('ip-address', fixture('ip-address.iproute2-6.1.0.json'))
  return { host, end: () => rmSync(folder, { recursive: true, force: true }) }
}

// Beyond what the scripts ask for: the download of the page on machines, of an image that is only an
// example, and SSH to a guest that is ready.
function standInForPages(host: FakeHost): void {
  const image = join(host.state, 'image.qcow2')
  writeFileSync(image, qcow2(2 ** 31))
  host.add('curl', `while [[ $1 != --output ]]; do shift; done; cp '${image}' "$2"`)
  host.add('sha256sum', '[[ $* = "--check --quiet -" ]]')
  renameSync(join(host.bin, 'ssh'), join(host.bin, 'ssh-guest'))
  host.add(
    'ssh',
    `case "\${*:4}" in true | *'cloud-init status --wait') exit 0 ;; esac; exec "\${0%/*}/ssh-guest" "$@"`,
  )
}

function putImage(host: FakeHost): void {
  const cache = join(host.folder, 'home/.cache/rke2-kvm-lab/images')
  mkdirSync(cache, { recursive: true })
  const { url } = (parse(pinned('lab.yaml')) as { image: { url: string } }).image
  writeFileSync(join(cache, `${digest.slice(0, 16)}-${basename(url)}`), qcow2(2 ** 31))
}

const pinned = (file: string) =>
  readFileSync(join(top, file), 'utf8').replace(/^image:$/m, `image:\n  sha256: ${digest}`)

/** Output as a reader would see it: the paths of somebody called "you". */
export function asReader(host: FakeHost, text: string): string {
  return text
    .replaceAll(host.project, '/home/you/rke2-kvm-lab')
    .replaceAll(join(host.folder, 'home'), '/home/you')
    .replaceAll(/ +$/gm, '')
}
