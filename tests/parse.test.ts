// What the tools print -> values, and what is concluded from them.
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { parseInitFiles, readInitFiles, silentGuest } from '../lib/guest/cloud-init-status.ts'
import { differences } from '../lib/machine/drift.ts'
import {
  baseVolume,
  findDigest,
  isUnvouched,
  signedBy,
  signers,
} from '../lib/download/checksums.ts'
import type { Lab } from '../lib/lab/lab.ts'
import type { Host } from '../lib/libvirt/observe.ts'
import {
  addressFindings,
  networkFindings,
  parseInterfaces,
  parseNeighbours,
} from '../lib/doctor/network-findings.ts'
import { macFindings, ownershipFindings } from '../lib/doctor/ownership.ts'
import { parseDomain, type Domain } from '../lib/libvirt/host.ts'
import { knock } from '../lib/guest/ready.ts'
import { diskFinding, memoryFinding } from '../lib/doctor/capacity-findings.ts'
import { toolFindings, tools } from '../lib/doctor/tool-findings.ts'
import { fixture } from './helpers/fixtures.ts'
import { makeLab, nodeOf } from './helpers/labs.ts'

const pool = '/var/lib/libvirt/images/rke2-kvm-lab'
const config = fixture('domain-persistent.libvirt-9.0.0.xml')

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
const interfaces = parseInterfaces(
  fixture('ip-address.iproute2-6.1.0.json').replaceAll('192.168.1.', '192.0.2.'),
)
const only = (level: string, found: { level: string; found: string }[]) =>
  found.filter((finding) => finding.level === level).map((finding) => finding.found)

await t.test('interfaces are read from ip', async (t) => {
  t.strictSame(interfaces, [
    { name: 'lo', isBridge: false, networks: ['127.0.0.1/8'] },
    { name: 'br0', isBridge: true, networks: ['192.0.2.1/24'] },
  ])
  t.strictSame(parseInterfaces('no JSON'), [])
})

await t.test('neighbours that answered lately are read from ip', async (t) => {
  const neighbours = parseNeighbours(fixture('ip-neighbour.iproute2-6.1.0.json'))
  t.strictSame([...neighbours], [['192.168.1.31', { mac: '52:54:00:00:00:02', isSure: true }]])
  const [known] = parseNeighbours('[{"dst":"a","lladdr":"b","state":["DELAY"]}]').values()
  t.strictSame(known, { mac: 'b', isSure: false })
  t.equal(parseNeighbours('no JSON').size, 0)
})

await t.test('tools that are missing are told with their packages', async (t) => {
  const all = tools.map(([tool]) => `/usr/bin/${tool}`)
  t.match(toolFindings(all, false), [{ level: 'ok' }])
  t.match(toolFindings(all, true), [{ level: 'failure', found: 'missing: gpgv' }])
  const xorriso = all.map((path) => path.replace('genisoimage', 'xorriso'))
  t.match(toolFindings(xorriso, false), [{ level: 'ok' }], 'one ISO tool is enough')
  t.match(toolFindings(['/usr/bin/curl'], false), [
    {
      found: 'missing: virsh, ssh, ssh-keygen, flock, sha256sum, genisoimage',
      fix: [
        'sudo apt-get install --yes libvirt-clients openssh-client util-linux coreutils genisoimage',
      ],
    },
  ])
})

await t.test('the bridge is there, is one, and leads to the nodes', async (t) => {
  const judge = (change: (lab: Lab) => void, host?: Host) => {
    const copy = structuredClone(lab)
    change(copy)
    return networkFindings(copy, host, interfaces)
  }
  t.match(
    judge(() => {}),
    [{ level: 'ok', found: 'bridge br0 with 192.0.2.1/24' }],
  )
  const missing = judge((lab) => (lab.network.bridge = 'br7'))
  t.strictSame(only('failure', missing), ['there is no interface br7; bridges of this host: br0'])
  t.match(
    only(
      'failure',
      judge((lab) => (lab.network.bridge = 'lo')),
    ).join(),
    'lo is no bridge',
  )
  t.match(
    judge((lab) => (lab.network.cidr = '203.0.113.0/24')),
    [{ level: 'warning', found: /has no address in 203\.0\.113\.0\/24/ }],
  )
})

