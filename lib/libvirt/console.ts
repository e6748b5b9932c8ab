// EDGE. What a guest printed on its serial console, and the log files that libvirt keeps of its guests. They belong to root;
// libvirt hands them out to whoever may use it, by way of a transient pool on their folder. A host has only one such pool
// at a time.
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import pLimit from 'p-limit'
import * as ui from '../cli/ui.ts'
import type { Lab } from '../lab/lab.ts'
import { query } from '../shell/bash.ts'
import { inOrder, sh, type Check, type Stage, type Step } from '../shell/steps.ts'
import { TimedOut, until } from '../shell/wait.ts'
import { commandText } from '../text/quote.ts'
import { consoleLog } from './domain-xml.ts'
import { words } from './host.ts'
import { virsh } from './observe.ts'

const pool = 'rke2-kvm-lab-logs'
const folder = dirname(consoleLog({ name: '' }))
const oneAtATime = pLimit(1)

// The last bytes of a guest's console where this user may read the log; '' where not.
async function readDirectly(name: string, bytes: number): Promise<string> {
  try {
    const file = await open(consoleLog({ name }))
    try {
      const { size } = await file.stat()
      const buffer = Buffer.alloc(Math.min(size, bytes))
      await file.read(buffer, 0, buffer.length, Math.max(0, size - bytes))
      return buffer.toString('utf8')
    } finally {
      await file.close()
    }
  } catch {
    return ''
  }
}

// eslint-disable-next-line no-control-regex
const escapes = /\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>c])/g // terminal control sequences
const clean = (text: string) =>
  text
    .replace(escapes, '')
    .split(/\r?\n|\r/)
    .map((line) => line.replace(/[^\P{Cc}\t]/gu, '').trimEnd())
    .filter((line) => line.trim())

/** The last line on the console, quickly and only where the log is readable; '' otherwise. */
export async function lastConsoleLine(name: string): Promise<string> {
  return clean(await readDirectly(name, 2000)).at(-1) ?? ''
}

/** The end of the console, up to 200 lines, from the log or through libvirt. */
export async function consoleTail(lab: Lab, name: string): Promise<string[]> {
  const text = (await readDirectly(name, 20_000)) || (await readThroughLibvirt(lab, name))
  return clean(text.slice(-20_000)).slice(-200)
}

const readThroughLibvirt = (lab: Lab, name: string): Promise<string> =>
  oneAtATime(async () => {
    await dropPool(lab)
    const made = await query`${virsh(lab)} -q pool-create-as ${pool} dir --target ${folder}`
    if (made.code !== 0) {
      if (!/no such file/i.test(made.stderr)) ui.warn(`cannot look into ${folder}: ${made.stderr}`)
      return ''
    }
    const log = `${name}.console.log`
    const { stdout } =
      await query`${virsh(lab)} -q vol-download --pool ${pool} ${log} /dev/stdout | cat`
    await query`${virsh(lab)} -q pool-destroy ${pool}`
    return stdout
  })

// Waits for the pool of another run to go; one that stays was left by a killed run.
async function dropPool(lab: Lab): Promise<void> {
  const look = async () => {
    const { stdout } = await query`${virsh(lab)} -q pool-list --name --transient`
    return words(stdout).includes(pool) ? { state: 'in use' } : { done: true }
  }
  await until(look, { seconds: 3, every: 0.2 }).catch(async (error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
    await query`${virsh(lab)} -q pool-destroy ${pool}`
  })
}

const noPool = (lab: Lab): Check => ({
  do: 'check',
  bash: commandText`${virsh(lab)} pool-destroy ${pool} 2>/dev/null || true`,
  holds: () => dropPool(lab),
})

/** Removes the pool that a killed run left. */
export const forgetLogPool = (lab: Lab): Stage => inOrder('Logs', [noPool(lab)])

/** Where the logs of these domains are, for people. */
export const logFiles = (names: string[]) =>
  names.map((name) => `${folder}/${name}.{console.,}log*`)

/** The steps that delete the log files of these domains; one without a console log was not a machine of ours. */
export function removeLogs(lab: Lab, names: string[]): Step[] {
  if (names.length === 0) return []
  const remove = sh`${virsh(lab)} pool-create-as ${pool} dir --target ${folder}
logs=$(${virsh(lab)} -q vol-list ${pool})
for name in ${names}; do
  [[ " $logs" == *[[:space:]]"$name.console.log"* ]] || continue
  while read -r log _; do
    case $log in "$name".console.log* | "$name".log | "$name".log.*) ${virsh(lab)} vol-delete --pool ${pool} "$log" ;; esac
  done <<<"$logs"
done
${virsh(lab)} pool-destroy ${pool}`
  return [noPool(lab), { ...remove, orWarn: 'the logs of the machines stay' }]
}
