// The pages of the project.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { top } from '../helpers/fixtures.ts'

/** Paths of the pages, relative to the project's folder. */
export const pageFiles = (): string[] => [
  ...['README.md', 'CONTRIBUTING.md', 'rke2/README.md'].filter((file) =>
    existsSync(join(top, file)),
  ),
  ...['docs', 'tutorials'].flatMap((folder) =>
    readdirSync(join(top, folder))
      .filter((name) => name.endsWith('.md'))
      .sort()
      .map((name) => `${folder}/${name}`),
  ),
]

/** The pages of the tutorial, in order. */
export const chapterFiles = () => pageFiles().filter((file) => /^tutorials\/\d/.test(file))

export const readPage = (file: string) => readFileSync(join(top, file), 'utf8')

/** The anchor of a heading, as GitHub makes it. */
export const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')
