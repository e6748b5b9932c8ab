// The first screen of `npm start`, and why the lab cannot run somewhere.
import t from 'tap'
import { packagerOf } from '../lib/doctor/packages.ts'
import type { Setup } from '../lib/doctor/setup.ts'
import { isIdle, obstacleTo, outlookRows, type Outlook } from '../lib/outlook-rows.ts'
import { failure } from '../lib/text/findings.ts'
import { makeLab, nat } from './helpers/labs.ts'

const gib = 2 ** 30
const lab = makeLab((raw) => (nat(raw), (raw.libvirt = 'qemu:///system')))
const setup: Setup = {
  packager: packagerOf('ID=debian'),
  whole: '',
  user: 'me',
  isRoot: false,
  hasSudo: true,
  inGroup: { database: false, login: false },
  missing: ['virsh', 'genisoimage'],
  sockets: undefined,
  hasSystemd: true,
  container: undefined,
  hasKvm: true,
  canVirtualise: true,
  memory: 31 * gib,
}
const fresh: Outlook = {
  lab,
  setup,
  packageBytes: 180e6,
  fixes: [
    'sudo apt-get update',
    `sudo ${setup.packager?.install} libvirt-clients genisoimage`,
    'sudo systemctl enable --now libvirtd.socket',
    'sudo usermod -aG libvirt me',
  ],
  insteadOfBridge: 'this host has no bridge br0',
  downloads: [
    { what: 'noble.img', bytes: 620e6 },
    { what: 'RKE2 v1.36.5+rke2r1 sums.txt', bytes: undefined },
  ],
  cache: '/home/me/.cache/rke2-kvm-lab',
  fresh: lab.nodes,
  diskFree: 410 * gib,
  isEmulated: false,
}

await t.test('the first screen says what is done, fetched and taken', async (t) => {
  t.strictSame(outlookRows(fresh), [
    ['install', 'libvirt-clients genisoimage (asks for sudo, 172 MiB)'],
    ['join', 'me joins the group libvirt (in effect at once)'],
    ['run', 'sudo systemctl enable --now libvirtd.socket'],
    [
      'network',
      'NAT network nat, 192.0.2.0/24: this host has no bridge br0 (docs/network.md: a bridge, and back)',
    ],
    ['download', 'noble.img 591 MiB, RKE2 v1.36.5+rke2r1 sums.txt to /home/me/.cache/rke2-kvm-lab'],
    [
      'machines',
      'kubemaster 4 GiB, worker01 4 GiB, worker02 4 GiB of 31 GiB memory; disks grow up to 120 GiB of 410 GiB free',
    ],
    ['time', 'about 7 minutes'],
  ])
})

await t.test('what is done already is not on it', async (t) => {
  const done = { ...fresh, setup: { ...setup, missing: [] }, fixes: [], downloads: [], fresh: [] }
  t.strictSame(outlookRows(done), [
    ['network', outlookRows(fresh)[3]?.[1]],
    ['machines', 'all 3 exist'],
    ['time', 'about 4 minutes'],
  ])
  t.strictSame([isIdle(fresh), isIdle(done)], [false, true])
  const slow = outlookRows({ ...done, fresh: lab.nodes, isEmulated: true })
  t.match(slow.at(-1), ['time', 'about 33 minutes: without KVM the processor is emulated'])
})

await t.test('of another host it says nothing that is measured here', async (t) => {
  const far = makeLab((raw) => (raw.libvirt = 'qemu+ssh://you@bigbox/system'))
  const rows = outlookRows({ ...fresh, lab: far, fresh: far.nodes, diskFree: undefined })
  t.match(rows.find(([word]) => word === 'machines')?.[1], / 4 GiB memory; .* to 120 GiB$/)
})

await t.test('why the lab cannot run here, in one sentence', async (t) => {
  const off = [failure('libvirt', 'libvirt is not installed')]
  const why = (more: Partial<Parameters<typeof obstacleTo>[0]>) =>
    obstacleTo({
      lab,
      setup,
      findings: off,
      isEmulated: false,
      isOnline: true,
      isCi: false,
      ...more,
    })
  const bare = { ...setup, hasSystemd: false }
  t.equal(why({}), undefined, 'what is not installed is installed')
  t.match(why({ setup: bare }), /^this host has no systemd, so libvirt's daemons cannot/)
  t.match(why({ setup: { ...bare, container: 'docker' } }), /^this is a container \(docker\), so /)
  t.match(
    why({ setup: { ...bare, container: 'wsl' } }),
    /^WSL runs without systemd here .*\/etc\/wsl\.conf; .* wsl --shutdown\), so /,
  )
  t.equal(why({ setup: bare, findings: [] }), undefined, 'libvirt runs all the same')
  t.match(why({ isEmulated: true, isOnline: false }), 'neither KVM nor the internet')
  t.match(why({ isEmulated: true, isCi: true }), 'this is a CI machine without KVM')
  t.equal(why({ isCi: true }), undefined)
  t.equal(why({ isEmulated: true }), undefined, 'slow, but it works')
  const far = makeLab((raw) => (raw.libvirt = 'qemu+ssh://you@bigbox/system'))
  t.equal(why({ lab: far, setup: bare }), undefined)
})
