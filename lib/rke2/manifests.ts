// PURE. rke2/manifests/*.yaml: what RKE2 applies to the cluster by itself. Each server applies its own files, so all have the
// same; a list beside them says which of them are from here. Facts: k3s, pkg/deploy/controller.go.
import { createHash } from 'node:crypto'
import { LabError } from '../text/errors.ts'
import { refuse } from '../text/yaml.ts'
import { objectsIn } from './manifest-objects.ts'

/** The folder that people fill, the servers' one, and the list of what comes from here: sums and names; "-": being put. */
export const manifestsFolder = 'rke2/manifests'
export const manifestsOnNode = '/var/lib/rancher/rke2/server/manifests'
export const manifestList = '.rke2-kvm-lab'

/** A file that goes to all servers. */
export interface Manifest {
  name: string
  sum: string // SHA-256
  /** It holds a HelmChart into which RKE2 up to v1.35 writes on the server's disk (rancher/rke2: pkg/bootstrap). */
  rewritten?: true
  made?: string // its text, if that is made from the lab file
}

/** What a server has: the sums of all files there by name, and of those from here as they were put. */
export interface ServerManifests {
  files: Map<string, string>
  ours: Map<string, string>
  /** Some were put there once, though perhaps none are from here now. */
  hadSome?: true
}

const nameForm = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?\.yaml$/
// RKE2 writes these at each start.
const packaged =
  /^(rke2-(calico(-crd)?|canal|cilium|coredns|flannel|ingress-nginx|metrics-server|multus|runtimeclasses|snapshot-controller(-crd)?|snapshot-validation-webhook|traefik(-crd)?)|rancher-vsphere-c[ps]i|harvester-(cloud-provider|csi-driver))\.yaml$/

/** The Addon that RKE2 makes of a file: its name up to the first dot. */
export const addonOf = (file: string): string => file.replace(/.*\//, '').replace(/\..*/, '')

/** The files as manifests. Throws a UsageError for what RKE2 would ignore, fail on or undo; values are not in it. `disabled`: what
 *  RKE2 is configured to leave out; `troubleOf`: what is wrong with a range of MetalLB. */
export function checkManifests(
  files: { name: string; text: string }[],
  disabled: string[] = [],
  troubleOf: (range: string) => string[] = () => [],
): Manifest[] {
  const owners = new Map<string, string>()
  const problems: string[] = []
  const all = files.map(({ name, text }): Manifest => {
    const say = (problem: string) => problems.push(`${name}: ${problem}`)
    const [trouble, known] = [nameTrouble(name, disabled), problems.length]
    if (trouble) say(trouble)
    if (text.includes('\uFFFD')) say('is not text in UTF-8')
    const objects = trouble ? [] : objectsIn(text, say)
    if (objects.length === 0 && problems.length === known)
      say(
        'holds no object, so RKE2 would delete those that it held before; remove the file instead',
      )
    for (const { key, shown, line, ranges } of objects) {
      ranges.flatMap(troubleOf).forEach((one) => say(`line ${line}: ${one}`))
      const owner = owners.get(key)
      if (owner)
        say(`line ${line}: ${shown} is ${owner === name ? 'there twice' : `in ${owner} too`}`)
      owners.set(key, name)
    }
    return asManifest(name, text, objects)
  })
  refuse(manifestsFolder, problems)
  return all
}

/** The manifest that a file is, whatever is in it. */
export function asManifest(
  name: string,
  text: string,
  objects = objectsIn(text, () => {}),
): Manifest {
  const rewritten = objects.some((one) => one.rewritten)
  return { name, sum: sumOf(text), ...(rewritten && { rewritten }) }
}

/** The SHA-256 of a file. */
export const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex')

function nameTrouble(name: string, disabled: string[]): string | undefined {
  if (name.endsWith('/')) return 'is a folder; put the files beside it'
  if (packaged.test(name)) return 'is the name of a file that RKE2 writes; use another name'
  if (!nameForm.test(name))
    return 'RKE2 would ignore or mistake it; use small letters, digits and -, then .yaml'
  if (disabled.includes(addonOf(name)))
    return `RKE2 would delete it: ${addonOf(name)} is listed under disable in its configuration`
  return undefined
}

/** Appended to what is asked of a server: prints its files and the list below lines with names; fails when it cannot. */
export const manifestsScript = `\
part manifests; test ! -d ${manifestsOnNode} || ( cd ${manifestsOnNode} && find . -xtype f ! -name '.*' -exec sha256sum {} + ) || exit
part manifest-list; test ! -e ${manifestsOnNode}/${manifestList} || { echo list; cat ${manifestsOnNode}/${manifestList}; } || exit`

/** Parses that. */
export const parseManifests = (found: Map<string, string>): ServerManifests => ({
  files: sums(found.get('manifests')),
  ours: sums(found.get('manifest-list')),
  ...(/^list$/m.test(found.get('manifest-list') ?? '') && { hadSome: true }),
})

// Later lines replace earlier ones.
const sumLine = /^([0-9a-f]{64}|-) [ *](?:\.\/)?(.+)$/gm
const sums = (text = '') =>
  new Map(Array.from(text.matchAll(sumLine), ([, sum = '', name = '']) => [name, sum] as const))

/** What is to change on a server. */
export interface ManifestChanges {
  put: string[]
  remove: string[]
  /** The new list. */
  list: string[]
}

/** Undefined when the server has what is wanted. Throws for files of other people that are in the way. */
export function manifestChanges(
  wanted: Manifest[],
  { files, ours }: ServerManifests,
): ManifestChanges | undefined {
  const inTheWay = [...files].filter(([file, sum]) =>
    wanted.some((one) =>
      file === one.name
        ? !ours.has(file) && sum !== one.sum
        : /\.(ya?ml|json|skip)$/i.test(file) &&
          !ours.has(file) &&
          addonOf(file) === addonOf(one.name),
    ),
  )
  if (inTheWay.length > 0) throw otherFiles(inTheWay.map(([file]) => file))
  const put = wanted.filter(({ name, sum, rewritten }) => {
    const there = files.get(name)
    if (there === undefined) return true
    if (!ours.has(name)) return there !== sum
    return ours.get(name) !== sum || (!rewritten && there !== sum)
  })
  const remove = [...ours.keys()].filter((name) => !wanted.some((one) => one.name === name))
  const isListed = wanted.every(({ name, sum }) => ours.get(name) === sum)
  if (put.length + remove.length === 0 && isListed) return undefined
  const list = wanted.map(({ name, sum }) => `${sum}  ${name}`)
  return { put: put.map(({ name }) => name), remove, list }
}

const otherFiles = (files: string[]) =>
  new LabError(
    `${files.join(', ')} in ${manifestsOnNode}: someone put it there, and RKE2 would take it for one of ${manifestsFolder}`,
    {
      details: files
        .filter((file) => file.endsWith('.skip'))
        .map((file) => `RKE2 ignores ${file.slice(0, -5)} as long as ${file} is there`),
      hint: [`# move it away there, or rename the file in ${manifestsFolder}; then run this again`],
    },
  )
