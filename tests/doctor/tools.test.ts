// Node, npm, host tools, libvirt.
import t from 'tap'
import { checkLibvirt, checkNode } from '../../lib/doctor/all-checks.ts'
import { checkKeyModes, checkTools, checkVersion, neededTools } from '../../lib/doctor/tools.ts'
import { LabError } from '../../lib/text/errors.ts'
import { factsWith, hereWith } from '../helpers/facts.ts'
import { makeLab, type RawLab } from '../helpers/labs.ts'

await t.test('tools that are missing are named', async (t) => {
  const judge = (paths: string[], change: (lab: RawLab) => unknown = () => {}) =>
    checkTools(factsWith({ here: hereWith({ tools: paths.join('\n') }) }, change))
  const all = neededTools(makeLab()).map((tool) => `/usr/bin/${tool}`)
  t.match(judge(all), [{ level: 'ok' }])
  const signed = (lab: RawLab) => (lab.image = { url: 'https://cloud-images.ubuntu.com/a.img' })
  t.match(judge(all, signed), [{ level: 'failure', found: 'missing: gpgv' }])
  t.match(judge([...all, '/usr/bin/gpgv'], signed), [{ level: 'ok' }])
  const rocky = (path: string) => (lab: RawLab) =>
    (lab.image = { url: `https://dl.rockylinux.org/pub/rocky/${path}.qcow2` })
  t.match(judge(all, rocky('9/a')), [{ level: 'ok' }], 'Rocky 9 signs nothing')
  t.match(judge(all, rocky('10/a')), [{ level: 'failure' }])
  const xorriso = all.map((path) => path.replace('genisoimage', 'xorriso'))
  t.match(judge(xorriso), [{ level: 'ok' }], 'one ISO tool is enough')
  t.match(judge(['/usr/bin/curl']), [
    {
      found: 'missing: virsh, ssh, ssh-keygen, flock, sha256sum, genisoimage, qemu-img',
      fix: [{ script: 'doctor', words: ['--fix'] }],
    },
  ])
  const nat = (lab: RawLab) =>
    (lab.network = { nat: 'n', cidr: '192.0.2.0/24', gateway: '192.0.2.1' })
  t.match(judge(all, nat), [{ found: 'missing: dnsmasq' }], 'a NAT network needs it')
  const remote = (lab: RawLab) => (lab.libvirt = 'qemu+ssh://me@elsewhere/system')
  const without = all.filter((path) => !path.endsWith('qemu-img'))
  t.match(judge(without, remote), [{ level: 'ok' }], 'a remote libvirt has its own')
})

await t.test('a libvirt that is too old is named with its version', async (t) => {
  const judge = (answers: Parameters<typeof hereWith>[0], libvirt = 'qemu:///system') =>
    (['virsh', 'libvirt'] as const).flatMap((one) =>
      checkVersion(
        factsWith({ here: hereWith(answers) }, (lab) => (lab.libvirt = libvirt)),
        one,
      ),
    )
  t.strictSame(judge({}), [])
  t.strictSame(judge({ virsh: '7.7.0' }), [])
  t.strictSame(judge({ virsh: '', libvirt: '' }), [], 'not installed')
  for (const version of ['7.0.0', '6.0.0', '7.6.0'])
    t.match(judge({ virsh: version }), [
      { level: 'failure', found: `virsh on this host is ${version}; 7.7 or newer is needed` },
    ])
  t.match(judge({ libvirt: 'libvirtd (libvirt) 6.0.0' }, 'qemu+ssh://you@bigbox/system'), [
    { found: 'libvirt is 6.0.0; 7.7 or newer is needed', fix: [/^# Debian 12/] },
  ])
})

await t.test('a key that ssh would ignore is found before it is needed', async (t) => {
  const judge = (modes: string) => checkKeyModes(factsWith({ here: hereWith({ modes }) }))
  for (const fine of ['', '600', '600\n400', '\n600']) t.strictSame(judge(fine), [], fine)
  for (const share of ['777', '755', '770\n770', '644'])
    t.match(judge(share), [
      {
        level: 'failure',
        found: /^files made in this folder get the mode/,
        fix: [/^# move/, /WSL/],
      },
    ])
  const chmod = { found: /id_ed25519 has the mode 644/, fix: ['chmod 600 .lab/lab/id_ed25519'] }
  for (const one of ['600\n644', '\n644']) t.match(judge(one), [chmod])
})

await t.test('Node must be new enough', async (t) => {
  for (const [node, level] of [
    ['18.20.4', 'failure'],
    ['20.18.3', 'failure'],
    ['20.19.0', 'ok'],
    ['24.0.0', 'ok'],
  ] as const)
    t.match(checkNode(factsWith({ node })), [{ level, found: `Node ${node}, npm 10.9.2` }])
  const here = hereWith({ npm: 'not found' })
  t.match(checkNode(factsWith({ here })), [{ level: 'ok', found: /npm not found$/ }])
})

await t.test('libvirt answers, or says why not', async (t) => {
  t.match(checkLibvirt(factsWith()), [{ level: 'ok', found: 'qemu:///system answers' }])
  const trouble = new LabError('it is off', { hint: ['start it'] })
  t.match(checkLibvirt(factsWith({ trouble })), [
    { level: 'failure', found: 'it is off', fix: ['start it'] },
  ])
})
