// doctor.ts as a real process on a stand-in host; and what scripts have in common.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fixesOf } from '../../lib/doctor/report.ts'
import type { Finding } from '../../lib/text/findings.ts'
import { FakeHost } from '../helpers/fake-host.ts'
import { fixture } from '../helpers/fixtures.ts'

const findingsOf = (stdout: string) => (JSON.parse(stdout) as { findings: Finding[] }).findings

await t.test('a healthy host', async (t) => {
  const host = new FakeHost(t)
  const { code, stdout, stderr, changes } = await host.run('doctor')
  t.strictSame([code, stdout, changes], [0, '', []])
  t.match(stderr, '✓ libvirt: qemu:///system answers')
  t.match(stderr, '✓ KVM: QEMU starts with it')
  t.match(stderr, '✓ network: bridge br0 with 192.0.2.1/24')
  t.match(stderr, '✓ image: image.qcow2 is on this host')
  t.match(stderr, 'Next: npx zx scripts/create.ts')
  t.notMatch(stderr, /^[✗!]/m)
  const json = await host.run('doctor', ['--json'])
  t.strictSame([json.code, json.stderr], [0, ''])
  const findings = findingsOf(json.stdout)
  t.ok(findings.every(({ level }) => level === 'ok'))
  t.match(
    new Set(findings.map(({ check }) => check)),
    new Set(['Node', 'host tools', 'libvirt', 'KVM', 'network', 'firewall', 'addresses', 'names']),
  )
  t.notOk(existsSync(join(host.project, '.lab')), 'it writes nothing')
})

await t.test('a host with every problem: all problems at once, each with its fix', async (t) => {
  const host = new FakeHost(t)
  host.put('no-connection', fixture('connect-denied.libvirt-9.0.0.txt'))
  host.put('ip-address', '[]')
  host.put('no-kvm', 'Could not access KVM kernel module: Permission denied\n')
  host.put('files/proc/meminfo', 'MemTotal: 41943040 kB\nMemAvailable: 1024 kB\n')
  mkdirSync(join(host.state, 'files/proc/sys/net/bridge'), { recursive: true })
  host.put('files/proc/sys/net/bridge/bridge-nf-call-iptables', '1\n')
  host.add('iptables', 'echo "-P FORWARD DROP"')
  host.add('sudo', 'echo "sudo $*" >>"$STAND_IN/calls"')
  execFileSync('rm', [join(host.project, 'image.qcow2')])
  host.without('curl', 'genisoimage')

  const { code, stdout } = await host.run('doctor', ['--json'])
  t.equal(code, 1)
  const failed = findingsOf(stdout).filter(({ level }) => level !== 'ok')
  t.strictSame([...new Set(failed.map(({ check }) => check))].sort(), [
    'KVM',
    'bridge',
    'firewall',
    'host tools',
    'image',
    'libvirt',
  ])
  t.strictSame(
    failed.filter(({ fix }) => !fix).map(({ check }) => check),
    [],
    'each has its fix',
  )
  await t.test('--fix shows the fixes, asks, and then runs them', async (t) => {
    const asked = await host.run('doctor', ['--fix'])
    t.match(asked.stderr, 'there is no terminal to ask on, so nothing was done')
    t.notOk(asked.calls.some((call) => call.startsWith('sudo')))
    const fixed = await host.run('doctor', ['--fix', '--yes'])
    t.match(fixed.calls.filter((call) => call.startsWith('sudo')).sort(), [
      /^sudo DEBIAN_FRONTEND=noninteractive apt-get .* curl ca-certificates genisoimage$/,
      /^sudo apt-get update$/,
      /^sudo modprobe kvm_intel$/,
      /^sudo sysctl -w net\.bridge\.bridge-nf-call-iptables=0$/,
      /^sudo usermod -aG libvirt/,
    ])
    t.notOk(fixed.calls.some((call) => call.includes('#')))
  })
})

