// A lab over several hosts, and what each of them sees.
import t from 'tap'
import { inLabOrder, fileOf, hostsOf, labAt } from '../../lib/lab/hosts.ts'
import { makeLab, nodeOf, problemsOf, type RawLab } from '../helpers/labs.ts'

const far = 'qemu+ssh://me@bigbox/system'

function twoHosts(lab: RawLab): void {
  lab.hosts = { bigbox: { libvirt: far, bridge: 'lan0', pool: '/data/rke2-kvm-lab' } }
  lab.nodes[1]!.host = 'bigbox'
}

await t.test('without hosts a lab is seen by its only host, as it is', async (t) => {
  const lab = makeLab()
  t.strictSame(hostsOf(lab), [lab])
  t.equal(labAt(lab, nodeOf(lab)), lab)
  t.equal(fileOf(lab, 'pool', 'xml'), '.lab/lab/pool.xml')
})

await t.test('each host has its libvirt, bridge, pool and nodes', async (t) => {
  const lab = makeLab(twoHosts)
  const seen = hostsOf(lab).map((at) => [
    at.on,
    at.libvirt,
    at.network.bridge,
    at.pool.path,
    at.nodes.map(({ name }) => name),
    at.others?.map(({ name }) => name),
    fileOf(at, 'pool', 'xml'),
  ])
  const path = '/var/lib/libvirt/images/rke2-kvm-lab'
  t.strictSame(seen, [
    [
      '',
      'qemu:///system',
      'br0',
      path,
      ['kubemaster', 'worker02'],
      ['worker01'],
      '.lab/lab/pool.xml',
    ],
    [
      'bigbox',
      far,
      'lan0',
      '/data/rke2-kvm-lab',
      ['worker01'],
      ['kubemaster', 'worker02'],
      '.lab/lab/pool-bigbox.xml',
    ],
  ])
  const at = labAt(lab, nodeOf(lab, 'worker01'))
  t.equal(at.libvirt, far)
  t.equal(labAt(at, nodeOf(lab)), at, 'a view is not looked through again')
})

await t.test('the host of `libvirt` is one of them where no node is on it, too', async (t) => {
  const lab = makeLab((raw) => {
    twoHosts(raw)
    for (const node of raw.nodes) node.host = 'bigbox'
  })
  t.strictSame(
    hostsOf(lab).map(({ on }) => on),
    ['', 'bigbox'],
  )
})

await t.test('hosts are on one LAN, each once, and known by name', async (t) => {
  t.strictSame(problemsOf(twoHosts), [])
  const found = problemsOf((lab) => {
    lab.network = { nat: 'nat', cidr: '192.0.2.0/24', gateway: '192.0.2.1' }
    lab.hosts = {
      one: { libvirt: 'qemu:///system' },
      two: { libvirt: far },
      three: { libvirt: far },
    }
    lab.nodes[1]!.host = 'four'
  })
  t.match(found.map((text) => text.replace(/^line \d+, /, '')).sort(), [
    'hosts.one.libvirt: qemu:///system is named already',
    `hosts.three.libvirt: ${far} is named already`,
    'network.nat: ends at its host; machines on several hosts need network.bridge',
    'nodes[1].host: there is no four in hosts',
  ])
  const twice = (one: string, other: string) =>
    problemsOf((lab) => {
      lab.libvirt = one
      lab.hosts = { other: { libvirt: other } }
    }).length > 0
  t.ok(twice('qemu+ssh://bigbox/system', 'qemu+ssh://you@BigBox:22/system?keyfile=/k'))
  t.ok(twice('qemu:///system', 'qemu+ssh://you@localhost/system'))
  t.notOk(twice('qemu+ssh://me@localhost:2201/system', 'qemu+ssh://me@localhost:2202/system'))
  t.notOk(twice('qemu:///system', 'qemu+unix:///system?socket=/run/other'))
  t.match(problemsOf((lab) => (lab.hosts = { 'Big Box': {} })).join(), 'hosts')
})

await t.test('what machines have is in the order of the lab file', async (t) => {
  const all = ['other', 'worker02', 'kubemaster', 'gone', 'worker02'].map((machine) => ({
    machine,
  }))
  t.strictSame(
    inLabOrder(makeLab(), all).map(({ machine }) => machine),
    ['kubemaster', 'worker02', 'worker02', 'other', 'gone'],
  )
})
