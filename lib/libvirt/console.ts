// EDGE. What a guest printed on its serial console.
import { open } from 'node:fs/promises'
import { readConsoleLog } from './console-logs.ts'
import { consoleLog } from './domain-xml.ts'
import type { Lab } from '../lab/lab.ts'

/** The last bytes of a guest's console where this user may read the log; '' where not. */
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
  const text = (await readDirectly(name, 20_000)) || (await readConsoleLog(lab, name))
  return clean(text.slice(-20_000)).slice(-200)
}
