// PURE. Known causes with container images: they are missing, or a power cut damaged them.
import { again, forgetImages, onNode, recreate, type Known } from './cause.ts'
import { archiveOf, imageArchive } from './release.ts'
import { registriesFile } from './registries.ts'
import { imagesFolder } from './remains.ts'

// As containerd and RKE2 name it in their messages: "index.docker.io/rancher/mirrored-pause:3.6".
const ofRke2 = /["\s]((?:[\w.:-]+\/)*rancher\/[\w.-]+(?::[\w.-]+)?)/
const all = (...patterns: Known['match'][]) => ({
  test: (line: string) => patterns.every((pattern) => pattern.test(line)),
})
const failed = /failed to get runtime image|failed to pull (and unpack )?image|ErrImagePull/
// A pod of the user's may name an image that does not exist; RKE2 starts all the same.
const pull = all(failed, /failed to get runtime image|rancher\//, ofRke2)
const imageIn = (line: string) => ofRke2.exec(line)?.[1] ?? ''
// The registry that was asked, as rke2/registries.yaml names it.
const registryIn = (line = '') => /https:\/\/([\w.:[\]-]+)\/v2\//.exec(line)?.[1] ?? 'HOST:PORT'
const archiveIn = (line = '') => imageArchive(archiveOf(imageIn(line)))

export const ofImages: Known[] = [
  {
    id: 'rate-limit',
    match: all(/429 Too Many Requests|toomanyrequests/, failed, ofRke2),
    patience: 30,
    why: () => 'the registry refuses more image pulls for now (rate limit)',
    fix: (at) => [
      '# wait some hours, or let this host bring the images: rke2.images: true in the lab file, then:',
      ...recreate(at),
    ],
  },
  {
    id: 'registry-http',
    match: all(/server gave HTTP response to HTTPS client/, pull),
    patience: 30,
    why: (_, line) => `it asks ${registryIn(line)} by https, and that registry speaks http`,
    fix: (at, line) => [
      `# in ${registriesFile}: endpoint: ["http://${registryIn(line)}"], with http://; then:`,
      again(at),
    ],
  },
  {
    id: 'registry-ca',
    match: all(/x509: certificate signed by unknown authority/, pull),
    patience: 30,
    why: (_, line) =>
      `the certificate of ${registryIn(line)} is from an authority that the node does not know`,
    fix: (at, line) => [
      '# copy the certificate of that authority to the same path on every node; for new machines: write_files in cloud-init/user-data.yaml',
      `# in ${registriesFile}: configs: { "${registryIn(line)}": { tls: { ca_file: /PATH } } }; then:`,
      again(at),
    ],
  },
  {
    id: 'image-missing',
    match: pull,
    when: ({ remains }) => (remains?.archives.length ?? 0) > 0,
    patience: 30,
    why: ({ remains }, line = '') => {
      const image = imageIn(line) ? `the image ${imageIn(line)}` : 'an image'
      const archives = remains ? ` (${remains.archives.join(', ')})` : ''
      return `${image} is in none of the copied archives${archives}, and the node cannot pull it; it belongs to ${archiveIn(line)}`
    },
    fix: (at, line) => [
      onNode(at, `ls -l ${imagesFolder}`),
      `# get ${archiveIn(line)} of the same release, copy it to the node into ${imagesFolder}, then:`,
      again(at),
    ],
  },
  {
    id: 'image-pull',
    match: pull,
    when: ({ remains }) => (remains?.archives.length ?? 0) === 0,
    patience: 30,
    why: () => 'images cannot be pulled: the node has no internet, or a registry is down',
    fix: (at) => [
      onNode(at, 'curl -sI https://registry-1.docker.io/v2/'),
      '# if the nodes have no internet: set rke2.images: true in the lab file, then recreate it:',
      ...recreate(at),
    ],
  },
  {
    id: 'damaged-images',
    match: /^empty file: \d+\/fs\/|can't find shim for sandbox/,
    until: /StartContainer .*returns successfully/,
    patience: 60,
    why: (_, line = '') => {
      const file = /^empty file: \d+\/fs(\/.*)/.exec(line)?.[1]
      const what = file ? `${file} is an empty file` : 'containers end as soon as they start'
      return `a power cut damaged its unpacked images (${what}); RKE2 treats them as complete and does not unpack them again`
    },
    fix: (at) => [
      at.remains?.unborn
        ? '# this server was never Ready, so its database is deleted too:'
        : '# this helped a server that was never Ready; not tested on a node that was. All containers of the node stop:',
      ...forgetImages(at, at.remains?.unborn),
    ],
  },
]
