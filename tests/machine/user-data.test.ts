// The files of a node's cloud-init seed, read back by PyYAML as cloud-init reads them.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse as parseYaml } from 'yaml'
import {
  hasFreeSudo,
  networkConfig,
  parseUserConfig,
  userData,
} from '../../lib/machine/user-data.ts'
import { insertProxies } from '../../lib/machine/seed.ts'
import { UsageError } from '../../lib/text/errors.ts'
import { hostileStrings, makeLab, nodeOf, withExtras } from '../helpers/labs.ts'
import { noPython, pyYaml } from '../helpers/yaml.ts'

const top = join(import.meta.dirname, '../..')

function thrownBy(work: () => unknown): UsageError {
  try {
    work()
  } catch (error) {
    if (error instanceof UsageError) return error
  }
  throw new Error('no UsageError was thrown')
}

const file = 'cloud-init/user-data.yaml'
const config = (text: string) => parseUserConfig(`#cloud-config\n${text}`, file)
const dataOf = (text: string) => {
  const lab = makeLab()
  return userData(lab, nodeOf(lab), config(text))
}
type CloudConfig = Record<string, unknown> & { users: Record<string, unknown>[] }
const parsed = (text: string) => parseYaml(text, { version: '1.1' }) as CloudConfig

await t.test('user-data without settings of the user, whole', async (t) => {
  const text = dataOf('{}')
  t.matchSnapshot(text, 'kubemaster')
  t.match(text, /^#cloud-config\n/)
  t.match(parsed(text), {
    hostname: 'kubemaster',
    ssh_pwauth: false,
    disable_root: true,
    users: [{ name: 'ubuntu', lock_passwd: true, ssh_authorized_keys: ['@LAB_PUBLIC_KEY@'] }],
  })
})

await t.test('settings of the user survive: keys, lists, several documents of text', async (t) => {
  const written = `
packages: [qemu-guest-agent, jq]
runcmd:
  - [sh, -c, 'echo "$(id)" > /root/a']
write_files:
  - path: /etc/motd
    content: |
      two
        lines
ssh_pwauth: true
timezone: Europe/Berlin
`
  const made = parsed(dataOf(written))
  t.match(made, parseYaml(written))
  t.equal(made.ssh_pwauth, true, 'theirs wins')
  t.match(made, { hostname: 'kubemaster', users: [{ name: 'ubuntu' }] })
})

await t.test('top-level keys and users of the user are added to the login user', async (t) => {
  const { users, ssh_authorized_keys: top } = parsed(
    dataOf(`
ssh_authorized_keys: [ssh-ed25519 AAAA me]
users:
  - default
  - name: ubuntu
    groups: [docker]
    sudo: null
    ssh_authorized_keys: ssh-ed25519 BBBB two
  - { name: alice, ssh_authorized_keys: [ssh-ed25519 CCCC alice] }
`),
  )
  t.equal(top, undefined)
  t.equal(users.length, 3)
  t.match(users[0], {
    name: 'ubuntu',
    groups: ['docker'],
    sudo: null,
    shell: '/bin/bash',
    ssh_authorized_keys: ['@LAB_PUBLIC_KEY@', 'ssh-ed25519 BBBB two', 'ssh-ed25519 AAAA me'],
  })
  t.strictSame(users.slice(1), [
    'default',
    { name: 'alice', ssh_authorized_keys: ['ssh-ed25519 CCCC alice'] },
  ])
})

await t.test('a login that was meant for the default user reaches the login user', async (t) => {
  const { users, ...rest } = parsed(
    dataOf(`
ssh-authorized-keys: [ssh-ed25519 AAAA me]
ssh_import_id: [gh:me]
users: [{ name: ubuntu, ssh-authorized-keys: [ssh-ed25519 BBBB two], ssh_import_id: lp:me }]
`),
  )
  t.strictSame(
    Object.keys(rest).filter((key) => key.startsWith('ssh')),
    ['ssh_pwauth', 'ssh_deletekeys'],
  )
  t.strictSame(users[0]?.ssh_import_id, ['lp:me', 'gh:me'])
  t.strictSame(users[0]?.ssh_authorized_keys, [
    '@LAB_PUBLIC_KEY@',
    'ssh-ed25519 BBBB two',
    'ssh-ed25519 AAAA me',
  ])
  t.notOk('ssh-authorized-keys' in (users[0] ?? {}))
  const { details } = thrownBy(() => config('password: secret\n'))
  t.match(details, [/^line 2, password: is for the default user of the image; write users: /])
  t.notMatch(details.join(), 'secret')
  t.doesNotThrow(() => config('password: x\nusers: [default]\n'), 'the user has one')
})

await t.test('an image with a name brings what it needs', async (t) => {
  const lab = makeLab((raw) => (raw.image = { name: 'rocky-10' }))
  const made = parsed(
    userData(lab, nodeOf(lab), config('packages: [jq]\npower_state: { mode: poweroff }\n')),
  )
  t.match(made, {
    packages: ['kernel-modules-extra', 'iptables-nft', 'jq'],
    write_files: [{ path: '/etc/NetworkManager/conf.d/rke2-canal.conf' }],
    power_state: { mode: 'poweroff' },
  })
})

await t.test('apt and dnf get the proxies of the lab; settings of the user win', async (t) => {
  const of = (proxy: unknown, text: string) => {
    const lab = makeLab((raw) => (raw.proxy = proxy))
    return parsed(userData(lab, nodeOf(lab), config(text)))
  }
  const [http, https] = ['http://a:1', 'http://b:2']
  t.notOk('bootcmd' in of(undefined, '{}'))
  t.notOk('bootcmd' in of({ none: ['x'] }, '{}'))
  const folder = t.testdir({ 'apt.conf.d': {}, 'dnf.conf': '[main]\n' })
  const made = (proxy: unknown) => {
    const commands = of(proxy, 'bootcmd: [theirs]').bootcmd as string[]
    t.equal(commands.pop(), 'theirs')
    for (const command of commands)
      // cloud-init gives each to sh, at every start
      for (const text of [command, command])
        execFileSync('sh', ['-c', text.replace(/\/etc\/(apt|dnf)/g, folder)])
    const read = (file: string) => readFileSync(join(folder, file), 'utf8')
    return [read('apt.conf.d/10rke2-kvm-lab'), read('dnf.conf')]
  }
  const apt = (scheme: string, address: string) => `Acquire::${scheme}::Proxy "${address}";\n`
  t.strictSame(made({ http, https }), [
    apt('http', http) + apt('https', https),
    `[main]\nproxy=${https}\n`,
  ])
  t.strictSame(made({ http }), [apt('http', http), `[main]\nproxy=${https}\n`], 'once')
})

await t.test('the proxies of this host are inserted whatever is in them', async (t) => {
  const lab = makeLab((raw) => (raw.proxy = 'host'))
  const text = userData(lab, nodeOf(lab), config('packages: [a\\b, " c "]'))
  const proxy = 'http://me:p&|%2f$(id)!*@proxy:3128'
  const made = spawnSync('bash', ['--norc', '-euc', `cat${insertProxies}`], {
    input: text,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HTTPS_PROXY: proxy },
  })
  t.equal(made.stderr, '')
  const { bootcmd, packages } = parsed(made.stdout)
  t.match(bootcmd, [/http::Proxy ""/])
  for (const text of [`https::Proxy "${proxy}";`, `'proxy=${proxy}'`])
    t.ok(String(bootcmd).includes(text), text)
  t.strictSame(packages, ['a\\b', ' c '])
})

