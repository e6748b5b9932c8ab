// exec.ts as a real process on a stand-in host.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost, type Result } from '../helpers/fake-host.ts'

const host = new FakeHost(t, undefined, { machines: true })
const run = (...words: string[]) => host.run('exec', words)
/** What was printed, in the order of the nodes: they answer in any order. */
const lines = ({ stdout }: Result) => stdout.split('\n').filter(Boolean).sort()

await t.test('a command on every node, each line with the node before it', async (t) => {
  const result = await run('--', 'cat', '/etc/machine-id')
  t.equal(result.code, 0, result.stderr)
  t.strictSame(lines(result), [
    'kubemaster: machine of kubemaster',
    'worker01:   machine of worker01',
    'worker02:   machine of worker02',
  ])
  t.strictSame(result.calls.sort(), [
    'ssh -F .lab/lab/ssh_config kubemaster cat /etc/machine-id',
    'ssh -F .lab/lab/ssh_config worker01 cat /etc/machine-id',
    'ssh -F .lab/lab/ssh_config worker02 cat /etc/machine-id',
  ])
})

await t.test('through zx, as it is typed', async (t) => {
  const result = await host.run('exec', ['worker01', '--', 'cat', '--', '/etc/machine-id'], {
    npx: true,
  })
  t.strictSame([result.code, result.stdout], [0, 'worker01: machine of worker01\n'], result.stderr)
})

await t.test('on servers, on agents, on those named', async (t) => {
  const nodes = async (...words: string[]) =>
    lines(await run(...words, '--', 'uptime')).map((line) => line.split(':')[0])
  t.strictSame(await nodes('--servers'), ['kubemaster'])
  t.strictSame(await nodes('--agents'), ['worker01', 'worker02'])
  t.strictSame(await nodes('--agents', '--servers'), ['kubemaster', 'worker01', 'worker02'])
  t.strictSame(await nodes('worker02', 'kubemaster'), ['kubemaster', 'worker02'])
})

await t.test('one word is a line for a shell, several are the words of a command', async (t) => {
  const on = async (...words: string[]) => {
    const { code, stdout, stderr } = await run('worker01', ...words)
    t.equal(code, 0, stderr)
    return stdout
  }
  t.equal(
    await on('--', "printf 'a\\nb c\\n' | tail -n 1; echo $((1 + 1))"),
    'worker01: b c\nworker01: 2\n',
  )
  t.equal(await on('--', 'printf', '%s,', 'a b', '$HOME', "it's"), "worker01: a b,$HOME,it's,\n")
  t.equal(await on('--', 'cat'), '', 'no input')
  t.equal(await on('--', 'cat; echo end'), 'worker01: end\n', 'not the script either')
  t.equal(
    await on('--root', '--', 'cat /etc/machine-id && uptime >/dev/null'),
    'worker01: machine of worker01\n',
  )
  t.match(host.callsSoFar().at(-1), /^ssh -F \.lab\/lab\/ssh_config worker01 sudo sh -s /)
})

await t.test('what fails is named with its status; the others go on', async (t) => {
  host.onNode('worker01', 'etc/fails', 'yes\n')
  const result = await run('--', 'echo "asked" >&2; test ! -e /etc/fails || exit 3; echo fine')
  t.equal(result.code, 1)
  t.strictSame(lines(result), ['kubemaster: fine', 'worker02:   fine'])
  t.match(result.stderr, /^worker01: {3}asked$/m, 'stderr is prefixed too')
  t.match(
    result.stderr,
    /✗ worker01: the command ended with exit status 3\n.*try: ssh -F \.lab\/lab\/ssh_config worker01 'echo "asked" >&2;/,
  )
  t.notMatch(result.stderr, /✗ (kubemaster|worker02)|this is a bug/)
  const ends255 = await run('worker01', '--', 'exit 255')
  t.match(ends255.stderr, 'worker01: the command ended with exit status 255')
})

await t.test('a node that is off', async (t) => {
  host.put('domains/worker02/state', 'shut off\n')
  const result = await run('--agents', '--', 'uptime')
  host.put('domains/worker02/state', 'running\n')
  t.equal(result.code, 1)
  t.match(lines(result), [/^worker01: {2}06:50/])
  t.match(result.stderr, /✗ worker02: cannot be reached over SSH: no answer on its address yet/)
  t.match(result.stderr, 'try: npx zx scripts/status.ts')
})

await t.test('wrong words touch nothing', async (t) => {
  const wrong: [string[], RegExp][] = [
    [[], /exec needs a command after --\n.*try: npx zx scripts\/exec\.ts -- uptime/],
    [['uptime'], /needs a command after --/],
    [['--', ''], /needs a command after --/],
    [['worker7', '--', 'uptime'], /no node "worker7" in lab lab\n.*nodes of this lab: kubemaster/],
    [['worker01', '--agents', '--', 'uptime'], /but not both/],
    [['--sudo', '--', 'uptime'], /unknown option --sudo/],
  ]
  for (const [words, message] of wrong) {
    const { code, stdout, stderr, calls } = await run(...words)
    t.strictSame([code, stdout, calls], [2, '', []], words.join(' '))
    t.match(stderr, message)
  }
  t.equal((await run('--help')).code, 0)
  const single = new FakeHost(t, (lab) => lab.nodes.splice(1), { machines: true })
  const { code, stderr } = await single.run('exec', ['--agents', '--', 'uptime'])
  t.equal(code, 2)
  t.match(stderr, 'lab lab has no agents')
})

await t.test('the printed script runs nothing; run by bash it does the same', async (t) => {
  const line = "cat /etc/machine-id; test ! -e /etc/fails || exit 3 # it's"
  const { code, stdout, calls } = await run('--dry-run', '--', line)
  t.strictSame([code, calls], [0, []])
  const bash = () =>
    spawnSync(join(host.bin, 'bash'), ['-s'], { input: stdout, env: host.env, encoding: 'utf8' })
  const failing = bash()
  t.equal(failing.status, 1)
  t.match(failing.stderr, 'it failed on worker01')
  t.equal(failing.stdout.split('\n').filter(Boolean).length, 3, 'the others go on')
  host.repair('worker01', 'etc/fails')
  const { status, stdout: printed } = bash()
  t.equal(status, 0)
  t.match(printed, /^kubemaster: machine of kubemaster\nworker01: {3}machine of worker01\n/)
  const check = spawnSync('shellcheck', ['-e', 'SC2016', '-'], { input: stdout, encoding: 'utf8' })
  if (!check.error) t.equal(check.status, 0, check.stdout)
})
