// Two of three servers on this host, one on another, which loses its power.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { readyNodes, type Section } from '../day-two/off-and-on.ts'
import type { SecondHost } from '../second-host.ts'
import { settled } from './vip.ts'

/** The lab, of which the last node is on the other host. */
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

/** The cluster keeps running without the other host, status says what is known, and the node comes back with its host. */
export async function hostLost(t: Test, section: OnTwoHosts): Promise<void> {
  const { other, run, nodes } = section
  const last = nodes.at(-1)!
  const status = async () => {
    const { exitCode, stdout, stderr } = await run.script('status', '--json')
    return { exitCode, stderr, nodes: (JSON.parse(stdout) as Status).nodes }
  }
  t.match((await run.succeeds(t, 'doctor')).stderr, '✓ libvirt: second: ')

  await other.cutPower()
  const first = await status()
  t.equal(first.exitCode, 1)
  t.match(first.stderr, isOff)
  t.match(
    first.nodes,
    nodes.map((name) => ({ name, domain: name === last ? 'unknown' : 'running' })),
  )
  const end = Date.now() + 180_000
  let seen = first.nodes
  while (seen.at(-1)?.kubernetes?.ready !== false && Date.now() < end) seen = (await status()).nodes
  t.strictSame(
    seen.map(({ kubernetes }) => kubernetes?.ready),
    nodes.map((name) => name !== last),
    'two of three servers are a majority',
  )
  t.match(await run.kubectl('get', 'nodes'), new RegExp(`${last} +NotReady`))
  const { holders, ...rest } = await settled(section)
  t.match(rest, { api: true, join: true, remark: null }, 'the address is here')
  t.equal(holders.length, 1)
  t.not(holders[0], last)
  await failsWithout(t, section, ['start'], `left out: ${last}`)

  await other.powerOn()
  t.match((await status()).nodes.at(-1), { name: last, domain: 'shut off' })
  await run.succeeds(t, 'start')
  await readyNodes(t, section)
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
