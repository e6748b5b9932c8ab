// What virsh says when it fails, and the advice for the host where it can be followed.
import t from 'tap'
import { errorsIn } from '../../lib/libvirt/batch.ts'
import { libvirtHost, libvirtTrouble, saysBusy, saysNone } from '../../lib/libvirt/trouble.ts'
import { fixture } from '../helpers/fixtures.ts'

const system = 'qemu:///system'
const bigbox = 'qemu+ssh://you@bigbox/system'
const remoteSaid = (text: string) => [
  'failed to connect to the hypervisor',
  `Cannot recv data: ${text}: Connection reset by peer`,
]
const helper = (why: string) =>
  remoteSaid(
    `virt-ssh-helper: cannot connect to '/var/run/libvirt/libvirt-sock': Failed to connect socket to '/var/run/libvirt/libvirt-sock': ${why}`,
  )
const daemon = (name: string) =>
  `Failed to connect socket to '/var/run/libvirt/${name}-sock': No such file or directory`

const groupLine = 'sudo usermod -aG libvirt "$(id -un)"'
const sshTrial = '# try it by hand: ssh you@bigbox true'
type Row = [uri: string, errors: string[], message: RegExp, fix: string]
const table: Row[] = [
  [
    system,
    errorsIn(fixture('connect-denied.libvirt-9.0.0.txt')),
    /^this user may not use qemu:\/\/\/system: Failed to connect socket/,
    groupLine,
  ],
  [
    system,
    [
      'failed to connect to the hypervisor',
      "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'",
    ],
    /^this user may not use/,
    groupLine,
  ],
  [
    system,
    errorsIn(fixture('connect-missing.libvirt-9.0.0.txt')),
    /^libvirt is not running or not installed: Failed to connect socket/,
    'sudo systemctl enable --now libvirtd.socket || sudo systemctl enable --now libvirtd',
  ],
  [
    system,
    ['Failed to list pools', daemon('virtstoraged')],
    /^the storage daemon of libvirt is off: Failed to connect socket/,
    'sudo systemctl enable --now virtstoraged.socket',
  ],
  [
    system,
    ['Failed to list networks', daemon('virtnetworkd')],
    /^the network daemon of libvirt is off: /,
    'sudo systemctl enable --now virtnetworkd.socket',
  ],
  [
    bigbox,
    ['Failed to list pools', daemon('virtstoraged')],
    /^on bigbox: the storage daemon of libvirt is off: /,
    "# on bigbox: ssh -t you@bigbox 'sudo systemctl enable --now virtstoraged.socket'",
  ],
  // Recorded with virsh 9.0.0 (public reports: dmacvicar/terraform-provider-libvirt 1004 and 1121).
  [bigbox, remoteSaid('Host key verification failed.'), /^on bigbox: SSH cannot connect/, sshTrial],
  [
    bigbox,
    remoteSaid('you@bigbox: Permission denied (publickey,password).'),
    /^on bigbox: SSH cannot connect: .*publickey/,
    sshTrial,
  ],
  [
    bigbox,
    remoteSaid('ssh: connect to host bigbox port 22: Connection refused'),
    /^on bigbox: SSH cannot connect/,
    sshTrial,
  ],
  ...[
    'Connection closed by 192.0.2.7 port 22',
    'Bad owner or permissions on /home/me/.ssh/config',
    'This account is currently not available.',
  ].map((text): Row => [bigbox, remoteSaid(text), /^on bigbox: SSH cannot connect/, sshTrial]),
  [
    bigbox,
    ['failed to connect to the hypervisor', 'internal error: client socket is closed'],
    /^on bigbox: SSH cannot connect: .*socket is closed/,
    sshTrial,
  ],
  ...['sh: 1: nc: not found', 'bash: line 1: nc: command not found'].map((text): Row => [
    bigbox,
    remoteSaid(text),
    /^on bigbox: libvirt is not installed there: .* nc: /,
    '# install it there (libvirt-daemon-system on Debian and Ubuntu, libvirt on others)',
  ]),
  [
    bigbox,
    ['Failed to list pools', 'Cannot recv data: Connection reset by peer'],
    /^on bigbox: the connection to libvirt was lost: /,
    '# run the same command again',
  ],
  [
    bigbox,
    helper('No such file or directory'),
    /^on bigbox: libvirt is not running or not installed/,
    "# on bigbox: ssh -t you@bigbox 'sudo systemctl enable --now libvirtd.socket || sudo systemctl enable --now libvirtd'",
  ],
  [
    bigbox,
    helper('Permission denied'),
    /^on bigbox: this user may not use qemu\+ssh:/,
    `# on bigbox: ssh -t you@bigbox '${groupLine}'`,
  ],
  [
    'qemu+tls://bigbox/system',
    helper('Permission denied'),
    /^on bigbox: this user may not/,
    `# on bigbox: ${groupLine}`,
  ],
  // Recorded with libvirtd 9.0.0 without these drivers, and killed while virsh asked.
  [
    system,
    [
      'Failed to get the number of active pools ',
      'this function is not supported by the connection driver: virConnectNumOfStoragePools',
    ],
    /^libvirt has no storage driver: /,
    '# install libvirt-daemon-driver-storage, then: sudo systemctl restart libvirtd || sudo systemctl enable --now virtstoraged.socket',
  ],
  [
    system,
    [
      'Disconnected from qemu:///system due to end of file',
      'Failed to list pools',
      'Cannot recv data: Connection reset by peer',
    ],
    /^the connection to libvirt was lost: Cannot recv data/,
    '# run the same command again',
  ],
  [
    system,
    ["command 'pool-list' doesn't support option --name"],
    /^virsh does not support what these scripts need: command 'pool-list'/,
    '# virsh --version must be 7.7 or newer',
  ],
  [
    bigbox,
    ["command 'pool-list' doesn't support option --name"],
    /^virsh does not support/,
    '# virsh --version must be 7.7 or newer',
  ],
  [
    bigbox,
    ['Failed to list networks', daemon('virtnetworkd')],
    /^on bigbox: the network daemon of libvirt is off: /,
    "# on bigbox: ssh -t you@bigbox 'sudo systemctl enable --now virtnetworkd.socket'",
  ],
  [
    system,
    ["command 'pool-define' doesn't support option --validate"],
    /^virsh does not support what these scripts need: command 'pool-define'/,
    '# virsh --version must be 7.7 or newer',
  ],
]

