// PURE. From which versions of RKE2 a cluster can go to another one, and what changes on the way.
import { LabError } from '../text/errors.ts'

/** A node with the version of RKE2 that is installed on it. */
export interface Installed {
  name: string
  role: 'server' | 'agent'
  version: string
}

/** v1.36.5-rc2+rke2r1 as numbers, the most important first; a release comes after its candidates. */
function numbersOf(version: string): number[] {
  const parts = /^v(\d+)\.(\d+)\.(\d+)(?:-rc(\d+))?\+rke2r(\d+)$/.exec(version)?.slice(1)
  if (!parts)
    throw new LabError(`cannot tell which versions come before and after RKE2 ${version}`, {
      hint: '# a version that is no release is upgraded by hand: rke2/README.md, "Upgrade"',
    })
  return parts.map((part) => Number(part ?? Infinity))
}

/** Less than 0 if `one` is older than `other`, more if it is newer. */
export function compareVersions(one: string, other: string): number {
  const theirs = numbersOf(other)
  const differences = numbersOf(one).map((mine, index) =>
    mine === theirs[index] ? 0 : mine < (theirs[index] ?? 0) ? -1 : 1,
  )
  return differences.find((one) => one !== 0) ?? 0
}

const minorOf = (version: string) => numbersOf(version)[1] ?? 0

// kubernetes.io/releases/version-skew-policy
const kubeletMayLag = 3

/** Throws if these nodes cannot go to the version `target`. */
export function checkPath(target: string, nodes: Installed[]): void {
  const sorted = nodes.toSorted((a, b) => compareVersions(a.version, b.version))
  const newest = sorted.at(-1)
  if (newest && compareVersions(newest.version, target) > 0) throw downgrade(newest, target)
  const server = sorted.find(({ role }) => role === 'server')
  if (server && minorOf(target) - minorOf(server.version) > 1) throw skips(server, target)
  const [late] = sorted
  if (late && minorOf(target) - minorOf(late.version) > kubeletMayLag)
    throw new LabError(
      `${late.name} runs RKE2 ${late.version}, more than ${kubeletMayLag} minor versions before ${target}`,
      {
        details: ['nothing was changed; Kubernetes does not support such an old kubelet'],
        hint: '# take this node out of the cluster, recreate its machine, and join it',
      },
    )
}

function downgrade({ name, version }: Installed, target: string): LabError {
  return new LabError(
    `${name} runs RKE2 ${version}, and the lab file says ${target}: that would be a downgrade`,
    {
      details: [
        minorOf(version) > minorOf(target)
          ? 'nothing was changed; an older minor version cannot use the data of a newer one'
          : 'nothing was changed; RKE2 does not promise that an older program can use the data of a newer one',
      ],
      hint: [
        `# set rke2.version back to ${version}`,
        '# or go back with all of the data: tutorials/30-upgrade.md, "The way back"',
      ],
    },
  )
}

function skips({ name, version }: Installed, target: string): LabError {
  const [major = 1, minor = 0] = numbersOf(version)
  const between = `v${major}.${minor + 1}`
  return new LabError(
    `${name} runs RKE2 ${version}: on the way to ${target} no minor version may be skipped`,
    {
      details: [`nothing was changed; Kubernetes supports only the step to ${between}`],
      hint: [
        `# set rke2.version to the newest ${between} (https://docs.rke2.io/release-notes/${between}.X), and upgrade`,
        `# then to ${minorOf(target) - minor > 2 ? 'the next one' : target}`,
      ],
    },
  )
}

/** What users should know before they go from one version to another, from RKE2's release notes. */
export function pathWarnings(from: string, target: string, ingress: string[]): string[] {
  const passes = (minor: number) => minorOf(from) < minor && minorOf(target) >= minor
  if (!ingress.includes('ingress-nginx')) return []
  if (passes(37))
    return [
      'RKE2 v1.37 brings no ingress-nginx: set ingress-controller to traefik in rke2.config and move your Ingresses before',
    ]
  return passes(36)
    ? [
        'this cluster keeps ingress-nginx; new ones get Traefik since v1.36, and v1.37 has no ingress-nginx any more',
      ]
    : []
}

/** APIs that somebody used since the API's last start and that this version or an earlier one removes, from its metrics. */
export const removedApis = (metrics: string, target: string): string[] =>
  metrics.split('\n').flatMap((line) => {
    const label = (name: string) => new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? ''
    const [, minor] = label('removed_release').split('.').map(Number)
    if (!minor || minor > minorOf(target) || !line.trim().endsWith(' 1')) return []
    const api = [label('group'), label('version')].filter(Boolean).join('/')
    return [
      `${label('resource')} of ${api} are still requested, and v1.${minor} removes that API: change the manifests that name it`,
    ]
  })

/** The name of the snapshots that are taken before an upgrade to a version. */
export const snapshotName = (version: string): string =>
  `before-${version.replace('+rke2r1', '').replace(/[^a-z0-9]+/gi, '-')}`

/** Which nodes are new and which old when an upgrade has stopped at `at`. */
export function standing(target: string, done: string[], at: string, rest: Installed[]): string[] {
  const olds = [...new Set(rest.map(({ version }) => version))]
  const namesOf = (version: string) =>
    rest.flatMap((one) => (one.version === version ? [one.name] : [])).join(', ')
  return [
    ...(done.length > 0 ? [`at ${target}: ${done.join(', ')}`] : []),
    `stopped at ${at}`,
    ...olds.map((old) => `still at ${old}: ${namesOf(old)}`),
  ]
}
