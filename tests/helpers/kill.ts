// Scripts killed at every step.
import type { Test } from 'tap'
import type { FakeHost } from './fake-host.ts'
import { shown, succeeds } from './results.ts'

// Of the calls, those that only look: killed after them is killed before the next.
const looks =
  /part version|--head|date \+|get nodes -o json|--since|sha256sum\\ --check|rke2 --version/

async function finish(
  t: Test,
  host: FakeHost,
  script: string,
  whole: Record<string, string>,
): Promise<void> {
  await succeeds(t, host, script)
  t.strictSame(host.everything(), whole, 'all is as if it had not been killed')
}

/** Kills a script after each of its calls and in the midst of two; the next run must finish, and nothing tell of it. */
export async function killAfterEachCall(t: Test, host: FakeHost, script: string): Promise<void> {
  host.save()
  const { calls } = await succeeds(t, host, script)
  const whole = host.everything()
  t.strictSame(shown(await succeeds(t, host, script)), [])
  for (const [index, call] of calls.entries()) {
    if (looks.test(call)) continue
    const nth = calls.slice(0, index + 1).filter((other) => other === call).length
    await t.test(`after ${call.replaceAll(host.folder, '')}`, async (t) => {
      host.restore()
      host.put('kill-after', `${nth}\n${call}`)
      t.equal((await host.run(script)).code, null, 'it was killed')
      await finish(t, host, script, whole)
    })
  }
  for (const half of ['scp', 'tar'])
    await t.test(`in the midst of ${half}`, async (t) => {
      host.restore()
      host.put('cut', half)
      t.equal((await host.run(script)).code, null, 'it was killed')
      await finish(t, host, script, whole)
    })
}
