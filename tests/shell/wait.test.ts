// Waiting, on a fake clock.
import t from 'tap'
import { TimedOut, until } from '../../lib/shell/wait.ts'

/** A clock that only sleep moves. */
function testClock() {
  let now = 0
  const slept: number[] = []
  return {
    slept,
    now: () => now,
    sleep: async (milliseconds: number) => {
      slept.push(milliseconds)
      now += milliseconds
    },
  }
}

await t.test('waiting ends at once when it is done, and sleeps between looks', async (t) => {
  const clock = testClock()
  let looks = 0
  const probe = async () => (++looks === 3 ? { done: 'yes' } : { state: `look ${looks}` })
  t.equal(await until(probe, { seconds: 60, every: 5 }, clock), 'yes')
  t.strictSame(clock.slept, [5000, 5000])
})

await t.test('waiting ends at the deadline with the last state, after one more look', async (t) => {
  const clock = testClock()
  let looks = 0
  const never = until(async () => ({ state: `look ${++looks}` }), { seconds: 5, every: 2 }, clock)
  const error = (await never.catch((thrown: unknown) => thrown)) as TimedOut
  t.ok(error instanceof TimedOut)
  t.equal(error.lastState, 'look 4')
  t.strictSame(clock.slept, [2000, 2000, 1000])
})

await t.test('an error while waiting ends it', async (t) => {
  const broken = until(() => Promise.reject(new Error('broken')), { seconds: 5 }, testClock())
  await t.rejects(broken, { message: 'broken' })
})
