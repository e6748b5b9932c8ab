// A lab of three servers on two hosts with a libvirt each, their bridges joined by a cable: made from the first one, the second
// one loses its power and comes back, and destroy leaves nothing on either. RKE2 is played by the stand-in in tests/stand-in.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readyNodes } from './day-two/off-and-on.ts'
import { cutPower, joinBridges, powerOn, startHost } from './host.ts'
import { startLab } from './rig.ts'

const other = await startHost({ address: '192.168.1.2/24' })
t.teardown(() => other.stop())
const roles = { server01: 'server', server02: 'server', server03: 'server' } as const
const section = await startLab(t, roles, 51, {
  defaults: { vcpus: 1, memory: '1GiB', disk: '12GiB' },
  hosts: { second: { libvirt: other.uri } },
})
const { host, run, work, lab, before } = section
lab.nodes[2]!.host = 'second'
work.writeLab(lab)
await joinBridges(host, other)
const otherBefore = await other.inventory()
const hostBefore = { ...before, links: [...before.links, 'cable on br0'].sort() }

type Status = { nodes: { name: string; domain: string; kubernetes: { ready: boolean } | null }[] }
const status = async () => {
  const { exitCode, stdout, stderr } = await run.script('status', '--json')
  return { exitCode, stderr, nodes: (JSON.parse(stdout) as Status).nodes }
}
async function failsWithout(t: Test, words: string[], ...says: (string | RegExp)[]) {
  const [name = '', ...more] = words
  const { exitCode, stderr } = await run.script(name, ...more)
  t.equal(exitCode, 1, `${words.join(' ')} fails: ${stderr}`)
  for (const text of ['second: libvirt is not running', ...says]) t.match(stderr, text)
}

await t.test('create puts each machine on its host', async (t) => {
  t.match((await run.succeeds(t, 'doctor')).stderr, '✓ libvirt: second: ')
  await run.succeeds(t, 'create')
  t.strictSame((await host.inventory()).domains, ['server01', 'server02'])
  t.strictSame((await other.inventory()).domains, ['server03'])
  await run.succeeds(t, 'eject')
  await run.succeeds(t, 'install-rke2')
  await run.succeeds(t, 'join')
  await readyNodes(t, section)
  t.match((await run.succeeds(t, 'create')).stderr, 'nothing to do: every machine is there')
})

await t.test(
  'one host loses its power: the cluster keeps running, and status says what is known',
  async (t) => {
    await cutPower(other)
    const { exitCode, stderr, nodes } = await status()
    t.equal(exitCode, 1)
    t.match(stderr, 'second: libvirt is not running')
    t.match(nodes, [
      { domain: 'running' },
      { domain: 'running' },
      { name: 'server03', domain: 'unknown' },
    ])

    const end = Date.now() + 180_000
    let seen = nodes
    while (seen[2]?.kubernetes?.ready !== false && Date.now() < end) seen = (await status()).nodes
    t.match(
      seen.map(({ kubernetes }) => kubernetes?.ready),
      [true, true, false],
      'two of three servers are a majority',
    )
    t.match(await run.kubectl('get', 'nodes'), /server03 +NotReady/)
    await failsWithout(t, ['start'], 'left out: server03')
  },
)

await t.test('the host is back: start brings its machine and its node back', async (t) => {
  await powerOn(other)
  t.match((await status()).nodes, [{}, {}, { domain: 'shut off' }])
  await run.succeeds(t, 'start')
  await readyNodes(t, section)
})

await t.test('destroy without one host says so, and continues when it is back', async (t) => {
  await cutPower(other)
  await failsWithout(
    t,
    ['destroy', '--yes'],
    'what the lab has on second stays, and so does .lab/lab',
  )
  t.strictSame((await host.inventory()).domains, [])
  t.ok(existsSync(join(work.dir, '.lab/lab/ssh_config')))
  await powerOn(other)
  await run.succeeds(t, 'destroy', '--yes', '--images')
  t.strictSame(await host.inventory(), hostBefore)
  t.strictSame(await other.inventory(), otherBefore)
  t.notOk(existsSync(join(work.dir, '.lab')))
  t.match((await run.succeeds(t, 'destroy')).stderr, 'nothing to remove')
})
