// drill.ts as a real process on a stand-in host.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { nodeFor } from '../../lib/drills/drill.ts'
import { drills } from '../../lib/drills/drills.ts'
import { parseLab } from '../../lib/lab/lab.ts'
import { hintText } from '../../lib/text/errors.ts'
import { FakeHost, type Result } from '../helpers/fake-host.ts'
import { prepare } from '../helpers/prepare.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, shown, succeeds } from '../helpers/results.ts'

t.setTimeout(900_000)
const host = new FakeHost(t)
await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
host.save()
const whole = host.everything()
const manifest = 'var/lib/rancher/rke2/server/manifests/drill.yaml'
const note = join(host.project, '.lab/lab/drill.json')
const put = (file: string, text: string) => (node: string) => host.onNode(node, file, text)
const replace = (path: string, script: string) => {
  rmSync(join(host.state, path)) // a link to the stand-in
  writeFileSync(join(host.state, path), `#!/bin/bash\n${script}\n`, { mode: 0o755 })
}
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
    'a drill can start only when every node is Ready',
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

// The calls of a start that change a node.
const changes = (calls: string[]) =>
  calls.filter(
    (call) =>
      /sed|restart|mv |qdisc replace|install |saved/.test(call) && !/part version/.test(call),
  )

for (const [name = '', count] of [
  ['rejected', 2],
  ['slow', 1],
  ['no-new-pods', 1],
  ['missing', 1],
  ['unauthorized', 3],
] as const)
  await t.test(`${name}: killed anywhere, it continues or is undone`, async (t) => {
    host.restore()
    const { calls } = await start(name)
    const changing = changes(calls)
    t.equal(changing.length, count)
    for (const call of changing) {
      host.restore()
      host.put('kill-after', `1\n${call}`)
      t.equal((await host.run('drill', ['start', name, '--yes'])).code, null)
      if (call === changing[0]) {
        const interrupted = `the start of ${name} was interrupted`
        for (const words of [['check'], ['start', 'pending']])
          failed(t, await host.run('drill', words), interrupted)
        await start('any')
        failed(t, await host.run('drill', ['check']), 'not repaired yet')
      }
      await succeeds(t, host, 'drill', 'undo')
      t.strictSame(host.everything(), whole)
    }
  })

for (const name of ['half-alive', 'slow', 'no-new-pods', 'missing', 'unauthorized'])
  await t.test(`${name}: what it prints leaves the same when bash runs it`, async (t) => {
    host.restore()
    runByBash(t, host, await printed(t, host, 'drill', 'start', name))
    failed(t, await host.run('drill', ['check']), 'not repaired yet')
    runByBash(t, host, await printed(t, host, 'drill', 'check'), 1)
    runByBash(t, host, await printed(t, host, 'drill', 'undo'))
    t.strictSame(host.everything(), whole)
  })

for (const name of ['slow', 'no-new-pods', 'missing', 'unauthorized'])
  await t.test(`${name}: the last hint repairs it, and nothing stays behind`, async (t) => {
    host.restore()
    await start(name)
    const lab = parseLab(readFileSync(join(host.project, 'lab.yaml'), 'utf8'), 'lab.yaml')
    const drill = drills.find((one) => one.name === name)
    const [server] = lab.nodes
    const node = drill && nodeFor(drill, lab)
    if (!server || typeof node !== 'object') throw new Error('the lab has nodes')
    const typed = drill?.clues({ lab, node, server }).at(-1)?.type ?? []
    const commands = typed.map((hint) => hintText(hint, '').replace('CARD', 'enp1s0'))
    runByBash(t, host, ['set -e; umask 077', `cd ${host.project}`, ...commands].join('\n'))
    await succeeds(t, host, 'status')
    t.match((await succeeds(t, host, 'drill', 'check')).stderr, 'repaired after')
    t.strictSame(host.everything(), whole)
  })

