// Hosts as observe sees them, made of what libvirt printed once.
import { parseDomain, type Domain, type Host, type Volume } from '../../lib/libvirt/host.ts'
import { fixture } from './fixtures.ts'
import { makeLab } from './labs.ts'

export const lab = makeLab((raw) => (raw.network.cidr = '192.0.2.0/24'))
export const poolPath = '/var/lib/libvirt/images/rke2-kvm-lab'
export const base = 'base-0123456789abcdef.qcow2'
export const filesOf = (...names: string[]) => names.map((name) => `${poolPath}/${name}`)

export const emptyHost: Host = { domains: [], volumeNames: [], volumes: [], formerNetworks: [] }
export const ourPool = { uuid: lab.pool.uuid, path: poolPath, available: 0, active: true }
export const ourNetwork = {
  uuid: lab.networkUuid,
  bridge: 'virbr9',
  address: '192.0.2.1',
  netmask: '255.255.255.0',
  active: true,
}

const config = fixture('domain-persistent.libvirt-9.0.0.xml')

/** A domain of the lab. */
export const domain = (name: string, more: Partial<Domain> = {}): Domain => ({
  ...parseDomain(config, config, 'shut off'),
  name,
  owner: { lab: 'lab', role: 'agent', address: '192.0.2.9' },
  files: [],
  targets: [],
  seed: {},
  macs: [],
  ...more,
})

/** Of an unknown owner. */
export const stranger = (name: string, more: Partial<Domain> = {}): Domain => {
  const { owner: _, ...rest } = domain(name)
  return { ...rest, ...more }
}

/** A whole volume, which grows on the base image unless another is given. */
export const volumeOf = (name: string, backing = base): Volume => ({
  name,
  path: `${poolPath}/${name}`,
  capacity: 2 ** 20,
  allocation: 1,
  physical: 1,
  ...(backing ? { backing: `${poolPath}/${backing}` } : {}),
})

/** A host with our pool, of whose disks the details are known. */
export const hostWith = (domains: Domain[], volumes: string[]): Host => ({
  ...emptyHost,
  domains,
  pool: ourPool,
  volumeNames: volumes,
  volumes: volumes
    .filter((name) => name.endsWith('.qcow2'))
    .map((name) => volumeOf(name, name.startsWith('base-') ? '' : undefined)),
})
