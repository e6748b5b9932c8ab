// A snapshot as virsh prints it -> typed values.
import t from 'tap'
import { parseSnapshot } from '../../lib/libvirt/snapshot-xml.ts'
import { fixture } from '../helpers/fixtures.ts'

const xml = fixture('snapshot.libvirt-9.0.0.xml')

await t.test('a snapshot that snapshot.ts made', async (t) => {
  t.strictSame(parseSnapshot({ libvirt: 'qemu:///system' }, 'kubemaster', xml), {
    name: 'before-base',
    machine: 'kubemaster',
    libvirt: 'qemu:///system',
    description: 'rke2-kvm-lab: kubemaster worker01',
    created: 1795677690,
    state: 'shutoff',
    external: false,
    owner: { lab: 'lab', role: 'server', address: '192.0.2.30' },
    files: ['/var/lib/libvirt/images/rke2-kvm-lab/lab-kubemaster.qcow2'],
  })
})

await t.test(
  'one made by hand: external, of the memory alone or of a disk; without owner',
  async (t) => {
    const disk = xml.replace("name='vda' snapshot='internal'", "name='vda' snapshot='external'")
    t.ok(parseSnapshot({ libvirt: 'qemu:///system' }, 'kubemaster', disk).external)
    const memory = xml.replace("memory snapshot='no'", "memory snapshot='external'")
    t.ok(parseSnapshot({ libvirt: 'qemu:///system' }, 'kubemaster', memory).external)
    const bare = parseSnapshot(
      { libvirt: 'qemu:///system' },
      'x',
      '<domainsnapshot><name>1</name></domainsnapshot>',
    )
    t.strictSame(bare, {
      name: '1',
      machine: 'x',
      libvirt: 'qemu:///system',
      description: '',
      created: 0,
      state: '',
      external: false,
    })
  },
)