await t.test('a node that cannot have a drill stays as it is', async (t) => {
  const refused: [string, RegExp, (node: string) => unknown][] = [
    ['slow', /lacks tc with the kernel modules/, put('run/no-modules', 'sch_netem\nsch_tbf\n')],
    ['slow', /already has rules/, put('run/queue', 'tbf 8001:\n')],
    [
      'no-new-pods',
      /has no .*10-canal.conflist/,
      (node) =>
        ['run/canal', 'etc/cni/net.d/10-canal.conflist'].map((file) => host.repair(node, file)),
    ],
    ['slow', /lacks tc/, () => rmSync(join(host.state, 'node-bin/tc'))],
    ['slow', /worker02 could not be asked/, () => replace('node-bin/tc', 'exit 1')],
    ['slow', /worker02 could not be asked/, () => replace('node-bin/ip', 'exit 1')],
    ['missing', /has \S+drill.yaml already/, () => put(manifest, '{{ mine }}')('kubemaster')],
    ['missing', /has an Addon drill/, () => host.put('cluster/drill-addon', '')],
    ['missing', /a ConfigMap drill-greeting/, () => host.put('cluster/drill-greeting', '')],
    ...['addons', 'configmap'].map((kind): (typeof refused)[number] => [
      'missing',
      /kubemaster could not be asked/,
      () =>
        replace(
          'nodes/kubemaster/var/lib/rancher/rke2/bin/kubectl',
          `[[ $* != *'get ${kind}'*drill* ]] || exit 1; exec "$STAND_IN/node-bin/kubectl" "$@"`,
        ),
    ]),
  ]
  for (const [name, why, prepare] of refused) {
    host.restore()
    prepare('worker02')
    const before = host.everything()
    failed(t, await host.run('drill', ['start', name, '--yes']), why)
    t.strictSame(host.everything(), before)
  }
  host.restore()
  put('run/no-modules', 'sch_netem\n')('worker02')
  await start('slow')
  t.match(host.onNode('worker02', 'run/queue'), 'tbf', 'without netem it has another way')
})

await t.test('missing: a check that was killed continues', async (t) => {
  host.restore()
  const fixed = 'text: hello\n'
  await start('missing')
  put(manifest, fixed)('kubemaster')
  const { calls } = await succeeds(t, host, 'drill', 'check')
  t.strictSame(host.everything(), whole)
  const removing = calls.filter((call) => /rm -f|delete/.test(call))
  t.equal(removing.length, 2)
  for (const call of removing) {
    host.restore()
    await start('missing')
    put(manifest, fixed)('kubemaster')
    host.put('kill-after', `1\n${call}`)
    t.equal((await host.run('drill', ['check'])).code, null)
    await succeeds(t, host, 'drill', 'check')
    t.strictSame(host.everything(), whole)
  }
})

await t.test('unauthorized: undo keeps what it saved until all of it is back', async (t) => {
  const [aside, tls] = ['drill', 'tls'].map((one) => `var/lib/rancher/rke2/server/${one}`)
  const saved = `${aside}/rke2.yaml`
  host.restore()
  const certificate = host.onNode('kubemaster', `${tls}/client-admin.crt`)
  await start('unauthorized')
  const config = host.onNode('kubemaster', saved)
  host.repair('kubemaster', saved)
  failed(t, await host.run('drill', ['undo']), 'rke2.yaml')
  t.equal(host.onNode('kubemaster', `${aside}/client-admin.crt`), certificate)

  put(saved, config)('kubemaster')
  put(`${tls}/client-admin.crt`, certificate)('kubemaster') // a person did only that
  await succeeds(t, host, 'drill', 'undo')
  t.equal(host.onNode('kubemaster', 'etc/rancher/rke2/rke2.yaml'), config)
  t.notOk(existsSync(note))
})

await t.test('unauthorized: it says why openssl failed', async (t) => {
  host.restore()
  replace('node-bin/openssl', '[[ $1 != ca ]] || { echo "no such section" >&2; exit 1; }')
  failed(t, await host.run('drill', ['start', 'unauthorized', '--yes']), 'no such section')
})

await t.test('slow: a card that cannot be read is not repaired', async (t) => {
  for (const program of ['tc', 'ip']) {
    host.restore()
    await start('slow')
    replace(`node-bin/${program}`, 'exit 1')
    failed(t, await host.run('drill', ['check']), 'not repaired yet')
    failed(t, await host.run('drill', ['undo']))
    t.ok(existsSync(note))
  }
})
