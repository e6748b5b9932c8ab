// PURE. What a check of the host found.

export interface Finding {
  /** What was looked at. */
  check: string
  level: 'ok' | 'warning' | 'failure'
  found: string
  /** Commands that fix it, for this host. */
  fix?: string[]
}

export const ok = (check: string, found: string): Finding => ({ check, level: 'ok', found })
export const failure = (check: string, found: string, ...fix: string[]): Finding => ({
  check,
  level: 'failure',
  found,
  ...(fix.length > 0 ? { fix } : {}),
})
export const warning = (check: string, found: string, ...fix: string[]): Finding => ({
  ...failure(check, found, ...fix),
  level: 'warning',
})
