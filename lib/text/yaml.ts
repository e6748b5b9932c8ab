// PURE. Values in files that people write.

/** What may be left out, given once, or given as a list. */
export const asList = (value: unknown): unknown[] =>
  value === undefined || value === null ? [] : [value].flat()
