// EDGE. Progress on a terminal: one line per node, or a download's bar; elsewhere a line per change.
import { consoleStage, fitted, formatSeconds, progressBar } from '../text/progress.ts'
import * as ui from './ui.ts'

export interface NodeProgress {
  /** What the node is doing now; on a terminal the last line of its console or log follows. */
  set(name: string, state: string, lastLine?: string): void
  /** The node is finished. */
  done(name: string, state: string): void
  /** The node failed: shown at once while others are still busy; the reason follows at the end. */
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

/** Shows the bytes downloaded so far, and the total where it is known. Returns a function that ends it. */
export function downloadProgress(size: () => number, total: () => Promise<number>): () => void {
  if (!ui.paints) return () => {}
  const start = { at: Date.now(), size: size() }
  let all = 0
  void total().then((bytes) => (all = bytes))
  const timer = setInterval(() => {
    const seconds = (Date.now() - start.at) / 1000
    ui.paint(`  ${progressBar(size(), all, (size() - start.size) / seconds)}`)
  }, 250)
  return () => {
    clearInterval(timer)
    ui.paint('')
  }
}