await t.test('a NAT network must not be on another interface, its own aside', async (t) => {
  const nat = structuredClone(lab)
  nat.network.nat = 'nat'
  delete nat.network.bridge
  t.match(only('failure', networkFindings(nat, emptyHost, interfaces)), [
    'network.cidr 192.0.2.0/24 is also on the interface br0',
  ])
  const network = { ...ourNetwork, bridge: 'br0' }
  t.match(networkFindings(nat, { ...emptyHost, network }, interfaces), [{ level: 'ok' }])
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

await t.test('memory and disk space are weighed for what is not there yet', async (t) => {
  const running = { ...emptyHost, domains: [domain('kubemaster', { state: 'running' })] }
  t.match(memoryFinding(lab, lab.nodes, emptyHost, 12 * 2 ** 30), { level: 'ok' })
  t.match(memoryFinding(lab, lab.nodes, emptyHost, 11 * 2 ** 30), {
    level: 'warning',
    found: '11 GiB free, 12 GiB wanted',
  })
  t.match(memoryFinding(lab, lab.nodes, running, 8 * 2 ** 30), { level: 'ok' })
  const owner = { lab: 'other', role: 'server', address: '192.0.2.30' }
  const foreign = { ...emptyHost, domains: [domain('kubemaster', { state: 'running', owner })] }
  t.match(memoryFinding(lab, lab.nodes, foreign, 8 * 2 ** 30), { level: 'warning' })
  t.match(diskFinding(lab, emptyHost, 2 ** 30), { level: 'warning', found: /for 3 new disks/ })
  const made = { ...emptyHost, volumeNames: lab.nodes.map(({ volume }) => volume) }
  t.match(diskFinding(lab, made, 0), { level: 'ok' })
})

await t.test('names that others have are told, whoever they are', async (t) => {
  const host: Host = {
    ...emptyHost,
    domains: [
      stranger('kubemaster'),
      domain('worker01', { owner: { lab: 'home', role: 'agent', address: '1' } }),
      domain('worker02'),
      stranger('elsewhere'),
    ],
    pool: { uuid: 'x', path: pool, available: 0, active: true },
  }
  t.match(only('failure', ownershipFindings(lab, lab.nodes, host)), [
    /^kubemaster: .* belongs to something else$/,
    /^worker01: .* belongs to lab home$/,
    /storage pool rke2-kvm-lab exists/,
  ])
  t.match(ownershipFindings(lab, lab.nodes, emptyHost), [{ level: 'ok' }])
  const twin = stranger('twin', { macs: [nodeOf(lab).mac] })
  t.match(macFindings(lab, lab.nodes, { ...emptyHost, domains: [twin] }), [
    { found: /^kubemaster: its MAC .* is also that of twin/ },
  ])
})

await t.test(
  'an address is free unless something else than our machine answers on it',
  async (t) => {
    const answers = new Map([['worker01', 'SSH is open']])
    const judge = (host?: Host) => addressFindings(lab, lab.nodes, host, answers)
    t.match(judge(emptyHost), [
      {
        level: 'failure',
        found: 'worker01: something else answers on 192.0.2.31 (SSH is open)',
        fix: ['# give the node a free address in the lab file'],
      },
    ])
    t.match(addressFindings(lab, lab.nodes, emptyHost, new Map()), [{ level: 'ok', found: 'free' }])
    t.match(judge({ ...emptyHost, domains: [domain('worker01')] }), [{ level: 'ok' }])
    t.strictSame(judge(), [], 'nothing is said when libvirt cannot tell which machines are ours')
  },
)

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
