// How each command of the pages is checked, and how many of each there are.
import { applied, shown, typed, type Typed } from './typed.ts'
import { chapterFiles, pageFiles, readPage } from './pages.ts'
import { isTypedHere, isTypedOnGuests } from './play.ts'
import { canServe } from './stand-in.ts'

/** The pages whose commands are for a cluster. */
export const asked = [...chapterFiles(), 'rke2/README.md']

const ways = {
  guests: 'typed on real guests',
  api: 'typed to the API of the stand-in for RKE2',
  host: 'typed on the fake host',
  form: 'checked for its form only',
}

/** How a command of a page's blocks of bash is checked. */
export function wayOf(one: Typed, file: string): keyof typeof ways {
  if (isTypedOnGuests(one)) return 'guests'
  if (asked.includes(file) && canServe(one)) return 'api'
  return isTypedHere(one) ? 'host' : 'form'
}

/** Rows of a table: tutorials and other pages, with the number of pages and of commands checked in each way. */
export function counts(): string[][] {
  const kinds = Object.keys(ways) as (keyof typeof ways)[]
  const row = (title: string, files: string[]) => {
    const found = files.flatMap((file) => typed(readPage(file)).map((one) => wayOf(one, file)))
    const times = kinds.map((way) => String(found.filter((one) => one === way).length))
    const manifests = files.flatMap((file) => applied(readPage(file))).length
    const unrun = files.reduce((sum, file) => sum + shown(readPage(file)), 0)
    const all = found.length + unrun
    return [title, ...[files.length, all].map(String), ...times, String(unrun), String(manifests)]
  }
  const chapters = chapterFiles()
  const others = pageFiles().filter((file) => !chapters.includes(file))
  return [
    [
      'Pages',
      'How many',
      'Commands',
      ...Object.values(ways),
      'not checked',
      "answers' manifests, applied to that API",
    ],
    row('Tutorials', chapters),
    row('All others', others),
  ]
}
