// PURE. The proxies of the machines.
import { UsageError } from '../text/errors.ts'
import type { Lab } from './lab.ts'

/** `environment` is this host's; throws if its proxies are wanted and it has none. */
export function proxiesOf(
  { proxy }: Pick<Lab, 'proxy'>,
  environment: Record<string, string | undefined>,
): Exclude<Lab['proxy'], 'host'> {
  if (proxy !== 'host') return proxy
  const [http = '', https = '', no = ''] = ['http', 'https', 'no'].map(
    (name) => environment[`${name}_proxy`] || environment[`${name}_proxy`.toUpperCase()],
  )
  const isAddress = (text: string) => /^https?:\/\/[^\s'"\\<>]+$/.test(text)
  if ([http, https].every((text) => !text || isAddress(text)) && http + https)
    return { ...(http && { http }), ...(https && { https }), none: no.match(/[^\s,]+/g) ?? [] }
  throw new UsageError(
    'proxy: host, but this shell has no http_proxy or https_proxy as http://HOST:PORT',
    {
      hint: 'export http_proxy=http://HOST:PORT https_proxy=http://HOST:PORT',
    },
  )
}
