// What the tools print -> values, and what is concluded from them.
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { parseInitFiles, readInitFiles, silentGuest } from '../lib/guest/cloud-init-status.ts'
import { destroyPlan, isNothing, planText } from '../lib/machine/destroy-plan.ts'
import { differences } from '../lib/machine/drift.ts'
import {
  baseVolume,
  findDigest,
  isUnvouched,
  signedBy,
  signers,
} from '../lib/download/checksums.ts'
import type { Host } from '../lib/libvirt/observe.ts'
import {
  connectionProblem,
  parseDomain,
  parseNetwork,
  parsePool,
  parseVolume,
  sections,
  words,
  type Domain,
} from '../lib/libvirt/host.ts'
import { knock } from '../lib/guest/ready.ts'
import { fixture } from './helpers/fake-bin.ts'
import { makeLab, nodeOf } from './helpers/labs.ts'

const pool = '/var/lib/libvirt/images/rke2-kvm-lab'
const live = fixture('domain-running.libvirt-9.0.0.xml')
const config = fixture('domain-persistent.libvirt-9.0.0.xml')
const seedFile = `${pool}/lab-kubemaster-seed.iso`

await t.test('a running domain of ours', async (t) => {
  t.strictSame(parseDomain(live, config, 'running\n'), {
    name: 'kubemaster',
    uuid: '14ab7fab-a138-836d-8043-8e0592d36cb9',
    owner: { lab: 'lab', role: 'server', address: '192.168.1.30' },
    state: 'running',
    persistent: true,
    vcpus: 2,
    memory: 2 ** 30,
    macs: ['52:54:00:9f:c4:b3'],
    files: [`${pool}/lab-kubemaster.qcow2`, seedFile],
    seed: { live: seedFile, config: seedFile },
  })
})

await t.test('a drive is empty on the side where it was ejected', async (t) => {
  const liveGone = fixture('domain-ejected.libvirt-9.0.0.xml')
  const configGone = fixture('domain-ejected-persistent.libvirt-9.0.0.xml')
  t.strictSame(parseDomain(liveGone, configGone, 'running').seed, {})
  t.strictSame(parseDomain(liveGone, config, 'running').seed, { config: seedFile })
  t.strictSame(parseDomain(live, configGone, 'running').seed, { live: seedFile })
  t.strictSame(parseDomain(config, config, 'shut off').seed, { config: seedFile }, 'no live side')
})

await t.test('a domain of somebody else has no owner, nor has one with a look-alike', async (t) => {
  const foreign = fixture('domain-foreign.libvirt-9.0.0.xml')
  const domain = parseDomain(foreign, foreign, 'shut off')
  t.match(domain, { name: 'other', memory: 256 * 2 ** 20, vcpus: 1, macs: [] })
  t.notOk('owner' in domain)
  const alike = config.replace('urn:rke2-kvm-lab:1', 'urn:other')
  t.notOk('owner' in parseDomain(alike, alike, 'shut off'))
  const renamed = config.replaceAll('lab:node', 'x:node').replace('xmlns:lab', 'xmlns:x')
  t.equal(parseDomain(renamed, renamed, 'shut off').owner?.lab, 'lab', 'the prefix is free')
})

await t.test('a transient domain has a live side only', async (t) => {
  t.match(parseDomain(live, '', 'running'), { persistent: false, name: 'kubemaster' })
})

await t.test('escaped characters in XML are read back', async (t) => {
  const odd = config.replace('lab-kubemaster.qcow2', 'a &amp; &apos;b&apos;.qcow2')
  t.equal(parseDomain(odd, odd, 'shut off').files[0], `${pool}/a & 'b'.qcow2`)
})

