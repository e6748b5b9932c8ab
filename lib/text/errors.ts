// PURE. Errors that a person can do something about, and what to type next, as values.

/** A script of this project with the words behind it. */
export interface Script {
  script: string
  words: string[]
}

/** Something to type next: a command, a script of this project, or a line made of both. */
export type Hint = string | Script | { line: (string | Script)[] }

export const script = (name: string, ...words: string[]): Script => ({ script: name, words })
export const line = (...pieces: (string | Script)[]): Hint => ({ line: pieces })

/** A hint as it is typed; `lab` follows the name of a script, such as " --lab labs/nat.yaml". */
export function hintText(hint: Hint, lab: string): string {
  if (typeof hint === 'string') return hint
  if ('line' in hint) return hint.line.map((piece) => hintText(piece, lab)).join('')
  return [`npx zx scripts/${hint.script}.ts${lab}`, ...hint.words].join(' ')
}

/** An error the user can fix: what failed and why, then what was seen last and the next command to type. */
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

/** Wrong usage or lab file: exit status 2, nothing was touched. */
export class UsageError extends LabError {}

/** A failed command as a value. */
export interface Failed {
  /** The whole of it, as it can be pasted. */
  command: string
  /** The program in it that failed. */
  program: string
  status: number
  stderr: string
}

/** A command that failed: what it said, and the command itself to try by hand. */
export class CommandError extends LabError {
  readonly failed: Failed
  constructor(failed: Failed) {
    const lines = failed.stderr.split('\n').filter((line) => line.trim())
    super(`${failed.program} failed (exit ${failed.status}): ${lines.at(-1) ?? 'no message'}`, {
      details: lines.slice(0, -1),
      hint: /no space left on device/i.test(failed.stderr)
        ? ['df -h', '# make some room on the disk that is full, then run this again']
        : (failed.command.split('\n')[0] ?? ''),
    })
    this.failed = failed
  }
}

/** Trouble with a file of this host as an error that can be fixed; undefined for any other error. */
export function fileTrouble(error: unknown): LabError | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined
  const { code = '', syscall = '', path = 'a file', message } = error as NodeJS.ErrnoException
  const why = message.replace(/^\w+: /, '').replace(/, .*/, '')
  const hint = {
    EACCES: [
      'ls -ld . .lab ~/.cache/rke2-kvm-lab   # whose are they?',
      '# left by a run with sudo: sudo chown -R "$USER" .lab ~/.cache/rke2-kvm-lab',
    ],
    ENOSPC: ['df -h', '# make some room on the disk that is full, then run this again'],
    EROFS: ['findmnt --target .', '# it cannot be written to; run this in another folder'],
  }[{ EPERM: 'EACCES', EDQUOT: 'ENOSPC' }[code] ?? code]
  return hint && new LabError(`cannot ${syscall} ${path}: ${why}`, { hint, cause: error })
}

/** Several nodes failed; each error is reported by itself. */
export class NodeErrors extends Error {
  readonly errors: unknown[]
  constructor(errors: unknown[]) {
    super(`${errors.length} nodes failed`)
    this.errors = errors
  }
}

/** An error with the node's name before what failed; a wrong lab file or a bug stays as it is. */
export function named(name: string, error: unknown): unknown {
  if (error instanceof NodeErrors)
    return new NodeErrors(error.errors.map((one) => named(name, one)))
  if (error instanceof UsageError || !(error instanceof LabError)) return error
  if (name === '' || error.message.startsWith(`${name}:`)) return error
  const { details, hint } = error
  return new LabError(`${name}: ${error.message}`, { details, hint, cause: error })
}
