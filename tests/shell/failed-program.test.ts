// Which program of a command failed, as bash itself says.
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { failedProgram, trap } from '../../lib/shell/failed-program.ts'

const run = (command: string) => {
  const { status, stderr } = spawnSync('bash', ['-c', trap + command], { encoding: 'utf8' })
  return { status, ...failedProgram(command, stderr) }
}

const cases: [command: string, program: string, status: number][] = [
  ['false', 'false', 1],
  ['true && grep -q x /dev/null', 'grep', 1],
  ['true\nls /nowhere/at/all\ntrue', 'ls', 2],
  ['grep x /dev/null | cat', 'grep', 1],
  ['true | grep -q x', 'grep', 1],
  ['cat /dev/null | grep x | tr a b', 'grep', 1],
  ["echo 'a | b' | grep -q c", 'grep', 1],
  ['if true; then { grep x /dev/null; }; fi', 'grep', 1],
  ['text=$(grep x /dev/null)', 'grep', 1],
  ['(exit 7)', 'exit', 7],
  ["cat <<'EOF' | grep -q x\na\nb | c\nEOF", 'grep', 1],
  ["grep -q x <<'EOF'\none\ntwo\nEOF", 'grep', 1],
  ['no-such-program --x', 'no-such-program', 127],
]

await t.test('it is named in lists, scripts and pipelines', async (t) => {
  for (const [command, program, status] of cases)
    t.match(run(command), { program, status }, command)
})

await t.test('a line that is a separate command can be tried by hand', async (t) => {
  const two = "true\nls -d '/no where'\ntrue"
  t.equal(run(two).line, "ls -d '/no where'")
  for (const part of ['true\nls \\\n  /nowhere', 'true\nfalse | cat', 'true && ls $HOME/nowhere'])
    t.equal(run(part).line, part, 'otherwise all of it')
})

await t.test('what was said stays, without a trace of how it was found', async (t) => {
  const { said } = run("{ echo one; echo two; } >&2; grep -q x <<'EOF'\na\nEOF")
  t.equal(said, 'one\ntwo')
})

await t.test('a command that was killed is named by its first word', async (t) => {
  t.strictSame(failedProgram('virsh -c x start a', 'Killed\n'), {
    program: 'virsh',
    line: 'virsh -c x start a',
    said: 'Killed',
  })
})