await t.test('volumes, pool and network', async (t) => {
  t.strictSame(parseVolume(fixture('volume-overlay.libvirt-9.0.0.xml')), {
    name: 'lab-kubemaster.qcow2',
    path: `${pool}/lab-kubemaster.qcow2`,
    capacity: 40 * 2 ** 30,
    allocation: 2437120,
    physical: 2490368,
    backing: `${pool}/base-0a04793648ffdd5e.qcow2`,
  })
  const base = parseVolume(fixture('volume-base.libvirt-9.0.0.xml'))
  t.match(base, { capacity: 2 ** 31, physical: 149159936 })
  t.notOk('backing' in base)
  t.strictSame(parsePool(fixture('pool.libvirt-9.0.0.xml')), {
    uuid: makeLab().pool.uuid,
    path: pool,
    available: 243481292800,
  })
  t.strictSame(parseNetwork(fixture('network.libvirt-9.0.0.xml')), {
    uuid: '11111111-2222-8333-8444-555555555555',
    bridge: 'virbr0',
    address: '192.168.150.1',
    netmask: '255.255.255.0',
  })
  t.strictSame(parseNetwork(''), { uuid: '', bridge: '', address: '', netmask: '0.0.0.0' }, 'total')
  const two =
    "<network><ip family='ipv6' address='fd00::1' prefix='64'/><ip address='10.0.0.1' prefix='24'/></network>"
  t.match(parseNetwork(two), { address: '10.0.0.1', netmask: '255.255.255.0' })
  t.match(parseVolume(''), { name: '', capacity: 0 })
})

await t.test('several commands in one virsh are told apart', async (t) => {
  const found = sections(fixture('batch.libvirt-9.0.0.txt').split('--- stderr')[0] ?? '', '@m')
  t.strictSame([...found.keys()], ['a', 'b', 'c', 'd', 'e'])
  t.equal(words(found.get('a') ?? '').length, 3)
  t.equal(found.get('b'), '', 'what failed is empty')
  t.equal(words(found.get('c') ?? '')[0]?.split(/\s{2,}/)[0], 'base-0a04793648ffdd5e.qcow2')
  t.equal(found.get('d'), 'running')
  t.match(found.get('e'), /^Persistent: +yes$/m)
  t.strictSame(sections('', '@m'), new Map())
})

await t.test('why libvirt cannot be reached, and what mends it', async (t) => {
  const system = 'qemu:///system'
  const denied = connectionProblem(fixture('connect-denied.libvirt-9.0.0.txt'), system)
  t.match(denied.why, /^this user may not use qemu:\/\/\/system: Failed to connect socket/)
  t.match(denied.fix[0], 'usermod -aG libvirt')
  const polkit = connectionProblem(
    "error: failed to connect to the hypervisor\nerror: authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'",
    system,
  )
  t.match(polkit.why, 'this user may not use')
  const missing = connectionProblem(fixture('connect-missing.libvirt-9.0.0.txt'), system)
  t.match(missing.why, /^libvirt is not running or not installed: Failed to connect socket/)
  t.match(missing.fix[0], 'systemctl enable --now libvirtd')
  const other = connectionProblem('error: failed to connect\nerror: odd', 'xen:///system')
  t.strictSame(other, { why: 'odd', fix: ['virsh -c xen:///system version'] })
  t.equal(connectionProblem('', system).why, 'no message')
})

// cloud-init

await t.test('what cloud-init wrote becomes a state', async (t) => {
  const state = (status: unknown, result?: unknown) =>
    parseInitFiles(
      (status ? `== status.json\n${JSON.stringify(status)}\n` : '') +
        (result ? `== result.json\n${JSON.stringify(result)}\n` : ''),
    )
  t.strictSame(parseInitFiles(fixture('cloud-init-done.cloud-init-22.4.2.txt')), {
    kind: 'done',
    warnings: [],
  })
  t.match(parseInitFiles(fixture('cloud-init-failed.cloud-init-22.4.2.txt')), {
    kind: 'failed',
    errors: [/scripts-user.*Runparts: 1 failures/],
  })
  t.match(parseInitFiles(fixture('cloud-init-complains.txt')), {
    kind: 'done',
    warnings: [/failed schema validation/],
  })
  t.strictSame(parseInitFiles('== disabled\n'), { kind: 'done', warnings: [] }, 'after eject')
  t.match(parseInitFiles(''), { kind: 'busy', state: 'cloud-init has not started yet' })
  t.match(state({ v1: { stage: 'modules-final' } }), { state: 'cloud-init: final stage' })
  t.match(state({ v1: { stage: 'init-local' } }), { state: 'cloud-init: local stage' })
  t.match(state({ v1: { stage: null } }), { kind: 'busy', state: 'cloud-init at work' })
  t.match(parseInitFiles('== status.json\n{"v1": {"sta'), { kind: 'busy' }, 'half written')
  t.match(readInitFiles, /^cd \/run\/cloud-init && /)
})

