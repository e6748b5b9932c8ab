// Routes of this host, and firewalls that drop what the machines send.
import t from 'tap'
import { proposals } from '../../lib/doctor/free.ts'
import { checkFirewall, checkRoutes } from '../../lib/doctor/traffic.ts'
import { emptyHost, factsWith, hereWith, only, type Answers } from '../helpers/facts.ts'
import { address, ips } from '../helpers/ip.ts'
import { nat } from '../helpers/labs.ts'

const br0 = address('br0', '192.0.2.10/24', 'bridge')
const judge = (interfaces: ReturnType<typeof address>[], routes: object[] = []) =>
  checkRoutes(
    factsWith({
      here: hereWith({ interfaces: ips(...interfaces), routes: JSON.stringify(routes) }),
    }),
  )

await t.test('two cards in one LAN are a warning, whichever the second one is', async (t) => {
  t.match(judge([br0]), [{ level: 'ok', found: 'to the nodes by br0' }])
  for (const [name, network] of [
    ['wlp2s0', '192.0.2.77/24'],
    ['shim0', '192.0.2.250/32'], // a macvlan for containers
    ['eno2', '192.0.0.5/16'],
  ] as const)
    t.match(judge([br0, address(name, network)], [{ dst: '192.0.2.0/24', dev: name }]), [
      {
        level: 'warning',
        found: `${name} (${network}) is in the network of br0 too: fine if that is the same LAN`,
      },
    ])
  const apart = judge([address('eno1', '192.0.2.5/24'), address('br0', undefined, 'bridge')])
  t.strictSame(apart, [], 'the check of the network says that br0 has no address')
})

await t.test('a VPN that takes the way to a node is a failure', async (t) => {
  const connected = { dst: '192.0.2.0/24', dev: 'br0', metric: 425 }
  const cases: [object[], number][] = [
    [[connected, { dst: '192.0.0.0/16', dev: 'tun0', metric: 50 }], 0],
    [[{ dst: 'default', dev: 'tun0', metric: 50 }, connected], 0],
    [[connected, { dst: '192.0.2.0/24', dev: 'tun0', metric: 50 }], 3],
    [[connected, { dst: '192.0.2.0/24', dev: 'tun0', metric: 600 }], 0],
    [[connected, { dst: '192.0.2.31', dev: 'wg0' }], 1],
  ]
  for (const [routes, count] of cases)
    t.equal(only('failure', judge([br0], routes)).length, count, JSON.stringify(routes))
  t.match(judge([br0], [connected, { dst: '192.0.2.31', dev: 'wg0' }]), [
    {
      found:
        'worker01: this host sends packets for 192.0.2.31 to wg0 (route to 192.0.2.31/32), not to br0',
      fix: [/^# leave that VPN, .*: sudo ip route replace 192\.0\.2\.31 dev br0$/],
    },
  ])
})

await t.test('the router of the bridge is the gateway of the lab file', async (t) => {
  const way = (gateway: string, dev = 'br0') => ({ dst: 'default', gateway, dev })
  t.match(judge([br0], [way('192.0.2.254')]), [
    {
      level: 'warning',
      found: /^the router of br0 is 192\.0\.2\.254, the lab file says 192\.0\.2\.1:/,
      fix: ['# gateway: 192.0.2.254 in the lab file, unless both are routers'],
    },
  ])
  for (const ways of [[way('192.0.2.254'), way('192.0.2.1')], [way('192.0.2.254', 'wlp2s0')]])
    t.match(judge([br0], ways), [{ level: 'ok' }])
})

await t.test('a NAT network inside of what a VPN has is a warning until it is there', async (t) => {
  const here = hereWith({
    interfaces: ips(address('wlp2s0', '10.0.0.7/24')),
    routes: JSON.stringify([
      { dst: 'default', gateway: '10.0.0.1', dev: 'wlp2s0' },
      { dst: '192.0.0.0/16', dev: 'tun0', scope: 'link', metric: 50 },
    ]),
  })
  const facts = factsWith({ here }, nat)
  t.match(checkRoutes({ ...facts, propose: proposals(facts.lab, here) }), [
    {
      level: 'warning',
      found:
        'tun0 has the route to 192.0.0.0/16 (a VPN?): the lab would take 192.0.2.0/24 out of that',
      fix: [
        /^# put these lines/,
        '#   nat: nat',
        '#   cidr: 192.168.150.0/24',
        '#   gateway: 192.168.150.1',
      ],
    },
  ])
  const network = { uuid: 'x', bridge: 'virbr1', address: 'x', netmask: 'x', active: true }
  t.strictSame(checkRoutes({ ...facts, host: { ...emptyHost, network } }), [])
  const both = JSON.stringify(['192.0.0.0/16', '192.0.2.0/24'].map((dst) => ({ dst, dev: 'tun0' })))
  const refused = hereWith({ interfaces: '[]', routes: both })
  t.strictSame(checkRoutes({ ...facts, here: refused }), [], 'said by the check of the network')
})

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
})

