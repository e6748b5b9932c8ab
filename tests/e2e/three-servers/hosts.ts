// The first of three servers on a second host, which loses its power.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { readyNodes, type Section } from '../day-two/off-and-on.ts'
import type { SecondHost } from '../second-host.ts'
import { nodesByAddress, settled } from './vip.ts'

/** The lab, of which the first node is on the other host. */
interface OnTwoHosts extends Section {
  other: SecondHost
}

interface Status {
  nodes: { name: string; domain: string; kubernetes: { ready: boolean } | null }[]
}

const isOff = 'second: SSH cannot connect'

async function failsWithout(t: Test, { run }: Section, words: string[], says: string) {
  const [name = '', ...more] = words
  const { exitCode, stderr } = await run.script(name, ...more)
  t.equal(exitCode, 1, `${words.join(' ')} fails: ${stderr}`)
  for (const text of [isOff, says]) t.match(stderr, text)
}

/** The other host, with the server that holds the address, loses its power: the address moves, the cluster keeps running, status
 *  says what is known, and the node comes back with its host. */
export async function hostLost(t: Test, section: OnTwoHosts): Promise<void> {
  const { other, run, work, nodes } = section
  const [first = '', next = '', ...others] = nodes
  const status = async () => {
    const { exitCode, stdout, stderr } = await run.script('status', '--json')
    return { exitCode, stderr, nodes: (JSON.parse(stdout) as Status).nodes }
  }
  t.match((await run.succeeds(t, 'doctor')).stderr, '✓ libvirt: second: ')
  t.match(await settled(section), { holders: [first], remark: null })

  await t.test('the address moves, and status says what is known', async (t) => {
    await other.cutPower()
    const list = await nodesByAddress(t, section)
    t.match(list, new RegExp(`${next} +Ready`), 'kubectl works without any change')
    const then = await status()
    t.equal(then.exitCode, 1)
    t.match(then.stderr, isOff)
    t.match(then.nodes, [
      { name: first, domain: 'unknown' },
      ...[next, ...others].map((name) => ({ name, domain: 'running' })),
    ])
    t.match(await settled(section), { holders: [next], api: true, join: true, remark: null })
    const end = Date.now() + 180_000
    let seen = then.nodes
    while (seen[0]?.kubernetes?.ready !== false && Date.now() < end) seen = (await status()).nodes
    t.strictSame(
      seen.map(({ kubernetes }) => kubernetes?.ready),
      nodes.map((name) => name !== first),
      'two of three servers are a majority',
    )
    t.match(await run.kubectl('get', 'nodes'), new RegExp(`${first} +NotReady`))
    for (const node of [next, ...others]) await work.ssh(node, 'sudo systemctl restart rke2-server') // by the address
    await failsWithout(t, section, ['start'], `left out: ${first}`)
  })

  await t.test('it comes back: one server has the address', async (t) => {
    await other.powerOn()
    t.match((await status()).nodes[0], { name: first, domain: 'shut off' })
    await run.succeeds(t, 'start')
    await readyNodes(t, section)
    const { holders, ...rest } = await settled(section)
    t.match(rest, { api: true, join: true, remark: null })
    t.equal(holders.length, 1)
    for (const script of ['install-rke2', 'join'])
      t.match((await run.succeeds(t, script)).stderr, 'nothing to do')
  })
}

/** Without the other host destroy removes what is on this one, and keeps the files for the next run. */
export async function destroyWithout(t: Test, section: OnTwoHosts): Promise<void> {
  const { host, other, work } = section
  await other.cutPower()
  await failsWithout(
    t,
    section,
    ['destroy', '--yes'],
    'what the lab has on second stays, and so does .lab/lab',
  )
  t.strictSame((await host.inventory()).domains, [])
  t.ok(existsSync(join(work.dir, '.lab/lab/ssh_config')))
  await other.powerOn()
}
