// The snapshots of a lab: what belongs together, what can be saved and put back.
import t from 'tap'
import type { Machine } from '../../lib/libvirt/ownership.ts'
import type { Snapshot } from '../../lib/libvirt/snapshot-xml.ts'
import {
  byName,
  checkName,
  checkSave,
  describe,
  isUnchanged,
  lacking,
  nameBefore,
  whyNotRevert,
} from '../../lib/machine/snapshots.ts'
import { domainOf } from '../helpers/facts.ts'
import { hostileStrings, makeLab } from '../helpers/labs.ts'

const lab = makeLab()
const names = lab.nodes.map(({ name }) => name)
const made = (machine: string, more: Partial<Snapshot> = {}): Snapshot => ({
  name: 'base',
  machine,
  description: describe(names, true),
  created: 1000,
  state: 'shutoff',
  external: false,
  owner: { lab: 'lab', role: 'agent', address: '192.0.2.9' },
  ...more,
})
const machine = (name: string, modified = 1001): Machine => {
  const node = lab.nodes.find((one) => one.name === name) ?? lab.nodes[0]!
  const disk = { name: node.volume, path: '', capacity: 1, allocation: 1, physical: 1, modified }
  return { name, node, domain: domainOf(name), disk }
}
const machines = names.map((name) => machine(name))
const one = (...all: Snapshot[]) => byName(lab, all)[0]!
const whole = one(...names.map((name) => made(name)))

await t.test(
  'snapshots of one name belong together when snapshot.ts made all of them',
  async (t) => {
    t.match(whole, { name: 'base', of: names, wasOn: true })
    t.strictSame(lacking(whole), [])
    t.strictSame(lacking(one(made('kubemaster'))), ['worker01', 'worker02'])
    for (const more of [
      { description: '' },
      { description: 'mine' },
      { state: 'running' },
      { external: true },
      { owner: { lab: 'other', role: 'agent', address: '192.0.2.9' } },
    ])
      t.notOk('of' in one(made('kubemaster'), made('worker01', more)), JSON.stringify(more))
    t.strictSame(
      byName(lab, [made('kubemaster'), made('kubemaster', { name: 'a', created: 1 })]).map(
        ({ name }) => name,
      ),
      ['a', 'base'],
      'the oldest first',
    )
    t.notOk(one(made('kubemaster', { description: describe(names, false) })).wasOn)
  },
)

await t.test('a disk is unchanged that was last written when it was saved', async (t) => {
  t.ok(isUnchanged(machine('worker01', 1004), whole))
  t.notOk(isUnchanged(machine('worker01', 1060), whole))
  t.notOk(
    isUnchanged(
      { ...machine('worker01'), domain: domainOf('worker01', { state: 'running' }) },
      whole,
    ),
  )
  const { disk: _, ...unseen } = machine('worker01')
  t.notOk(isUnchanged(unseen, whole), 'not when its disk cannot be seen')
  t.notOk(isUnchanged(machine('worker01'), one(made('kubemaster'))), 'nor without a snapshot')
})

await t.test('names are plain words', async (t) => {
  for (const name of ['a', 'before-base-2', 'v1.36_x', '007']) t.doesNotThrow(() => checkName(name))
  for (const name of [
    ...hostileStrings.filter((text) => text !== 'x'.repeat(300)),
    '-a',
    '',
    'ä',
    'x'.repeat(64),
  ])
    t.throws(() => checkName(name), name)
  t.equal(nameBefore('base', []), 'before-base')
  const taken = names.map((name) => made(name, { name: 'before-base' }))
  t.equal(nameBefore('base', byName(lab, taken)), 'before-base-2')
  t.equal(nameBefore('base', byName(lab, taken.slice(1))), 'before-base', 'half of one is replaced')
  t.doesNotThrow(() => checkName(nameBefore('x'.repeat(63), [])))
})

await t.test('save: nothing to save, the same name again', async (t) => {
  t.throws(() => checkSave(lab, [], [], undefined, new Map()), /no machine of this lab is made/)
  t.doesNotThrow(() => checkSave(lab, machines, [whole], whole, new Map()))
  const changed = [machine('kubemaster', 2000), ...machines.slice(1)]
  t.throws(() => checkSave(lab, changed, [whole], whole, new Map()), /called base exists already/)
  const part = one(made('kubemaster'))
  t.doesNotThrow(() => checkSave(lab, changed, [part], part, new Map()), 'half of one is replaced')
  const volume = machines[0]?.disk?.name ?? ''
  t.throws(
    () => checkSave(lab, machines, [], undefined, new Map([[volume, 1]])),
    /holds 1 snapshots, libvirt knows 0/,
  )
})

await t.test('revert: all machines that were saved, and no other', async (t) => {
  t.equal(whyNotRevert(machines, whole), undefined)
  t.match(whyNotRevert(machines.slice(1), whole), { why: 'removed since then: kubemaster' })
  t.match(whyNotRevert(machines, one(made('kubemaster'))), { why: /^not on worker01, worker02/ })
  const two = names
    .slice(0, 2)
    .map((name) => made(name, { description: describe(names.slice(0, 2), true) }))
  t.match(whyNotRevert(machines, one(...two)), {
    why: 'added since then: worker02',
    hint: { line: [{ script: 'destroy', words: ['worker02'] }, /create and join/] },
  })
})
