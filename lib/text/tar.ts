// PURE. Files as one tar archive (POSIX ustar), so that none of them is on disk before all of it is.

interface Entry {
  /** At most 99 characters behind the last slash, 155 before it. */
  path: string
  text: string
}

/** The archive; `seconds` is the time of all files. They are their owner's only. */
export const tar = (entries: Entry[], seconds: number): Buffer =>
  Buffer.concat([
    ...entries.flatMap(({ path, text }) => {
      const data = Buffer.from(text)
      return [header(path, data.length, seconds), data, Buffer.alloc(-data.length & 511)]
    }),
    Buffer.alloc(1024),
  ])

function header(path: string, size: number, seconds: number): Buffer {
  const block = Buffer.alloc(512)
  const slash = path.lastIndexOf('/')
  const octal = (value: number, at: number, digits: number) =>
    block.write(`${value.toString(8).padStart(digits, '0')}\0`, at)
  block.write(path.slice(slash + 1), 0, 99)
  octal(0o600, 100, 7)
  octal(0, 108, 7) // owner
  octal(0, 116, 7) // group
  octal(size, 124, 11)
  octal(seconds, 136, 11)
  block.write('        0', 148) // the sum counts as blanks; an ordinary file
  block.write('ustar\x0000', 257)
  block.write(path.slice(0, Math.max(slash, 0)), 345, 155)
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  )
  return block
}
