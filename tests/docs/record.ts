// `npm run record`: types the first commands of the README on the stand-in host, on a real terminal; keeps what it showed in
// tests/fixtures/recording and makes pictures of that in docs/. As root, like the end-to-end tests; takes some minutes.
// `npm run record -- --draw` only draws the pictures again.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startRig } from '../e2e/rig.ts'
import { systemEnv } from '../e2e/tools.ts'
import { workspace } from '../e2e/workspace.ts'
import { top } from '../helpers/fixtures.ts'
import { plain } from '../terminal/ansi.ts'
import { Pane } from '../terminal/pane.ts'
import { columns, liveliest, pictures, waitOf } from './pictures.ts'

const recording = (name: string) => join(top, 'tests/fixtures/recording', `${name}.ansi`)

if (!process.argv.includes('--draw')) await record()
for (const [name, draw] of Object.entries(pictures)) {
  writeFileSync(join(top, 'docs', `${name}.svg`), draw(readFileSync(recording(name), 'utf8')))
  console.error(`wrote docs/${name}.svg`)
}

async function record(): Promise<void> {
  const rig = await startRig()
  const work = workspace(rig.host, rig.lab())
  const there = [`--target=${rig.host.pid}`, '--mount', '--net', '--pid', `--wd=${work.dir}`]
  const pane = new Pane(['nsenter', ...there, 'bash', '--norc', '--noprofile'], {
    columns,
    rows: 40,
    env: { PATH: systemEnv.PATH, HOME: join(work.dir, 'home'), LANG: 'C.UTF-8', PS1: '$ ' },
  })
  try {
    const waits: string[] = []
    await pane.until(() => plain(pane.capture()) === '$', { seconds: 10 })
    for (const command of ['npm start', 'npx zx scripts/status.ts']) {
      pane.type(command)
      if (command === 'npm start') {
        await pane.until((screen) => plain(screen).endsWith('[Y/n]'), { seconds: 120 })
        pane.type('')
      }
      await pane.until(
        (screen) => {
          waits.push(waitOf(pane.text()))
          return plain(screen).endsWith('\n$') && !plain(screen).endsWith(`$ ${command}\n$`)
        },
        { seconds: 1200, every: 1 },
      )
    }
    if (/^✗/m.test(plain(pane.capture({ history: true }))))
      throw new Error(`the run failed, so nothing is recorded:\n${plain(pane.capture())}`)
    writeFileSync(recording('npm-start'), pane.text({ history: true }))
    writeFileSync(recording('create-waits'), `${liveliest(waits)}\n`)
  } finally {
    pane.end()
    await rig.stop()
    work.remove()
  }
}
