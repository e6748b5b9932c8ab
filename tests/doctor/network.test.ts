// The network of the machines against the interfaces and routes of this host.
import t from 'tap'
import { checkCards } from '../../lib/doctor/cards.ts'
import { proposals } from '../../lib/doctor/free.ts'
import { checkNetwork, parseInterfaces, parseRoutes } from '../../lib/doctor/network.ts'
import type { Host } from '../../lib/libvirt/observe.ts'
import { emptyHost, factsWith, hereWith, only } from '../helpers/facts.ts'
import { address, ips } from '../helpers/ip.ts'
import { nat, withExtras, type RawLab } from '../helpers/labs.ts'

await t.test('interfaces are read from ip', async (t) => {
  t.strictSame(parseInterfaces(hereWith()('interfaces')), [
    { name: 'lo', isBridge: false, networks: ['127.0.0.1/8'] },
    { name: 'br0', isBridge: true, networks: ['192.0.2.1/24'] },
  ])
  t.throws(() => parseInterfaces('no JSON'), { message: 'unexpected output: no JSON' })
})

await t.test('routes are read from ip', async (t) => {
  const json = JSON.stringify([
    { dst: 'default', gateway: '10.0.0.1', dev: 'wlp2s0', metric: 600 },
    { dst: '192.168.0.0/16', dev: 'tun0', scope: 'link', metric: 50 },
    { dst: '203.0.113.7', dev: 'tun0' },
    { type: 'unreachable', dst: '10.0.0.0/8' },
    { type: 'multicast', dst: 'ff00::/8', dev: 'br0' },
  ])
  t.match(parseRoutes(json), [
    { to: '0.0.0.0/0', dev: 'wlp2s0', gateway: '10.0.0.1', metric: 600 },
    { to: '192.168.0.0/16', dev: 'tun0', metric: 50 },
    { to: '203.0.113.7/32', dev: 'tun0' },
  ])
  t.equal(parseRoutes(json).length, 3)
  t.throws(() => parseRoutes('no JSON'), { message: 'unexpected output: no JSON' })
})

