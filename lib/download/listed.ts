// EDGE. Downloads whose digest is not known before: files of a release, with the file that lists their digests.
import { sh, type Run } from '../shell/steps.ts'
import { LabError } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { curl, explained, fetchPart, unlessThere, wrongDigest } from './fetch.ts'

/** Fetches a file without a known digest: only the transport (TLS) protects it. */
export function fetchUnchecked(url: string, file: string): Run[] {
  const part = `${file}.part`
  const get = sh`${curl} --retry 3 --output ${part} ${url}`
  return unlessThere(file, [
    { ...get, explain: (error) => explained(error, url, part) },
    sh`mv ${part} ${file}`,
  ])
}

/** Fetches a file and keeps it when it has the digest that `sums`, a file fetched before, lists. Either may be the wrong
 *  one, so the next run fetches both again. */
export function fetchListed(url: string, file: string, name: string, sums: string): Run[] {
  const part = `${file}.part`
  const line = ` ${name.replaceAll('.', '\\.')}$`
  const check = sh`printf '%s  %s\\n' "$(grep ${line} ${sums} | cut -d ' ' -f 1)" ${part} | sha256sum --check --status -`
  const details = [`${sums} lists another digest`, 'both files were removed']
  return [
    {
      ...sh`grep -q ${line} ${sums}`,
      explain: (cause) =>
        new LabError(`${sums} has no line for ${name}`, {
          details: ['install.sh would skip such a file silently'],
          hint: 'is rke2.version right, and does the release have this file?',
          cause,
        }),
    },
    ...unlessThere(file, [
      ...fetchPart(url, file, check.bash),
      {
        ...check,
        undo: commandText`rm -f ${[part, sums]}`,
        explain: (error) => wrongDigest(url, details, error),
      },
      sh`mv ${part} ${file}`,
    ]),
  ]
}
