// What the scripts would do on a fresh host, from the bash scripts that they print.
import { asReader, docsHost } from './host.ts'

const printed = new Map<string, Promise<string>>()

/** The script that `SCRIPT WORDS... --dry-run` prints. */
function dryRun(words: string): Promise<string> {
  const known = printed.get(words)
  if (known) return known
  const [script = '', ...rest] = words.split(' ')
  const { host, end } = docsHost({ hasImage: false })
  host.add('ssh', '[[ $* != -V ]] || { echo OpenSSH_9.2p1 >&2; exit; }; exit 255') // there is no machine yet
  const made = host
    .run(script, [...rest, '--dry-run'])
    .then(({ code, stdout, stderr }) => {
      if (code === 0) return asReader(host, stdout)
      throw new Error(`${words} --dry-run ended with ${code}: ${stderr}`)
    })
    .finally(end)
  printed.set(words, made)
  return made
}

/** `create worker01: Machines` -> the commands of that section of the printed script; * stands for anything. */
export async function sectionOf(block: string): Promise<string> {
  const [, words = '', heading = ''] = /^([^:]+): (.+)$/.exec(block) ?? []
  const script = (await dryRun(words)).replace(/\n}\nmain <\/dev\/null\s*$/, '\n')
  const sections = script.split(/^# (?=[A-Z].*$)/m).slice(1)
  const [before = '', after] = heading.split('*')
  const names = sections.map((section) => section.split('\n')[0] ?? '')
  const index = names.findIndex((name) =>
    after === undefined ? name === heading : name.startsWith(before) && name.endsWith(after),
  )
  if (index < 0) throw new Error(`${words} has no section "${heading}", only: ${names.join(', ')}`)
  return wrapped((sections[index] ?? '').slice(names[index]?.length).trim())
}

/** Long lines go on after && and ||, as bash lets them; here-documents stay as they are. */
function wrapped(text: string): string {
  let mark = ''
  const wrap = (line: string) => {
    if (mark) {
      if (line === mark) mark = ''
      return line
    }
    mark = /<<'(\w+)'$/.exec(line)?.[1] ?? ''
    return line.length <= 110
      ? line
      : line.replace(/'[^']*'|"[^"]*"|( (?:&&|\|\|)) /g, (all, operator: string | undefined) =>
          operator ? `${operator}\n  ` : all,
        )
  }
  return text.split('\n').map(wrap).join('\n')
}