const list = (backends: string) =>
  `#   first available backend from the following list:\n#\n#     [${backends}]\n#\n`
const docker = ips(address('docker0', '172.17.0.1/16', 'bridge'))
const drops =
  '-P INPUT ACCEPT\n-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-FORWARD'
const ufw = 'DEFAULT_FORWARD_POLICY="DROP"\nENABLED=yes\n'
const judgeNat = (answers: Answers) => checkFirewall(factsWith({ here: hereWith(answers) }, nat))

await t.test(
  'beside a NAT network the firewall matters where libvirt cannot overrule it',
  async (t) => {
    const nftables = list('nftables, iptables')
    const cases: [Answers, string, RegExp][] = [
      [{ forwards: '1', backend: '' }, 'ok', /^ip_forward is on$/],
      [{ forwards: '0', backend: '' }, 'ok', /libvirt turns on/],
      [{ forwards: '', backend: '' }, 'ok', /libvirt turns on/],
      [{ backend: list('iptables, nftables'), rules: drops }, 'ok', /is on/],
      [{ backend: `${nftables}firewall_backend = "iptables"`, rules: drops }, 'ok', /is on/],
      [
        { backend: `${nftables}#firewall_backend = "iptables"`, rules: drops },
        'warning',
        /Docker drops/,
      ],
      [{ backend: 'firewall_backend = "nftables"', rules: drops }, 'warning', /Docker drops/],
      [{ backend: nftables, rules: '-P FORWARD ACCEPT\n-N DOCKER' }, 'ok', /is on/],
      [{ backend: nftables, rules: '-P FORWARD DROP' }, 'warning', /this host drops/],
      [{ backend: nftables, interfaces: docker }, 'warning', /Docker may drop/], // the rules are for root
      [{ backend: nftables }, 'ok', /is on/],
      [{ backend: nftables + ufw }, 'warning', /ufw may drop/],
      [{ backend: nftables + ufw.replace('yes', 'no') }, 'ok', /is on/],
      [{ backend: nftables + ufw.replace('DROP', 'ACCEPT') }, 'ok', /is on/],
    ]
    for (const [answers, level, found] of cases)
      t.match(judgeNat(answers), [{ check: 'forwarding', level, found }], JSON.stringify(answers))
  },
)

await t.test('the way through a firewall, and that it is found afterwards', async (t) => {
  const backend = list('nftables, iptables')
  const [docked] = judgeNat({ backend, rules: drops })
  t.match(docked?.fix, [
    /^sudo sh -c .* iptables -I DOCKER-USER \$way 192\.0\.2\.0\/24 -j ACCEPT/,
    /docs\/network\.md/,
  ])
  const opened = ['-s', '-d'].map((way) => `-A DOCKER-USER ${way} 192.0.2.0/24 -j ACCEPT`)
  t.match(judgeNat({ backend, rules: [drops, ...opened].join('\n') }), [{ level: 'ok' }])
  t.match(judgeNat({ backend, rules: `${drops}\n${opened[0]}` }), [{ level: 'warning' }])
  t.match(judgeNat({ backend: backend + ufw }), [
    { fix: ['sudo ufw route allow from 192.0.2.0/24 && sudo ufw route allow to 192.0.2.0/24'] },
  ])
  const odd = factsWith({ here: hereWith({}, 'backend') }, nat)
  t.throws(() => checkFirewall(odd), { message: 'it is broken' })
})
