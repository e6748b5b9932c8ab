// Memory, disk space and the image.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkImage } from '../../lib/doctor/all-checks.ts'
import { checkDisk, checkMemory } from '../../lib/doctor/capacity.ts'
import { hostsOf } from '../../lib/lab/hosts.ts'
import { parseLab } from '../../lib/lab/lab.ts'
import { LabError } from '../../lib/text/errors.ts'
import { top } from '../helpers/fixtures.ts'
import { domainOf, emptyHost, factsWith, hereWith } from '../helpers/facts.ts'
import { withExtras } from '../helpers/labs.ts'

const gib = 2 ** 30
const meminfo = (total: number, available = total) =>
  `MemTotal: ${Math.floor(total * 2 ** 20)} kB\nMemAvailable: ${Math.floor(available * 2 ** 20)} kB`

await t.test('memory is checked for machines that do not run yet', async (t) => {
  const judge = (available: number, host = emptyHost) =>
    checkMemory(
      factsWith({
        host,
        here: hereWith({ memory: meminfo(32, available) }),
      }),
    )
  t.match(judge(12), [{ level: 'ok' }])
  t.match(judge(11), [{ level: 'warning', found: '11 GiB free, 12 GiB needed' }])
  const running = { ...emptyHost, domains: [domainOf('kubemaster', { state: 'running' })] }
  t.match(judge(8, running), [{ level: 'ok' }])
  const owner = { lab: 'other', role: 'server', address: '192.0.2.30' }
  const foreign = { ...emptyHost, domains: [domainOf('kubemaster', { state: 'running', owner })] }
  t.match(judge(8, foreign), [{ level: 'warning' }])
})

await t.test('of several hosts each has room for its own machines, or not', async (t) => {
  const { lab } = factsWith({}, (raw) => {
    raw.hosts = { bigbox: { libvirt: 'qemu+ssh://me@bigbox/system' } }
    raw.nodes[2]!.host = 'bigbox'
  })
  const judge = (total: number) =>
    hostsOf(lab).map((at) => {
      const here = hereWith({ memory: meminfo(total) })
      return checkMemory({ ...factsWith(), lab: at, nodes: at.nodes, here })[0]
    })
  t.match(judge(9), [{ level: 'ok' }, { level: 'ok' }], 'all three need 12 GiB')
  t.match(judge(8.5), [
    {
      found: 'the machines take 8 GiB, and there are only 8.5 GiB in all',
      fix: ['# put a machine on another host: nodes[].host in the lab file', /less memory/],
    },
    { level: 'ok' },
  ])
})

await t.test(
  'a lab that is larger than the host is a failure, with the lab that fits',
  async (t) => {
    const judge = (total: number, nodes = 3, host = emptyHost) => {
      const facts = factsWith({ host, here: hereWith({ memory: meminfo(total) }) })
      return checkMemory({ ...facts, nodes: facts.nodes.slice(0, nodes) })
    }
    const small = '# one machine fits here: cp labs/small.yaml lab.yaml, then npm start'
    t.match(judge(13), [{ level: 'ok' }], 'one GiB is left for the host itself')
    t.match(judge(7.6), [
      {
        level: 'failure',
        found: 'the machines take 12 GiB, and there are only 7.6 GiB in all',
        fix: [small, /less memory/],
      },
    ])
    t.match(judge(7.6, 1), [{ level: 'ok' }], 'only the machines that are wanted count')
    const made = { ...emptyHost, domains: [domainOf('worker01', { state: 'running' })] }
    t.match(judge(7.6, 1, made), [{ level: 'failure' }], 'and those that exist')
    t.match(judge(4), [{ level: 'failure', fix: [/^# no lab fits here/] }])
  },
)

await t.test('the small lab fits on a host with 8 GiB', async (t) => {
  const lab = parseLab(readFileSync(join(top, 'labs/small.yaml'), 'utf8'), 'labs/small.yaml')
  const here = hereWith({ memory: meminfo(7.6, 6) })
  t.match(checkMemory({ ...factsWith({ here }), lab, nodes: lab.nodes }), [{ level: 'ok' }])
})

await t.test('disk space is checked for disks that do not exist yet', async (t) => {
  const facts = factsWith({ here: hereWith({ disk: `     Avail\n${gib}` }) })
  t.match(checkDisk(facts), [{ level: 'warning', found: /^1 GiB free in .* for 3 new disks$/ }])
  const made = { ...emptyHost, volumeNames: facts.nodes.map(({ volume }) => volume) }
  t.match(checkDisk({ ...facts, host: made, here: hereWith({ disk: 'Avail\n0' }) }), [
    { level: 'ok', found: /^0 B free in [^ ]+$/ },
  ])
  const pool = { uuid: 'x', path: '/', available: 100 * gib, active: true }
  const here = hereWith({}, 'disk')
  t.match(checkDisk({ ...facts, host: { ...emptyHost, pool }, here }), [{ found: /^100 GiB free/ }])
  t.strictSame(
    [...checkDisk({ ...facts, host: undefined }), ...checkMemory({ ...facts, host: undefined })],
    [],
  )
})

await t.test('the image is on this host, or available', async (t) => {
  const url = 'https://images.test/a.img'
  const error = new LabError('no', { details: ['a', 'b'], hint: ['do', '# look'] })
  const cases = [
    ['not needed', { level: 'ok', found: /^not needed/ }],
    [{ file: 'a.img' }, { level: 'ok', found: 'a.img is on this host' }],
    [
      { url, obstacle: undefined },
      { level: 'ok', found: `${url} is available` },
    ],
    [
      { url, obstacle: { why: 'x', sure: true } },
      { level: 'failure', found: `${url}: x` },
    ],
    [{ url, obstacle: { why: 'x', sure: false } }, { level: 'warning' }],
    [{ error }, { level: 'failure', found: 'no; a; b', fix: ['# do', '# look'] }],
  ] as const
  for (const [image, finding] of cases) t.match(checkImage(factsWith({ image })), [finding])
})

await t.test('further disks count whole', async (t) => {
  const facts = factsWith({ here: hereWith({ disk: `Avail\n${gib}` }) }, withExtras)
  t.match(checkDisk(facts), [{ found: /about 29 GiB needed for 5 new disks/ }])
})
