// What is said of a node before RKE2 is installed there: findings from its facts, and the same by the printed script.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { factsScript, parseFacts, type NodeFacts } from '../../lib/rke2/facts.ts'
import { findingsOn, needsScript } from '../../lib/rke2/fitness.ts'
import { hintText } from '../../lib/text/errors.ts'
import { parts } from '../../lib/text/sections.ts'
import { makeLab, nodeOf, type RawLab } from '../helpers/labs.ts'

const onWorker = 'ssh -F .lab/lab/ssh_config worker01 '
const again =
  'npx zx scripts/destroy.ts worker01 && npx zx scripts/create.ts worker01 && npx zx scripts/eject.ts worker01'

const candidate = (
  facts: Partial<NodeFacts>,
  {
    change,
    config = '',
  }: { change?: ((lab: RawLab) => unknown) | undefined; config?: string } = {},
) => {
  const lab = makeLab(change)
  const state = { ...parseFacts(new Map()), ...facts }
  const others = [{ node: nodeOf(lab), state: { machineId: 'a' } }]
  return { lab, node: nodeOf(lab, 'worker01'), state, others, config }
}
const said = (...of: Parameters<typeof candidate>) =>
  findingsOn(candidate(...of)).map(({ level, found, fix = [] }) => [
    level,
    found,
    ...fix.map((hint) => hintText(hint, '')),
  ])

const el10 = {
  ids: ['rocky', 'rhel', 'centos', 'fedora'],
  kernel: '6.12.0-55.9.1.el10_0.x86_64',
  installer: 'dnf',
} as const
const ubuntu = { ids: ['ubuntu', 'debian'], kernel: '6.8.0-1-kvm', installer: 'apt-get' } as const
const leap = {
  ids: ['opensuse-leap', 'suse'],
  kernel: '6.12.0-1-default',
  installer: 'zypper',
} as const
const older = (lab: RawLab) => (lab.rke2 = { version: 'v1.34.1+rke2r1' })
const withImages = (lab: RawLab) => (lab.rke2 = { ...lab.rke2, images: true })
const withCni = (cni: string | string[]) => (lab: RawLab) => (lab.rke2 = { ...lab.rke2, cni })
const GiB = 2 ** 30

const cgroup = 'it uses cgroup v1; since Kubernetes 1.35 the kubelet refuses to start there'
const noModules = 'its kernel lacks br_netfilter, nft_compat: pods get no network'
const lacking = ['br_netfilter', 'nft_compat']

