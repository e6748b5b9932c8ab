// The real virsh, where it is installed, on libvirt's test driver: a host with a thousand foreign domains.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { look } from '../../lib/libvirt/observe.ts'
import { makeLab } from '../helpers/labs.ts'

const noVirsh = spawnSync('virsh', ['--version']).status !== 0 && 'virsh is not installed'

await t.test(
  'a thousand domains are seen, each with its own values',
  { skip: noVirsh },
  async (t) => {
    const uuidOf = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
    const domains = Array.from(
      { length: 1000 },
      (_, index) => `<domain type='test'><name>vm${index}</name><uuid>${uuidOf(index)}</uuid>
  <memory>${1024 * (index + 1)}</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>`,
    )
    const file = join(t.testdir(), 'node.xml')
    writeFileSync(file, `<node>${domains.join('\n')}</node>`)
    const host = await look({ ...makeLab(), libvirt: `test://${file}` })
    t.strictSame(host.unseen, [])
    t.equal(host.domains.length, 1000)
    const sorted = host.domains.toSorted((one, other) => one.memory - other.memory)
    const [first, last] = [sorted.at(0), sorted.at(-1)]
    t.match(first, { name: 'vm0', uuid: uuidOf(0), memory: 2 ** 20, persistent: true })
    t.match(last, { name: 'vm999', uuid: uuidOf(999), state: 'running' })
  },
)
