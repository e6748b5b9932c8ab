// EDGE. One line per node while they are waited for: repainted on a terminal, else a line per change.
import { consoleStage, fitted, formatSeconds } from '../text/progress.ts'
import { mode } from '../shell/shell.ts'
import * as ui from './ui.ts'

export interface NodeProgress {
  /** What the node is doing now; the last line of its console or log is shown behind it on a terminal. */
  set(name: string, state: string, lastLine?: string): void
  /** The node is there. */
  done(name: string, state: string): void
  /** The node will not be there: said at once when others are still waited for, with the reason at the end. */
  failed(name: string): void
  stop(): void
}

/** Starts the display for these nodes. */
export function nodeProgress(names: string[]): NodeProgress {
  const started = Date.now()
  const seconds = () => formatSeconds((Date.now() - started) / 1000)
  const width = Math.max(...names.map((name) => name.length))
  const states = new Map(names.map((name) => [name, { state: 'waiting', detail: '' }]))
  const row = (name: string) => {
    const { state, detail } = states.get(name) ?? { state: '', detail: '' }
    const text = `  ${name.padEnd(width)}  ${seconds().padStart(8)}  ${state}${detail ? `  | ${detail}` : ''}`
    return fitted(text, (process.stderr.columns ?? 80) - 1)
  }
  const paint = () => ui.paint([...states.keys()].map(row).join('\n'))
  const timer = ui.paints ? setInterval(paint, 500) : undefined
  return {
    set(name, state, lastLine = '') {
      if (mode.dryRun) return
      if (!ui.paints && states.get(name)?.state !== state)
        ui.detail(`${name.padEnd(width)}  ${seconds().padStart(8)}  ${state}`)
      states.set(name, { state, detail: consoleStage(lastLine) })
    },
    done(name, state) {
      states.delete(name)
      ui.good(`${name.padEnd(width)}  ${seconds().padStart(8)}  ${state}`)
    },
    failed(name) {
      states.delete(name)
      if (states.size > 0) ui.bad(`${name.padEnd(width)}  ${seconds().padStart(8)}  failed`)
    },
    stop() {
      clearInterval(timer)
      ui.paint('')
    },
  }
}
