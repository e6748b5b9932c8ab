// PURE. Errors that the user can fix, and the next command to type, as values.

/** A script of this project with its arguments. */
export interface Script {
  script: string
  words: string[]
}

/** What to type next: a command, a script of this project, or a line of both. */
export type Hint = string | Script | { line: (string | Script)[] }

export const script = (name: string, ...words: string[]): Script => ({ script: name, words })
export const line = (...pieces: (string | Script)[]): Hint => ({ line: pieces })

/** A hint as text; `lab` is put after the name of a script, such as " --lab labs/nat.yaml". */
export function hintText(hint: Hint, lab: string): string {
  if (typeof hint === 'string') return hint
  if ('line' in hint) return hint.line.map((piece) => hintText(piece, lab)).join('')
  return [`npx zx scripts/${hint.script}.ts${lab}`, ...hint.words].join(' ')
}

/** An error that the user can fix: what failed and why, then what was seen last, and the next command to type. */
export class LabError extends Error {
  readonly details: string[]
  readonly hint: Hint[]
  constructor(
    message: string,
    more: { details?: string[]; hint?: Hint | Hint[]; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.details = more.details ?? []
    this.hint = [more.hint ?? []].flat()
  }
}

/** Wrong usage or lab file: exit status 2, nothing was changed. */
export class UsageError extends LabError {}

const noSpace = ['df -h', '# free some space on the full disk, then run this again']

/** A failed command as a value. */
export interface Failed {
  /** The whole command, ready to paste. */
  command: string
  /** The program that failed in it. */
  program: string
  status: number
  stderr: string
}

/** A command that failed: its stderr, and the command itself to try by hand. */
export class CommandError extends LabError {
  readonly failed: Failed
  constructor(failed: Failed) {
    const lines = failed.stderr.split('\n').filter((line) => line.trim())
    const said = lines.at(-1) ?? 'it printed nothing'
    super(`${failed.program} failed (exit ${failed.status}): ${said}`, {
      details: lines.slice(0, -1),
      hint: /no space left on device/i.test(failed.stderr)
        ? noSpace
        : failed.command.includes('\n')
          ? '# run the same script again with --verbose: it shows the whole command'
          : failed.command,
    })
    this.failed = failed
  }
}

/** A file error of this host that the user can fix; undefined for any other error. */
export function fileTrouble(error: unknown): LabError | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined
  const { code = '', syscall = '', path = 'a file', message } = error as NodeJS.ErrnoException
  const why = message.replace(/^\w+: /, '').replace(/, .*/, '')
  const hint = {
    EACCES: [
      'ls -ld . .lab ~/.cache/rke2-kvm-lab   # who owns them?',
      '# left by a run with sudo: sudo chown -R "$USER" .lab ~/.cache/rke2-kvm-lab',
    ],
    ENOSPC: noSpace,
    EROFS: ['findmnt --target .', '# the file system is read-only; run this in another folder'],
  }[{ EPERM: 'EACCES', EDQUOT: 'ENOSPC' }[code] ?? code]
  return hint && new LabError(`cannot ${syscall} ${path}: ${why}`, { hint, cause: error })
}

/** Several nodes failed; each error is reported on its own. */
export class NodeErrors extends Error {
  readonly errors: unknown[]
  constructor(errors: unknown[]) {
    super(`${errors.length} nodes failed`)
    this.errors = errors
  }
}

/** The only error, or all of them as one. */
export const asOne = (errors: unknown[]): unknown =>
  errors.length > 1 ? new NodeErrors(errors) : errors[0]

/** An error with the node's name in front; a UsageError or a bug stays as it is. */
export function named(name: string, error: unknown): unknown {
  if (error instanceof NodeErrors)
    return new NodeErrors(error.errors.map((one) => named(name, one)))
  if (error instanceof UsageError || !(error instanceof LabError)) return error
  if (name === '' || error.message.startsWith(`${name}:`)) return error
  const { details, hint } = error
  return new LabError(`${name}: ${error.message}`, { details, hint, cause: error })
}