await t.test('--fix checks again: when all is fixed it says so, with status 0', async (t) => {
  const host = new FakeHost(t)
  const kept = join(host.folder, 'genisoimage')
  renameSync(join(host.bin, 'genisoimage'), kept)
  host.put('no-kvm', 'Could not access KVM kernel module: Permission denied\n')
  host.add(
    'sudo',
    `case "$*" in
  'apt-get update') ;;
  'DEBIAN_FRONTEND=noninteractive apt-get '*' genisoimage') cp '${kept}' "\${0%/*}" ;;
  'modprobe kvm_intel') [[ -e $STAND_IN/firmware ]] && rm "$STAND_IN/no-kvm" ;;
  *) exit 1 ;;
esac`,
  )
  const failed = await host.run('doctor', ['--fix', '--yes'])
  t.equal(failed.code, 1, 'one of the commands failed')
  t.match(failed.stderr, /! it did not work; the other fixes follow: sudo failed \(exit 1\): it/)

  host.put('firmware', 'VT-x is on')
  const { code, stderr } = await host.run('doctor', ['--fix', '--yes'])
  t.equal(code, 0, stderr)
  const [once = '', again = ''] = stderr.split('\nAfter the fix\n')
  t.match(once, '✗ KVM: KVM does not work here')
  t.match(again, '✓ host tools: all installed')
  t.match(again, '✓ KVM: QEMU starts with it')
  t.notMatch(again, '✗')
  t.match(again, 'Next: npx zx scripts/create.ts')
})

await t.test('--fix with --dry-run prints what it would run, --json goes without', async (t) => {
  const host = new FakeHost(t)
  host.without('genisoimage')
  host.put('no-kvm', 'Could not access KVM kernel module: Permission denied\n')
  host.add('sudo', 'echo "sudo $*" >>"$STAND_IN/unknown"')
  const { code, stdout } = await host.run('doctor', ['--fix', '--dry-run', '--yes'])
  t.equal(code, 1)
  t.match(stdout, /^#!\/usr\/bin\/env bash\n/)
  const others = `echo 'it did not work; the other fixes follow' >&2`
  t.match(
    stdout,
    `# Fix
sudo apt-get update || ${others}
sudo DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends genisoimage || ${others}
sudo modprobe kvm_intel || sudo modprobe kvm_amd || ${others}
}`,
  )
  const both = await host.run('doctor', ['--fix', '--json', '--yes'])
  t.strictSame([both.code, both.stdout], [2, ''])
  t.match(both.stderr, '✗ --json and --fix do not go together')
})

await t.test('a libvirt without QEMU', async (t) => {
  const host = new FakeHost(t, (lab) => (lab.domainType = 'qemu'))
  host.without('qemu-system-x86_64')
  host.put('failures', 'domcapabilities*\tinvalid argument: no emulator for x86_64\n')
  for (const domainType of ['qemu', 'auto', 'kvm']) {
    host.writeLab((lab) => (lab.domainType = domainType))
    const { code, stderr } = await host.run('doctor')
    t.equal(code, 1)
    t.match(stderr, '✗ QEMU: libvirt has no QEMU for x86_64')
    t.match(stderr, /sudo DEBIAN_FRONTEND=noninteractive apt-get .* qemu-system-x86\n/)
  }
})

await t.test('an image to fetch is asked for, without fetching it', async (t) => {
  const url = 'https://images.test/guest.qcow2'
  const host = new FakeHost(t, (lab) => (lab.image = { url, sha256: '0'.repeat(64) }))
  const image = async () =>
    findingsOf((await host.run('doctor', ['--json'])).stdout).find(({ check }) => check === 'image')
  const says = (outcome: string) => {
    const head = `[[ $* = *' --head --output /dev/null ${url}' ]]`
    host.add('curl', `${head} || { echo "curl $*" >>"$STAND_IN/unknown"; exit 97; }; ${outcome}`)
  }
  says('true')
  t.match(await image(), { level: 'ok', found: `${url} is available` })
  says('exit 6')
  t.match(await image(), {
    level: 'failure',
    found: `${url}: the host name cannot be resolved: no internet, or DNS does not work`,
    fix: ['# fix image.url in the lab file, or the internet connection'],
  })
  says('exit 22')
  t.match(
    await image(),
    { level: 'warning', found: /the server does not have it/ },
    'or says so to HEAD',
  )
  const company: [string, RegExp, RegExp][] = [
    ['(56) CONNECT tunnel failed, response 407', /proxy .* \(curl: \(56\).* 407\)$/, /_proxy/],
    ['(56) CONNECT tunnel failed, response 403', /proxy .* \(curl: \(56\).* 403\)$/, /_proxy/],
    [
      '(60) SSL certificate problem: self-signed certificate in certificate chain',
      /clock is wrong, or a proxy of your company signs .* \(curl: \(60\) .* chain\)$/,
      /^# date .*\n# the CA of your company: .*\n# export CURL_CA_BUNDLE=/,
    ],
    ['(5) Could not resolve proxy: proxy.corp.lan', /proxy .*proxy\.corp\.lan\)$/, /_proxy/],
  ]
  for (const [said, found, fix] of company) {
    says(`echo 'curl: ${said}' >&2; exit ${/\d+/.exec(said)?.[0]}`)
    const finding = await image()
    t.match(finding, { level: 'failure', found })
    t.strictSame(fixesOf(finding ? [finding] : []), [], 'doctor --fix runs none of it')
    t.match(finding?.fix?.map(String).join('\n'), fix)
  }
})

