// What virsh prints -> typed values.
import t from 'tap'
import {
  parseDomain,
  parseInfo,
  parseNetwork,
  parsePool,
  parseVolume,
} from '../../lib/libvirt/host.ts'
import { volumeList } from '../../lib/libvirt/volumes.ts'
import { fixture } from '../helpers/fixtures.ts'
import { makeLab } from '../helpers/labs.ts'

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
    autostart: false,
    type: 'qemu',
    vcpus: 2,
    memory: 2 ** 30,
    macs: ['52:54:00:9f:c4:b3'],
    files: [`${pool}/lab-kubemaster.qcow2`, seedFile],
    targets: ['vda', 'sda'],
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

await t.test('a foreign domain has no owner, nor has one with similar metadata', async (t) => {
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
    modified: 1795287676.9007745,
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

await t.test('state and persistence are in dominfo, names in lists', async (t) => {
  const info = fixture('batch.libvirt-9.0.0.txt').split('--- stderr')[0] ?? ''
  const not = { autostart: false, saved: false }
  t.strictSame(parseInfo(info), { state: 'running', persistent: true, ...not })
  t.strictSame(parseInfo('State:          shut off\nPersistent:     no\n'), {
    state: 'shut off',
    persistent: false,
    ...not,
  })
  t.match(parseInfo('Autostart:      enable\nManaged save:   yes\n'), {
    autostart: true,
    saved: true,
  })
  t.strictSame(parseInfo(''), { state: '', persistent: false, ...not })
  const list = ` a b.qcow2   ${pool}/a b.qcow2\n lab-kubemaster.qcow2          ${pool}/x\n\n`
  t.strictSame(volumeList(list), ['a b.qcow2', 'lab-kubemaster.qcow2'])
})
