// PURE. What is in manifests besides objects: the images that they need, and a load balancer that would fight with RKE2's own,
// or with the lab for addresses.
import type { Lab } from '../lab/lab.ts'
import { cidrContains, isAddress, rangeContains } from '../lab/rules.ts'
import { Bare } from '../text/yaml.ts'

interface File {
  name: string
  text: string
}

const anImage = /(?:^[\s-]*|[{,]\s*)"?image"?: *["']?([\w./:@-]+)/gm
const chart = /^kind: *["']?HelmChart["']?\s*$/m

/** The images that they name, also in texts within them; what charts bring is not known here, so their files stand for it. */
export function imagesOf(files: File[]): string[] {
  const all = files.flatMap(({ name, text }) => [
    ...[...text.matchAll(anImage)].map(([, image = '']) => image),
    ...(chart.test(text) ? [`the chart in ${name} with its images`] : []),
  ])
  return [...new Set(all)]
}

const metalLb =
  /^apiVersion: *["']?metallb\.io\/|^\s+chart: *["']?(\S*\/)?metallb\b|quay\.io\/metallb\//m
const ofOneClass = /^[^#\n]*(loadBalancerClass|--lb-class)/m

/** Why files that bring MetalLB are refused: RKE2's servicelb is on, and both would serve every Service of type LoadBalancer. */
export function balancerTrouble(files: File[], servicelb: unknown): string[] {
  const value = servicelb instanceof Bare ? servicelb.text : servicelb
  if (!/^(true|yes|on|y|1)$/i.test(String(value))) return []
  if (files.some(({ text }) => ofOneClass.test(text))) return []
  return files
    .filter(({ text }) => metalLb.test(text))
    .map(
      ({ name }) =>
        `${name}: MetalLB and enable-servicelb would both serve every Service; remove one of the two, or give MetalLB a loadBalancerClass`,
    )
}

/** Why a range of addresses for Services is refused: two machines would answer for an address of the lab. */
export function rangeTrouble(range: string, { nodes, network, rke2 }: Lab): string[] {
  const taken = [
    ...nodes.flatMap(({ name, address, networks }) =>
      [address, ...networks.flatMap((card) => card.address?.replace(/\/.*/, '') ?? [])].map(
        (one) => ({ address: one, whose: `of ${name}` }),
      ),
    ),
    ...(rke2.vip === undefined ? [] : [{ address: rke2.vip, whose: 'of rke2.vip' }]),
    { address: network.gateway, whose: 'of the gateway' },
  ]
  return taken
    .filter(({ address }) => rangeContains(range, address))
    .map(({ address, whose }) => `${range} has the address ${address} ${whose}`)
}

/** Whether a range of IPv4 addresses is in no network of the nodes: nobody there asks for it by ARP. */
export function isFar(range: string, { network, nodes }: Lab): boolean {
  const [first = ''] = range.split(/[-/]/).map((end) => end.trim())
  const cards = nodes.flatMap(({ networks }) => networks.flatMap(({ address }) => address ?? []))
  return isAddress(first) && ![network.cidr, ...cards].some((cidr) => cidrContains(cidr, first))
}
