// PURE. rke2/registries.yaml: where the nodes pull images from, and with which login. RKE2 drops a key that it does not know
// without a word (rancher/wharfie: pkg/registries), so each one is checked here.
import { createHash } from 'node:crypto'
import { z } from '../runtime/packages.ts'
import { Bare, readMapping, refuse } from '../text/yaml.ts'

/** The file that people edit, and where RKE2 reads it at its start. */
export const registriesFile = 'rke2/registries.yaml'
export const registriesOnNode = '/etc/rancher/rke2/registries.yaml'

const mirror = z.strictObject({
  endpoint: z.array(z.string()).optional(),
  rewrite: z.record(z.string(), z.string()).optional(),
})
const config = z.strictObject({
  auth: z
    .strictObject({
      username: z.string(),
      password: z.string(),
      auth: z.string(),
      identity_token: z.string(),
    })
    .partial()
    .nullable()
    .optional(),
  tls: z
    .strictObject({
      ca_file: z.string(),
      cert_file: z.string(),
      key_file: z.string(),
      insecure_skip_verify: z.union([z.boolean(), z.stringFormat('switch', /^(yes|no|on|off)$/i)]),
    })
    .partial()
    .nullable()
    .optional(),
})
const registries = z.strictObject({
  mirrors: z.record(z.string(), mirror.nullable()).nullable().optional(),
  configs: z.record(z.string(), config.nullable()).nullable().optional(),
})

const instead: Record<string, string> = {
  rewrites: 'rewrite',
  token: 'identity_token',
  endpoints: 'endpoint',
}

/** The SHA-256 of the file. Throws a UsageError for what RKE2 would ignore or fail on; values are not in it. */
export function registriesSum(text: string): string {
  const entries = readMapping(text, registriesFile, 'mirrors and configs')
  const found = registries.safeParse(
    Object.fromEntries(entries.map(({ key, value }) => [key, plain(value)])),
  )
  const problems = (found.error?.issues ?? []).flatMap((issue) => {
    const at = issue.path.join('.')
    if (issue.code !== 'unrecognized_keys') return `${at}: ${issue.message}`
    return issue.keys.map((key) => {
      const right = instead[key]
      const hint = right ? `; it is called ${right}` : ''
      return `${[...issue.path, key].join('.')}: RKE2 does not know this key and would ignore it${hint}`
    })
  })
  refuse(registriesFile, problems)
  return createHash('sha256').update(text).digest('hex')
}

/** What is wrong with embedded-registry: true beside the file, undefined if there is none. */
export function embeddedProblem(
  config: Record<string, unknown>,
  text?: string,
): string | undefined {
  if (!/^(true|t|1)$/i.test(String(plain(config['embedded-registry'])))) return undefined
  const mirrors = readMapping(text ?? '', registriesFile, 'mirrors and configs').find(
    ({ key }) => key === 'mirrors',
  )?.value
  if (mirrors instanceof Map && mirrors.size > 0) return undefined
  const lacks =
    text === undefined
      ? `there is no ${registriesFile}: some versions of RKE2 do not start then, and no node shares an image`
      : `${registriesFile} has no mirrors: no node shares an image`
  return `embedded-registry is true, but ${lacks}; write there:\nmirrors:\n  "*":`
}

/** Whether there is a login in it. */
export const holdsLogin = (text: string): boolean =>
  /(^\s*|[{,]\s*)["']?(password|auth|identity_token)["']?:\s*[^\s{#]/m.test(text)

// To RKE2 a number is text where it wants text.
function plain(value: unknown): unknown {
  if (value instanceof Bare) return value.text
  if (value instanceof Map)
    return Object.fromEntries(
      [...(value as Map<unknown, unknown>)].map(([key, of]) => [String(key), plain(of)]),
    )
  return Array.isArray(value) ? value.map(plain) : value
}
