// `npm run record`: types the first commands of the README on the stand-in host, on a real terminal, and makes pictures of
// what it showed: docs/first-screen.svg, docs/waiting.svg. As root, like the end-to-end tests; takes some minutes.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startRig } from '../e2e/rig.ts'
import { systemEnv } from '../e2e/tools.ts'
import { workspace } from '../e2e/workspace.ts'
import { plain, type Span } from '../terminal/ansi.ts'
import { Pane } from '../terminal/pane.ts'
import { screenSvg } from '../terminal/svg.ts'

const columns = 100

/** Of the long output of `npm start` these lines are shown; each run of others becomes one line "...". */
const kept = [
  /^\$ /,
  /^── /,
  /^✓ (libvirt|KVM|network|memory): /,
  /^ {2}\$ virsh .* (define|start|change-media) .*kubemaster( |\/|$)(?!.*--config)/,
  /^ {2}\$ ssh .* systemctl start --no-block/,
  /^✓ .* [rR]eady$/,
  /^Done$/,
  /^ {2}(PHASE|doctor|create|eject|install-rke2|join) /,
  /^Next: kubectl/,
  /^(NODE|kubemaster|worker\d+) /,
]

const rig = await startRig()
const work = workspace(rig.host, rig.lab())
const there = [`--target=${rig.host.pid}`, '--mount', '--net', '--pid', `--wd=${work.dir}`]
const pane = new Pane(['nsenter', ...there, 'bash', '--norc', '--noprofile'], {
  columns,
  rows: 40,
  env: { PATH: systemEnv.PATH, HOME: join(work.dir, 'home'), LANG: 'C.UTF-8', PS1: '$ ' },
})
try {
  const waits: Span[][][] = []
  for (const command of ['npm start', 'npx zx scripts/status.ts']) {
    await pane.until(hasPrompt, { seconds: 1200, every: 1 })
    pane.type(command)
    await pane.until(
      (screen) => {
        waits.push(waitOf(screen))
        return hasPrompt(screen) && !plain(screen).endsWith(`$ ${command}\n$`)
      },
      { seconds: 1200, every: 1 },
    )
  }
  const shown = pane.capture({ history: true })
  console.error(plain(shown))
  picture('first-screen', digest(shown), 'npm start, and then status')
  picture('waiting', liveliest(waits), 'create, while the machines boot')
} finally {
  pane.end()
  await rig.stop()
  work.remove()
}

function hasPrompt(screen: Span[][]): boolean {
  return plain(screen).split('\n').at(-1) === '$'
}

/** What is painted under the last heading "Wait". */
function waitOf(screen: Span[][]): Span[][] {
  const from = screen.findLastIndex((line) => plain([line]) === 'Wait')
  const rows = from < 0 ? [] : screen.slice(from, from + 4)
  return rows.filter((line) => line.length > 0)
}

/** The moment at which most machines were in a state of their own. */
function liveliest(waits: Span[][][]): Span[][] {
  const states = (rows: Span[][]) =>
    new Set(plain(rows).match(/(?<= s {2}).*?(?=  \||$)/gm)).size +
    (plain(rows).includes('|') ? 1 : 0)
  return waits.reduce((best, rows) => (states(rows) >= states(best) ? rows : best), [])
}

function digest(screen: Span[][]): Span[][] {
  const shown: Span[][] = []
  const dots: Span[] = [{ text: '  ...', style: { dim: true } }]
  for (const line of screen.slice(0, plain(screen).split('\n').length - 1)) {
    const text = plain([line])
    if (kept.some((pattern) => pattern.test(text))) {
      if (/^(──|Done|Next|\$ npx)/.test(text)) shown.push([])
      shown.push(line)
    } else if (text && shown.at(-1) !== dots) shown.push(dots)
  }
  return shown
}

function picture(name: string, screen: Span[][], title: string): void {
  const file = join(import.meta.dirname, '../../docs', `${name}.svg`)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, screenSvg(screen, columns, title))
  console.error(`wrote docs/${name}.svg`)
}
