// drill.ts as a real process on a stand-in host.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { drills } from '../../lib/drills/drills.ts'
import { FakeHost, type Result } from '../helpers/fake-host.ts'
import { prepare } from '../helpers/prepare.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, shown, succeeds } from '../helpers/results.ts'

t.setTimeout(900_000)
const host = new FakeHost(t)
await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
host.save()
const whole = host.everything()
const note = join(host.project, '.lab/lab/drill.json')
const start = (name: string) => succeeds(t, host, 'drill', 'start', name, '--yes')

for (const { name } of drills)
  await t.test(
    `${name}: it says what is seen, not what it is; check refuses; undo repairs`,
    async (t) => {
      host.restore()
      const { stderr, calls } = await start(name)
      t.ok(calls.length > 0)
      t.strictSame(shown({ stderr } as Result), [], 'no command is shown')
      t.match(stderr, /\n! .*\n[^]*Next: npx zx scripts\/drill.ts hint/)
      failed(t, await host.run('drill', ['check']), 'not repaired yet')

      const undone = await succeeds(t, host, 'drill', 'undo')
      t.match(undone.stderr, /✓ undone after .*, with no hints/)
      t.strictSame(host.everything(), whole, 'all is as it was')
      t.notOk(existsSync(note))
      t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
    },
  )

await t.test('hints come one at a time; a repair by hand is found', async (t) => {
  host.restore()
  await start('not-ready')
  t.match(await succeeds(t, host, 'status'), { stderr: /a drill is on/ })
  failed(t, await host.run('drill', ['start', 'any', '--yes']), 'a drill is on already')
  const hints = []
  for (let index = 0; index < 4; index++)
    hints.push(/hint .*/.exec((await succeeds(t, host, 'drill', 'hint')).stderr)?.[0] ?? '')
  t.strictSame(
    hints.map((hint) => hint.slice(0, 11)),
    ['hint 1 of 3', 'hint 2 of 3', 'hint 3 of 3', 'hint 3 of 3'],
  )
  await succeeds(t, host, 'start', 'worker02')
  const { stderr } = await succeeds(t, host, 'drill', 'check')
  t.match(stderr, /repaired after .*, with 3 hints\n.*rke2-agent was stopped on worker02/)
  t.strictSame(host.everything(), whole)
})

await t.test('the scripts of the lab repair what they can', async (t) => {
  host.restore()
  await start('rejected')
  await succeeds(t, host, 'join', 'worker02')
  await succeeds(t, host, 'drill', 'check')
  t.strictSame(host.everything(), whole)
})

await t.test('without a drill there is nothing to do', async (t) => {
  host.restore()
  for (const verb of ['hint', 'check', 'undo'])
    t.match((await succeeds(t, host, 'drill', verb)).stderr, 'nothing to do: no drill is on')
  const { stdout } = await succeeds(t, host, 'drill', 'list')
  for (const { name } of drills) t.match(stdout, new RegExp(`^${name} `, 'm'))
  failed(t, await host.run('drill', ['start', 'pending']), 'there is no terminal to ask on')
  t.equal((await host.run('drill', ['start', 'none', '--yes'])).code, 2)
  t.strictSame(host.everything(), whole)
})

await t.test('a lab that is not whole is not broken further', async (t) => {
  host.restore()
  host.cordon('worker01')
  failed(
    t,
    await host.run('drill', ['start', 'any', '--yes']),
    'a drill begins with a lab in which every node is Ready',
    'worker01 is cordoned',
  )
  t.notOk(existsSync(note))
})

await t.test('a note that nobody can read stops everything', async (t) => {
  host.restore()
  await start('pending')
  const text = readFileSync(note, 'utf8')
  writeFileSync(note, text.slice(0, 10))
  failed(t, await host.run('drill', ['undo']), '.lab/lab/drill.json is not the note of a drill')
  writeFileSync(note, text.replace('kubemaster', 'worker09'))
  failed(t, await host.run('drill', ['undo']), 'worker09 is not in the lab file')
})

await t.test(
  'nothing is saved or upgraded with a fault in it; a revert ends the drill',
  async (t) => {
    host.restore()
    await succeeds(t, host, 'snapshot', 'save', 'whole')
    await start('half-alive')
    for (const [script = '', ...words] of [['snapshot', 'save', 'broken'], ['upgrade']])
      failed(t, await host.run(script, words), 'a drill is on')
    await succeeds(t, host, 'snapshot', 'revert', 'whole', '--yes')
    t.strictSame(host.everything(), whole)
  },
)

await t.test('a machine that is gone has taken its fault along', async (t) => {
  host.restore()
  await start('not-ready')
  await succeeds(t, host, 'destroy', 'worker02', '--yes')
  t.match((await succeeds(t, host, 'drill', 'undo')).stderr, 'its machine is gone')
  t.notOk(existsSync(note))
})

await t.test('killed anywhere, it goes on or is undone', async (t) => {
  host.restore()
  const { calls } = await start('rejected')
  const changing = calls.filter(
    (call) => /sed|restart/.test(call) && !call.includes('part version'),
  )
  t.equal(changing.length, 2)
  for (const call of changing) {
    host.restore()
    host.put('kill-after', `1\n${call}`)
    t.equal((await host.run('drill', ['start', 'rejected', '--yes'])).code, null)
    if (call === changing[0]) {
      const interrupted = 'the start of rejected was interrupted'
      for (const words of [['check'], ['start', 'pending']])
        failed(t, await host.run('drill', words), interrupted)
      await start('any')
    }
    await succeeds(t, host, 'drill', 'undo')
    t.strictSame(host.everything(), whole)
  }
})

await t.test('what it prints leaves the same when bash runs it', async (t) => {
  host.restore()
  const begins = await printed(t, host, 'drill', 'start', 'half-alive')
  runByBash(t, host, begins)
  failed(t, await host.run('drill', ['check']), 'not repaired yet')
  runByBash(t, host, await printed(t, host, 'drill', 'check'), 1)
  runByBash(t, host, await printed(t, host, 'drill', 'undo'))
  t.strictSame(host.everything(), whole)
})
