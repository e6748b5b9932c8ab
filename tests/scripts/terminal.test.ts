// What people see: the real scripts on the stand-in host, each on a real terminal of 80 and of 200 columns, with and without
// colour, and piped. Compared with tests/fixtures/terminal; TERMINAL_FIXTURES=write rewrites those, to be read like code.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { XMLValidator } from 'fast-xml-parser'
import t, { type Test } from 'tap'
import { liveliest, pictures, waitOf } from '../docs/pictures.ts'
import { FakeHost } from '../helpers/fake-host.ts'
import { fixture, top } from '../helpers/fixtures.ts'
import type { RawLab } from '../helpers/labs.ts'
import { marked, parseScreen, plain, type Span } from '../terminal/ansi.ts'
import { Pane } from '../terminal/pane.ts'
import { screenSvg } from '../terminal/svg.ts'

t.setTimeout(900_000) // half a minute by itself, more beside tests that want the processor
const folder = join(top, 'tests/fixtures/terminal')
const writes = process.env.TERMINAL_FIXTURES === 'write'

interface Shown {
  script: string
  words?: string[]
  /** Exit status; none: it waits for something when it is looked at. */
  code?: number
  /** When to look at what waits. */
  until?: (shown: string) => boolean
  host: () => FakeHost | Promise<FakeHost>
  /** Each look needs its own host. */
  fresh?: true
}

// Always in a folder of this length, so that lines break at the same places on every machine.
function placeOfHost(): string {
  const place = mkdtempSync('/tmp/rkl-term-')
  t.teardown(() => rmSync(place, { recursive: true, force: true }))
  return place
}
const hostIn = (change?: (lab: RawLab) => unknown) =>
  new FakeHost(t, change, { folder: placeOfHost() })

/** What `make` made the first time. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}

const oneNode = (lab: RawLab) => (lab.nodes = lab.nodes.slice(0, 1))
/** The image is in the pool from a lab before: seeds are made beside its upload, in another order each time. */
async function withImage(): Promise<FakeHost> {
  const host = hostIn(oneNode)
  for (const [script, ...words] of [['create'], ['destroy', '--yes']] as const)
    t.equal((await host.run(script, words)).code, 0)
  return host
}
const done = fixture('cloud-init-done.cloud-init-22.4.2.txt')
const busy = done.replace(/== result\.json[^]*/, '').replace('"stage": null', '"stage": "init"')

/** Three machines on their way: one at work, one without SSH, one silent. */
const booting = once(async () => {
  const host = hostIn()
  const { code, stderr } = await host.run('create')
  t.equal(code, 0, stderr)
  const log = (name: string, text: string) =>
    host.put(`files/var/log/libvirt/qemu/${name}.console.log`, text)
  host.put('guests/kubemaster', busy)
  log(
    'kubemaster',
    "kubemaster login: [   91.789998] cloud-init[366]: Cloud-init v. 22.4.2 running 'init' at Sat, 21 Nov 2026\r\n",
  )
  host.put('network/192.0.2.31', 'refused')
  log(
    'worker01',
    '\x1b[0;32m  OK  \x1b[0m\r\n[\x1b[0;32m  OK  \x1b[0m] Started \x1b[0;1;39msystemd-logind.service\x1b[0m - User Login Management of this machine and of all its seats.\r\n',
  )
  rmSync(join(host.state, 'network/192.0.2.32'))
  log('worker02', 'Booting from Hard Disk...\r\n')
  return host
})

