// What the measurements share.

/** Seconds that `work` takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

/** Says what is measured now; it takes minutes. */
export const say = (what: string): void => console.error(`... ${what}`)

/**
 * The median of so many measurements of each, taken in rounds: a machine that becomes slower or faster meanwhile does so
 * for all of them.
 */
export async function medians<Name extends string>(
  runs: number,
  measures: Record<Name, () => Promise<number>>,
): Promise<Record<Name, number>> {
  const all = (Object.entries(measures) as [Name, () => Promise<number>][]).map(
    ([name, measure]) => ({ name, measure, measured: [] as number[] }),
  )
  for (let run = 1; run <= runs; run++)
    for (const { name, measure, measured } of all) {
      say(`${name}, ${run} of ${runs}`)
      measured.push(await measure())
    }
  return Object.fromEntries(
    all.map(({ name, measured }) => [name, measured.sort((a, b) => a - b)[Math.floor(runs / 2)]]),
  ) as Record<Name, number>
}
