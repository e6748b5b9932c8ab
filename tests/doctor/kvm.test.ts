// Whether KVM works, from the look at this host and what libvirt says.
import t from 'tap'
import { checkKvm, domainTypeFor, saidOfKvm, triedKvm } from '../../lib/doctor/kvm.ts'
import { factsWith, hereWith } from '../helpers/facts.ts'
import { makeLab } from '../helpers/labs.ts'

const labFor = (domainType: string) => makeLab((raw) => (raw.domainType = domainType))

await t.test('it is tried on this host, else libvirt is asked', async (t) => {
  const lab = labFor('auto')
  const cases: [answer: string, works: boolean | undefined, why?: RegExp][] = [
    ['works', true, /QEMU starts with it/],
    ['none', false, /there is no \/dev\/kvm/],
    ['fails 1 no access\nmore', false, /^QEMU cannot use it: no access$/],
    ['fails 134 ', false, /^QEMU cannot use it: exit 134$/],
    ['not for this user', undefined],
    ['no QEMU', undefined],
  ]
  for (const [kvm, works, why] of cases) {
    const tried = triedKvm(lab, hereWith({ kvm }))
    t.equal(tried?.works, works, kvm)
    if (why) t.match(tried?.why, why)
  }
  t.equal(triedKvm(lab, hereWith({}, 'kvm')), undefined, 'a look that failed says nothing')
  t.match(triedKvm(labFor('qemu'), hereWith()), { works: false, why: /domainType is qemu/ })
  t.match(saidOfKvm({ code: 0, stderr: '' }), { works: true })
  t.match(saidOfKvm({ code: 1, stderr: 'error: no KVM' }), { works: false, why: 'error: no KVM' })
  for (const silent of [
    { code: 127, stderr: 'virsh: command not found' },
    { code: 1, stderr: 'error: failed to connect to the hypervisor' },
  ])
    t.match(saidOfKvm(silent), { works: undefined })
})

await t.test('the finding depends on what the lab file asks for', async (t) => {
  const none = { works: false, why: 'why' }
  const fine = { code: 0, stderr: '' }
  const noQemu = { code: 1, stderr: 'a\nerror: no emulator' }
  const cases: [
    string,
    typeof none | { works: undefined; why: string },
    typeof fine,
    object,
    string,
  ][] = [
    ['auto', none, fine, { check: 'KVM', level: 'warning', found: /ten times slower/ }, 'qemu'],
    [
      'kvm',
      none,
      fine,
      { check: 'KVM', level: 'failure', found: /^KVM does not work here: why$/ },
      'kvm',
    ],
    ['qemu', none, fine, { check: 'KVM', level: 'ok', found: 'why' }, 'qemu'],
    [
      'auto',
      { works: undefined, why: 'x' },
      fine,
      { level: 'warning', found: 'not checked: x' },
      'qemu',
    ],
    ['kvm', none, noQemu, { check: 'QEMU', level: 'failure', found: /: no emulator$/ }, 'kvm'],
    ['qemu', none, noQemu, { check: 'QEMU', level: 'failure' }, 'qemu'],
    ['kvm', none, { code: 127, stderr: '' }, { check: 'KVM', level: 'failure' }, 'kvm'],
  ]
  for (const [domainType, kvm, emulator, finding, type] of cases) {
    const lab = labFor(domainType)
    t.match(checkKvm(factsWith({ lab, kvm, emulator })), [finding], domainType)
    t.equal(domainTypeFor(lab, kvm), type)
  }
  t.equal(domainTypeFor(labFor('auto'), { works: true, why: '' }), 'kvm')
})