await t.test('--help prints the usage and touches nothing', async (t) => {
  const host = new FakeHost(t)
  for (const script of ['create', 'up']) {
    const { code, stdout, stderr, calls } = await host.run(script, ['--help'])
    t.strictSame([code, stderr, calls], [0, '', []], script)
    t.ok(stdout.startsWith(`npx zx scripts/${script}.ts`), script)
  }
})

await t.test(
  'a script that changes nothing, and one that removes all, refuse a broken lab file',
  async (t) => {
    const host = new FakeHost(t, (lab) => (lab.nodes = []))
    for (const script of ['doctor', 'destroy']) {
      const { code, stdout, stderr, calls } = await host.run(script, ['--yes'])
      t.strictSame([code, stdout, calls], [2, '', []], script)
      t.match(stderr, 'nodes: must have at least one node')
    }
    t.notOk(existsSync(join(host.project, '.lab')))
  },
)

await t.test(
  'a libvirt on another host is looked at over SSH, and fixed by a person',
  async (t) => {
    const host = new FakeHost(t, (lab) => {
      lab.libvirt = 'qemu+ssh://me@elsewhere/system'
      lab.domainType = 'kvm'
    })
    host.add('ssh', `[[ $* = *'me@elsewhere bash -s' ]] && exec bash -s; exit 97`)
    const there = findingsOf((await host.run('doctor', ['--json'])).stdout)
    t.match(
      there.find(({ check }) => check === 'network'),
      { level: 'ok', found: 'on elsewhere: bridge br0 with 192.0.2.1/24' },
    )
    host.put('no-kvm', 'Could not access KVM kernel module: Permission denied\n')
    const { code, stdout, stderr, changes } = await host.run('doctor', ['--fix', '--yes'])
    t.equal(code, 1)
    t.match(stdout + stderr, /on elsewhere: KVM does not work here/)
    t.match(stdout + stderr, /# on elsewhere: ssh -t me@elsewhere 'sudo modprobe/)
    t.strictSame(changes, [], 'nothing is run here')

    host.add('ssh', 'echo "me@elsewhere: Permission denied (publickey)." >&2; exit 255')
    const closed = findingsOf((await host.run('doctor', ['--json'])).stdout)
    t.match(
      closed.find(({ check }) => check === 'network'),
      { level: 'warning', found: /^not checked: no look at elsewhere: .*ssh me@elsewhere true/ },
    )
  },
)
