// What the tests expect of a run of a script.
import type { Test } from 'tap'
import type { FakeHost, Result } from './fake-host.ts'

/** Whether a call of a stand-in changes something. */
export const isChange = (call: string) =>
  /^virsh -c \S+ (?!-q|domstate|domcapabilities|domblkinfo)/.test(call) ||
  /^(genisoimage|curl (?!.*(--head|--output \/dev\/null) ))/.test(call)

/** The commands that a script showed: what it changed. */
export const shown = ({ stderr }: Result) =>
  stderr.split('\n').flatMap((line) => (line.startsWith('  $ ') ? [line.slice(4)] : []))

/** Runs a script that must succeed. */
export async function succeeds(
  t: Test,
  host: FakeHost,
  script: string,
  ...words: string[]
): Promise<Result> {
  const result = await host.run(script, words)
  t.equal(result.code, 0, `${[script, ...words].join(' ')}: ${result.stderr}`)
  return result
}

/** The script ended with status 1 and said so. */
export function failed(t: Test, { code, stderr }: Result, ...texts: (string | RegExp)[]): void {
  t.equal(code, 1, 'exit status 1')
  for (const text of texts) t.match(stderr, text)
  t.notMatch(stderr, /this is a bug|Next:/)
}

/** Runs a script that has nothing to do, and says that. */
export async function idle(t: Test, host: FakeHost, script: string, says: string): Promise<void> {
  const before = host.everything()
  const result = await succeeds(t, host, script)
  t.strictSame(shown(result), [], 'no command was run')
  t.match(result.stderr, says)
  t.strictSame(host.everything(), before)
}

export interface Status {
  lab: string
  nodes: Record<string, unknown>[]
  manifests: { remark: string | null }[]
}
/** What status.ts --json says. */
export async function statusOf(t: Test, host: FakeHost, ...words: string[]): Promise<Status> {
  const { code, stdout, stderr } = await host.run('status', ['--json', ...words])
  t.strictSame([code, stderr], [0, ''])
  return JSON.parse(stdout) as Status
}
