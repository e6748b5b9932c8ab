// Lab files for tests: the default one with something changed.
import { stringify } from 'yaml'
import { parseLab, type Lab, type Node } from '../../lib/lab/lab.ts'
import { UsageError } from '../../lib/text/errors.ts'

/** A whole, valid lab file as a value. Addresses are of a documentation network (RFC 5737). */
export const validLab = () => ({
  name: 'lab',
  image: { file: 'image.qcow2' } as Record<string, unknown>,
  network: { bridge: 'br0', cidr: '192.0.2.0/24', gateway: '192.0.2.1' } as Record<string, unknown>,
  nodes: [
    { name: 'kubemaster', role: 'server', address: '192.0.2.30' },
    { name: 'worker01', role: 'agent', address: '192.0.2.31' },
    { name: 'worker02', role: 'agent', address: '192.0.2.32' },
  ] as Record<string, unknown>[],
  rke2: { version: 'v1.36.5+rke2r1' } as Record<string, unknown>,
})

export type RawLab = ReturnType<typeof validLab> & Record<string, unknown>

/** The lab file's text after `change` changed the value. */
export function labText(change: (lab: RawLab) => unknown = () => {}): string {
  const lab = validLab() as RawLab
  change(lab)
  return stringify(lab)
}

/** Changes a lab to one on a NAT network. */
export function nat(lab: RawLab): void {
  delete lab.network.bridge
  lab.network.nat = 'nat'
}

/** The checked lab; throws what the scripts would. */
export const makeLab = (change?: (lab: RawLab) => unknown): Lab =>
  parseLab(labText(change), 'lab.yaml')

export function nodeOf(lab: Lab, name = 'kubemaster'): Node {
  const node = lab.nodes.find((one) => one.name === name)
  if (!node) throw new Error(`no node ${name} in the test's lab`)
  return node
}

/** The problems that a lab file has, as the reader sees them. */
export function problems(text: string): string[] {
  try {
    parseLab(text, 'lab.yaml')
    return []
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return [error.message, ...error.details]
  }
}
export const problemsOf = (change: (lab: RawLab) => unknown) => problems(labText(change)).slice(1)

/** Sets `value` at a path such as 'nodes.0.name' of a raw lab. */
export function setAt(lab: unknown, path: string, value: unknown): void {
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  let place = lab as Record<string, unknown>
  for (const key of keys) place = (place[key] ??= {}) as Record<string, unknown>
  place[last] = value
}

/** What users may write into a field, by mistake or not. */
export const hostileStrings = [
  '; rm -rf /',
  '$(id)',
  '`id`',
  "it's",
  'say "hi"',
  "'\"'\"'",
  'a & b',
  '<x/>',
  'two\nlines',
  'back\\slash',
  '%s %n',
  '-rf',
  '../../etc/passwd',
  'a b',
  '*',
  '~root',
  '!!python/object/apply:os.system [id]',
  '{a: 1}',
  '# comment',
  'x'.repeat(300),
]

/** The first node with two further disks and two further cards. */
export const withExtras = (lab: RawLab): void =>
  void Object.assign(lab.nodes[0]!, {
    disks: [
      { name: 'data', size: '10GiB', mount: '/var/lib/data' },
      { name: 'spare', size: '1GiB' },
    ],
    networks: [
      { name: 'storage', bridge: 'br1', address: '10.0.0.30/24' },
      { name: 'vms', network: 'isolated' },
    ],
  })
