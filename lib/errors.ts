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

/** Several nodes failed; each error is reported by itself. */
export class NodeErrors extends Error {
  readonly errors: unknown[]
  constructor(errors: unknown[]) {
    super(`${errors.length} nodes failed`)
    this.errors = errors
  }
}
