// PURE. The list of all checks of the host, which doctor runs, with those that create needs no check for.
import type { Obstacle } from '../download/fetch.ts'
import type { LabError } from '../text/errors.ts'
import { failure, forPeople, fromError, ok, warning, type Finding } from '../text/findings.ts'
import { find, stopsCreate as stops, type Check } from './checks.ts'
import type { Facts, Question } from './facts.ts'
import { checkFolder } from './folder.ts'
import { checkFirewall, checkRoutes } from './traffic.ts'
import { checkVip } from './vip.ts'

/** Where the image is: a file on this host, a URL (perhaps with an obstacle), or unknown because of an error. */
export type ImagePlace =
  | 'not needed'
  | { file: string }
  | { url: string; obstacle: Obstacle | undefined }
  | { error: LabError }

/** The facts that doctor needs. */
export interface AllFacts extends Facts {
  /** Why libvirt does not answer. */
  trouble: LabError | undefined
  image: ImagePlace
  /** Version of Node.js. */
  node: string
  /** The variable with the proxy of this host. */
  proxy: string | undefined
}

export const checks: Check<AllFacts>[] = [
  { name: 'Node', here: true, asks: ['npm'], find: checkNode },
  stops.tools,
  { name: 'libvirt', find: checkLibvirt }, // create has used it by then
  stops.kvm,
  stops.network,
  { name: 'routes', asks: ['interfaces', 'routes'], find: checkRoutes },
  {
    name: 'firewall',
    there: true,
    asks: ['forwards', 'filters', 'rules', 'backend'],
    find: checkFirewall,
  },
  {
    ...stops.addresses,
    *find(facts) {
      yield* stops.addresses.find(facts)
      yield* checkVip(facts)
    },
  },
  stops.names,
  stops.memory,
  {
    ...stops.disk,
    asks: ['disk', 'folder'],
    find: (facts) => [...stops.disk.find(facts), ...checkFolder(facts)],
  },
  // create finds the image itself
  { name: 'image', here: true, find: (facts) => [...checkImage(facts), ...checkProxy(facts)] },
]

/** The questions that doctor needs. */
export const questions: Question[] = checks.flatMap(({ asks = [] }) => asks)

/** The findings of doctor. */
export const findAll = (facts: AllFacts, isFirst = true): Finding[] => find(checks, facts, isFirst)

/** The version of Node; that of npm is only shown. */
export function checkNode({ node, here }: AllFacts): Finding[] {
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const found = `Node ${node}, npm ${here('npm')}`
  if (major > 20 || (major === 20 && minor >= 19)) return [ok('Node', found)]
  const advice = '# Debian 13 has it (nodejs, npm); elsewhere: https://nodejs.org/en/download'
  return [failure('Node', `${found}; 20.19 or newer is needed`, advice)]
}

/** Whether libvirt answers this user. */
export function checkLibvirt({ lab, trouble }: AllFacts): Finding[] {
  if (trouble) return [failure('libvirt', trouble.message, ...trouble.hint)]
  return [ok('libvirt', `${lab.libvirt} answers`)]
}

/** The image: on this host, or available from its publisher. */
export function checkImage({ image }: AllFacts): Finding[] {
  if (image === 'not needed') return [ok('image', 'not needed: every machine exists')]
  if ('file' in image) return [ok('image', `${image.file} is on this host`)]
  if ('error' in image) return [fromError('image', image.error)]
  const { url, obstacle } = image
  if (!obstacle) return [ok('image', `${url} is available`)]
  const {
    why,
    sure,
    fix = ['fix image.url in the lab file, or the internet connection'],
  } = obstacle
  return [(sure ? failure : warning)('image', `${url}: ${why}`, ...fix.map(forPeople))]
}

/** Where this host needs a proxy, the machines may need it too; the scripts cannot know. */
export function checkProxy({ lab, proxy }: AllFacts): Finding[] {
  if (proxy === undefined || lab.proxy !== undefined) return []
  const found = `${proxy} is set on this host, but the machines will use no proxy`
  return [warning('proxy', found, '# if they need it too: proxy: host in the lab file')]
}
