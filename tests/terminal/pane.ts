// A terminal to look at: one tmux pane, with its own tmux server.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseScreen, plain, type Span } from './ansi.ts'

export interface PaneOptions {
  columns: number
  rows: number
  cwd?: string
  /** The whole environment of the program. */
  env: Record<string, string>
}

// Ctrl-C is for the program; its exit status goes to a file, and the terminal stays as the program left it.
const keep = 'trap : INT; "$@"; echo $? >"$0"; exec sleep infinity'

export class Pane {
  private readonly folder = mkdtempSync(join(tmpdir(), 'rkl-pane-'))
  private readonly status = join(this.folder, 'status')

  /** Runs a program on a new terminal. */
  constructor(command: string[], { columns, rows, cwd = '.', env }: PaneOptions) {
    const options = ['set-option', '-g', 'history-limit', '20000', ';']
    const session = ['new-session', '-d', '-x', String(columns), '-y', String(rows), '-c', cwd]
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    const program = ['env', '-i', ...variables, 'TERM=xterm', 'sh', '-c', keep, this.status]
    this.tmux(...options, ...session, '--', ...program, ...command)
  }

  private tmux(...words: string[]): string {
    const own = ['-u', '-f', '/dev/null', '-S', join(this.folder, 'socket')]
    return execFileSync('tmux', [...own, ...words], { encoding: 'utf8' })
  }

  /** Types a line. */
  type(line: string): void {
    this.tmux('send-keys', '-l', line)
    this.tmux('send-keys', 'Enter')
  }

  /** Types Ctrl-C. */
  interrupt(): void {
    this.tmux('send-keys', 'C-c')
  }

  /** Whether the cursor is visible. */
  get hasCursor(): boolean {
    return this.tmux('display-message', '-p', '#{cursor_flag}').trim() === '1'
  }

  /** What the pane shows, with control sequences; with `history` also what has left it at the top. */
  text({ history = false } = {}): string {
    return this.tmux('capture-pane', '-p', '-e', ...(history ? ['-S', '-'] : []))
  }
  capture = (options?: { history: boolean }): Span[][] => parseScreen(this.text(options))

  /** The program's exit status, once it has ended. */
  get exitStatus(): number | undefined {
    return existsSync(this.status) ? Number(readFileSync(this.status, 'utf8')) : undefined
  }

  /** Looks until `seen` says so of what the pane shows. */
  async until(
    seen: (screen: Span[][]) => boolean,
    { seconds, every = 0.05 }: { seconds: number; every?: number },
  ): Promise<void> {
    const deadline = Date.now() + seconds * 1000
    while (!seen(this.capture())) {
      if (Date.now() > deadline)
        throw new Error(
          `not seen within ${seconds} s; the terminal shows:\n${plain(this.capture())}`,
        )
      await pause(every * 1000)
    }
  }

  /** Ends the terminal and what runs in it. */
  end(): void {
    this.tmux('kill-server')
    rmSync(this.folder, { recursive: true, force: true })
  }
}