const cases: Record<string, Shown> = {
  help: { script: 'create', words: ['--help'], code: 0, host: () => hostIn() },
  doctor: {
    script: 'doctor',
    code: 1,
    host: () => {
      const host = hostIn((lab) => (lab.domainType = 'auto'))
      host.put('no-kvm', 'Could not access KVM kernel module: Permission denied\n')
      host.put('network/192.0.2.31', 'open')
      host.without('genisoimage')
      return host
    },
  },
  create: { script: 'create', code: 0, host: withImage, fresh: true },
  waiting: {
    script: 'create',
    until: (shown) => /cloud-init: .*booted, SSH.*no answer/s.test(shown),
    host: booting,
  },
  silent: { script: 'create', words: ['worker02', '--timeout', '1'], code: 1, host: booting },
  status: {
    script: 'status',
    code: 0,
    host: async () => {
      const host = await booting()
      const item = {
        metadata: { name: 'kubemaster', labels: { 'node-role.kubernetes.io/etcd': 'true' } },
        status: {
          conditions: [
            { type: 'Ready', status: 'True', lastHeartbeatTime: '2026-07-01T10:00:00Z' },
          ],
        },
      }
      const rke2 = `== version\nrke2 version v1.36.5+rke2r1 (0123456)\n== service\nactive\n`
      const now = Date.parse('2026-07-01T10:00:10Z') / 1000
      const start = `== start\n940000000\n1000.00 1.00\n${now}.5\n`
      const nodes = `== nodes\n${JSON.stringify({ items: [item] })}\n`
      host.put('guests/kubemaster', done + start + rke2 + nodes)
      return host
    },
  },
  'destroy-dry-run': { script: 'destroy', words: ['--dry-run'], code: 0, host: booting },
  'lab-file': {
    script: 'create',
    code: 2,
    host: () =>
      hostIn((lab) => {
        lab.nodes[1]!.address = '192.168.2.31'
        lab.defaults = { memroy: '8GiB' }
      }),
  },
  'up-again': {
    script: 'up',
    code: 0,
    host: async () => {
      const host = new FakeHost(t, oneNode, { folder: placeOfHost() })
      t.equal((await host.run('up', ['--yes'])).code, 0)
      return host
    },
  },
  up: {
    script: 'up',
    until: (shown) => shown.endsWith('[Y/n]'),
    host: () => hostIn(oneNode),
  },
}

/** Without what differs from run to run; everything keeps its place. */
const steady = (shown: string) =>
  shown
    .replace(/ {2,}(\d+ m )?\d+ s(?= |$)/gm, (time) => ' 0 s'.padStart(time.length))
    .replace(/(?<=\/rkl-term-)\w{6}/g, 'XXXXXX')
    .replace(/ \d{3} B to/, ' 900 B to')
    .replace(/Node \d+\.\d+\.\d+/, 'Node 20.20.2')

function compare(t: Test, name: string, shown: string): void {
  const file = join(folder, `${name}.txt`)
  if (writes) writeFileSync(file, `${shown}\n`)
  t.equal(shown, readFileSync(file, 'utf8').trimEnd(), name)
}

const escape = /\x1b/ // eslint-disable-line no-control-regex
const unmarked = (text: string) => text.replace(/\{(\/|[a-z]+( [a-z]+)*)\}/g, '')

async function look(
  t: Test,
  { script, words = [], code, until }: Shown,
  host: FakeHost,
  columns: number,
  env: Record<string, string> = {},
): Promise<Span[][]> {
  const pane = new Pane(host.command(script, words), {
    columns,
    rows: 60,
    cwd: host.project,
    env: { ...host.env, ...env },
  })
  try {
    const looksRight = until ?? (() => pane.exitStatus !== undefined)
    await pane.until((screen) => looksRight(plain(screen)), { seconds: 60 })
    if (!until) t.equal(pane.exitStatus, code, 'exit status')
    return parseScreen(steady(pane.text({ history: true })))
  } finally {
    pane.end()
  }
}

const noTmux = spawnSync('tmux', ['-V']).status !== 0 && 'tmux is not installed'
mkdirSync(folder, { recursive: true })

for (const [name, shown] of Object.entries(cases))
  await t.test(`${name} on a terminal`, { skip: noTmux }, async (t) => {
    const hostOf = shown.fresh ? shown.host : once(shown.host)
    for (const columns of [80, 200]) {
      const screen = await look(t, shown, await hostOf(), columns)
      compare(t, `${name}.${columns}`, marked(screen))
    }
    const plainly = marked(await look(t, shown, await hostOf(), 80, { NO_COLOR: '1' }))
    t.equal(plainly, unmarked(readFileSync(join(folder, `${name}.80.txt`), 'utf8')).trimEnd())
  })

await t.test('Ctrl-C ends a wait, and leaves a tidy terminal', { skip: noTmux }, async (t) => {
  const host = await booting()
  host.put('guests/kubemaster', busy)
  const size = { columns: 80, rows: 60 }
  const pane = new Pane(host.command('create', []), { ...size, cwd: host.project, env: host.env })
  try {
    await pane.until((screen) => cases.waiting!.until!(plain(screen)), { seconds: 60 })
    t.notOk(pane.hasCursor, 'none while lines are painted over')
    pane.interrupt()
    await pane.until(() => pane.exitStatus !== undefined, { seconds: 60 })
    t.equal(pane.exitStatus, 130)
    t.match(
      plain(pane.capture()),
      /\nWait\n(\^C)?✗ interrupted: run the same command again to continue$/,
    )
    t.ok(pane.hasCursor)
  } finally {
    pane.end()
  }
})