await t.test('a guest that never answered is explained from its console', async (t) => {
  const said: [string, RegExp][] = [
    ['', /nothing was ever printed/],
    ['  \n', /nothing was ever printed/],
    ['SeaBIOS\nNo bootable device.', /found nothing to boot/],
    ['Boot failed: Could not read from CDROM\nlocalhost login:', /cloud-init never ran/],
    ['[    1.0] Kernel panic - not syncing: VFS', /kernel panicked/],
    ['Cloud-init v. 22.4.2 finished\nworker01 login:', /network or SSH did not come up/],
    ['Debian GNU/Linux 12 localhost ttyS0\nlocalhost login:', /cloud-init never ran/],
    ['Loading Linux 6.1.0', /still booting, or hangs/],
  ]
  for (const [text, meaning] of said) t.match(silentGuest(text), meaning)
})

await t.test('a port is open, or the host refuses', async (t) => {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  t.equal(await knock('127.0.0.1', port, 5000), 'open')
  await new Promise((resolve) => server.close(resolve))
  t.equal(await knock('127.0.0.1', port, 5000), 'refused')
})

// Images

await t.test('the digest of an image is found in checksum files of both kinds', async (t) => {
  const [short, long] = ['0a'.repeat(32), 'bc'.repeat(64)]
  const ubuntu = `${short} *noble.img\n${'f'.repeat(64)} *noble.img.manifest\n`
  t.strictSame(findDigest(ubuntu, 'noble.img'), { algorithm: 'sha256', hex: short })
  t.strictSame(findDigest(`${long}  debian.qcow2\n`, 'debian.qcow2'), {
    algorithm: 'sha512',
    hex: long,
  })
  t.equal(findDigest(ubuntu, 'noble'), undefined)
  t.equal(findDigest(ubuntu, 'n.ble.img'), undefined)
  t.equal(findDigest('<html>not found</html>', 'noble.img'), undefined)
  t.equal(findDigest(`${short.toUpperCase()} *noble.img`, 'noble.img'), undefined)
  t.equal(baseVolume({ algorithm: 'sha256', hex: short }), 'base-0a0a0a0a0a0a0a0a.qcow2')
})

await t.test('only a valid signature by the pinned key counts', async (t) => {
  const [primary, sub] = ['A'.repeat(40), 'B'.repeat(40)]
  const valid = `[GNUPG:] VALIDSIG ${sub} 2026-01-01 1767225600 0 4 0 1 10 00 ${primary}`
  t.ok(signedBy(`[GNUPG:] NEWSIG\n${valid}\n`, primary))
  t.ok(signedBy(valid, sub))
  t.notOk(signedBy(valid, 'C'.repeat(40)))
  t.notOk(signedBy(valid.replace('VALIDSIG', 'BADSIG'), primary))
  t.notOk(signedBy(valid.replace('VALIDSIG', 'EXPKEYSIG'), primary))
  t.notOk(signedBy('', primary))
  const trusted = [
    'https://a.test/x',
    'http://192.168.1.1/x',
    'http://localhost:80/x',
    'http://[::1]/x',
  ]
  for (const url of trusted) t.notOk(isUnvouched(url), url)
  for (const { host } of signers) t.notOk(isUnvouched(`http://${host}/x`), host)
  for (const url of ['http://a.test/x', 'http://1.1.1.1/x']) t.ok(isUnvouched(url), url)
  for (const { fingerprint } of signers) t.match(fingerprint, /^[0-9A-F]{40}$/)
})

