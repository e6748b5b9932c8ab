// Memory, disk space and the image.
import t from 'tap'
import { checkImage } from '../../lib/doctor/all-checks.ts'
import { checkDisk, checkMemory } from '../../lib/doctor/capacity.ts'
import { LabError } from '../../lib/text/errors.ts'
import { domainOf, emptyHost, factsWith, hereWith } from '../helpers/facts.ts'

const gib = 2 ** 30

await t.test('memory is checked for machines that do not run yet', async (t) => {
  const judge = (available: number, host = emptyHost) =>
    checkMemory(
      factsWith({
        host,
        here: hereWith({ memory: `MemAvailable: ${(available * gib) / 1024} kB` }),
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

await t.test('disk space is checked for disks that do not exist yet', async (t) => {
  const facts = factsWith({ here: hereWith({ disk: `     Avail\n${gib}` }) })
  t.match(checkDisk(facts), [{ level: 'warning', found: /^1 GiB free in .* for 3 new disks$/ }])
  const made = { ...emptyHost, volumeNames: facts.nodes.map(({ volume }) => volume) }
  t.match(checkDisk({ ...facts, host: made, here: hereWith({ disk: 'Avail\n0' }) }), [
    { level: 'ok' },
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
