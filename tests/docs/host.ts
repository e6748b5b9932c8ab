// The host of the pages: the fake one of the tests, with the files of this project.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Test } from 'tap'
import { parseLab } from '../../lib/lab/lab.ts'
import { FakeHost } from '../helpers/fake-host.ts'
import { fixture, top } from '../helpers/fixtures.ts'
import { qcow2 } from '../helpers/stand-ins.ts'

// Pins the image in every lab file, so that no network is needed. Plainly an example.
const digest = '0123456789abcdef'.repeat(4)

/** A fake host with the files of this project and no machine; ended by `end`. */
export function docsHost({ hasImage = true } = {}): { host: FakeHost; end: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'rke2-kvm-lab-docs-'))
  const test = { testdir: () => folder, teardown: () => {} } as unknown as Test
  const host = new FakeHost(test)
  rmSync(join(host.project, 'image.qcow2'))
  const files =
    'labs rke2 tutorials scripts lib package.json package-lock.json .npmrc tsconfig.json'
  for (const name of files.split(' '))
    cpSync(join(top, name), join(host.project, name), { recursive: true })
  symlinkSync(join(top, 'node_modules'), join(host.project, 'node_modules'))
  const labs = ['lab.yaml', ...readdirSync(join(top, 'labs')).map((name) => `labs/${name}`)]
  for (const file of labs) writeFileSync(join(host.project, file), pinned(file))
  if (hasImage) putImage(host)
  standInForPages(host)
  return { host, end: () => rmSync(folder, { recursive: true, force: true }) }
}

// Beyond what the scripts ask for: what a reader types besides (`npm cit` without the tests, which are running), and the
// download of an image that is only an example.
function standInForPages(host: FakeHost): void {
  const image = join(host.state, 'image.qcow2')
  writeFileSync(image, qcow2(2 ** 31))
  host.put('ip-address', fixture('ip-address.iproute2-6.1.0.json'))
  mkdirSync(join(host.state, 'real'))
  symlinkSync(join(top, 'tests/helpers/fake-node.sh'), join(host.state, 'real/curl'))
  host.add(
    'curl',
    `case "\${*: -1}" in
  */rke2/* | https://*:6443/ | https://*:9345/ping) exec "$STAND_IN/real/curl" "$@" ;;
  *) while [[ $1 != --output ]]; do shift; done; cp '${image}' "$2" ;;
esac`,
  )
  renameSync(join(host.bin, 'sha256sum'), join(host.state, 'real/sha256sum'))
  host.add(
    'sha256sum',
    `[[ $* = *--check* ]] || exec "$STAND_IN/real/sha256sum" "$@"
list=$(cat); [[ $list = ${digest}* ]] || exec "$STAND_IN/real/sha256sum" "$@" <<<"$list"`,
  )
  host.link('kubectl')
  const kubectl = existsSync(join(host.bin, 'kubectl'))
    ? realpathSync(join(host.bin, 'kubectl'))
    : 'true'
  host.add('kubectl', `[[ $1 != config ]] || exec '${kubectl}' "$@"`)
  host.put('at-once', '') // RKE2 is there as soon as it is started
  host.makeRelease('v1.37.0+rke2r1') // rke2/README.md upgrades to it
  mkdirSync(join(host.state, 'cluster-ha')) // labs/ha.yaml
  host.put('network/192.168.1.50', 'open') // its rke2.vip
  for (const name of 'base64 chmod date dirname'.split(' ')) host.link(name)
  host.add('sudo', 'exec "$@"')
  for (const name of ['apt-get', 'adduser']) host.add(name, `echo "${name} $*" >>"$STAND_IN/calls"`)
  const { scripts } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const install = `[[ -e package-lock.json ]] && ln -sfn '${join(top, 'node_modules')}' node_modules`
  host.add(
    'npm',
    `case "$*" in
  --version) echo 10.9.2 ;;
  ci | test) ${install} ;;
  start | 'start -- '*) # the reader answers with Enter
    ${install} && exec npx ${scripts.start?.replace(/^.* && /, '')} --yes "\${@:3}" ;;
  *) exit 97 ;;
esac`,
  )
  host.link('ln')
  host.add(
    'npx',
    `[[ $1 = zx ]] || exit 97
export HASTE=30 NODE="\${0%/*}/node" NODE_OPTIONS=$(sed -n 's/^node-options=//p' .npmrc)
exec "$NODE" node_modules/zx/build/cli.js "\${@:2}"`,
  )
}

function putImage(host: FakeHost): void {
  const cache = join(host.folder, 'home/.cache/rke2-kvm-lab/images')
  mkdirSync(cache, { recursive: true })
  const { url = '' } = parseLab(pinned('lab.yaml'), 'lab.yaml').image
  writeFileSync(join(cache, `${digest.slice(0, 16)}-${basename(url)}`), qcow2(2 ** 31))
}

const pinned = (file: string) =>
  readFileSync(join(top, file), 'utf8').replace(
    /^image: ([\w.-]+).*$/m,
    `image: { name: $1, sha256: ${digest} }`,
  )

/** Output as a reader would see it: the paths of somebody called "you". */
export function asReader(host: FakeHost, text: string): string {
  return text
    .replaceAll(host.project, '/home/you/rke2-kvm-lab')
    .replaceAll(join(host.folder, 'home'), '/home/you')
    .replaceAll(/ +$/gm, '')
}
