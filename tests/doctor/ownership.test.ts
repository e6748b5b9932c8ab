// Names, MACs and addresses of the lab that someone else uses.
import t from 'tap'
import type { AllFacts } from '../../lib/doctor/all-checks.ts'
import type { Knock } from '../../lib/doctor/facts.ts'
import { proposals } from '../../lib/doctor/free.ts'
import {
  checkAddresses,
  checkNames,
  checkOwnership,
  isAsking,
  macFindings,
  parseNeighbours,
} from '../../lib/doctor/ownership.ts'
import { hostsOf } from '../../lib/lab/hosts.ts'
import type { Host } from '../../lib/libvirt/observe.ts'
import { domainOf, emptyHost, factsWith, hereWith, only, strangerOf } from '../helpers/facts.ts'
import { fixture } from '../helpers/fixtures.ts'
import { nat, nodeOf } from '../helpers/labs.ts'

await t.test('names that others use are reported', async (t) => {
  const facts = factsWith()
  const { lab } = facts
  const host: Host = {
    ...emptyHost,
    domains: [
      strangerOf('kubemaster'),
      domainOf('worker01', { owner: { lab: 'home', role: 'agent', address: '1' } }),
      domainOf('worker02'),
      strangerOf('elsewhere'),
    ],
    pool: { uuid: 'x', path: lab.pool.path, available: 0, active: true },
  }
  t.match(only('failure', checkOwnership({ ...facts, host })), [
    /^kubemaster: .* belongs to something else; it is left alone$/,
    /^worker01: .* belongs to lab home; it is left alone$/,
    /storage pool called rke2-kvm-lab exists/,
  ])
  t.match(checkOwnership(facts), [{ level: 'ok' }])
  const twin = strangerOf('twin', { macs: [nodeOf(lab).mac] })
  t.match(macFindings(lab, lab.nodes, { ...emptyHost, domains: [twin] }), [
    { found: /^kubemaster: its MAC .* is also used by twin/ },
  ])
  t.strictSame(checkOwnership({ ...facts, host: undefined }), [])
})

await t.test('names and MACs are looked for on all hosts of a lab', async (t) => {
  const facts = factsWith({}, (raw) => {
    raw.hosts = { bigbox: { libvirt: 'qemu+ssh://me@bigbox/system' } }
    raw.nodes[2]!.host = 'bigbox'
  })
  const [here] = hostsOf(facts.lab)
  const twin = strangerOf('twin', { macs: [nodeOf(facts.lab, 'worker02').mac] })
  const host: Host = {
    ...emptyHost,
    domains: [domainOf('worker02'), domainOf('theirs'), twin],
  }
  const found = checkOwnership({ ...facts, lab: here!, nodes: here!.nodes, host })
  t.match(only('failure', found), [
    /^worker02 is there, and the lab file has it on another host; a machine does not move$/,
    /^worker02: its MAC .* is also used by twin/,
  ])
  t.match(only('warning', found), [/^theirs: of a lab lab, but not in the lab file/])
  const foreign = { ...emptyHost, domains: [strangerOf('worker02')] }
  t.match(checkNames(here!, foreign, [nodeOf(facts.lab, 'worker02')]), [
    { found: /^worker02: a domain of that name exists already/ },
  ])
})

await t.test('neighbours that answered recently are read from ip', async (t) => {
  const neighbours = parseNeighbours(fixture('ip-neighbour.iproute2-6.1.0.json'))
  t.strictSame([...neighbours], [['192.168.1.31', { mac: '52:54:00:00:00:02', isSure: true }]])
  const [known] = parseNeighbours('[{"dst":"a","lladdr":"b","state":["DELAY"]}]').values()
  t.strictSame(known, { mac: 'b', isSure: false })
  t.equal(parseNeighbours('').size, 0)
  t.throws(() => parseNeighbours('no JSON'), { message: 'unexpected output: no JSON' })
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

await t.test('a node whose address is taken is offered others, each once', async (t) => {
  const here = hereWith({ neighbours: neighbour('192.0.2.33', '02:00:00:00:00:09', 'STALE') })
  const facts = factsWith({ here })
  const propose = proposals(facts.lab, here)
  const knocks = knocksAt(facts, { worker01: 'open', worker02: 'refused' })
  t.strictSame(
    [...checkAddresses({ ...facts, knocks, propose })].map(({ fix }) => fix),
    [
      ['# give the node a free address in the lab file, perhaps 192.0.2.35'],
      ['# give the node a free address in the lab file, perhaps 192.0.2.36'],
    ],
  )
})

await t.test('an address of this host itself is said to be that', async (t) => {
  const shim = {
    ifname: 'shim0',
    addr_info: [{ family: 'inet', local: '192.0.2.31', prefixlen: 32 }],
  }
  const facts = factsWith({ here: hereWith({ interfaces: JSON.stringify([shim]) }) })
  const knocks = knocksAt(facts, { worker01: 'refused' })
  t.match(only('failure', checkAddresses({ ...facts, knocks })), [
    'worker01: this host has 192.0.2.31 on shim0',
  ])
})

const natNetwork = {
  uuid: 'x',
  bridge: 'virbr1',
  address: '192.0.2.1',
  netmask: '255.255.255.0',
  active: true,
}

await t.test('what answers before the NAT network is there is another network', async (t) => {
  const facts = factsWith({}, nat)
  const propose = proposals(facts.lab, facts.here)
  const knocks = knocksAt(facts, { worker01: 'open' })
  const judge = (host: Host) => [...checkAddresses({ ...facts, host, knocks, propose })]
  t.match(judge(emptyHost), [{ level: 'failure', fix: propose.network() }])
  t.match(judge({ ...emptyHost, network: natNetwork }), [{ fix: [/^# give the node a free/] }])
})
