// What this host lacks, and the commands that set it up, by distribution.
import t from 'tap'
import {
  forThisHost,
  needsNewGroup,
  packagesFor,
  parseSetup,
  setupScript,
  sizeScript,
  sumOfUris,
  type Setup,
} from '../../lib/doctor/setup.ts'
import { fixesOf } from '../../lib/doctor/report.ts'
import { failure, ok, warning } from '../../lib/text/findings.ts'
import { makeLab, type RawLab } from '../helpers/labs.ts'

const nat = (raw: RawLab) => {
  raw.libvirt = 'qemu:///system'
  raw.network = { nat: 'n', cidr: '192.0.2.0/24', gateway: '192.0.2.1' }
}
const lab = makeLab(nat)

const answers = {
  os: 'ID=debian\nVERSION_ID="13"',
  whole: '',
  id: '1000\nme',
  sudo: 'yes',
  login: 'me sudo',
  database: 'me sudo',
  have: '/usr/bin/ssh\n/usr/bin/ssh-keygen\n/usr/bin/flock\n/usr/bin/sha256sum\n/usr/sbin/ip',
  modular: '',
  monolithic: '',
  systemd: 'yes',
  container: 'none',
  kvm: 'yes',
  flags: 'yes',
  memory: 'MemTotal:       32000000 kB',
}
const setupWith = (more: Partial<typeof answers> = {}, of = lab): Setup =>
  parseSetup(
    of,
    Object.entries({ ...answers, ...more })
      .map(([name, text]) => `== ${name}\n${text}\n`)
      .join(''),
  )
const nothing = [
  failure('host tools', 'missing: virsh', '# see the doctor'),
  failure('libvirt', 'virsh is not installed', 'some command'),
]
const fixesWith = (more: Partial<typeof answers>) =>
  fixesOf(forThisHost(nothing, setupWith(more), lab))

await t.test('a fresh host: packages, daemons and group in one round, in this order', async (t) => {
  t.strictSame(fixesWith({}), [
    'sudo apt-get update',
    'sudo DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends ' +
      'libvirt-clients curl ca-certificates genisoimage qemu-utils dnsmasq-base libvirt-daemon-system libvirt-daemon-driver-qemu qemu-system-x86',
    'sudo systemctl enable --now libvirtd.socket',
    'sudo usermod -aG libvirt me',
  ])
  t.strictSame(fixesWith({ id: '0\nroot' }).slice(-1), ['systemctl enable --now libvirtd.socket'])
  t.notMatch(fixesWith({ id: '0\nroot' }).join('\n'), 'sudo', 'root needs none')
  t.notMatch(fixesWith({ database: 'me libvirt' }).join('\n'), 'usermod')
})

