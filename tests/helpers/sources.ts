// What files of this project import, read from their text.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { top } from './fixtures.ts'

export interface Source {
  /** Relative to the project. */
  file: string
  text: string
  /** What it imports at run time; `types` holds what it imports for types alone. */
  imports: string[]
  types: string[]
}

export function sourceOf(file: string): Source {
  const text = readFileSync(join(top, file), 'utf8')
  const found = [...text.matchAll(/^(?:import|export)\b( type)?(?:[^'"]*?\bfrom)? ?'([^']+)'/gm)]
  const named = (isType: boolean) =>
    found.filter(([, type]) => Boolean(type) === isType).map(([, , name = '']) => name)
  const dynamic = [...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([, name = '']) => name)
  return { file, text, imports: [...named(false), ...dynamic], types: named(true) }
}

/** Every file in a folder whose name ends so, in order. */
export const sourcesIn = (folder: string, end = '.ts'): Source[] =>
  readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
    .sort()
    .map((name) => sourceOf(join(folder, name)))

/** The project's own files among names that `file` imports. */
export const ownFiles = (file: string, names: string[]): string[] =>
  names.filter((name) => name.startsWith('.')).map((name) => join(dirname(file), name))

/** Names of packages that a file imports at run time, itself or through the project's own files. */
export function packagesBehind(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return new Set()
  seen.add(file)
  const { imports } = sourceOf(file)
  return new Set([
    ...imports.filter((name) => !name.startsWith('.')),
    ...ownFiles(file, imports).flatMap((own) => [...packagesBehind(own, seen)]),
  ])
}

/** The project's own files that a file imports, itself or by way of others, also for types alone. */
export function filesBehind(file: string, seen = new Set<string>()): Set<string> {
  const { imports, types } = sourceOf(file)
  for (const own of ownFiles(file, [...imports, ...types])) {
    if (seen.has(own)) continue
    seen.add(own)
    filesBehind(own, seen)
  }
  return seen
}
