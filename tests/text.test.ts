// The texts that are made: XML, cloud-init, shell, SSH files, tables. Each is read back by a real reader.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import t from 'tap'
import { parse as parseYaml } from 'yaml'
import { networkConfig, parseUserConfig, userData } from '../lib/machine/user-data.ts'
import { consoleLog, domainXml, namespace } from '../lib/libvirt/domain-xml.ts'
import { UsageError } from '../lib/text/errors.ts'
import { consoleStage, fitted, formatSeconds, progressBar, wrapped } from '../lib/text/progress.ts'
import { hereDocument, quote } from '../lib/text/quote.ts'
import { keepsConnections, sshConfig, sshFiles, sshState } from '../lib/guest/ssh-files.ts'
import { baseVolumeXml, networkXml, overlayXml, poolXml } from '../lib/libvirt/storage-xml.ts'
import { table } from '../lib/text/table.ts'
import { TimedOut, until } from '../lib/shell/wait.ts'
import { xml } from '../lib/text/xml.ts'
import { hostileStrings, makeLab, nodeOf } from './helpers/labs.ts'

function thrownBy(work: () => unknown): UsageError {
  try {
    work()
  } catch (error) {
    if (error instanceof UsageError) return error
  }
  throw new Error('no UsageError was thrown')
}

const works = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0
const noPython = !works('python3', '-c', 'import yaml') && 'python3 with PyYAML is not installed'
/** What PyYAML, which cloud-init reads with, makes of a text. */
const pyYaml = (text: string): unknown =>
  JSON.parse(
    execFileSync(
      'python3',
      ['-c', 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))'],
      { input: text, encoding: 'utf8' },
    ),
  )
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  trimValues: false,
})
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const parseXml = (text: string): any => {
  t.equal(XMLValidator.validate(text), true, 'well-formed')
  return parser.parse(text)
}

await t.test('what is put into XML comes out of a parser as it was', async (t) => {
  for (const text of [...hostileStrings, ']]>', '&amp;', 'ä€😀']) {
    const { a } = parseXml(xml`<a b='${text}' c="${text}">${text}</a>`.text)
    t.strictSame([a['#text'], a['@b'], a['@c']], [text, text, text])
  }
})

await t.test('finished XML is not escaped twice, numbers are put in', async (t) => {
  const inner = xml`<b c='${'&'}'/>`
  t.equal(xml`<a n='${4}'>${inner}</a>`.text, `<a n='4'><b c='&amp;'/></a>`)
})

await t.test('a domain of a bridge lab, whole', async (t) => {
  const lab = makeLab()
  const text = domainXml(lab, nodeOf(lab), 'kvm')
  t.matchSnapshot(text, 'kubemaster')
  const { domain } = parseXml(text)
  t.match(domain, {
    '@type': 'kvm',
    name: 'kubemaster',
    uuid: lab.nodes[0]!.uuid,
    memory: { '#text': '4096', '@unit': 'MiB' },
    vcpu: '2',
    cpu: { '@mode': 'host-passthrough' },
    metadata: {
      'lab:node': {
        '@xmlns:lab': namespace,
        '@lab': 'lab',
        '@role': 'server',
        '@address': '192.0.2.30',
      },
    },
  })
  const { disk, interface: nic, serial } = domain.devices
  t.match(disk[0], {
    source: { '@file': '/var/lib/libvirt/images/rke2-kvm-lab/lab-kubemaster.qcow2' },
    target: { '@dev': 'vda', '@bus': 'virtio' },
  })
  t.match(disk[1], {
    '@device': 'cdrom',
    source: {
      '@file': '/var/lib/libvirt/images/rke2-kvm-lab/lab-kubemaster-seed.iso',
      '@startupPolicy': 'optional',
    },
    target: { '@dev': 'sda', '@bus': 'scsi' },
    readonly: '',
  })
  t.match(nic, {
    '@type': 'bridge',
    source: { '@bridge': 'br0' },
    mac: { '@address': lab.nodes[0]!.mac },
  })
  t.match(serial.log, { '@file': consoleLog({ name: 'kubemaster' }) })
})

