// PURE. Sizes in the lab file; bytes and numbers for people to read.

const units: Record<string, number> = { M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

/** '4GiB', '512MiB', '40G' (G is GiB) to bytes; undefined for any other text. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit] = /^([1-9]\d{0,6})([MGT])(?:iB)?$/.exec(text) ?? []
  return digits && unit ? Number(digits) * (units[unit] ?? 1) : undefined
}

/** Bytes as '1.5 GiB', '171 MiB'. */
export function formatSize(bytes: number): string {
  const step = bytes > 0 ? Math.min(4, Math.floor(Math.log2(bytes) / 10)) : 0
  const value = bytes / 2 ** (10 * step)
  const digits = step === 0 || value >= 100 || Number.isInteger(value) ? 0 : 1
  return `${value.toFixed(digits)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][step]}`
}

/** '1 disk', '3 disks'. */
export const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`
