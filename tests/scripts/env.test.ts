// env.ts as a real process on a stand-in host, and its text in real shells.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { labText } from '../helpers/labs.ts'
import { findTool } from '../helpers/stand-ins.ts'

// A folder that has to be quoted.
const folder = join(t.testdir(), "it's $HOME")
mkdirSync(folder)
const host = new FakeHost(t, undefined, { machines: true, folder })
host.add('kubectl', '[[ $* = "completion bash" ]] && echo "complete -W get kubectl"')
const file = join(host.project, '.lab/lab/kubeconfig')

await t.test('without a kubeconfig nothing is on stdout', async (t) => {
  const { code, stdout, stderr } = await host.run('env')
  t.strictSame([code, stdout], [1, ''])
  t.match(
    stderr,
    '✗ lab lab has no kubeconfig on this host\n    try: npx zx scripts/install-rke2.ts',
  )
})

writeFileSync(file, '')

/** Evaluates the text in a shell. */
function evaluate(shell: string, text: string, ...options: string[]): string[] {
  const after = 'echo "$KUBECONFIG"; complete -p kubectl 2>/dev/null'
  const { stdout, stderr } = spawnSync(
    findTool(shell) ?? '',
    [...options, '-c', `${text}\n${after}`],
    {
      env: { PATH: host.bin, SHLVL: '1' }, // see FakeHost
      encoding: 'utf8',
    },
  )
  t.notMatch(stderr, /syntax|unexpected|not found/i, shell)
  return stdout.split('\n').filter(Boolean)
}

await t.test('bash has the kubeconfig, and completion where someone types', async (t) => {
  for (const words of [[], ['--dry-run']]) {
    const { code, stdout, stderr, calls } = await host.run('env', words)
    t.strictSame([code, stderr, calls], [0, words.length ? '' : '\nNext: kubectl get nodes\n', []])
    t.strictSame(evaluate('bash', stdout), [file])
    t.strictSame(evaluate('bash', stdout, '--norc', '-i'), [file, "complete -W 'get' kubectl"])
    t.strictSame(evaluate('dash', stdout), [file], 'another shell does not stumble')
    const zsh = findTool('zsh')
    if (zsh) t.strictSame(evaluate('zsh', stdout, '-f'), [file])
  }
})

await t.test('of the lab that is named', async (t) => {
  writeFileSync(
    join(host.project, 'other.yaml'),
    labText((lab) => (lab.name = 'other')),
  )
  const none = await host.run('env', ['--lab', 'other.yaml'])
  t.equal(none.code, 1)
  t.match(none.stderr, 'try: npx zx scripts/install-rke2.ts --lab other.yaml')
  mkdirSync(join(host.project, '.lab/other'))
  writeFileSync(join(host.project, '.lab/other/kubeconfig'), '')
  const { stdout } = await host.run('env', ['--lab', 'other.yaml'])
  t.strictSame(evaluate('bash', stdout), [file.replace('.lab/lab', '.lab/other')])
})

await t.test('without kubectl on this host', async (t) => {
  host.without('kubectl')
  const { code, stdout, stderr } = await host.run('env')
  t.equal(code, 0)
  t.match(stdout, /^export KUBECONFIG='[^\n]*\n$/)
  t.match(stderr, /Next: ssh -F \.lab\/lab\/ssh_config kubemaster sudo .*kubectl/)
  t.strictSame(evaluate('bash', stdout), [file])
})
