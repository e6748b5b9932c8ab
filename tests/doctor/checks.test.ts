// One list of checks, run over facts.
import t from 'tap'
import { checkProxy, checks, findAll, questions } from '../../lib/doctor/all-checks.ts'
import { findForCreate, foundThere, hostError, questionsOfCreate } from '../../lib/doctor/checks.ts'
import { fixesOf, withoutRepeats } from '../../lib/doctor/report.ts'
import { failure, ok } from '../../lib/text/findings.ts'
import { factsWith, hereWith } from '../helpers/facts.ts'

await t.test('a healthy host: each check has a finding, and all are ok', async (t) => {
  const findings = findAll(factsWith())
  t.strictSame(
    findings.map(({ check }) => check),
    checks.map(({ name }) => name),
  )
  t.strictSame([...new Set(findings.map(({ level }) => level))], ['ok'])
})

await t.test(
  'create runs those that stop it, and asks this host no more than they need',
  async (t) => {
    const names = findForCreate(factsWith()).map(({ check }) => check)
    t.strictSame(names, [
      'host tools',
      'KVM',
      'network',
      'addresses',
      'names',
      'memory',
      'disk space',
    ])
    t.strictSame(
      questionsOfCreate,
      'tools virsh modes libvirt kvm processor interfaces routes memory disk'.split(' '),
    )
    const besides = questions.filter((name) => !questionsOfCreate.includes(name))
    t.strictSame(besides, ['npm', 'forwards', 'filters', 'rules', 'backend', 'folder'])
  },
)

await t.test(
  'what could not be checked is reported, and is neither ok nor a failure',
  async (t) => {
    const here = hereWith({}, ...questions, 'neighbours')
    const found = findAll(factsWith({ here })).filter(({ level }) => level !== 'ok')
    t.strictSame(
      found.map(({ check }) => check),
      ['Node', 'host tools', 'network', 'routes', 'firewall', 'addresses', 'memory', 'disk space'],
    )
    for (const finding of found)
      t.match(finding, { level: 'warning', found: 'not checked: it is broken' })
  },
)

await t.test('unexpected output is no answer', async (t) => {
  const odd = { interfaces: 'no JSON', neighbours: '{}', memory: 'MemFree: 1 kB', disk: 'Avail\n-' }
  const found = findAll(factsWith({ here: hereWith(odd) })).filter(({ level }) => level !== 'ok')
  t.match(
    found.map(({ check, found }) => `${check}: ${found}`),
    [
      'network: not checked: unexpected output: no JSON',
      'routes: not checked: unexpected output: no JSON',
      'addresses: not checked: unexpected output: {}',
      'memory: not checked: unexpected output: MemFree: 1 kB',
      /^disk space: not checked: unexpected output: Avail/,
    ],
  )
})

await t.test('a proxy of this host that the machines know nothing of is named', async (t) => {
  const found = (proxy: string | undefined, change?: Parameters<typeof factsWith>[1]) =>
    checkProxy(factsWith({ proxy }, change))
  t.match(found('https_proxy'), [
    {
      check: 'proxy',
      level: 'warning',
      found: /^https_proxy is set on this host/,
      fix: ['# if they need it too: proxy: host in the lab file'],
    },
  ])
  t.strictSame(found(undefined), [])
  t.strictSame(
    found('https_proxy', (raw) => (raw.proxy = { https: 'http://proxy.lan:3128' })),
    [],
  )
})

await t.test('advice of several lines is shown once', async (t) => {
  const lines = ['# put these lines into the lab file', '#   cidr: 192.0.2.0/24']
  const findings = [
    failure('addresses', 'worker01: taken', ...lines),
    failure('addresses', 'worker02: taken', ...lines),
    failure('addresses', 'worker03: taken', '# another'),
    failure('names', 'taken', '# another'),
  ]
  t.strictSame(
    withoutRepeats(findings).map(({ fix }) => fix),
    [lines, ['# the same as above'], ['# another'], ['# another']],
  )
})

await t.test('a bug in a check is not a failed read', async (t) => {
  const here = () => {
    throw new TypeError('oops')
  }
  t.throws(() => findAll(factsWith({ here })), { message: 'oops' })
})

await t.test('one failure is the error of create, several are counted', async (t) => {
  t.equal(hostError(findForCreate(factsWith())), undefined)
  const tools = factsWith({ here: hereWith({ tools: '/usr/bin/virsh' }) })
  t.match(hostError(findForCreate(tools)), {
    message: /^missing: ssh, /,
    hint: [{ script: 'doctor', words: ['--fix'] }],
  })
  const knocks = tools.lab.nodes.map((node) => ({ node, answer: 'open' as const }))
  t.match(hostError(findForCreate({ ...tools, knocks })), {
    message: '4 problems were found',
    hint: [{ script: 'doctor', words: [] }],
  })
})

await t.test(
  'what is wrong on another host is reported for that one, with commands for it',
  async (t) => {
    const bigbox = 'qemu+ssh://you@bigbox/system'
    t.strictSame(foundThere(bigbox, ok('memory', '8 GiB free')), {
      ...ok('memory', 'on bigbox: 8 GiB free'),
    })
    const broken = failure('KVM', 'no', 'sudo modprobe kvm', '# look', '# or: sudo reboot')
    t.strictSame(foundThere(bigbox, broken), {
      ...broken,
      found: 'on bigbox: no',
      fix: [
        "# on bigbox: ssh -t you@bigbox 'sudo modprobe kvm'",
        '# look',
        '# on bigbox: or: sudo reboot',
      ],
    })
    t.equal(foundThere('qemu:///system', broken), broken)
    const kvm = { works: false, why: 'no /dev/kvm' }
    const memory = 'MemTotal: 4000000 kB\nMemAvailable: 3000000 kB'
    const facts = factsWith({ kvm, here: hereWith({ memory }) }, (raw) => {
      raw.libvirt = bigbox
      raw.domainType = 'kvm'
    })
    const found = findAll(facts)
    for (const { check, found: text } of found)
      if (['KVM', 'network', 'firewall', 'memory', 'disk space'].includes(check))
        t.match(text, /^on bigbox: /, check)
    t.strictSame(fixesOf(found), [], 'doctor --fix has nothing to run here')
    t.equal(found.filter(({ level }) => level === 'failure').length, 2)
  },
)