await t.test('in CI a terminal gets line after line too', { skip: noTmux }, async (t) => {
  const host = await booting()
  host.put('guests/kubemaster', busy)
  const env = { ...host.env, CI: 'true' }
  const size = { columns: 80, rows: 60 }
  const pane = new Pane(host.command('create', []), { ...size, cwd: host.project, env })
  try {
    const isWhole = (screen: string) => cases.waiting!.until!(screen.split('\n').sort().join('\n'))
    await pane.until((screen) => isWhole(plain(screen)), { seconds: 60 })
    t.ok(pane.hasCursor, 'nothing is painted over')
  } finally {
    pane.end()
  }
})

await t.test(
  'piped: whole lines, no control sequences, a line per change of a machine',
  async (t) => {
    const made = await (await withImage()).run('create')
    t.equal(made.code, 0, made.stderr)
    compare(t, 'create.piped', steady(made.stderr + made.stdout).trimEnd())

    const host = await booting()
    host.put('guests/kubemaster', busy)
    const waiting = await host.run('create', [], {
      onStderr: (text, child) => {
        const isWhole = cases.waiting!.until!(text.split('\n').sort().join('\n'))
        if (isWhole && !child.killed) child.kill('SIGINT')
      },
    })
    t.equal(waiting.code, 130)
    const rows = steady(waiting.stderr)
      .split('\n')
      .filter((line) => / 0 s /.test(line))
    t.strictSame(rows.sort(), [
      '  kubemaster       0 s  cloud-init: network stage',
      '  worker01         0 s  booted, SSH is not up yet',
      '  worker02         0 s  no answer on its address yet',
    ])
    t.notMatch(made.stderr + waiting.stderr, escape)
  },
)

await t.test('a screen becomes a picture', (t) => {
  const text = '\x1b[1mDone\x1b[0m & <gone>\n\n  \x1b[32m✓\x1b[39m two  spaces \x1b[2mdim\x1b[0m'
  const screen = parseScreen(text)
  t.equal(marked(screen), '{bold}Done{/} & <gone>\n\n  {green}✓{/} two  spaces {dim}dim{/}')
  t.equal(plain(screen), 'Done & <gone>\n\n  ✓ two  spaces dim')
  t.throws(() => parseScreen('\x1b[7m'), /style that is not known: 7/)
  const svg = screenSvg(screen, 40, 'a "title"')
  t.equal(XMLValidator.validate(svg), true)
  t.match(svg, 'aria-label="a &quot;title&quot;"')
  t.match(svg, '<tspan x="16" textLength="33.6" class="b">Done</tspan>')
  t.match(svg, '>&amp; &lt;gone&gt;</tspan>')
  t.match(svg, /class="gre">✓<\/tspan><tspan x="49\.6" textLength="92\.4">two  spaces</)
  t.end()
})

await t.test('the pictures of the README are what was recorded, and nothing else', (t) => {
  for (const [name, draw] of Object.entries(pictures)) {
    const recorded = readFileSync(join(top, `tests/fixtures/recording/${name}.ansi`), 'utf8')
    const picture = readFileSync(join(top, `docs/${name}.svg`), 'utf8')
    t.equal(picture, draw(recorded), `docs/${name}.svg (npm run record -- --draw)`)
    t.ok(picture.length < 100_000)
  }
  const waits = [
    'Wait\n  a  1 s  booted  | x\n  b  1 s  booted  | y',
    'Wait\n  a  2 s  booted  | x',
  ]
  t.equal(
    liveliest([...waits, waits[0]!.replace('booted', 'silent')])?.split('\n')[1],
    '  a  1 s  silent  | x',
  )
  t.equal(
    waitOf('$ x\n\n\x1b[1mWait\x1b[0m\n  a  1 s\n\nNext: y\n'),
    '\x1b[1mWait\x1b[0m\n  a  1 s',
  )
  t.equal(waitOf('$ x\n'), '')
  t.end()
})
