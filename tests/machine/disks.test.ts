// The steps to the disks of machines, and what stops them.
import t from 'tap'
import type { Host } from '../../lib/libvirt/host.ts'
import { pair } from '../../lib/libvirt/ownership.ts'
import { emptyBase } from '../../lib/libvirt/storage-xml.ts'
import { planAttach } from '../../lib/machine/disks.ts'
import { checkDisks } from '../../lib/machine/resize.ts'
import { domain, filesOf, hostWith, volumeOf } from '../helpers/hosts.ts'
import { makeLab, nodeOf, withExtras } from '../helpers/labs.ts'

const lab = makeLab(withExtras)
const seenOn = (host: Host) => ({ sites: [{ lab, host }], silent: [] })
const [root, data] = ['lab-kubemaster.qcow2', 'lab-kubemaster-data.qcow2']

await t.test('a disk that another machine of the lab has is not attached twice', async (t) => {
  const rescue = domain('worker01', { files: filesOf(data) })
  const host = hostWith([domain('kubemaster', { files: filesOf(root) }), rescue], [root, data])
  host.volumes = [{ ...volumeOf(root), capacity: nodeOf(lab).disk }, volumeOf(data, emptyBase(lab))]
  const machines = pair(lab, host, [nodeOf(lab)])
  const error = { message: `kubemaster: its disk ${data} is attached to worker01` }
  t.throws(() => checkDisks(seenOn(host), machines), error)
  t.doesNotThrow(() => checkDisks(seenOn({ ...host, domains: host.domains.slice(0, 1) }), machines))
})

await t.test('a disk is attached where no other is', async (t) => {
  const targets = (taken: string[]) => {
    const domains = [domain('kubemaster', { files: filesOf(root), targets: taken })]
    const host = hostWith(domains, [root])
    const steps = pair(lab, host, [nodeOf(lab)]).flatMap((one) => planAttach(lab, host, one))
    const texts = steps.map((step) => JSON.stringify(step)).join('')
    return [...texts.matchAll(/target dev='(\w+)'/g)].map(([, name]) => name)
  }
  t.strictSame(targets(['vda', 'sda']), ['vdb', 'vdc'])
  t.strictSame(targets(['vda', 'vdc', 'sda']), ['vdb', 'vdd'], 'one was detached')
  t.strictSame(targets(['vda', 'vdb', 'sda', 'sdb']), ['vdc', 'vdd'], 'or is no file')
})
