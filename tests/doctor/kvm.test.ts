// Whether KVM works, from the look at this host and what libvirt says.
import t from 'tap'
import { checkKvm, domainTypeFor, saidOfKvm, triedKvm, typeNow } from '../../lib/doctor/kvm.ts'
import { domainOf, emptyHost, factsWith, hereWith } from '../helpers/facts.ts'
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

// As QEMU 7.2 says it while VirtualBox runs a machine.
const taken =
  'fails 1 ioctl(KVM_CREATE_VM) failed: 16 Device or resource busy\nqemu-system-x86_64: -accel kvm: failed to initialize kvm: Device or resource busy'

await t.test('another hypervisor is closed, the machines do not stay emulated', async (t) => {
  for (const domainType of ['auto', 'kvm']) {
    const lab = labFor(domainType)
    const here = hereWith({ kvm: taken })
    const kvm = triedKvm(lab, here) ?? { works: true, why: '' }
    t.match(checkKvm(factsWith({ lab, kvm, emulator: { code: 0, stderr: '' } })), [
      {
        level: 'failure',
        found: /^another hypervisor has taken .*: QEMU cannot use it: ioctl.*busy$/,
        fix: [/^# close its machines \(VirtualBox, VMware\)/, /domainType: qemu/],
      },
    ])
  }
  t.match(checkKvm(factsWith({ lab: labFor('qemu'), kvm: { works: false, why: 'x' } })), [
    { level: 'ok' },
  ])
})

await t.test('a host of another kind is called by its name', async (t) => {
  const here = hereWith({ processor: 'aarch64\n', kvm: 'fails 1 invalid accelerator kvm' })
  const emulator = { code: 0, stderr: '' }
  for (const [domainType, level] of [
    ['auto', 'warning'],
    ['kvm', 'failure'],
  ] as const) {
    const lab = labFor(domainType)
    const kvm = triedKvm(lab, here) ?? { works: true, why: '' }
    t.match(checkKvm(factsWith({ lab, here, kvm, emulator })), [
      {
        level,
        found: /the host is arm64, the machines are x86-64/,
        fix: ['# use a host with an x86-64 processor'],
      },
    ])
  }
  const lab = labFor('auto')
  const noQemu = { code: 1, stderr: 'error: no emulator' }
  const kvm = triedKvm(lab, here) ?? { works: true, why: '' }
  t.match(checkKvm(factsWith({ lab, here, kvm, emulator: noQemu })), [
    { check: 'QEMU', found: /no QEMU for x86_64.*the host is arm64/ },
  ])
})

await t.test('an image for newer processors is refused with what this one lacks', async (t) => {
  const old = hereWith({ processor: 'x86_64\nflags\t\t: fpu vmx avx sse4_2 popcnt' })
  const with10 = (image: string, more: Parameters<typeof factsWith>[0] = {}) =>
    checkKvm(factsWith({ here: old, ...more }, (raw) => Object.assign(raw, { image })))
  for (const image of ['rocky-10', 'almalinux-10'])
    t.match(with10(image), [
      { level: 'ok' },
      {
        level: 'failure',
        found: `${image} needs a processor of the level x86-64-v3; this one lacks avx2 bmi1 bmi2 f16c fma abm movbe`,
        fix: [/such as debian-13/],
      },
    ])
  t.match(with10('debian-13'), [{ level: 'ok' }])
  t.equal(with10('rocky-10', { here: hereWith() }).length, 1, 'a new processor')
  t.equal(with10('rocky-10', { here: hereWith({}, 'processor') }).length, 1, 'nothing is known')
  const emulated = { kvm: { works: false, why: 'x' }, emulator: { code: 0, stderr: '' } }
  t.equal(with10('rocky-10', emulated).length, 1, 'QEMU emulates a new one')
  const names = ['kubemaster', 'worker01', 'worker02']
  const made = { ...emptyHost, domains: names.map((name) => domainOf(name)) }
  t.equal(with10('rocky-10', { host: made }).length, 1, 'they exist')
})

await t.test('the type that a machine would get now', async (t) => {
  const cases: [string, kvm: string, 'kvm' | 'qemu' | undefined][] = [
    ['auto', 'works', 'kvm'],
    ['auto', 'none', 'qemu'],
    ['auto', taken, undefined],
    ['auto', 'not for this user', undefined],
    ['kvm', 'none', 'kvm'],
    ['qemu', 'works', 'qemu'],
  ]
  for (const [domainType, kvm, type] of cases)
    t.equal(typeNow(labFor(domainType), hereWith({ kvm })), type, `${domainType} ${kvm}`)
})