await t.test(
  'anything but cloud-config, or in conflict with the scripts, is refused',
  async (t) => {
    const refused = (text: string, ...reasons: RegExp[]) => {
      const { message, details } = thrownBy(() => parseUserConfig(text, file))
      t.match([message, ...details], reasons)
    }
    refused('packages: []\n', /first line must be #cloud-config/)
    refused('', /first line must be #cloud-config/)
    refused('#cloud-config\n- a\n', /user-data\.yaml is not a YAML mapping of cloud-config keys/)
    refused('#cloud-config\n\na: ]\n', /user-data\.yaml is not valid YAML/, /^line 3: /)
    refused(
      '#cloud-config\nhostname: x\nssh_keys: {}\n',
      /user-data\.yaml: 2 problems/,
      /^line 2, hostname: differs per node and is set by the scripts; remove it/,
      /^line 3, ssh_keys: differs per node/,
    )
    refused('#cloud-config\nruncmd: [a]\nruncmd: [b]\n', /1 problem$/, /^line 3: runcmd .* line 2$/)
    refused('#cloud-config\na: 1\n---\nb: 2\n', /not valid YAML/, /^line 3: a second document/)
    refused('#cloud-config\nusers: {alice: {}}\n', /1 problem$/, /^line 2, users: must be a list/)
    t.doesNotThrow(() => parseUserConfig('\ufeff#cloud-config\r\nusers: default\r\n', file))
    t.strictSame(parseUserConfig('#cloud-config\n', file), {})
    t.ok(parseUserConfig(readFileSync(join(top, file), 'utf8'), file))
  },
)

await t.test('PyYAML reads the same from user-data', { skip: noPython }, async (t) => {
  const words = [
    'yes',
    'on',
    '12:30',
    '0777',
    '1_000',
    '2026-01-01',
    'null',
    '=',
    '<<',
    '\x7f',
    '\u2028',
  ]
  const tricky = [...hostileStrings, ...words]
  const written = { runcmd: [tricky], final_message: tricky.join('\n') }
  const read = pyYaml(dataOf(JSON.stringify(written))) as CloudConfig
  t.strictSame(read.runcmd, [tricky])
  t.strictSame(read.final_message, tricky.join('\n'))
  t.match(read, {
    hostname: 'kubemaster',
    disable_root: true,
    users: [{ name: 'ubuntu', sudo: 'ALL=(ALL) NOPASSWD:ALL', lock_passwd: true }],
  })
})

await t.test('settings of the user mean to PyYAML what they mean in their file', async (t) => {
  const written = `
package_update: yes
package_upgrade: off
swap: { size: 012, maxsize: 1_000, filename: ~ }
ntp: &ntp { enabled: True, when: 12:30, on: y }
growpart: { <<: *ntp, mode: off, day: 2026-01-01 }
write_files:
  - { path: /a, content: !!binary aGk=, permissions: "0644" }
  - { path: /b, permissions: 0644, 8080: web }
`
  const made = dataOf(written)
  for (const text of [
    'package_update: yes',
    'size: 012',
    'when: 12:30',
    'permissions: 0644',
    'on: y',
  ])
    t.ok(made.includes(text), `${text} keeps its text`)
  if (noPython) return t.comment(noPython)
  const theirs = pyYaml(written) as CloudConfig
  const read = Object.entries(pyYaml(made) as CloudConfig).filter(([key]) => key in theirs)
  t.strictSame(Object.fromEntries(read), theirs)
})

await t.test('a key of any length stays on one line', async (t) => {
  const key = `ssh-rsa ${'A'.repeat(700)} me@host`
  t.match(
    dataOf(`ssh_authorized_keys: [${key}]`).split('\n'),
    [new RegExp(`^ +- ${key}$`)].slice(1),
  )
  t.ok(dataOf(`ssh_authorized_keys: [${key}]`).includes(`- ${key}\n`))
})

await t.test('the address is given to the NIC with the MAC of the node', async (t) => {
  const lab = makeLab()
  const text = networkConfig(lab, nodeOf(lab, 'worker01'))
  t.matchSnapshot(text, 'worker01')
  const expected = {
    version: 2,
    ethernets: {
      enp1s0: {
        match: { macaddress: nodeOf(lab, 'worker01').mac },
        dhcp4: false,
        addresses: ['192.0.2.31/24'],
        routes: [{ to: '0.0.0.0/0', via: '192.0.2.1' }],
        nameservers: { addresses: ['1.1.1.1', '8.8.8.8'] },
      },
    },
  }
  t.strictSame(parseYaml(text), expected)
  if (!noPython) t.strictSame(pyYaml(text), expected)
})

await t.test('a MAC of digits only stays a text in YAML 1.1', { skip: noPython }, async (t) => {
  const lab = makeLab()
  const node = { ...nodeOf(lab), mac: '52:54:00:11:22:33' } // sexagesimal to a YAML 1.1 reader
  const read = pyYaml(networkConfig(lab, node)) as { ethernets: { enp1s0: { match: unknown } } }
  t.strictSame(read.ethernets.enp1s0.match, { macaddress: '52:54:00:11:22:33' })
})

await t.test('a login user whose sudo wants a password is noticed', async (t) => {
  const users = (sudo: string) => `users: [{ name: ubuntu, ${sudo} }]`
  const cases: [string, boolean][] = [
    ['{}', true],
    ['users: [{ name: other, sudo: "ALL=(ALL) ALL" }]', true],
    [users('sudo: "ALL=(ALL) ALL", lock_passwd: false, passwd: $6$rounds=4096$abc$def'), false],
    [users('sudo: ["ALL=(ALL) ALL", "ALL=(ALL) NOPASSWD: ALL"]'), true],
    [users('sudo: null'), false],
    [users('sudo: false'), false],
    [users('shell: /bin/zsh'), true],
  ]
  for (const [text, free] of cases) t.equal(hasFreeSudo(makeLab(), config(text)), free, text)
})

await t.test('further cards keep their names, and lead nowhere else', async (t) => {
  const lab = makeLab(withExtras)
  const node = nodeOf(lab)
  const { ethernets } = parseYaml(networkConfig(lab, node)) as { ethernets: object }
  t.match(ethernets, { enp1s0: { routes: [{ to: '0.0.0.0/0' }] } })
  t.strictSame(Object.entries(ethernets).slice(1), [
    [
      'storage',
      {
        match: { macaddress: node.networks[0]?.mac },
        'set-name': 'storage',
        dhcp4: false,
        optional: true,
        addresses: ['10.0.0.30/24'],
      },
    ],
    [
      'vms',
      {
        match: { macaddress: node.networks[1]?.mac },
        'set-name': 'vms',
        dhcp4: false,
        optional: true,
      },
    ],
  ])
})

await t.test(
  'further disks with a folder are formatted once and mounted, beside those of the user',
  async (t) => {
    const lab = makeLab(withExtras)
    const text = userData(lab, nodeOf(lab), config('mounts: [[/dev/vdx, /mnt]]'))
    t.match(parsed(text), {
      fs_setup: [
        {
          device: '/dev/disk/by-id/virtio-data',
          filesystem: 'ext4',
          partition: 'none',
          cmd: /^if test -z .* mkfs\.ext4 -q -L data .*; then :; else echo .*; fi$/,
        },
      ],
      mounts: [
        [
          '/dev/disk/by-id/virtio-data',
          '/var/lib/data',
          'ext4',
          'defaults,nofail,x-systemd.growfs',
          '0',
          '2',
        ],
        ['/dev/vdx', '/mnt'],
      ],
    })
    t.equal((parsed(text).fs_setup as unknown[]).length, 1, 'the other stays empty')
  },
)
