// PURE. Text for a POSIX shell.

/** One word for any sh, whatever characters it holds. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** A here-document that feeds `content` to `command` untouched; content ends with a newline. */
export function hereDocument(command: string, content: string): string {
  const lines = content.split('\n')
  let mark = 'EOF'
  while (lines.includes(mark)) mark += '_'
  return `${command} <<'${mark}'\n${content}${content.endsWith('\n') ? '' : '\n'}${mark}`
}