await t.test('the bridge is there, is one, and leads to the nodes', async (t) => {
  const judge = (change: (lab: RawLab) => unknown) => checkNetwork(factsWith({}, change))
  t.match(
    judge(() => {}),
    [{ level: 'ok', found: 'bridge br0 with 192.0.2.1/24' }],
  )
  const missing = judge((lab) => (lab.network.bridge = 'br7'))
  t.strictSame(only('failure', missing), ['there is no interface br7; bridges of this host: br0'])
  const fixOf = (uri: string) =>
    judge((lab) => ((lab.network.bridge = 'br7'), (lab.libvirt = uri)))[0]?.fix
  t.match(fixOf('qemu:///system'), [/^# use a NAT network/, /docs\/network\.md$/])
  t.match(fixOf('qemu+ssh://bigbox/system'), [/docs\/network\.md$/], 'NAT there is out of reach')
  const other = judge((lab) => (lab.network.bridge = 'lo'))
  t.match(only('failure', other).join(), 'lo is not a bridge')
  const facts = factsWith()
  facts.lab.network.cidr = '203.0.113.0/24'
  t.match(checkNetwork(facts), [
    {
      level: 'failure',
      found: 'br0 is in the network 192.0.2.0/24, the lab file says 203.0.113.0/24',
    },
  ])
  const here = hereWith({ interfaces: ips(address('br0', undefined, 'bridge')) })
  t.match(checkNetwork(factsWith({ here })), [
    { level: 'warning', found: /has no address in 192\.0\.2\.0\/24: this host may not/ },
  ])
})

/** The findings about a bridge lab, with these interfaces and routes. */
const bridged = (interfaces: ReturnType<typeof address>[], routes: object[] = []) => {
  const here = hereWith({ interfaces: ips(...interfaces), routes: JSON.stringify(routes) })
  const facts = factsWith({ here })
  return checkNetwork({ ...facts, propose: proposals(facts.lab, here) })
}

await t.test('a bridge in another network comes with the lines for the lab file', async (t) => {
  const br0 = address('br0', '192.168.178.20/24', 'bridge')
  const lines = (gateway: string) => [
    '# put these lines into the lab file, below network:',
    '#   bridge: br0',
    '#   cidr: 192.168.178.0/24',
    `#   gateway: ${gateway}`,
    '# and give the nodes free addresses there, perhaps kubemaster 192.168.178.30, worker01 192.168.178.31, worker02 192.168.178.32',
  ]
  const found = 'br0 is in the network 192.168.178.0/24, the lab file says 192.0.2.0/24'
  const way = { dst: 'default', gateway: '192.168.178.1', dev: 'br0' }
  const other = { dst: 'default', gateway: '10.0.0.1', dev: 'wlp2s0' }
  t.strictSame(bridged([br0], [other, way]), [
    { check: 'network', level: 'failure', found, fix: lines('192.168.178.1') },
  ])
  const [alone] = bridged([br0], [other])
  t.strictSame(alone?.fix, lines('192.168.178.20'), 'this host is the router of a bridge by itself')
  t.match(
    checkNetwork(factsWith({ here: hereWith({ interfaces: ips(br0) }) })),
    [{ level: 'failure', found, fix: [{ script: 'doctor' }] }],
    'create leaves the search for addresses to doctor',
  )
})

await t.test(
  'a second card in the same LAN does not stop anything, another bridge does',
  async (t) => {
    const br0 = address('br0', '192.0.2.10/24', 'bridge')
    for (const other of ['wlp2s0 192.0.2.77/24', 'shim0 192.0.2.250/32']) {
      const [name = '', network = ''] = other.split(' ')
      t.match(bridged([br0, address(name, network)]), [{ level: 'ok' }], other)
    }
    const second = bridged([address('eno1', '192.0.2.5/24'), address('br0', undefined, 'bridge')])
    t.match(second, [
      { level: 'warning', found: /reaches the nodes by eno1, if both are in one LAN/ },
    ])
    t.equal(second.length, 1)
    t.strictSame(only('failure', bridged([br0, address('virbr1', '192.0.2.1/24', 'bridge')])), [
      'network.cidr 192.0.2.0/24 is also on the bridge virbr1',
    ])
  },
)

await t.test('a NAT network must not be on another interface, its own aside', async (t) => {
  const facts = factsWith({}, nat)
  t.match(checkNetwork({ ...facts, propose: proposals(facts.lab, facts.here) }), [
    {
      level: 'failure',
      found: 'network.cidr 192.0.2.0/24 is also on the interface br0',
      fix: [
        '# put these lines into the lab file, below network:',
        '#   nat: nat',
        /cidr: 192\.168\.150\.0/,
      ],
    },
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

await t.test('a NAT network must not be where a VPN has a route', async (t) => {
  const judge = (dst: string, dev = 'tun0') =>
    checkNetwork(
      factsWith(
        {
          here: hereWith({ interfaces: '[]', routes: JSON.stringify([{ dst, dev, metric: 50 }]) }),
        },
        nat,
      ),
    )
  for (const dst of ['192.0.2.0/24', '192.0.2.128/25', '192.0.2.31'])
    t.match(judge(dst), [{ level: 'failure', found: /: tun0 has a route to .*VPN/ }], dst)
  for (const dst of ['default', '0.0.0.0/1', '192.0.0.0/16', '198.51.100.0/24'])
    t.match(judge(dst), [{ level: 'ok' }], dst)
  const here = hereWith({ interfaces: '[]' }, 'routes')
  t.match(checkNetwork(factsWith({ here }, nat)), [{ level: 'ok' }], 'ip route may fail')
})

await t.test('a NAT network on another host is out of reach', async (t) => {
  const judge = (uri: string) =>
    checkNetwork(
      factsWith({ here: hereWith({}, 'interfaces') }, (lab) => (nat(lab), (lab.libvirt = uri))),
    )
  t.match(judge('qemu+ssh://you@bigbox/system'), [
    {
      level: 'failure',
      found: 'only bigbox can reach machines on its NAT network nat, and the scripts run here',
      fix: [
        /^# run the scripts there \(ssh you@bigbox\)/,
        '# or name a bridge of bigbox in network.bridge',
      ],
    },
  ])
  t.match(judge('qemu+tls://bigbox/system'), [{ fix: [/^# run the scripts there, with/, /./] }])
  t.throws(() => judge('qemu+ssh://localhost/system'), { message: 'it is broken' })
})

await t.test('bridges and libvirt networks of further cards', async (t) => {
  const judge = (networks: Host['networks']) =>
    checkCards(factsWith({ host: { ...emptyHost, ...(networks && { networks }) } }, withExtras))
  t.strictSame(checkCards(factsWith()), [])
  t.match(judge([]), [
    { level: 'failure', found: /^there is no bridge br1, which a network card of the lab file/ },
    { level: 'failure', found: /^there is no libvirt network isolated, which/ },
  ])
  t.match(judge([{ name: 'isolated', active: false }])[1], {
    found: /^the libvirt network isolated is off/,
    fix: ['virsh -c qemu:///system net-start isolated'],
  })
  t.equal(judge([{ name: 'isolated', active: true }]).length, 1)
  t.equal(judge(undefined).length, 1, 'libvirt did not show its networks')
})