await t.test('what is wrong, and the command that is right for the distribution', async (t) => {
  const cases: [Parameters<typeof said>, string[][]][] = [
    [[{}], []],
    [[{ cgroup: 'cgroup2fs', free: 20 * GiB, memory: 4 * GiB, machineId: 'b', ...ubuntu }], []],
    [
      [{ cgroup: 'tmpfs', ...ubuntu }],
      [
        [
          'failure',
          cgroup,
          `${onWorker}'sudo sed -i "s/ *systemd.unified_cgroup_hierarchy=[a-z0-9]*//; s/^GRUB_CMDLINE_LINUX=.\\?/&systemd.unified_cgroup_hierarchy=1 /" /etc/default/grub && sudo update-grub && sudo systemctl reboot'`,
          '# or use an image of a newer system (cgroup v2 is the default since Ubuntu 22.04, Debian 11, EL 9), then:',
          again,
        ],
      ],
    ],
    [
      [{ cgroup: 'tmpfs', ...el10 }, { change: older }],
      [
        [
          'warning',
          cgroup,
          `${onWorker}'sudo grubby --update-kernel=ALL --args=systemd.unified_cgroup_hierarchy=1 && sudo systemctl reboot'`,
        ],
      ],
    ],
    [
      [{ cgroup: 'tmpfs' }, { config: 'kubelet-arg:\n  - fail-cgroupv1=false\n' }],
      [['warning', cgroup]],
    ],
    [
      [{ lacking, ...el10 }],
      [
        [
          'failure',
          noModules,
          `${onWorker}sudo dnf install --assumeyes kernel-modules-extra-6.12.0-55.9.1.el10_0.x86_64`,
          '# if that version is gone, the newest with its kernel:',
          `${onWorker}sudo dnf install --assumeyes kernel kernel-modules-extra`,
          `${onWorker}sudo systemctl reboot`,
        ],
      ],
    ],
    [
      [{ lacking, ...ubuntu }],
      [
        [
          'failure',
          noModules,
          `${onWorker}sudo apt-get install --yes linux-modules-extra-6.8.0-1-kvm`,
        ],
      ],
    ],
    [
      [{ lacking, ...ubuntu, ids: ['debian'] }],
      [
        [
          'failure',
          noModules,
          `${onWorker}sudo apt-get install --yes linux-image-amd64`,
          `${onWorker}sudo systemctl reboot`,
        ],
      ],
    ],
    [
      [{ lacking, ...leap }],
      [
        [
          'failure',
          noModules,
          `${onWorker}sudo zypper --non-interactive install kernel-default`,
          `${onWorker}sudo systemctl reboot`,
        ],
      ],
    ],
    [[{ lacking }], [['failure', noModules, '# install on worker01: a kernel with these modules']]],
    [
      [{ cgroup: 'tmpfs' }],
      [
        [
          'failure',
          cgroup,
          '# on the kernel command line of worker01: systemd.unified_cgroup_hierarchy=1',
        ],
      ],
    ],
    [
      [{ lacking, isReplaced: true, ...el10 }],
      [
        [
          'failure',
          noModules,
          `${onWorker}sudo systemctl reboot   # an upgrade has replaced the running kernel`,
        ],
      ],
    ],
    [[{ lacking: ['vxlan'] }], [['failure', 'its kernel lacks vxlan: pods get no network']]],
    [[{ lacking: ['vxlan'] }, { change: withCni('none') }], []],
    [[{ lacking: ['vxlan'] }, { change: withCni(['multus', 'none']) }], []],
    [
      [{ lacking: ['ip_set', 'xt_comment'], ...leap }],
      [
        [
          'warning',
          'its kernel lacks ip_set, xt_comment, which some network plugins need',
          `${onWorker}sudo zypper --non-interactive install kernel-default`,
        ],
      ],
    ],
    [
      [{ lacking: ['ip_set', 'overlay'] }],
      [['failure', 'its kernel lacks ip_set, overlay: pods get no network']],
    ],
    [
      [{ lacking: undefined, ...ubuntu }],
      [
        [
          'warning',
          'its kernel modules could not be checked: it lacks modprobe',
          `${onWorker}sudo apt-get install --yes kmod`,
        ],
      ],
    ],
    [
      [{ gaps: ['iptables', 'apparmor'], ...ubuntu }],
      [
        [
          'failure',
          'it lacks iptables and apparmor, so RKE2 cannot start containers',
          `${onWorker}sudo apt-get install --yes iptables apparmor`,
          '# for future machines, in cloud-init/user-data.yaml: packages: [iptables, apparmor]',
        ],
      ],
    ],
    [
      [{ gaps: ['iptables'], ...el10 }],
      [
        [
          'failure',
          'it lacks iptables, so RKE2 cannot start containers',
          `${onWorker}sudo dnf install --assumeyes iptables-nft`,
          '# for future machines, in cloud-init/user-data.yaml: packages: [iptables-nft]',
        ],
      ],
    ],
    [
      [{ gaps: ['apparmor'], ...leap }],
      [['failure', /apparmor/, `${onWorker}sudo zypper --non-interactive install apparmor-parser`]],
    ],
    [
      [{ prefix: 'is a separate file system' }],
      [
        [
          'failure',
          /^its \/usr\/local is a .*: RKE2 would go to \/opt\/rke2, where no script looks/,
          /a plain \/usr\/local/,
          again,
        ],
      ],
    ],
    [[{ gaps: ['iptables'] }], [['failure', /iptables/, '# install on worker01: iptables']]],
    [[{ free: 4 * GiB }], []],
    [
      [{ free: 4 * GiB }, { change: withImages }],
      [['failure', 'only 4 GiB is free on its disk, but RKE2 needs 6 GiB', `${onWorker}df -h`]],
    ],
    [
      [{ machineId: 'a' }],
      [
        [
          'failure',
          'it has the same machine-id as kubemaster: their pods could not reach each other',
          `${onWorker}'sudo rm -f /etc/machine-id /var/lib/dbus/machine-id && sudo systemd-machine-id-setup && sudo systemctl reboot'`,
        ],
      ],
    ],
    [[{ memory: 1.9 * GiB }], []],
    [
      [{ memory: GiB }],
      [
        [
          'warning',
          'it has 1 GiB of memory, and RKE2 asks for 4 GB: it may be slow, or processes are killed',
          '# give it more memory in the lab file, then:',
          'npx zx scripts/resize.ts worker01',
        ],
      ],
    ],
    [[{ skew: -59 }], []],
    [
      [{ skew: -4000.4, units: ['chronyd'] }],
      [
        [
          'warning',
          'its clock is 4000 s behind that of this host, and dates the certificates',
          `${onWorker}sudo systemctl restart chronyd   # sets the clock; without internet:`,
          `${onWorker}sudo date --utc --set @$(date +%s)`,
        ],
      ],
    ],
    [
      [{ skew: 100, units: ['systemd-timesyncd'] }],
      [['warning', /100 s ahead of/, `${onWorker}sudo systemctl restart systemd-timesyncd`]],
    ],
    [[{ skew: 100 }], [['warning', /100 s/, `${onWorker}sudo date --utc --set @$(date +%s)`]]],
    [
      [{ units: ['firewalld'] }],
      [['warning', /firewalld/, `${onWorker}sudo systemctl disable --now firewalld`]],
    ],
    [[{ lacksPolicy: true }], [['warning', 'SELinux is enforcing, without rke2-selinux']]],
    [[{ lacksPolicy: true }, { config: 'selinux: true\n' }], [['failure', /SELinux/]]],
    [
      [{ cgroup: 'tmpfs', lacking, gaps: ['iptables'], free: 1, machineId: 'a', memory: 1 }],
      ['failure', 'failure', 'failure', 'failure', 'failure', 'warning'].map((level) => [level]),
    ],
  ] as [Parameters<typeof said>, string[][]][]
  for (const [of, findings] of cases) {
    const found = said(...of)
    t.equal(found.length, findings.length, JSON.stringify(found))
    t.match(found, findings)
  }
})