// The host

const lab = makeLab((raw) => (raw.network.cidr = '192.0.2.0/24'))
const emptyHost: Host = { domains: [], volumeNames: [], volumes: [], formerNetworks: [] }
const ourNetwork = {
  uuid: lab.networkUuid,
  bridge: 'virbr9',
  address: '192.0.2.1',
  netmask: '255.255.255.0',
  active: true,
}
const volumeOf = (name: string, backing = 'base-0123456789abcdef.qcow2') => ({
  name,
  path: `${pool}/${name}`,
  capacity: 1,
  allocation: 1,
  physical: 1,
  ...(backing ? { backing: `${pool}/${backing}` } : {}),
})
const domain = (name: string, more: Partial<Domain> = {}): Domain => ({
  ...parseDomain(config, config, 'shut off'),
  name,
  owner: { lab: 'lab', role: 'agent', address: '192.0.2.9' },
  files: [],
  seed: {},
  macs: [],
  ...more,
})
/** Made by nobody that is known. */
const stranger = (name: string, more: Partial<Domain> = {}): Domain => {
  const { owner: _, ...rest } = domain(name)
  return { ...rest, ...more }
}

await t.test('an existing machine that differs from the lab file', async (t) => {
  const node = nodeOf(lab)
  const found = (more: Partial<Domain>, disk?: number) =>
    differences(node, {
      ...emptyHost,
      domains: [domain('kubemaster', more)],
      volumes: disk ? [{ ...volumeOf(node.volume), capacity: disk }] : [],
    })
  const same = { vcpus: 2, memory: node.memory, owner: { ...node, lab: 'lab' } }
  t.strictSame(found(same, node.disk), [])
  t.strictSame(found(same), [], 'a volume that is not known says nothing')
  t.strictSame(differences(node, emptyHost), [])
  t.strictSame(found(same, 20 * 2 ** 30), ['disk is 20 GiB, the lab file says 40 GiB'])
  const other = {
    vcpus: 1,
    memory: 2 ** 30,
    owner: { lab: 'lab', role: 'agent', address: '1.2.3.4' },
  }
  t.strictSame(found(other), [
    'vcpus is 1, the lab file says 2',
    'memory is 1 GiB, the lab file says 4 GiB',
    'role is agent, the lab file says server',
  ])
})

// What destroy removes

const ourPool = { uuid: lab.pool.uuid, path: pool, available: 0, active: true }
const hostWith = (domains: Domain[], volumes: string[]): Host => ({
  ...emptyHost,
  domains,
  pool: ourPool,
  volumeNames: volumes,
  volumes: volumes
    .filter((name) => name.endsWith('.qcow2'))
    .map((name) => volumeOf(name, name.startsWith('base-') ? '' : undefined)),
})
const anySeed = () => true
const noSeed = () => false
const base = 'base-0123456789abcdef.qcow2'
const filesOf = (...names: string[]) => names.map((name) => `${pool}/${name}`)

await t.test('destroy takes all of the lab, and leaves the base image', async (t) => {
  const volumes = ['lab-kubemaster.qcow2', 'lab-kubemaster-seed.iso', 'lab-worker01.qcow2', base]
  const host = hostWith([domain('kubemaster'), stranger('elsewhere')], volumes)
  const plan = destroyPlan(lab, [], host, anySeed, false)
  t.strictSame(
    plan.domains.map(({ name }) => name),
    ['kubemaster'],
  )
  t.strictSame(plan.volumes, volumes.slice(0, 3))
  t.match(plan, { images: [], pool: false, networks: [], leftAlone: [] })
  t.notOk(isNothing(plan))
  t.match(planText(lab, plan, [], ['.lab/lab']), ['domain   kubemaster (shut off)', /^volume/])
  const withImages = destroyPlan(lab, [], host, anySeed, true)
  t.match(withImages, { images: [base], pool: true })
})

