// Pool, volumes and network as libvirt is given them.
import t from 'tap'
import { baseVolumeXml, networkXml, overlayXml, poolXml } from '../../lib/libvirt/storage-xml.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'
import { parseXml } from '../helpers/xml.ts'

await t.test('pool, volumes and network, whole', async (t) => {
  const lab = makeLab((raw) => {
    raw.network = { nat: 'rke2-nat', cidr: '192.0.2.0/25', gateway: '192.0.2.1' }
  })
  const base = 'base-0123456789abcdef.qcow2'
  t.matchSnapshot(poolXml(lab), 'pool')
  t.matchSnapshot(baseVolumeXml(base), 'base image')
  t.matchSnapshot(overlayXml(lab, { ...nodeOf(lab), size: nodeOf(lab).disk }, base), 'disk')
  t.matchSnapshot(networkXml(lab), 'network')
  t.match(parseXml(networkXml(lab)).network, {
    uuid: lab.networkUuid,
    ip: { '@address': '192.0.2.1', '@netmask': '255.255.255.128' },
  })
  t.match(parseXml(overlayXml(lab, { ...nodeOf(lab), size: nodeOf(lab).disk }, base)).volume, {
    capacity: { '#text': String(40 * 2 ** 30) },
    backingStore: { path: `/var/lib/libvirt/images/rke2-kvm-lab/${base}` },
  })
})
