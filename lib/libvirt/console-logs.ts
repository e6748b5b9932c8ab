// EDGE. The log files that libvirt keeps of its guests. They belong to root; libvirt hands them out to whoever may
// use it, by way of a transient pool on their folder. A host can have only one such pool at a time.
import { dirname } from 'node:path'
import pLimit from 'p-limit'
import { consoleLog } from './domain-xml.ts'
import type { Lab } from '../lab/lab.ts'
import { virsh } from './observe.ts'
import { words } from './host.ts'
import { mode, query, run } from '../shell/shell.ts'
import { TimedOut, until } from '../shell/wait.ts'
import * as ui from '../cli/ui.ts'

const pool = 'rke2-kvm-lab-logs'
const folder = dirname(consoleLog({ name: '' }))
const oneAtATime = pLimit(1)

/** Waits for the pool of another run to go; one that stays was left by a killed run and is taken away. */
export async function dropLeftOver(lab: Lab): Promise<void> {
  if (mode.dryRun) return
  const look = async () => {
    const { stdout } = await query`${virsh(lab)} -q pool-list --name --transient`
    return words(stdout).includes(pool) ? { state: 'in use' } : { done: true }
  }
  await until(look, { seconds: 3, every: 0.2 }).catch(async (error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
    await query`${virsh(lab)} -q pool-destroy ${pool}`
  })
}

/** What `work` reads while the pool is there. */
async function withPool(lab: Lab, work: () => Promise<string>): Promise<string> {
  return oneAtATime(async () => {
    await dropLeftOver(lab)
    const made = await query`${virsh(lab)} -q pool-create-as ${pool} dir --target ${folder}`
    if (made.code !== 0) {
      if (!/no such file/i.test(made.stderr)) ui.warn(`cannot look into ${folder}: ${made.stderr}`)
      return ''
    }
    try {
      return await work()
    } finally {
      await query`${virsh(lab)} -q pool-destroy ${pool}`
    }
  })
}

/** What a guest's console log says; '' where it has none. */
export const readConsoleLog = (lab: Lab, name: string): Promise<string> =>
  withPool(lab, async () => {
    const log = `${name}.console.log`
    return (await query`${virsh(lab)} -q vol-download --pool ${pool} ${log} /dev/stdout | cat`)
      .stdout
  })

/** Where the logs of these domains are, for people. */
export const logFiles = (names: string[]) =>
  names.map((name) => `${folder}/${name}.{console.,}log*`)

/** Deletes the log files of these domains; one without a console log was not a machine of ours. */
export async function removeLogs(lab: Lab, names: string[]): Promise<void> {
  if (names.length === 0) return
  if (mode.dryRun) await run`${virsh(lab)} pool-destroy ${pool} 2>/dev/null || true`
  await dropLeftOver(lab)
  try {
    await run`${virsh(lab)} pool-create-as ${pool} dir --target ${folder}`
  } catch (error) {
    return ui.warn(`the logs of the machines stay: ${(error as Error).message}`)
  }
  await run`logs=$(${virsh(lab)} -q vol-list ${pool})
for name in ${names}; do
  [[ " $logs" == *[[:space:]]"$name.console.log"* ]] || continue
  while read -r log _; do
    case $log in "$name".console.log* | "$name".log | "$name".log.*) ${virsh(lab)} vol-delete --pool ${pool} "$log" ;; esac
  done <<<"$logs"
done`.finally(() => run`${virsh(lab)} pool-destroy ${pool}`)
}