await t.test('without sudo: root needs none, an ordinary user sees how to get it', async (t) => {
  const slow = [
    ...nothing,
    warning('KVM', 'slow', 'sudo modprobe kvm_intel || sudo modprobe kvm_amd', '# the firmware'),
    warning('firewall', 'drops', 'sudo ufw route allow from x && sudo ufw route allow to x'),
  ]
  const of = (more: Partial<typeof answers>) => forThisHost(slow, setupWith(more), lab)
  for (const sudo of ['', 'yes'])
    t.strictSame(fixesOf(of({ id: '0\nroot', sudo })).slice(-2), [
      'modprobe kvm_intel || modprobe kvm_amd',
      'ufw route allow from x && ufw route allow to x',
    ])
  const told = of({ sudo: '' })
  t.strictSame(fixesOf(told), [], 'nothing that would fail is run')
  const how = [
    "# there is no sudo here; as root: su - -c 'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends sudo && usermod -aG sudo me'",
    '# then log out and in again, and run this again',
  ]
  t.strictSame(told[0]?.fix, how)
  t.strictSame(told[2]?.fix, ['# the firmware', ...how])
  t.match(of({ sudo: '', os: 'ID=fedora' })[0]?.fix, [/ -y install sudo && usermod -aG wheel me'$/])
  t.match(of({ sudo: '', os: 'ID=own' })[2]?.fix, ['# the firmware', /su - -c 'usermod/])
})

await t.test('each distribution by its own names', async (t) => {
  const modular =
    'sudo systemctl enable --now virtqemud.socket virtnetworkd.socket virtstoraged.socket virtlogd.socket'
  for (const [os, install, ...names] of [
    ['ID=linuxmint\nID_LIKE="ubuntu debian"', 'apt-get', 'qemu-system-x86', 'dnsmasq-base'],
    ['ID=fedora', 'sudo dnf -y install', 'qemu-kvm', 'libvirt', 'xorriso'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"', 'sudo dnf -y install', 'qemu-kvm', 'xorriso'],
    ['ID="opensuse-leap"\nID_LIKE="suse opensuse"', 'sudo zypper --non-interactive', 'qemu-x86'],
    ['ID=manjaro\nID_LIKE=arch', 'sudo pacman -Syu', 'qemu-base', 'libisoburn', 'dnsmasq'],
  ] as const) {
    const fixes = fixesWith({ os }).join('\n')
    t.match(fixes, install)
    for (const name of names) t.match(fixes, new RegExp(` ${name}( |$)`, 'm'), `${os}: ${name}`)
    t.equal(fixes.includes(modular), install !== 'apt-get', os)
  }
  const unknown = forThisHost(nothing, setupWith({ os: 'ID=own' }), lab)
  t.match(unknown[0]?.fix, [/^# install: virsh, curl, genisoimage, /], 'programs, not packages')
  const silverblue = setupWith({ os: 'ID=fedora', whole: 'rpm-ostree install' })
  t.match(forThisHost(nothing, silverblue, lab)[0]?.fix, [
    /^# install \(rpm-ostree install PACKAGE, then restart\): virsh, curl, /,
  ])
})

await t.test('the daemons that are installed are started, whatever the distribution', async (t) => {
  const off = [failure('libvirt', "libvirt is not running or not installed: 'x'", 'some command')]
  const fixOf = (more: Partial<typeof answers>) =>
    fixesOf(forThisHost(off, setupWith({ database: 'libvirt', ...more }), lab))
  t.match(fixOf({ os: 'ID=fedora', monolithic: 'yes' }), [/libvirtd\.socket$/])
  t.match(fixOf({ modular: 'yes', monolithic: 'yes' }), [/ virtqemud\.socket /])
  t.strictSame(fixOf({ systemd: '' }), [], 'without systemd it is for a person')
})

await t.test('a login older than its group runs the rest under it', async (t) => {
  const denied = [failure('libvirt', 'this user may not use qemu:///system: denied', 'a', 'b')]
  const [none] = forThisHost(denied, setupWith(), lab)
  t.strictSame(none?.fix, ['sudo usermod -aG libvirt me'])
  const old = setupWith({ database: 'me libvirt' })
  t.match(forThisHost(denied, old, lab)[0]?.fix, [/^sg libvirt -c 'npm start'/])
  t.equal(needsNewGroup(old), true)
  t.equal(needsNewGroup(setupWith({ database: 'libvirt', login: 'libvirt' })), false)
  t.equal(needsNewGroup(setupWith({ id: '0\nroot', database: 'libvirt' })), false)
  t.equal(needsNewGroup(setupWith()), false)
})

await t.test('what a remote libvirt lacks is not fixed here', async (t) => {
  const remote = makeLab((raw) => (raw.libvirt = 'qemu+ssh://me@elsewhere/system'))
  const setup = setupWith({}, remote)
  t.strictSame(setup.missing, ['virsh', 'curl', 'genisoimage'])
  const told = [failure('libvirt', 'on elsewhere: libvirt is not running', '# there')]
  t.strictSame(forThisHost(told, setup, remote), told)
})

await t.test('no module is loaded where the processor cannot virtualise', async (t) => {
  const slow = [warning('KVM', 'it does not work', '# the firmware', 'sudo modprobe kvm_intel')]
  t.strictSame(forThisHost(slow, setupWith(), lab), slow)
  t.strictSame(forThisHost(slow, setupWith({ flags: '' }), lab)[0]?.fix, ['# the firmware'])
})

await t.test('what needs curl or gpgv is not judged before they are there', async (t) => {
  const image = [failure('image', 'curl is not installed', '# ?')]
  t.match(forThisHost(image, setupWith(), lab), [{ level: 'warning', found: /^not checked: / }])
  const have = `${answers.have}\n/usr/bin/curl`
  t.strictSame(forThisHost(image, setupWith({ have }), lab), image)
})

await t.test('programs beside those of the scripts are found missing too', async (t) => {
  const have = [...answers.have.split('\n'), ...'virsh curl mkisofs qemu-img dnsmasq'.split(' ')]
  const setup = (...more: string[]) => setupWith({ have: [...have, ...more].join('\n') })
  const fine = [ok('host tools', 'all installed')]
  t.match(forThisHost(fine, setup('libvirtd'), lab), [
    { level: 'failure', found: 'missing: qemu-system-x86_64' },
  ])
  t.strictSame(forThisHost(fine, setup('virtqemud', '/usr/libexec/qemu-kvm'), lab), fine)
})

await t.test('the size of the packages is what apt-get says', async (t) => {
  const uris = `Reading package lists...
'http://deb.debian.org/debian/pool/main/c/curl/curl_8.14.1-2_amd64.deb' curl_8.14.1-2_amd64.deb 270000 SHA256:00
'http://deb.debian.org/debian/pool/main/g/g.deb' g.deb 1000 SHA256:00
`
  t.equal(sumOfUris(uris), 271000)
  t.match(sizeScript(setupWith()), / --print-uris libvirt-clients curl /)
  t.equal(sizeScript(setupWith({ os: 'ID=fedora' })), undefined)
  t.strictSame(packagesFor(setupWith({ os: '' })), [])
})

await t.test('the script asks this host for all of it', async (t) => {
  const script = setupScript(lab)
  for (const name of Object.keys(answers)) t.match(script, `echo '== ${name}'`)
  t.match(script, 'command -v virsh ')
})