const bin = join(t.testdir({ bin: {} }), 'bin')
const play = (name: string, script: string) => {
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, name), 0o755)
}
/** Runs a script as the node's sh does. */
const onNode = (input: string) =>
  spawnSync('sh', ['-s'], { input, env: { PATH: `${bin}:/usr/bin:/bin` }, encoding: 'utf8' })

await t.test('the printed script says the same as what is judged', async (t) => {
  mkdirSync(bin, { recursive: true })
  const nodes: [bad: Record<string, string>, failures: number, stderr: string][] = [
    [{}, 0, ''],
    [{ stat: 'echo tmpfs' }, 1, 'worker01: it lacks cgroup v2, which the kubelet needs\n'],
    [
      { modprobe: 'test "$3" != nft_compat' },
      1,
      'worker01: it lacks the kernel module nft_compat\n',
    ],
    [{ modprobe: 'test "$3" != xt_comment' }, 0, ''],
    [
      { grep: 'test "$2" = " /usr/local " || exec /usr/bin/grep "$@"' },
      1,
      'worker01: it lacks a /usr/local for RKE2, in the root file system\n',
    ],
    [{ df: 'echo Avail; echo 1000' }, 1, 'worker01: it lacks 3 GiB of free disk\n'],
    [
      { stat: 'echo tmpfs', df: 'echo Avail; echo 1000' },
      2,
      'worker01: it lacks cgroup v2, which the kubelet needs\nworker01: it lacks 3 GiB of free disk\n',
    ],
  ]
  for (const [bad, failures, stderr] of nodes) {
    const good = { stat: 'echo cgroup2fs', modprobe: 'true', df: 'echo Avail; echo 99999999999' }
    const always = {
      iptables: 'true',
      apparmor_parser: 'true',
      systemctl: 'echo inactive',
      grep: 'exec /usr/bin/grep "$@"',
    }
    for (const [name, script] of Object.entries({ ...good, ...always, ...bad })) play(name, script)
    const answer = onNode(`part() { echo "== $1"; }\n${factsScript}`).stdout
    const facts = parseFacts(parts(answer))
    const found = findingsOn(candidate({ ...facts, skew: 0 })).filter(
      ({ level }) => level === 'failure',
    )
    t.equal(found.length, failures, JSON.stringify(found))
    const printed = onNode(needsScript(candidate({})))
    t.strictSame([printed.status === 0, printed.stderr], [failures === 0, stderr])
  }
})