await t.test('what is wrong, where, and what fixes it there', async (t) => {
  for (const [uri, errors, message, fix] of table) {
    const trouble = libvirtTrouble(errors, uri)
    t.match(trouble.message, message)
    t.equal(trouble.hint[0], fix)
    if (uri !== system)
      t.ok(
        trouble.hint.every((one) => typeof one !== 'string' || one.startsWith('#')),
        'doctor --fix has nothing to run here',
      )
  }
})

await t.test('an unknown error is shown in its own words', async (t) => {
  const odd = libvirtTrouble(['failed to connect', 'odd'], 'xen:///system')
  t.match(odd, { message: 'odd', details: ['failed to connect'] })
  t.strictSame(odd.hint, ['virsh -c xen:///system version'])
  t.match(libvirtTrouble(['odd'], bigbox), {
    message: 'on bigbox: odd',
    hint: [`# virsh -c ${bigbox} version`],
  })
  t.strictSame(libvirtTrouble(['odd'], system, 'vol-list p').hint, [
    'virsh -c qemu:///system vol-list p',
  ])
  t.equal(libvirtTrouble([], system).message, 'virsh printed nothing')
})

await t.test('only a clear answer of virsh means that there is none', async (t) => {
  const none = [
    ["failed to get domain 'x'"],
    ["failed to get domain 'x'", "Domain not found: no domain with matching name 'x'"],
    ["failed to get vol 'x'", "Storage volume not found: no storage vol with matching path 'x'"],
    ["failed to get network 'x'", "Network not found: no network with matching name 'x'"],
    ["failed to get pool 'x'", "Storage pool not found: no storage pool with matching name 'x'"],
  ]
  for (const errors of none) t.ok(saysNone(errors), errors.join('; '))
  const failed = [
    [],
    ["failed to get vol 'x'"],
    ["failed to get vol 'x'", daemon('virtstoraged')],
    ["pool 'p' is not active"],
    ['Failed to list volumes', 'Requested operation is not valid: storage pool is not active'],
    ['Disconnected from qemu:///system due to end of file', "failed to get domain 'x'"],
    [
      "failed to get pool 'p'",
      'this function is not supported by the connection driver: virStoragePoolLookupByName',
    ],
  ]
  for (const errors of failed) t.notOk(saysNone(errors), errors.join('; '))
  t.ok(saysBusy(["internal error: pool 'p' has asynchronous jobs running."]))
  t.notOk(saysBusy(['cannot open directory']))
})

await t.test('the host that a URI leads to', async (t) => {
  const isHere = false
  const here = { isHere: true, name: 'localhost' }
  const uris: [string, unknown][] = [
    ['qemu:///system', here],
    ['test+unix:///default?socket=/run/x', here],
    ['qemu+ssh:///system', { ...here, ssh: 'ssh localhost' }],
    ['qemu+ssh://me@localhost/system', { ...here, ssh: 'ssh me@localhost' }],
    [bigbox, { isHere, name: 'bigbox', ssh: 'ssh you@bigbox' }],
    ['qemu+ssh://bigbox:2222/system', { isHere, name: 'bigbox', ssh: 'ssh -p 2222 bigbox' }],
    [
      'qemu+ssh://me@bigbox:2222/system?no_tty=1&keyfile=/home/m%C3%A9/my%20keys/c%2B+%',
      { isHere, name: 'bigbox', ssh: "ssh -i '/home/mé/my keys/c++%' -p 2222 me@bigbox" },
    ],
    ['qemu+libssh2://me@192.0.2.7/system', { isHere, name: '192.0.2.7', ssh: 'ssh me@192.0.2.7' }],
    [
      'qemu+ssh://me@[2001:db8::1]/system',
      { isHere, name: '2001:db8::1', ssh: 'ssh me@2001:db8::1' },
    ],
    ['qemu+tcp://bigbox/system', { isHere, name: 'bigbox' }],
  ]
  for (const [uri, expected] of uris) t.strictSame(libvirtHost(uri), expected, uri)
})
