// An existing machine against the lab file.
import t from 'tap'
import { checkMachines, differences } from '../../lib/machine/drift.ts'
import type { Domain } from '../../lib/libvirt/host.ts'
import type { Machine } from '../../lib/libvirt/ownership.ts'
import { NodeErrors } from '../../lib/text/errors.ts'
import { domainOf, strangerOf } from '../helpers/facts.ts'
import { volumeOf } from '../helpers/hosts.ts'
import { makeLab, nodeOf, withExtras } from '../helpers/labs.ts'

const lab = makeLab()
const node = nodeOf(lab)
const machineOf = (more: Partial<Domain>, capacity?: number): Machine => ({
  name: node.name,
  node,
  domain: domainOf('kubemaster', more),
  ...(capacity
    ? { disk: { name: node.volume, path: '', capacity, allocation: 1, physical: 1 } }
    : {}),
})
const same = { vcpus: 2, memory: node.memory, owner: { ...node, lab: 'lab' } }
const other = {
  vcpus: 1,
  memory: 2 ** 30,
  owner: { lab: 'lab', role: 'agent', address: '192.0.2.30' },
}

await t.test('what differs from the lab file is reported', async (t) => {
  const found = (...parts: Parameters<typeof machineOf>) => differences(machineOf(...parts))
  t.strictSame(found(same, node.disk), [])
  t.strictSame(found(same), [], 'an unknown volume shows no difference')
  t.strictSame(differences({ name: node.name, node }), [])
  t.strictSame(found(same, 20 * 2 ** 30), [
    'disk is 20 GiB, the lab file says 40 GiB; resize.ts changes it',
  ])
  t.strictSame(found(same, 60 * 2 ** 30), [
    'disk is 60 GiB, the lab file says 40 GiB; a disk cannot shrink',
  ])
  t.strictSame(found(other), [
    'vcpus is 1, the lab file says 2; resize.ts changes it',
    'memory is 1 GiB, the lab file says 4 GiB; resize.ts changes it',
    'role is agent, the lab file says server; an existing machine is not changed',
  ])
})

await t.test('a machine of another type than it would get now', async (t) => {
  const machine = machineOf({ ...same, type: 'qemu' })
  t.strictSame(differences(machine, 'kvm'), [
    'it is a machine of type qemu, and would be made with KVM (kvm) now; an existing machine is not changed',
  ])
  t.strictSame(differences(machine, 'qemu'), [])
  t.strictSame(differences(machine), [], 'nobody knows whether KVM works')
  t.match(differences(machineOf(same), 'qemu'), [/of type kvm, .* emulation \(qemu\) now/])
})

await t.test('another address and a foreign domain are errors, all reported at once', async (t) => {
  checkMachines(lab, [machineOf(same), { name: 'worker01', node: nodeOf(lab, 'worker01') }])
  const moved = machineOf({ owner: { ...other.owner, address: '192.0.2.99' } })
  const foreign = {
    name: 'worker01',
    node: nodeOf(lab, 'worker01'),
    foreign: strangerOf('worker01'),
  }
  const error = t.throws(() => checkMachines(lab, [moved, foreign])) as unknown as NodeErrors
  t.match(error.errors, [
    { message: /^kubemaster: it has 192\.0\.2\.99, the lab file says 192\.0\.2\.30/ },
    { message: /^worker01: a domain of that name exists already/ },
  ])
})

await t.test('further disks and cards', async (t) => {
  const own = nodeOf(makeLab(withExtras))
  const macs = own.networks.map(({ mac }) => mac)
  const file = (name: string) => `/pool/lab-kubemaster-${name}.qcow2`
  const found = (more: Partial<Domain>, capacity = 10) =>
    differences({
      ...machineOf({ ...same, ...more }),
      node: own,
      more: [{ ...volumeOf('lab-kubemaster-data.qcow2'), capacity: capacity * 2 ** 30 }],
    })
  const files = [file('data'), file('spare')]
  t.strictSame(found({ macs, files }), [])
  t.strictSame(found({ macs, files: ['/pool/lab-kubemaster-data.snap', file('spare')] }), [])
  t.strictSame(
    differences({ ...machineOf({ ...same, macs, files }, own.disk), node: own }),
    ['data', 'spare'].map((name) => `disk ${name} is there, but this lab did not make it`),
  )
  t.strictSame(found({ macs, files }, 5), [
    'disk data is 5 GiB, the lab file says 10 GiB; resize.ts changes it',
  ])
  t.strictSame(found({ macs: macs.slice(1), files: [file('data'), file('old')] }), [
    'disk spare is only in the lab file; resize.ts adds it',
    'the lab file lacks its disk lab-kubemaster-old.qcow2; an existing machine is not changed',
    'network card storage is only in the lab file; an existing machine is not changed',
  ])
})
