// The script that looks at this host, run by bash in a folder of stand-ins, and its answers.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { questions } from '../../lib/doctor/all-checks.ts'
import { lookScript, lookThere, parseLook, whyMissed } from '../../lib/doctor/look.ts'
import { lookedAt, NotLookedAt } from '../../lib/doctor/facts.ts'
import { FakeHost } from '../helpers/fake-host.ts'
import { trap } from '../../lib/shell/failed-program.ts'
import { makeLab, nat } from '../helpers/labs.ts'

const all = [...questions, 'neighbours' as const]
const lab = makeLab()

await t.test('bash answers every question, and what failed says why', async (t) => {
  const host = new FakeHost(t)
  const look = () => {
    const { stdout, stderr } = spawnSync('bash', ['-c', trap + lookScript(lab, all)], {
      env: host.env,
      encoding: 'utf8',
    })
    t.equal(stderr, '')
    return parseLook(lab, stdout)
  }
  const here = look()
  t.match(here('memory'), /^MemAvailable: +33554432 kB$/m)
  t.equal(here('disk'), 'Avail\n274877906944')
  t.equal(here('kvm'), 'works')
  t.equal(here('npm'), '10.9.2')
  t.match(here('interfaces'), /^\[.*"br0"/)
  t.strictSame(
    [here('neighbours'), here('filters'), here('rules'), here('forwards')],
    ['[]', '', '', ''],
  )
  t.ok(here('tools').split('\n').includes(join(host.bin, 'virsh')))

  host.put('no-kvm', 'no permission\nmore\n')
  host.without('genisoimage')
  host.add('ip', 'echo half; echo one >&2; echo two >&2; exit 3')
  host.add('df', 'exit 1')
  const worse = look()
  t.equal(worse('kvm'), 'fails 1 no permission\nmore')
  t.notMatch(worse('tools'), 'genisoimage')
  t.throws(() => worse('interfaces'), new NotLookedAt('one\ntwo'))
  t.throws(() => worse('disk'), new NotLookedAt('exit 1'))
  host.without('ip', 'qemu-system-x86_64', 'npm')
  t.equal(look()('npm'), 'not found')
  t.equal(look()('kvm'), 'no QEMU')
  t.throws(() => look()('neighbours'), {
    message: 'the program ip is missing',
    level: 'warning',
  })
  rmSync(join(host.state, 'files/dev/kvm'))
  t.equal(look()('kvm'), 'none')
})

await t.test('the rules of iptables are read where it filters bridge traffic', async (t) => {
  const host = new FakeHost(t)
  const filters = 'files/proc/sys/net/bridge'
  spawnSync('mkdir', ['-p', join(host.state, filters)])
  const rules = () => {
    const script = lookScript(lab, ['filters', 'rules'])
    const here = parseLook(
      lab,
      spawnSync('bash', ['-c', script], { env: host.env }).stdout.toString(),
    )
    return [here('filters'), here('rules')]
  }
  host.add('iptables', 'echo "-P FORWARD DROP"')
  host.put(`${filters}/bridge-nf-call-iptables`, '0\n')
  t.strictSame(rules(), ['0', ''])
  host.put(`${filters}/bridge-nf-call-iptables`, '1\n')
  t.strictSame(rules(), ['1', '-P FORWARD DROP'])
  host.add('iptables', 'echo "Permission denied (you must be root)" >&2; exit 4')
  t.strictSame(rules(), ['1', ''])
})

await t.test(
  'beside a NAT network the rules are read in any case, and what decides on them',
  async (t) => {
    const host = new FakeHost(t)
    const natLab = makeLab(nat)
    const look = () => {
      const script = trap + lookScript(natLab, ['rules', 'backend', 'routes'])
      return parseLook(
        natLab,
        spawnSync('bash', ['-c', script], { env: host.env }).stdout.toString(),
      )
    }
    host.add('iptables', 'echo "$* -P FORWARD DROP"')
    t.strictSame(
      [look()('rules'), look()('backend'), look()('routes')],
      ['-S -P FORWARD DROP', '', '[]'],
    )
    host.put('routes', '[{"dst":"192.168.0.0/16","dev":"tun0"}]')
    for (const folder of ['libvirt', 'ufw', 'default'])
      mkdirSync(join(host.state, 'files/etc', folder), { recursive: true })
    host.put('files/etc/libvirt/network.conf', 'firewall_backend = "nftables"\n')
    host.put('files/etc/default/ufw', 'DEFAULT_FORWARD_POLICY="DROP"\n')
    host.put('files/etc/ufw/ufw.conf', 'ENABLED=yes\n')
    t.equal(
      look()('backend'),
      'firewall_backend = "nftables"\nDEFAULT_FORWARD_POLICY="DROP"\nENABLED=yes',
    )
    t.match(look()('routes'), 'tun0')
  },
)

await t.test('an interrupted look has no answer to its last questions', async (t) => {
  const here = parseLook(lab, '== npm\n10\n\n-- 0\n\n== tools\n/usr/bin/virsh\n')
  t.equal(here('npm'), '10')
  t.throws(() => here('tools'), new NotLookedAt('the check of this host did not finish'))
  t.throws(() => here('memory'), new NotLookedAt('the check of this host did not finish'))
  t.equal(
    lookedAt(() => here('memory')),
    undefined,
  )
  const bug = new Error('no read that failed')
  t.throws(
    () =>
      lookedAt(() => {
        throw bug
      }),
    bug,
  )
})

const labAt = (uri: string) => makeLab((raw) => (raw.libvirt = uri))
const asked = (script: string | undefined) =>
  [...(script ?? '').matchAll(/^ASK (\w+)/gm)].map(([, name]) => name)
const remote = labAt('qemu+ssh://me@there:2222/system')

await t.test(
  'a libvirt elsewhere has its devices there, the scripts need their tools here',
  async (t) => {
    const ofScripts = ['npm', 'tools', 'virsh', 'modes']
    const others = all.filter((name) => !ofScripts.includes(name))
    for (const uri of ['qemu+ssh://me@there/system', 'qemu://there/system'])
      t.strictSame(new Set(asked(lookScript(labAt(uri), all))), new Set(ofScripts), uri)
    for (const uri of ['qemu:///system', 'qemu+unix:///system', 'qemu+ssh:///system']) {
      t.ok(asked(lookScript(labAt(uri), all)).includes('interfaces'), uri)
      t.equal(lookThere(labAt(uri), all), undefined)
    }
    t.strictSame(new Set(asked(lookThere(remote, all))), new Set(others))
    t.match(
      lookThere(remote, all),
      /^ssh -o BatchMode=yes -o ConnectTimeout=10 -p 2222 me@there bash -s <</,
    )
    t.match(
      lookThere(labAt('qemu+ssh://me@there/system?keyfile=/keys/lab'), all),
      /^ssh -o BatchMode=yes -o ConnectTimeout=10 -i \/keys\/lab me@there bash -s <</,
      'by the key of the URI',
    )
    t.equal(lookThere(remote, ['npm']), undefined, 'nothing to ask')
    const tls = labAt('qemu+tls://there/system')
    t.equal(lookThere(tls, all), undefined, 'no way in')
    t.throws(() => parseLook(tls, '')('memory'), {
      message: 'libvirt is on another host',
      level: 'ok',
    })
    const emulated = makeLab((raw) => (raw.domainType = 'qemu'))
    t.notMatch(lookScript(emulated, all), /^ASK kvm/m, 'nor is KVM tried when it is not wanted')
  },
)

await t.test('the host of libvirt is looked at over SSH', async (t) => {
  const host = new FakeHost(t)
  host.add('ssh', `echo "$*" >"$STAND_IN/door"; exec bash -s`)
  const { stdout, status } = spawnSync('bash', ['-c', lookThere(remote, all) ?? 'exit 1'], {
    env: host.env,
    encoding: 'utf8',
  })
  t.equal(status, 0)
  const here = parseLook(remote, `== npm\n10\n\n-- 0\n\n${stdout}`)
  t.match(here('memory'), 'MemTotal')
  t.match(here('interfaces'), /"br0"/)
  t.strictSame([here('kvm'), here('libvirt'), here('neighbours')], ['works', '9.0.0', '[]'])
  t.match(here('folder'), /^[\w ]+\n.*\/var|\/$/m)
  t.equal(here('npm'), '10', 'what was found here stands beside it')
})

await t.test('a host that does not let the look in is not judged', async (t) => {
  t.equal(whyMissed(remote, { code: 0, stderr: 'banner' }), undefined)
  const why = whyMissed(remote, {
    code: 255,
    stderr: 'a\nme@there: Permission denied (publickey).\n',
  })
  t.equal(
    why,
    'no look at there: me@there: Permission denied (publickey). (by hand: ssh -p 2222 me@there true)',
  )
  const here = parseLook(remote, '== npm\n10\n\n-- 0\n', why)
  t.throws(() => here('memory'), new NotLookedAt(why ?? ''))
  t.equal(here('npm'), '10')
})
