// Scripts killed at every step.
import type { Test } from 'tap'
import type { FakeHost } from './fake-host.ts'
import { shown, succeeds } from './results.ts'

// Of the calls, without their backslashes, those that change nothing: killed after them is killed before the next.
const looks = new RegExp(
  [
    ' -q (echo|domstate|pool-list|vol-list)|domblkinfo|--head|-O exit',
    'part version|date \\+|--since|sha256sum --check|rke2 --version|sudo cat \\S+/token$',
    "sh -s \\$'cd /run/cloud-init && for|growpart --dry-run|curl --silent --insecure",
    'kubectl \\S+ \\S+ get (nodes -o json|jobs|--raw)',
  ].join('|'),
)
const isLook = (call: string) => looks.test(call.replaceAll('\\', ''))

const lanes = [0, 1] // side by side, for a run also waits

interface Options {
  words?: string[]
  /** What copies files, to kill the script in the midst of it. */
  cuts?: string[]
  /** Only after such calls: it is killed after the others in another test. */
  only?: RegExp
  /** A second run has something to do again. */
  repeats?: boolean
  /** How many calls it makes that are worth a kill, at least. */
  least?: number
}

/** Kills a script after each call that changes something and in the midst of two; the next run must finish, and leave no trace of it. */
export async function killAfterEachCall(
  t: Test,
  script: string,
  makeHost: (t: Test) => FakeHost | Promise<FakeHost>,
  { words = [], cuts = ['scp', 'tar'], only = /./, repeats = false, least = 10 }: Options = {},
): Promise<void> {
  t.jobs = lanes.length
  let publish: (kills: Kill[]) => void = () => {}
  const allKills = new Promise<Kill[]>((resolve) => (publish = resolve))
  const onHost = async (t: Test, lane: number) => {
    const host = await makeHost(t)
    host.save()
    const { calls } = await succeeds(t, host, script, ...words)
    const whole = host.everything()
    if (!repeats && lane === 0) t.strictSame(shown(await succeeds(t, host, script, ...words)), [])
    // The first one's calls are shared out: their order may differ by a little from run to run.
    if (lane === 0)
      publish(
        killsOf(
          calls.map((call) => call.replaceAll(host.folder, place)),
          cuts,
          only,
        ),
      )
    for (const [index, kill] of (await allKills).entries())
      if (index % lanes.length === lane) await killed(t, host, [script, ...words], kill, whole)
  }
  await Promise.all(
    lanes.map((lane) =>
      t.test(`on host ${lane + 1}`, { buffered: true }, (t) =>
        onHost(t, lane).finally(() => publish([])),
      ),
    ),
  )
  t.ok((await allKills).length > least, 'there was something to kill')
}

/** Stands for the folder of a host in a call. */
const place = '@HOST'
type Kill = { after: string; nth: number } | { cut: string }

function killsOf(calls: string[], cuts: string[], only: RegExp): Kill[] {
  const nth = (index: number) =>
    calls.slice(0, index + 1).filter((other) => other === calls[index]).length
  const after = calls.map((after, index) => ({ after, nth: nth(index) }))
  return [
    ...after.filter(({ after }) => !isLook(after) && only.test(after)),
    ...cuts
      .filter((half) => calls.some((call) => call.startsWith(half)))
      .map((half) => ({ cut: half })),
  ]
}

async function killed(
  t: Test,
  host: FakeHost,
  [script = '', ...words]: string[],
  kill: Kill,
  whole: Record<string, string>,
): Promise<void> {
  const where =
    'cut' in kill ? `in the midst of ${kill.cut}` : `after ${kill.after.replaceAll(place, '')}`
  await t.test(where, async (t) => {
    host.restore()
    if ('cut' in kill) host.put('cut', kill.cut)
    else host.put('kill-after', `${kill.nth}\n${kill.after.replaceAll(place, host.folder)}`)
    t.equal((await host.run(script, words)).code, null, 'it was killed')
    await succeeds(t, host, script, ...words)
    t.strictSame(host.everything(), whole, 'all is as if it had not been killed')
  })
}
