// EDGE. The door to virsh: many reads in one process, an answer to each.
import { randomUUID } from 'node:crypto'
import { LabError, script } from '../text/errors.ts'
import type { Lab } from '../lab/lab.ts'
import { answers, batches, errorsIn, type Batch, type Said } from './batch.ts'
import { commandText, quote } from '../text/quote.ts'
import { ask as askShell } from '../shell/bash.ts'
import { libvirtTrouble, saysBusy, saysNone } from './trouble.ts'

/** virsh with the lab's connection, for `run` and `query`. */
export const virsh = (lab: Lab) => ['virsh', '-c', lab.libvirt]

export type Read = [label: string, command: string]
/** What virsh printed for a label; undefined when there is no such thing; throws any other error. */
export type Answers = (label: string) => string | undefined

/** Asks libvirt all of this; an error affects only its own answer. */
export async function ask(lab: Lab, reads: Read[]): Promise<Answers> {
  const mark = `@${randomUUID()}`
  const commands = reads.map(([, command]) => command)
  const said: Said[] = []
  for (const batch of batches(commands, mark)) said.push(...(await askBatch(lab, batch, mark)))
  const byLabel = new Map(reads.map(([label, command], index) => [label, { command, index }]))
  return (label) => {
    const { command, index } = byLabel.get(label) ?? { command: '', index: -1 }
    const one = said[index]
    if (!one) throw new Error(`virsh was not asked for ${label}`)
    return textOf(lab, command, one)
  }
}

function textOf(lab: Lab, command: string, { out, errors }: Said): string | undefined {
  if (saysNone(errors)) return undefined
  if (saysBusy(errors) && command.startsWith('pool-refresh ')) return '' // the state of the last refresh is used
  if (errors.length > 0) throw libvirtTrouble(errors, lab.libvirt, command)
  if (out === '' && !/^\S*list |^pool-refresh |^vol-download /.test(command))
    throw libvirtTrouble([`virsh ${command} printed nothing`], lab.libvirt, command)
  return out
}

async function askBatch(lab: Lab, { text, commands }: Batch, mark: string): Promise<Said[]> {
  const reading = commands.join('; ') // what --verbose shows: the same without the marks
  const shown = [...virsh(lab), '-q', reading].map(quote).join(' ')
  // vol-download needs a pipe: stdout is a socket here.
  const pipe = reading.includes('/dev/stdout') ? ' | cat' : ''
  const command = commandText`${virsh(lab)} -q ${text}` + pipe
  const { code, stdout, stderr } = await askShell(command, { shown })
  if (code === 127)
    throw new LabError('virsh is not installed', { hint: script('doctor', '--fix') })
  const found = answers({ stdout, stderr }, mark)
  const all = commands.flatMap((_, index) => found?.get(index) ?? [])
  if (all.length === commands.length) return all
  const errors = errorsIn(stderr).filter((line) => !line.includes(mark))
  const cut = 'libvirt did not answer everything within 60 s'
  throw libvirtTrouble(errors.length > 0 ? errors : [cut], lab.libvirt, 'list --all')
}

/** The value; throws when a field that every such answer has is empty. */
export function readable<T>(lab: Lab, value: T, sign: string, command: string): T {
  if (sign) return value
  throw libvirtTrouble([`the output of virsh ${command} cannot be read`], lab.libvirt, command)
}
