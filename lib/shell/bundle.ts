// EDGE. An archive of what was read in many places. What cannot be read stops nothing else.
import { homedir } from 'node:os'
import { LabError } from '../text/errors.ts'
import { withoutSecrets } from '../text/without-secrets.ts'
import { commandText } from '../text/quote.ts'
import { ask, put, run } from './bash.ts'
import type { Check } from './steps.ts'

/** A file of the archive. */
export interface Source {
  file: string
  /** Bash that prints it. */
  bash: string
  /** What is done instead of running that. */
  read?: () => Promise<string>
}

export interface Bundle {
  files: Map<string, string>
  /** What is missing, and why. */
  missing: string[]
}

/** Reads a part of the archive. */
export const taking = (bundle: Bundle, { file, bash, read }: Source): Check => ({
  do: 'check',
  bash: `{ ${bash}\n} || true`,
  async holds(say) {
    say(file.replace(/.*\//, ''))
    await noting(bundle, file, async () => {
      const { code, stdout, stderr } = read
        ? { code: 0, stdout: await read(), stderr: '' }
        : await ask(bash)
      bundle.files.set(file, stdout || stderr)
      if (code !== 0) throw new LabError(stderr.trim().split('\n').at(-1) || `exit ${code}`)
    })
    return 'read'
  },
})

/** Reads what is behind a door, or notes once that it does not open. */
export function takingBehind(
  bundle: Bundle,
  opens: () => Promise<void>,
  sources: Source[],
): Check[] {
  if (sources.length === 0) return []
  let isOpen = false
  const door: Check = {
    do: 'check',
    bash: 'true',
    holds: () =>
      noting(bundle, 'all from inside', async () => {
        await opens()
        isOpen = true
      }),
  }
  const inside = sources.map((source) => {
    const step = taking(bundle, source)
    return {
      ...step,
      holds: (say: Parameters<Check['holds']>[0]) => (isOpen ? step.holds(say) : none),
    }
  })
  return [door, ...inside]
}
const none = Promise.resolve()

/** Does the work, or notes why `what` is missing. */
export async function noting<T>(
  { missing }: Bundle,
  what: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    missing.push(withoutSecrets(`${what}: ${error.message}`))
    return undefined
  }
}

/** Writes the archive, without secrets. */
export const packing = (bundle: Bundle, archive: string, about: string): Check => ({
  do: 'check',
  bash: `# The script takes secrets out of all that before it writes ${archive}; it is not done here.`,
  async holds() {
    const name = archive.replace(/.*\/|\.tar\.gz$/g, '')
    const part = `${archive}.part`
    for (const [file, text] of [...bundle.files, ['README.txt', readme(bundle, about)] as const])
      put(`${part}/${name}/${file}`, publicText(text))
    await run(commandText`tar -czf ${`${part}/done`} -C ${part} --sort=name -- ${name}
mv ${`${part}/done`} ${archive}
rm -r ${part}`)
  },
})

const publicText = (text: string) => withoutSecrets(text).replaceAll(homedir(), '~')

/** The names of its files, those of a folder in one line. */
export function contents({ files }: Pick<Bundle, 'files'>): string[] {
  const folders = new Map<string, string[]>()
  for (const path of [...files.keys()].sort()) {
    const [, folder = '', name = ''] = /^(.*\/)?(.*)$/.exec(path) ?? []
    folders.set(folder, [...(folders.get(folder) ?? []), name])
  }
  return [...folders]
    .map(([folder, names]) => `${folder && `${folder}: `}${names.join(' ')}`)
    .sort()
}

const readme = ({ files, missing }: Bundle, about: string) => `\
${about}

In it:
${contents({ files }).join('\n')}

Missing:
${missing.join('\n') || 'nothing'}

Passwords, tokens and keys are replaced by [removed], as far as they can be told by their names and forms. Names, addresses
and what programs logged are as they were. Read it before you post it.
`