await t.test('a base image that another lab grows on stays, and so does the pool', async (t) => {
  const host = hostWith([domain('kubemaster')], ['lab-kubemaster.qcow2', 'home-a.qcow2', base])
  t.match(destroyPlan(lab, [], host, anySeed, true), { images: [], pool: false })
})

await t.test('decoys with names like ours are left alone and told', async (t) => {
  const volumes = [
    'lab-kubemaster.qcow2', // used by a domain of somebody else
    'lab-worker01.qcow2', // grows on no base image of ours
    'lab-worker01-seed.iso', // without our tag
    'lab-gone.qcow2', // of no node that is known
  ]
  const host = {
    ...hostWith(
      [stranger('kubemaster', { files: filesOf('lab-kubemaster.qcow2') }), domain('worker02')],
      volumes,
    ),
    network: { ...ourNetwork, uuid: 'x' },
  }
  host.volumes = [volumeOf('lab-kubemaster.qcow2'), volumeOf('lab-worker01.qcow2', '')]
  const plan = destroyPlan(lab, [], host, noSeed, true)
  t.match(plan, { volumes: [], images: [], networks: [], pool: false })
  t.strictSame(
    plan.domains.map(({ name }) => name),
    ['worker02'],
  )
  t.notOk(plan.names.includes('kubemaster'), 'nor are its logs touched')
  t.match(plan.leftAlone, [
    'domain kubemaster: somebody else made it',
    'volume lab-kubemaster.qcow2: a domain of somebody else uses it',
    'volume lab-worker01.qcow2: this lab did not make it',
    'volume lab-worker01-seed.iso: this lab did not make it',
    /^network .*: this lab did not make it$/,
    'volume lab-gone.qcow2: no node of the lab file and no domain has it',
  ])
})

await t.test('a pool that is not ours is not looked into', async (t) => {
  const host = { ...hostWith([domain('kubemaster')], ['lab-kubemaster.qcow2', base]) }
  host.pool = { ...ourPool, uuid: 'x' }
  const plan = destroyPlan(lab, [], host, anySeed, true)
  t.match(plan, { volumes: [], images: [], pool: false })
  t.strictSame(plan.leftAlone, ['pool rke2-kvm-lab: these scripts did not make it'])
})

await t.test('lab a with node b-c does not take the disk of lab a-b with node c', async (t) => {
  const one = makeLab((raw) => {
    raw.name = 'a'
    raw.nodes[0]!.name = 'b-c'
  })
  const owner = { lab: 'a-b', role: 'server', address: '192.0.2.30' }
  const other = domain('c', { owner, files: filesOf('a-b-c.qcow2', 'a-b-c-seed.iso') })
  const host = hostWith([other], ['a-b-c.qcow2', 'a-b-c-seed.iso', base])
  const plan = destroyPlan(one, [], host, noSeed, false)
  t.match(plan, { domains: [], volumes: [] })
  t.match(plan.leftAlone.join('\n'), 'volume a-b-c.qcow2: a domain of somebody else uses it')
})

await t.test('nodes by name: only theirs, and neither network nor pool', async (t) => {
  const host = {
    ...hostWith(
      [domain('worker01'), domain('worker02')],
      ['lab-worker01.qcow2', 'lab-worker02.qcow2'],
    ),
    network: ourNetwork,
    formerNetworks: [{ name: 'former', active: false }],
  }
  t.match(destroyPlan(lab, [nodeOf(lab, 'worker01')], host, anySeed, true), {
    domains: [{ name: 'worker01' }],
    volumes: ['lab-worker01.qcow2'],
    names: ['worker01'],
    networks: [],
    pool: false,
    images: [],
  })
})

