// The domain of a node as libvirt is given it.
import t from 'tap'
import { consoleLog, domainXml, namespace } from '../../lib/libvirt/domain-xml.ts'
import { makeLab, nodeOf, withExtras } from '../helpers/labs.ts'
import { parseXml } from '../helpers/xml.ts'

await t.test('a domain of a bridge lab, whole', async (t) => {
  const lab = makeLab()
  const text = domainXml(lab, nodeOf(lab), 'kvm')
  t.matchSnapshot(text, 'kubemaster')
  const { domain } = parseXml(text)
  t.match(domain, {
    '@type': 'kvm',
    name: 'kubemaster',
    uuid: lab.nodes[0]!.uuid,
    memory: { '#text': '4096', '@unit': 'MiB' },
    vcpu: '2',
    cpu: { '@mode': 'host-passthrough' },
    metadata: {
      'lab:node': {
        '@xmlns:lab': namespace,
        '@lab': 'lab',
        '@role': 'server',
        '@address': '192.0.2.30',
      },
    },
  })
  const { disk, interface: nic, serial } = domain.devices
  t.match(disk[0], {
    source: { '@file': '/var/lib/libvirt/images/rke2-kvm-lab/lab-kubemaster.qcow2' },
    target: { '@dev': 'vda', '@bus': 'virtio' },
  })
  t.match(disk[1], {
    '@device': 'cdrom',
    source: {
      '@file': '/var/lib/libvirt/images/rke2-kvm-lab/lab-kubemaster-seed.iso',
      '@startupPolicy': 'optional',
    },
    target: { '@dev': 'sda', '@bus': 'scsi' },
    readonly: '',
  })
  t.match(nic, {
    '@type': 'bridge',
    source: { '@bridge': 'br0' },
    mac: { '@address': lab.nodes[0]!.mac },
  })
  t.match(serial.log, { '@file': consoleLog({ name: 'kubemaster' }) })
})

await t.test(
  'an emulated domain on a NAT network differs in processor and interface',
  async (t) => {
    const lab = makeLab((raw) => {
      delete raw.network.bridge
      raw.network.nat = 'rke2-nat'
    })
    const { domain } = parseXml(domainXml(lab, nodeOf(lab), 'qemu'))
    t.match(domain, { '@type': 'qemu', cpu: { '@mode': 'maximum' } })
    t.match(domain.devices.interface, {
      '@type': 'network',
      source: { '@network': 'rke2-nat' },
    })
  },
)

await t.test('further disks are found by their names, further cards by their MACs', async (t) => {
  const lab = makeLab(withExtras)
  const node = nodeOf(lab)
  const text = domainXml(lab, node, 'kvm')
  const whole = parseXml(text).domain.devices
  t.match(whole.disk, [
    { target: { '@dev': 'vda' } },
    {
      source: { '@file': '/var/lib/libvirt/images/rke2-kvm-lab/lab-kubemaster-data.qcow2' },
      target: { '@dev': 'vdb', '@bus': 'virtio' },
      serial: 'data',
    },
    { target: { '@dev': 'vdc' }, serial: 'spare' },
    { target: { '@dev': 'sda' } },
  ])
  t.match(whole.interface, [
    { source: { '@bridge': 'br0' }, mac: { '@address': node.mac } },
    { source: { '@bridge': 'br1' }, mac: { '@address': node.networks[0]?.mac } },
    { '@type': 'network', source: { '@network': 'isolated' } },
  ])
  const plain = domainXml(makeLab(), nodeOf(makeLab()), 'kvm')
  const kept = text.split('\n').filter((line) => plain.includes(line))
  t.equal(
    plain
      .split('\n')
      .filter((line) => !kept.includes(line))
      .join(),
    '',
    'nothing else differs',
  )
})
