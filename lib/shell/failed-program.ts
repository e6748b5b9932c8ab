// PURE. The program of a command that failed: in a list, in a script of several lines, in a pipeline.

const mark = '@failed:'

/** Put before every command: bash reports on stderr where it failed (line, statuses of the pipeline, last program). */
export const trap = `set -Eeuo pipefail; trap 'printf "\\n${mark}%s:%s:%s\\n" "$LINENO" "\${PIPESTATUS[*]}" "\${BASH_COMMAND%%[[:cntrl:]]*}" >&2' ERR; `

/** The program, the line to try by hand if it is a separate command, and stderr without the lines of `trap`. */
export function failedProgram(command: string, stderr: string) {
  const lines = stderr.split('\n')
  const start = lines.findIndex((text) => text.startsWith(mark))
  const said = lines
    .filter((text) => !text.startsWith(mark))
    .join('\n')
    .trim()
  const [, at = '1', statuses = '', last = ''] =
    new RegExp(`^${mark}(\\d+):([\\d ]*):(.*)`).exec(lines[start] ?? '') ?? []
  const failing = statuses.split(' ').findIndex((status) => status !== '0')
  const isPipeline = statuses.includes(' ')
  const line = command.split('\n')[Number(at) - 1] ?? ''
  const text = isPipeline ? (stages(line)[failing] ?? '') : last
  return {
    program: firstWord(text) ?? firstWord(command) ?? 'command',
    line: line === last ? line : command,
    said,
  }
}

// Quoted text may hold anything, and `||` is no pipe.
const stages = (line: string) => line.replace(/'[^']*'|"[^"]*"/g, 'quoted').split(/(?<!\|)\|(?!\|)/)

// Without what may come before it: braces, parentheses and keywords of bash.
const firstWord = (text: string) =>
  /^(?:\s|[{(!]|then\b|do\b|if\b|else\b)*(\w[\w./-]*)/.exec(text)?.[1]