await t.test('disks that a domain of ours got by snapshots go with it, no others', async (t) => {
  const chain = ['lab-kubemaster.qcow2', 'lab-kubemaster.snap1', 'lab-kubemaster.snap2']
  const others = ['thesis.qcow2', 'lab-kubemaster-2.qcow2', 'lab-kubemaster.old']
  const files = filesOf('lab-kubemaster.snap2', ...others.slice(0, 2))
  const host = {
    ...hostWith([domain('kubemaster', { files })], [...chain, ...others, base]),
    volumes: [
      volumeOf('lab-kubemaster.snap2', 'lab-kubemaster.snap1'),
      volumeOf('lab-kubemaster.snap1', 'lab-kubemaster.qcow2'),
      volumeOf('lab-kubemaster.qcow2'),
    ],
  }
  const plan = destroyPlan(lab, [], host, noSeed, true)
  t.strictSame(plan.volumes, chain.toReversed(), 'what grows on another first')
  const cutOff = destroyPlan(lab, [], { ...host, domains: [] }, noSeed, true)
  t.strictSame(cutOff.volumes, plan.volumes, 'also when the domain is gone already')
  const volumes = [...host.volumes.slice(0, 2), volumeOf('lab-kubemaster.qcow2', '')]
  const foreign = destroyPlan(lab, [], { ...host, domains: [], volumes }, noSeed, true)
  t.strictSame(foreign.volumes, [], 'but not what grows on a disk that the lab did not make')
  t.match(plan, { images: [base], pool: false })
  t.strictSame(plan.leftAlone, [
    'volume thesis.qcow2: kubemaster uses it, but this lab did not make it',
    'volume lab-kubemaster-2.qcow2: kubemaster uses it, but this lab did not make it',
    'volume lab-kubemaster.old: no node of the lab file and no domain has it',
  ])
})

await t.test('a disk of ours that a domain of somebody else uses as well stays', async (t) => {
  const files = filesOf('lab-kubemaster.qcow2', 'lab-kubemaster.snap1')
  const volumes = ['lab-kubemaster.qcow2', 'lab-kubemaster.snap1', base]
  const twin = stranger('twin', { files: [...files, ...filesOf(base)] })
  const host = hostWith([domain('kubemaster', { files }), twin], volumes)
  const plan = destroyPlan(lab, [], host, noSeed, true)
  t.match(plan, { domains: [{ name: 'kubemaster' }], volumes: [], images: [], pool: false })
  t.match(plan.leftAlone, ['volume lab-kubemaster.qcow2: a domain of somebody else uses it'])
})

await t.test('so does one that a disk of somebody else grows on', async (t) => {
  const twin = stranger('twin', { files: filesOf('twin.qcow2') })
  const host = {
    ...hostWith([domain('kubemaster'), twin], ['lab-kubemaster.qcow2', 'twin.qcow2', base]),
    volumes: [volumeOf('lab-kubemaster.qcow2'), volumeOf('twin.qcow2', 'lab-kubemaster.qcow2')],
  }
  const plan = destroyPlan(lab, [], host, noSeed, true)
  t.match(plan, { volumes: [], images: [], pool: false })
  t.match(plan.leftAlone, ['volume lab-kubemaster.qcow2: a domain of somebody else uses it'])
})

await t.test('a node that was taken out of the lab file is still ours', async (t) => {
  const old = domain('worker09', { files: filesOf('lab-worker09.qcow2') })
  const host = hostWith([old], ['lab-worker09.qcow2', base])
  t.match(destroyPlan(lab, [], host, noSeed, false), {
    domains: [{ name: 'worker09' }],
    volumes: ['lab-worker09.qcow2'],
  })
})

await t.test('nothing there: nothing to remove', async (t) => {
  t.ok(isNothing(destroyPlan(lab, [], emptyHost, noSeed, true)))
  t.ok(
    isNothing(
      destroyPlan(lab, [], { ...emptyHost, pool: ourPool, volumeNames: [base] }, noSeed, false),
    ),
  )
})
