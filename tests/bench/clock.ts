// What the measurements share.

/** Seconds that `work` takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

/** Says what is measured now; it takes minutes. */
export const say = (what: string): void => console.error(`... ${what}`)

/** The median of so many measurements, taken one after another. */
export async function median(runs: number, measure: () => Promise<number>): Promise<number> {
  const measured: number[] = []
  for (let run = 0; run < runs; run++) measured.push(await measure())
  return measured.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? NaN
}