await t.test(
  'an emulated domain on a NAT network differs in processor and interface',
  async (t) => {
    const lab = makeLab((raw) => {
      delete raw.network.bridge
      raw.network.nat = 'rke2-nat'
    })
    const { domain } = parseXml(domainXml(lab, nodeOf(lab), 'qemu'))
    t.match(domain, { '@type': 'qemu', cpu: { '@mode': 'maximum' } })
    t.match(domain.devices.interface, {
      '@type': 'network',
      source: { '@network': 'rke2-nat' },
    })
  },
)

await t.test('pool, volumes and network, whole', async (t) => {
  const lab = makeLab((raw) => {
    raw.network = { nat: 'rke2-nat', cidr: '192.0.2.0/25', gateway: '192.0.2.1' }
  })
  const base = 'base-0123456789abcdef.qcow2'
  t.matchSnapshot(poolXml(lab), 'pool')
  t.matchSnapshot(baseVolumeXml(base), 'base image')
  t.matchSnapshot(overlayXml(lab, nodeOf(lab), base), 'disk')
  t.matchSnapshot(networkXml(lab), 'network')
  t.match(parseXml(networkXml(lab)).network, {
    uuid: lab.networkUuid,
    ip: { '@address': '192.0.2.1', '@netmask': '255.255.255.128' },
  })
  t.match(parseXml(overlayXml(lab, nodeOf(lab), base)).volume, {
    capacity: { '#text': String(40 * 2 ** 30) },
    backingStore: { path: `/var/lib/libvirt/images/rke2-kvm-lab/${base}` },
  })
})

// cloud-init

const file = 'cloud-init/user-data.yaml'
const config = (text: string) => parseUserConfig(`#cloud-config\n${text}`, file)
const dataOf = (text: string) => {
  const lab = makeLab()
  return userData(lab, nodeOf(lab), config(text))
}
type CloudConfig = Record<string, unknown> & { users: Record<string, unknown>[] }
const parsed = (text: string) => parseYaml(text, { version: '1.1' }) as CloudConfig

