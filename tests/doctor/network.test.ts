// Interfaces, neighbours, addresses and the firewall.
import t from 'tap'
import type { AllFacts } from '../../lib/doctor/all-checks.ts'
import {
  checkAddresses,
  checkFirewall,
  checkNetwork,
  isAsking,
  parseInterfaces,
  parseNeighbours,
} from '../../lib/doctor/network.ts'
import { type Knock } from '../../lib/doctor/facts.ts'
import { fixture } from '../helpers/fixtures.ts'
import { domainOf, emptyHost, factsWith, hereWith, only, type Answers } from '../helpers/facts.ts'
import type { RawLab } from '../helpers/labs.ts'

await t.test('interfaces are read from ip', async (t) => {
  t.strictSame(parseInterfaces(hereWith()('interfaces')), [
    { name: 'lo', isBridge: false, networks: ['127.0.0.1/8'] },
    { name: 'br0', isBridge: true, networks: ['192.0.2.1/24'] },
  ])
  t.throws(() => parseInterfaces('no JSON'), { message: 'unexpected output: no JSON' })
})

await t.test('neighbours that answered recently are read from ip', async (t) => {
  const neighbours = parseNeighbours(fixture('ip-neighbour.iproute2-6.1.0.json'))
  t.strictSame([...neighbours], [['192.168.1.31', { mac: '52:54:00:00:00:02', isSure: true }]])
  const [known] = parseNeighbours('[{"dst":"a","lladdr":"b","state":["DELAY"]}]').values()
  t.strictSame(known, { mac: 'b', isSure: false })
  t.equal(parseNeighbours('').size, 0)
  t.throws(() => parseNeighbours('no JSON'), { message: 'unexpected output: no JSON' })
})

await t.test('the bridge is there, is one, and leads to the nodes', async (t) => {
  const judge = (change: (lab: RawLab) => unknown) => checkNetwork(factsWith({}, change))
  t.match(
    judge(() => {}),
    [{ level: 'ok', found: 'bridge br0 with 192.0.2.1/24' }],
  )
  const missing = judge((lab) => (lab.network.bridge = 'br7'))
  t.strictSame(only('failure', missing), ['there is no interface br7; bridges of this host: br0'])
  const other = judge((lab) => (lab.network.bridge = 'lo'))
  t.match(only('failure', other).join(), 'lo is not a bridge')
  const facts = factsWith()
  facts.lab.network.cidr = '203.0.113.0/24'
  t.match(checkNetwork(facts), [
    { level: 'warning', found: /has no address in 203\.0\.113\.0\/24/ },
  ])
})

const nat = (lab: RawLab) => {
  delete lab.network.bridge
  lab.network.nat = 'nat'
}

await t.test('a NAT network must not be on another interface, its own aside', async (t) => {
  t.match(only('failure', checkNetwork(factsWith({}, nat))), [
    'network.cidr 192.0.2.0/24 is also on the interface br0',
  ])
  const network = {
    uuid: 'x',
    bridge: 'br0',
    address: '192.0.2.1',
    netmask: '255.255.255.0',
    active: true,
  }
  t.match(checkNetwork(factsWith({ host: { ...emptyHost, network } }, nat)), [{ level: 'ok' }])
})

const neighbour = (address: string, mac: string, state: string) =>
  JSON.stringify([{ dst: address, lladdr: mac, state: [state] }])
const knocksAt = (facts: AllFacts, said: Record<string, Knock['answer']>): Knock[] =>
  facts.nodes.map((node) => ({ node, answer: said[node.name] ?? 'silent' }))

await t.test(
  'an address is free unless something else than our machine answers on it',
  async (t) => {
    const facts = factsWith()
    const judge = (more: Partial<AllFacts>) => [...checkAddresses({ ...facts, ...more })]
    const open = { knocks: knocksAt(facts, { worker01: 'open' }) }
    t.match(judge(open), [
      {
        level: 'failure',
        found: 'worker01: something else answers on 192.0.2.31 (SSH is open)',
        fix: ['# give the node a free address in the lab file'],
      },
    ])
    t.match(judge({ knocks: knocksAt(facts, { worker01: 'refused' }) }), [
      { found: /\(it refuses SSH\)/ },
    ])
    t.match(judge({}), [{ level: 'ok', found: 'free' }])
    t.match(judge({ ...open, host: { ...emptyHost, domains: [domainOf('worker01')] } }), [
      { level: 'ok' },
    ])
    const domains = facts.nodes.map(({ name }) => domainOf(name))
    t.match(judge({ ...open, host: { ...emptyHost, domains } }), [{ found: 'in use by this lab' }])
    const nobody = judge({ ...open, host: undefined })
    t.strictSame(nobody, [], 'no finding when libvirt cannot show which machines are ours')
  },
)

await t.test(
  'a host that drops SSH is known by its MAC, once the kernel is sure of it',
  async (t) => {
    const facts = factsWith()
    const [first] = facts.nodes
    const cases: [mac: string, state: string, asking: boolean, found: RegExp][] = [
      ['02:00:00:00:00:01', 'REACHABLE', false, /on 192\.0\.2\.30 \(MAC 02:00:00:00:00:01\)$/],
      ['02:00:00:00:00:01', 'DELAY', true, /^free$/],
      [first?.mac ?? '', 'DELAY', false, /^free$/],
      ['02:00:00:00:00:01', 'FAILED', false, /^free$/],
    ]
    for (const [mac, state, asking, found] of cases) {
      const here = hereWith({ neighbours: neighbour('192.0.2.30', mac, state) })
      t.equal(isAsking(facts.knocks, here), asking, `${mac} ${state}`)
      t.match([...checkAddresses({ ...facts, here })], [{ found }])
    }
    const here = hereWith({}, 'neighbours')
    t.equal(isAsking(facts.knocks, here), false, 'a read that failed is not waited for')
    const spoken = facts.nodes.map(({ name }) => [name, 'open'] as const)
    const knocks = knocksAt(facts, Object.fromEntries(spoken))
    t.equal(
      only('failure', checkAddresses({ ...facts, here, knocks })).length,
      3,
      'nor needed for others',
    )
  },
)

await t.test('iptables filters bridge traffic on some hosts', async (t) => {
  const cases: [Answers, string, RegExp][] = [
    [{ filters: '' }, 'ok', /does not filter bridge traffic/],
    [{ filters: '0' }, 'ok', /does not filter bridge traffic/],
    [{ filters: '1', rules: '-P FORWARD ACCEPT' }, 'ok', /lets bridge traffic through/],
    [{ filters: '1', rules: '-P FORWARD DROP\n-A FORWARD -j X' }, 'warning', /may drop it/],
    [{ filters: '1', rules: '' }, 'warning', /may drop it/], // shown to root only
  ]
  for (const [answers, level, found] of cases)
    t.match(checkFirewall(factsWith({ here: hereWith(answers) })), [
      { check: 'firewall', level, found },
    ])
  for (const [forwards, found] of [
    ['1', 'ip_forward is on'],
    ['0', /libvirt turns on/],
    ['', /libvirt/],
  ] as const)
    t.match(checkFirewall(factsWith({ here: hereWith({ forwards }) }, nat)), [
      { check: 'forwarding', level: 'ok', found },
    ])
})