await t.test('Rocky 10 without kernel-modules-extra is reported, with dnf', async (t) => {
  const missing = 'br_netfilter nft_compat xt_comment xt_addrtype xt_MASQUERADE'
  play('modprobe', `case " ${missing} " in *" $3 "*) exit 1;; esac`)
  play('dnf', 'true')
  play('uname', `echo ${el10.kernel}`)
  const answer = onNode(`part() { echo "== $1"; }\n${factsScript}`).stdout
  const facts = parseFacts(parts(answer))
  t.strictSame(facts.lacking, missing.split(' '))
  const found = said({ lacking: facts.lacking, ...el10, ids: [...el10.ids] })
  t.match(found, [
    ['failure', /br_netfilter.*no network/, /dnf install .* kernel-modules-extra-6\.12/],
  ])
})

await t.test('the facts of a node', async (t) => {
  const answer = `== machine-id
1c4ad377574c4263adbb7c624b6a3429
== system
ID="rocky"
ID_LIKE="rhel centos fedora"
6.12.0-55.9.1.el10_0.x86_64
== installers
/usr/bin/dnf
== units
NetworkManager active
firewalld inactive
chronyd active
== cgroup
tmpfs
== modules
br_netfilter
nft_compat
== kernel
== gaps
iptables
== prefix
cannot be written
== selinux
lacking
== memory
MemTotal:        1977012 kB
== free
5000000000
== canal
/etc/NetworkManager/conf.d/rke2-canal.conf
`
  t.strictSame(parseFacts(parts(answer)), {
    ...el10,
    units: ['NetworkManager', 'chronyd'],
    skew: 0,
    machineId: '1c4ad377574c4263adbb7c624b6a3429',
    cgroup: 'tmpfs',
    lacking,
    isReplaced: false,
    gaps: ['iptables'],
    prefix: 'cannot be written',
    lacksPolicy: true,
    memory: 1977012 * 1024,
    mounted: [],
    free: 5000000000,
    hasCanalRule: true,
  })
})

await t.test('further disks are mounted before RKE2 writes there', async (t) => {
  const disks = [{ name: 'data', size: '1GiB', mount: '/var/lib/data' }]
  const device = '/dev/disk/by-id/virtio-data'
  const change = (lab: RawLab) => void Object.assign(lab.nodes[1]!, { disks })
  t.strictSame(said({}, { change }), [], 'what could not be read is no reason')
  t.strictSame(said({ mounted: ['/', '/var/lib/data'] }, { change }), [])
  t.strictSame(said({ mounted: ['/'] }, { change }), [
    [
      'failure',
      'its disk data is not mounted on /var/lib/data: what is written there would fill its first disk',
      '# a disk is formatted and mounted when its machine is made; where it was added later (only an empty one is formatted):',
      '# what is in the folder by now is hidden by the mount: move it first',
      `${onWorker}'test -z "$(sudo wipefs -n ${device} || echo unknown)" && { sudo blkid -p ${device}; test $? -eq 2; } && sudo mkfs.ext4 -q -L data ${device} || ! lsblk --fs ${device}'`,
      `${onWorker}'sudo mkdir -p /var/lib/data && { grep -q " /var/lib/data " /etc/fstab || echo ${device} /var/lib/data ext4 defaults,nofail,x-systemd.growfs 0 2 | sudo tee -a /etc/fstab; } && sudo mount /var/lib/data'`,
    ],
  ])
  const script = needsScript(candidate({}, { change }))
  t.match(
    script,
    'grep -qs \' /var/lib/data \' /proc/mounts || lacks "the disk data, mounted on /var/lib/data"',
  )
})
