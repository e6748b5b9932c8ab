// EDGE. What guests printed on their serial consoles. The logs belong to root; any user of libvirt can read them through
// a transient pool on their folder. A host can have only one such pool at a time.
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import pLimit from 'p-limit'
import { errorsIn } from './batch.ts'
import { consoleLog } from './domain-xml.ts'
import { words } from './host.ts'
import { libvirtHost, libvirtTrouble, saysNone } from './trouble.ts'
import { virsh } from './virsh.ts'
import type { Lab } from '../lab/lab.ts'
import { query } from '../shell/bash.ts'
import { TimedOut, until } from '../shell/wait.ts'
import * as ui from '../cli/ui.ts'

/** The pool through which the logs are read and deleted, and their folder. */
export const logPool = 'rke2-kvm-lab-logs'
export const logFolder = dirname(consoleLog({ name: '' }))
const oneAtATime = pLimit(1)

/** Where this host has them; tests put a folder of theirs here. */
export const logs = { folder: logFolder }

/** The last bytes of a guest's console; undefined where this user or this host cannot read the log. */
async function readDirectly(lab: Lab, name: string, bytes: number): Promise<string | undefined> {
  if (!libvirtHost(lab.libvirt).isHere) return undefined
  try {
    const file = await open(`${logs.folder}/${name}.console.log`)
    try {
      const { size } = await file.stat()
      const buffer = Buffer.alloc(Math.min(size, bytes))
      await file.read(buffer, 0, buffer.length, Math.max(0, size - bytes))
      return buffer.toString('utf8')
    } finally {
      await file.close()
    }
  } catch {
    return undefined // it usually belongs to root; then libvirt is asked
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

/** The last line on the console where this user can read the log; otherwise ''. */
export async function lastConsoleLine(lab: Lab, name: string): Promise<string> {
  return clean((await readDirectly(lab, name, 2000)) ?? '').at(-1) ?? ''
}

/** The last bytes of the console as lines, directly or through libvirt; undefined, with a warning, where neither works. */
export async function consoleText(
  lab: Lab,
  name: string,
  bytes: number,
): Promise<string[] | undefined> {
  const text = (await readDirectly(lab, name, bytes)) ?? (await readThroughLibvirt(lab, name))
  return text === undefined ? undefined : clean(text.slice(-bytes))
}

/** Its last lines, up to 200. */
export const consoleTail = async (lab: Lab, name: string): Promise<string[] | undefined> =>
  (await consoleText(lab, name, 20_000))?.slice(-200)

/** Waits until another run has removed its pool; after 3 s it must be from a killed run and is removed. */
export async function dropLeftOver(lab: Lab): Promise<void> {
  const list = 'pool-list --name --transient'
  const look = async () => {
    const { code, stdout, stderr } = await query`${virsh(lab)} -q ${list.split(' ')}`
    if (code !== 0) throw libvirtTrouble(errorsIn(stderr), lab.libvirt, list)
    return words(stdout).includes(logPool) ? { state: 'in use' } : { done: true }
  }
  await until(look, { seconds: 3, every: 0.2 }).catch(async (error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
    await query`${virsh(lab)} -q pool-destroy ${logPool}`
  })
}

/** A whole console log through libvirt; '' where there is none. */
const readThroughLibvirt = (lab: Lab, name: string): Promise<string | undefined> =>
  oneAtATime(async () => {
    try {
      await dropLeftOver(lab)
      return await downloadLog(lab, `${name}.console.log`)
    } catch (error) {
      ui.warn(`the console of ${name} cannot be read: ${(error as Error).message}`)
      return undefined
    }
  })

async function downloadLog(lab: Lab, log: string): Promise<string> {
  const made = await query`${virsh(lab)} -q pool-create-as ${logPool} dir --target ${logFolder}`
  if (/no such file or directory/i.test(made.stderr) && /open directory/.test(made.stderr))
    return ''
  if (made.code !== 0) throw libvirtTrouble(errorsIn(made.stderr), lab.libvirt)
  try {
    const { code, stdout, stderr } =
      await query`${virsh(lab)} -q vol-download --pool ${logPool} ${log} /dev/stdout | cat`
    const errors = errorsIn(stderr)
    if (code !== 0 && !saysNone(errors)) throw libvirtTrouble(errors, lab.libvirt)
    return stdout
  } finally {
    await query`${virsh(lab)} -q pool-destroy ${logPool}`
  }
}
