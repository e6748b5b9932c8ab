// PURE. Text for a POSIX shell.

/** One word for any sh, whatever characters it contains. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** Tagged template for a command line: each hole is one word, or one word per item of a list. */
export function commandText(pieces: TemplateStringsArray, ...values: unknown[]): string {
  const words = (value: unknown) => [value].flat().map(String).map(quote).join(' ')
  return String.raw({ raw: pieces }, ...values.map(words))
}

/** A here-document that feeds `content` to `command` unchanged, with a newline at the end. */
export function hereDocument(command: string, content: string): string {
  const lines = content.split('\n')
  let mark = 'EOF'
  while (lines.includes(mark)) mark += '_'
  return `${command} <<'${mark}'\n${content}${content.endsWith('\n') ? '' : '\n'}${mark}`
}