await t.test('user-data without anything of the person, whole', async (t) => {
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

await t.test(
  'what the person wrote survives: keys, lists, several documents of text',
  async (t) => {
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
  },
)

await t.test('keys at top level and users of the person are added to the login user', async (t) => {
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

await t.test('what is no cloud-config, or fights with the scripts, is refused', async (t) => {
  const refused = (text: string, reason: RegExp) =>
    t.match(
      thrownBy(() => parseUserConfig(text, file)),
      { message: reason },
    )
  refused('packages: []\n', /first line must be #cloud-config/)
  refused('', /first line must be #cloud-config/)
  refused('#cloud-config\n- a\n', /must be a mapping/)
  refused('#cloud-config\na: [\n', /is not valid YAML/)
  refused('#cloud-config\nhostname: x\nssh_keys: {}\n', /hostname, ssh_keys differs per node/)
  t.strictSame(parseUserConfig('#cloud-config\n', file), {})
  t.ok(parseUserConfig(readFileSync(join(import.meta.dirname, '..', file), 'utf8'), file))
})

// tap's own use of the yaml package takes the timestamps out of it, which would change what is quoted.
const inOwnProcess = (text: string) =>
  execFileSync(
    process.execPath,
    [
      '--import=rke2-kvm-lab/register',
      '--input-type=module',
      '--eval',
      `import { parseUserConfig, userData } from './lib/cloud-init.ts'
      const [lab, node, text] = JSON.parse(process.argv[1])
      console.log(userData(lab, node, parseUserConfig(text, '')))`,
      JSON.stringify([makeLab(), makeLab().nodes[0], `#cloud-config\n${text}`]),
    ],
    { cwd: join(import.meta.dirname, '..'), encoding: 'utf8' },
  )

await t.test('PyYAML reads the same from user-data', { skip: noPython }, async (t) => {
  const tricky = [
    ...hostileStrings,
    'yes',
    'on',
    '12:30',
    '0777',
    '1_000',
    '2026-01-01',
    'null',
    '=',
    '<<',
  ]
  const written = { runcmd: [tricky], final_message: tricky.join('\n') }
  const read = pyYaml(inOwnProcess(JSON.stringify(written))) as CloudConfig
  t.strictSame(read.runcmd, [tricky])
  t.strictSame(read.final_message, tricky.join('\n'))
  t.match(read, {
    hostname: 'kubemaster',
    disable_root: true,
    users: [{ name: 'ubuntu', sudo: 'ALL=(ALL) NOPASSWD:ALL', lock_passwd: true }],
  })
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
      lan0: {
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
  const read = pyYaml(networkConfig(lab, node)) as { ethernets: { lan0: { match: unknown } } }
  t.strictSame(read.ethernets.lan0.match, { macaddress: '52:54:00:11:22:33' })
})

// Shell

await t.test('any word comes back from real shells as it was', async (t) => {
  const all = [
    ...hostileStrings,
    '',
    "'",
    "''",
    '"',
    '\\',
    '!x',
    'ä€',
    '\t',
    '=',
    '{a,b}',
    '~',
    '-n',
  ]
  for (const shell of ['bash', 'sh']) {
    const script = `printf '%s\\0' ${all.map(quote).join(' ')}`
    t.equal(spawnSync('bash', ['-n'], { input: script }).status, 0)
    const said = execFileSync(shell, ['-c', script], { encoding: 'utf8' })
    t.strictSame(said.split('\0').slice(0, -1), all, shell)
  }
  t.equal(quote('plain-word_1.2/3:4,5@6%7+8=9'), 'plain-word_1.2/3:4,5@6%7+8=9')
})

await t.test('a here-document gives its content untouched', async (t) => {
  for (const content of [...hostileStrings, 'EOF\n', 'a\nEOF\nEOF_\nb\n', '$x `id` \\\n', '']) {
    const script = hereDocument('cat', content)
    const said = execFileSync('bash', ['-c', script], { encoding: 'utf8' })
    t.equal(said, content.endsWith('\n') ? content : `${content}\n`)
  }
})

// SSH files

await t.test(
  'ssh reads the config as it was meant, also from a folder with odd characters',
  async (t) => {
    const lab = makeLab()
    const folder = join(t.testdir(), 'a b\'%h"'.replace('"', ''))
    const text = sshConfig(lab, folder, true)
    t.matchSnapshot(sshConfig(lab, '/home/me/rke2-kvm-lab', true), 'ssh_config')
    t.notMatch(sshConfig(lab, '/home/me', false), /Control/)
    t.notMatch(sshConfig(lab, `/home/${'long/'.repeat(15)}`, true), /Control/, 'too long a path')
    const versions = [
      'OpenSSH_9.2p1 Debian-2',
      'OpenSSH_8.5p1',
      'OpenSSH_10.0p2',
      'OpenSSH_8.4p1',
      '',
    ]
    t.strictSame(versions.map(keepsConnections), [true, true, true, false, false])
    if (!works('ssh', '-V')) return t.comment('ssh is not installed')
    const config = join(t.testdirName, 'config')
    spawnSync('tee', [config], { input: text })
    const { stdout, stderr } = spawnSync('ssh', ['-G', '-F', config, 'worker01'], {
      encoding: 'utf8',
    })
    t.equal(stderr, '')
    const said = new Map(
      stdout.split('\n').map((line) => [line.split(' ')[0], line.split(' ').slice(1).join(' ')]),
    )
    t.match(Object.fromEntries(said), {
      hostname: '192.0.2.31',
      user: 'ubuntu',
      stricthostkeychecking: 'true',
      identitiesonly: 'yes',
      batchmode: 'yes',
      updatehostkeys: 'false',
    })
    t.match(said.get('identityfile')?.replaceAll('%%', '%'), `${folder}/.lab/lab/id_ed25519`)
    t.strictSame(sshFiles(lab), {
      key: '.lab/lab/id_ed25519',
      config: '.lab/lab/ssh_config',
      knownHosts: '.lab/lab/known_hosts',
    })
  },
)

await t.test('what ssh says becomes a state for people', async (t) => {
  const said: [string, RegExp][] = [
    ['Host key verification failed.', /not with the host key/],
    ['@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @', /not with the host key/],
    ['ubuntu@192.0.2.30: Permission denied (publickey).', /login is not there yet/],
    ['ssh: connect to host 192.0.2.30 port 22: Connection refused', /SSH is not up yet/],
    ['ssh: connect to host 192.0.2.30 port 22: No route to host', /no answer on its address/],
    ['ssh: connect to host 192.0.2.30 port 22: Connection timed out', /no answer on its address/],
    ['first\nsomething else', /^something else$/],
    ['', /no answer on SSH/],
  ]
  for (const [text, state] of said) t.match(sshState(text), state)
})

// Tables, progress, waiting

await t.test(
  'a table is columns by width, without frame, colour or blanks at the end',
  async (t) => {
    const text = table(
      ['NODE', 'STATE', ''],
      [
        ['a', 'running', ''],
        ['longer-name', '-', 'x y'],
      ],
    )
    t.equal(text, 'NODE         STATE\na            running\nlonger-name  -        x y')
  },
)

await t.test('progress is one line', async (t) => {
  t.equal(
    progressBar(2 ** 29, 2 ** 30, 2 ** 24),
    '[############............] 50%  512 MiB of 1 GiB  16 MiB/s  32 s left',
  )
  t.equal(progressBar(1024, 0, 2048), '1 KiB  2 KiB/s', 'total not known')
  t.equal(progressBar(0, 1024, 0), `[${'.'.repeat(24)}] 0%  0 B of 1 KiB  0 B/s`, 'no rate yet')
  t.match(progressBar(2000, 1000, 1), /100%/, 'never more than all')
  t.match(progressBar(1, 10, NaN, 4), /^\[\.\.\.\.\] 10%/)
  t.match([0, 42.4, 59.6, 65, 3600].map(formatSeconds), [
    '0 s',
    '42 s',
    '1 m 00 s',
    '1 m 05 s',
    '60 m 00 s',
  ])
})

await t.test('what a console says last is told without its frills', (t) => {
  for (const [line, stage] of [
    ['[  OK  ] Started dbus.service - D-Bus', 'Started dbus.service - D-Bus'],
    ['         Starting cloud-init.service...', 'Starting cloud-init.service...'],
    ['[FAILED] Failed to start x.service', '[FAILED] Failed to start x.service'],
    ["[   46.009927] cloud-init[215]: running 'init'", "cloud-init[215]: running 'init'"],
    ['worker01 login: [   91.789998] cloud-init[36]: done', 'cloud-init[36]: done'],
    [
      "[   91.789998] cloud-init[366]: Cloud-init v. 22.4.2 running 'modules:final' at Sat, 21",
      "cloud-init running 'modules:final' at Sat, 21",
    ],
    ['worker01 login:', ''],
  ] as const)
    t.equal(consoleStage(line), stage)
  t.end()
})

await t.test('lines fit the terminal', (t) => {
  t.equal(fitted('12345', 5), '12345')
  t.equal(fitted('123456', 5), '1234…')
  t.equal(wrapped('one two  three four', 9), 'one two \nthree\nfour')
  t.equal(wrapped('a longerthanthat b', 5), 'a\nlongerthanthat\nb')
  t.equal(wrapped('', 5), '')
  t.equal(wrapped('one two', Infinity), 'one two')
  t.end()
})

/** A clock that only sleep moves. */
function testClock() {
  let now = 0
  const slept: number[] = []
  return {
    slept,
    now: () => now,
    sleep: async (milliseconds: number) => {
      slept.push(milliseconds)
      now += milliseconds
    },
  }
}

await t.test('waiting ends at once when it is done, and sleeps between looks', async (t) => {
  const clock = testClock()
  let looks = 0
  const probe = async () => (++looks === 3 ? { done: 'yes' } : { state: `look ${looks}` })
  t.equal(await until(probe, { seconds: 60, every: 5 }, clock), 'yes')
  t.strictSame(clock.slept, [5000, 5000])
})

await t.test('waiting ends at the deadline with the last state, after one more look', async (t) => {
  const clock = testClock()
  let looks = 0
  const never = until(async () => ({ state: `look ${++looks}` }), { seconds: 5, every: 2 }, clock)
  const error = (await never.catch((thrown: unknown) => thrown)) as TimedOut
  t.ok(error instanceof TimedOut)
  t.equal(error.lastState, 'look 4')
  t.strictSame(clock.slept, [2000, 2000, 1000])
})

await t.test('an error while waiting ends it', async (t) => {
  const broken = until(() => Promise.reject(new Error('broken')), { seconds: 5 }, testClock())
  await t.rejects(broken, { message: 'broken' })
})
