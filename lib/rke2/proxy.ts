// PURE. The proxies of RKE2 on a node: its service reads them from a file beside its configuration (docs.rke2.io/advanced).
import type { Lab } from '../lab/lab.ts'
import { proxiesOf } from '../lab/proxy.ts'
import { quote } from '../text/quote.ts'

export const environmentFile = (service: string) => `/etc/default/${service}`

const ours = /^(HTTP|HTTPS|NO)_PROXY=/

/** For root's sh on a node: the lines of the file that are not ours, which may hold secrets. */
export const keepOthers = (file: string) => `sed -E '/${ours.source}/d' ${file}`

/** Where nothing goes through a proxy: the lab, the cluster's own networks and names, and what the user adds. */
function direct({ network, rke2 }: Lab, none: string[]): string {
  const value = (key: string, usual: string) => [rke2.config[key] ?? usual].flat().map(String)
  const cluster = [
    ...value('cluster-cidr', '10.42.0.0/16'),
    ...value('service-cidr', '10.43.0.0/16'),
  ]
  const names = value('cluster-domain', 'cluster.local').map((name) => `.${name}`)
  const all = ['localhost', '127.0.0.0/8', network.cidr, ...cluster, '.svc', ...names, ...none]
  return [...new Set(all)].join()
}

/** The lines of that file as bash that prints them, where they are not in `current`. A proxy of this host may hold a password
 *  and is not shown. `keeps`: the file has other lines. */
export function proxyLines(
  lab: Lab,
  current: string,
  environment: Record<string, string | undefined>,
): { bash: string; keeps: boolean } | undefined {
  const proxies = proxiesOf(lab, environment)
  if (!proxies) return undefined
  const values = [
    ['HTTP_PROXY', proxies.http],
    ['HTTPS_PROXY', proxies.https],
    ['NO_PROXY', direct(lab, proxies.none)],
  ].flatMap(([name = '', value]) => (value ? [{ name, line: `${name}=${value}` }] : []))
  const lines = current.split('\n').filter(Boolean)
  const known = lines.filter((line) => ours.test(line))
  if (known.join('\n') === values.map(({ line }) => line).join('\n')) return undefined
  const words = values.map(({ name, line }) =>
    lab.proxy === 'host' && name !== 'NO_PROXY'
      ? `"${name}=\${${name.toLowerCase()}:-$${name}}"`
      : quote(line),
  )
  return { bash: `printf '%s\\n' ${words.join(' ')}`, keeps: lines.length > known.length }
}
