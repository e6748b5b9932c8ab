// EDGE. A plan is carried out, or printed as bash. Nothing else knows the difference.
import { statSync } from 'node:fs'
import pLimit from 'p-limit'
import { ask as askPerson, type Choices } from '../cli/ask.ts'
import { downloadProgress, nodeProgress, type NodeProgress } from '../cli/progress.ts'
import * as ui from '../cli/ui.ts'
import { CommandError, named, NodeErrors, type Hint } from '../text/errors.ts'
import { ask, put, query, readText, run } from './bash.ts'
import { takeLock } from './lock.ts'
import { clock } from './wait.ts'
import { bashScript, type Lane, type Run, type Stage, type Step, type Write } from './steps.ts'

/** What a script does with its plans, questions and locks. */
export interface Shell {
  /** Carries a stage out: true; or keeps it for the printed script: false. */
  apply(stage: Stage): Promise<boolean>
  /** Reads something under a heading; changes nothing. */
  look<T>(title: string, work: () => Promise<T>): Promise<T>
  /** Shows what the question is about and asks; true for yes. */
  ask(question: string, about: string[], yes: boolean, choices?: Choices): Promise<boolean>
  /** Does work that only one run may do at a time; `file` is the lock. */
  locked<T>(file: string, what: string, work: () => Promise<T>): Promise<T>
  /** Runs phases, each with the words that make it do as this shell does, and returns as `apply`. */
  phases<P extends { name: string; changes: boolean }>(
    all: P[],
    run: (phase: P, words: string[]) => Promise<void>,
  ): Promise<boolean>
  /** Caches a text. */
  remember: (file: string, text: string) => void
  /** The end: `idle` when there was nothing to do, and what to type next. */
  end(idle: string | undefined, next: Hint | Hint[] | undefined): void
}

/** Shows every step and carries it out. */
export function working(): Shell {
  let changes = 0
  return {
    async apply(stage) {
      changes += stage.lanes.flatMap(({ steps }) => steps).filter(isChange).length
      ui.heading(stage.title)
      await carryOut(stage)
      return true
    },
    look(title, work) {
      ui.heading(title)
      return work()
    },
    async phases(all, run) {
      for (const [index, one] of all.entries()) {
        ui.chapter(`${one.name}, ${index + 1} of ${all.length}`)
        await run(one, [])
      }
      return true
    },
    ask: askPerson,
    async locked(file, what, work) {
      const release = await takeLock(file, what)
      return work().finally(release)
    },
    remember: (file, text) => {
      try {
        put(file, text)
      } catch {
        // without the cache it only takes longer
      }
    },
    end(idle, next) {
      if (idle !== undefined && changes === 0) ui.good(idle)
      if (next !== undefined) ui.next(next)
    },
  }
}

/** Changes nothing; at the end prints all stages as one bash script: `always`, or when there are any. */
export function printing(about: string, always: boolean): Shell {
  const stages: Stage[] = []
  return {
    async apply(stage) {
      stages.push(stage)
      return false
    },
    look: (_, work) => work(),
    async phases(all, run) {
      for (const one of all) if (one.changes) await run(one, ['--dry-run'])
      return false
    },
    ask: async () => true,
    locked: (_file, _what, work) => work(),
    remember: () => {},
    end(idle) {
      const isIdle = stages.every(({ lanes }) => lanes.every(({ steps }) => !steps.some(isChange)))
      if (idle !== undefined && isIdle) ui.good(idle)
      if (always || stages.length > 0)
        process.stdout.write(bashScript(about, process.cwd(), stages))
    },
  }
}

const isChange = (step: Step) => step.do !== 'check'

async function carryOut({ lanes, watched = false }: Stage): Promise<void> {
  const busy = lanes.filter(({ steps }) => steps.length > 0)
  if (busy.length === 0) return ui.detail('nothing to do')
  const progress = watched ? nodeProgress(busy.map(({ name }) => name)) : undefined
  try {
    await eachOf(busy, (lane) => carryOutLane(lane, progress), watched ? busy.length : 8)
  } finally {
    progress?.stop()
  }
}

async function carryOutLane({ name, steps }: Lane, progress?: NodeProgress): Promise<void> {
  let done: string | void = undefined
  try {
    for (const step of steps) done = (await carryOutStep(step, name, progress)) ?? done
  } catch (error) {
    progress?.failed(name) // the others continue
    throw error
  }
  if (done !== undefined) progress?.done(name, done)
}

async function carryOutStep(step: Step, name: string, progress?: NodeProgress) {
  if (step.do === 'check') return step.holds((state, last) => progress?.set(name, state, last))
  if (step.do === 'write') {
    put(step.path, step.content)
    return ui.detail(`wrote ${step.path}`)
  }
  if (step.state !== undefined) progress?.set(name, step.state)
  await runStep(step)
}

async function runStep(step: Run): Promise<void> {
  const { bash, tries = 1, triesAfter = /^/, undo, explain, orWarn, grows } = step
  const stop = grows
    ? downloadProgress(
        () => sizeOf(grows.file),
        () => remoteSize(grows.url),
      )
    : () => {}
  try {
    await run(bash, step)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    if (tries > 1 && triesAfter.test(error.failed.stderr)) {
      await clock.sleep(1000)
      return runStep({ ...step, tries: tries - 1 })
    }
    const undone = undo !== undefined && (await ask(undo)).code === 0
    if (orWarn === undefined) throw explain?.(error, undone) ?? error
    ui.warn(`${orWarn}: ${error.message}`)
  } finally {
    stop()
  }
}

const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0

async function remoteSize(url: string): Promise<number> {
  const { stdout } =
    await query`curl --silent --location --head --connect-timeout 20 --max-time 60 ${url}`
  return Number([...stdout.matchAll(/^content-length: (\d+)/gim)].at(-1)?.[1] ?? 0)
}

/** The step that writes a file; none where it has that content already. */
export const written = (path: string, content: string): Write[] =>
  readText(path) === content ? [] : [{ do: 'write', path, content }]

/** Does `work` for each, `many` at a time; every failure is reported, with its name. */
export async function eachOf<N extends { name: string }, T>(
  all: N[],
  work: (one: N) => Promise<T>,
  many = 8,
): Promise<T[]> {
  const limit = pLimit(Math.max(many, 1))
  const results = await Promise.allSettled(all.map((one) => limit(() => work(one))))
  return valuesOf(results, (index) => all[index]?.name ?? '')
}

/** Does all of it at the same time; every failure is reported. */
export async function together<T extends unknown[]>(
  ...works: { [K in keyof T]: () => Promise<T[K]> }
): Promise<T> {
  const results = await Promise.allSettled(works.map((work) => work()))
  return valuesOf<unknown>(results, () => '') as T
}

function valuesOf<T>(results: PromiseSettledResult<T>[], name: (index: number) => string): T[] {
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? [named(name(index), result.reason)] : [],
  )
  if (failures.length > 0) throw failures.length > 1 ? new NodeErrors(failures) : failures[0]
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}
