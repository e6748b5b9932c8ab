// PURE. What the scripts throw on purpose; anything else is a bug and shows its stack.

/** A failure the reader can mend: what failed and why, then what was seen last and the next command to type. */
export class LabError extends Error {
  readonly details: string[]
  readonly hint: string[]
  constructor(
    message: string,
    more: { details?: string[]; hint?: string | string[]; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.details = more.details ?? []
    this.hint = [more.hint ?? []].flat()
  }
}

/** Wrong usage or lab file: exit status 2, nothing was touched. */
export class UsageError extends LabError {}

/** Trouble with a file of this host as an error that can be mended; undefined for any other error. */
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
