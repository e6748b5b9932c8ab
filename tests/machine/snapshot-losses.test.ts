// What is said of snapshots before a machine of theirs goes or changes.
import t from 'tap'
import { detachedBy, lostWith, oldSizes } from '../../lib/machine/snapshot-losses.ts'
import { domainOf } from '../helpers/facts.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'
import type { LabSnapshot } from '../../lib/machine/snapshots.ts'

const snapshot = (name: string, of: string[] | undefined, on = of ?? ['a']): LabSnapshot => ({
  name,
  created: 1000,
  on: new Map(
    on.map((machine) => [
      machine,
      {
        name,
        machine,
        libvirt: '',
        description: '',
        created: 1000,
        state: 'shutoff',
        external: false,
      },
    ]),
  ),
  ...(of && { of }),
  wasOn: true,
})
const all = [
  snapshot('whole', ['a', 'b']),
  snapshot('half', ['a', 'b'], ['a']),
  snapshot('early', ['a']),
  snapshot('foreign', undefined),
]

await t.test('of a machine that goes: what is of use to nobody then', async (t) => {
  const lost = 'is then incomplete: the lab cannot go back to it'
  t.strictSame(lostWith(all, ['b']), [`whole ${lost}`])
  t.strictSame(lostWith(all, ['a']), [`whole ${lost}`, 'early'])
  t.strictSame(lostWith(all, ['a', 'b']), ['whole', 'early'], 'with the lab they go')
  t.strictSame(lostWith(all, ['c']), [])
})

await t.test('of a machine that gets other sizes', async (t) => {
  t.strictSame(oldSizes(all, ['b', 'c']), [
    'snapshot whole has the old sizes of b: after a revert to it, run resize.ts again',
  ])
  t.strictSame(oldSizes(all, ['c']), [])
})

await t.test('of disks that were added since', async (t) => {
  const one = snapshot('early', ['a'])
  const files = ['/pool/a.qcow2', '/pool/a-data.qcow2', '/pool/a-seed.iso']
  const machines = [{ name: 'a', node: nodeOf(makeLab()), domain: domainOf('a', { files }) }]
  t.strictSame(detachedBy(one, machines), [], 'what it had then is unknown')
  Object.assign(one.on.get('a')!, { files: ['/pool/a.qcow2'] })
  t.match(detachedBy(one, machines), [/^a: \/pool\/a-data\.qcow2 is not in it, so it is detached/])
  Object.assign(one.on.get('a')!, { files })
  t.strictSame(detachedBy(one, machines), [])
})
