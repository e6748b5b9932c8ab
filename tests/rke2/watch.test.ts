// Recordings of the real RKE2 v1.35.0 (tests/fixtures/README.md), played second by second to the code that waits for a node.
import t from 'tap'
import { parseKubeNodes } from '../../lib/rke2/kube-nodes.ts'
import { watcher } from '../../lib/rke2/watch.ts'
import { hintText } from '../../lib/text/errors.ts'
import { fixture } from '../helpers/fixtures.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'

const lab = makeLab()
const places = {
  server: { node: nodeOf(lab) },
  agent: { node: nodeOf(lab, 'worker01'), server: nodeOf(lab) },
  joining: { node: { ...nodeOf(lab, 'worker01'), role: 'server' as const }, server: nodeOf(lab) },
}

interface Line {
  /** Seconds since 1970. */
  at: number
  /** RKE2's process; undefined for systemd's lines. */
  pid: string | undefined
  text: string
  raw: string
}

/** The lines in the order of the journal, which is not that of their times where a clock was set. */
function recording(name: string): Line[] {
  let at = NaN
  return fixture(`rke2-1.35.0/${name}`)
    .split('\n')
    .flatMap((line) => {
      const [, stamp, program, id, rest] =
        /^(\d{4}-\S+) \S+ (rke2|systemd)\[(\d+)\]: (.*)$/.exec(line) ?? []
      const time = stamp ?? /^time="([^"]*)"/.exec(line)?.[1]
      if (time) at = Date.parse(time.replace('+0000', 'Z')) / 1000
      const isRemark = program === undefined && !line.includes('level=')
      if (Number.isNaN(at) || isRemark) return []
      const pid = program === 'systemd' ? undefined : (id ?? '0')
      return [{ at, pid, text: rest ?? line, raw: line }]
    })
}

/** The same lines again and again, with systemd's counter of restarts. */
const again = (lines: Line[], times: number, every: number): Line[] =>
  Array.from({ length: times }, (_, turn) =>
    lines.map((line) => ({
      ...line,
      at: line.at + turn * every,
      text: line.text.replace(/counter is at \d+/, `counter is at ${turn + 1}`),
    })),
  ).flat()

const isStart = ({ pid, text }: Line) => !pid && text.startsWith('Starting ')

interface Scene {
  lines: Line[]
  role?: keyof typeof places
  /** What the line has where the script begins to wait: systemd's first start if there is one. */
  from?: string
  /** Seconds from there until Kubernetes reported the node as Ready, by facts of the recording. */
  ready?: number
  containerd?: Line[]
  kubelet?: string
  /** It is a server whose etcd holds nothing yet. */
  unborn?: boolean
  /** Empty programs and keys of the node. */
  empty?: string
}

/** What the node would have answered at that time: the unit, the journal, the logs, the nodes. */
function nodeAt({ lines, role = 'server', ready = Infinity, ...scene }: Scene, first: number) {
  const begin = lines[first]?.at ?? 0
  const { node } = places[role]
  return (now: number) => {
    const isSeen = (line: Line, index: number) => index <= first || line.at <= now
    const [unit, invocations] = [{ state: 'activating', started: begin, restarts: 0 }, [0]]
    let [invocation, process] = [0, '']
    for (const [index, line] of lines.entries()) {
      if (!isSeen(line, index)) break
      const { at, text, pid } = line
      const restarts = /restart counter is at (\d+)/.exec(text)?.[1]
      const isNew = pid !== undefined && process !== '' && pid !== process
      if (isNew || isStart(line)) {
        Object.assign(unit, { state: 'activating', started: index <= first ? begin : at })
        invocation = index
      } else if (!pid && text.startsWith('Started ')) unit.state = 'active'
      else if (text.includes('Deactivated successfully')) unit.restarts = 0
      else if (restarts) unit.restarts = Number(restarts)
      process = pid ?? (isStart(line) ? '' : process)
      invocations[index] = invocation
    }
    if (now - begin >= ready) unit.state = 'active'
    const heartbeat = now - begin >= ready ? now : begin - 5 // before: as stored by an earlier start
    const item = {
      metadata: { name: node.name },
      status: {
        conditions: [
          { type: 'Ready', status: 'True', lastHeartbeatTime: new Date(heartbeat * 1000) },
        ],
      },
    }
    const nodes = JSON.stringify({ items: [item] })
    const answer = (script: string) => {
      const cursor = /--after-cursor 's=(\d+)'/.exec(script)?.[1]
      const seen = [...lines.entries()].filter(([index, line]) => isSeen(line, index))
      const told = seen.filter(
        ([index, { pid, text }]) =>
          pid !== undefined &&
          !text.startsWith('{') &&
          (cursor ? index > Number(cursor) : invocations[index] === invocation),
      )
      return `== unit
ActiveState=${unit.state}
InvocationID=${invocation}
NRestarts=${unit.restarts}
Result=${unit.restarts > 0 ? 'exit-code' : 'success'}
ExecMainStatus=${unit.restarts > 0 ? 1 : 0}
== start
${(unit.started - begin + 1000) * 1e6}
${now - begin + 1000}.00 1.00
${now}.000000000
== journal
${told.map(([, { text }]) => `${text}\n`).join('')}${told.length > 0 ? `-- cursor: s=${told.at(-1)?.[0]}\n` : ''}\
== containerd
${(scene.containerd ?? []).flatMap(({ at, text }) => (at <= now ? `${text}\n` : [])).join('')}\
== kubelet
${scene.kubelet ?? ''}
== unborn
${scene.unborn ? 'yes' : ''}
== empty
${scene.empty ?? ''}
== nodes
${nodes}
`
    }
    return { answer, nodes }
  }
}

/** How the wait for a scene ends, and after how many seconds; it looks every 3 s until two minutes after the last line. */
async function play(scene: Scene) {
  const { from } = scene
  const begins = (line: Line) => (from === undefined ? isStart(line) : line.raw.includes(from))
  const first = Math.max(0, scene.lines.findIndex(begins))
  const begin = scene.lines[first]?.at ?? NaN
  const at = nodeAt(scene, first)
  const last = Math.max(begin + (scene.ready ?? 0), ...scene.lines.slice(first).map(({ at }) => at))
  let now = begin
  const synced: number[] = []
  const look = watcher(
    places[scene.role ?? 'server'],
    { cni: 'canal' },
    {
      ask: (script) => Promise.resolve(at(now).answer(script)),
      nodes: () => Promise.resolve(parseKubeNodes(at(now).nodes)),
      sync: () => Promise.resolve(synced.push(now - begin)),
      now: () => now * 1000,
    },
  )
  const shown: { at: number; text: string }[] = []
  for (; now <= last + 120; now += 3) {
    const seen = await look()
    if ('done' in seen)
      return typeof seen.done === 'string'
        ? { end: seen.done, after: now - begin, cause: undefined, shown, synced }
        : { end: seen.done.id, after: now - begin, cause: seen.done, shown, synced }
    const text = seen.state.split(': ').slice(1).join(': ')
    if (text) shown.push({ at: now - begin, text })
  }
  return { end: 'nothing', after: now - begin, cause: undefined, shown, synced }
}

const importRace = recording('import-race.containerd.txt')
const agentJoin = recording('agent-containerd.txt')

await t.test('a recorded start that succeeds is never taken for a failure', async (t) => {
  const scenes: [journal: string, ready: number, scene?: Partial<Scene>][] = [
    ['server-start.journal', 302, { containerd: importRace }],
    ['import-race.journal', 126, { containerd: importRace }],
    ['power-cut.journal', 149],
    ['unknown-key.journal', 60, { from: 'rke2' }],
    ['restore.journal', 115],
    ['upgrade.journal', 320],
    ['all-off-kubemaster.journal', 500],
    ['agent-join.journal', 131, { role: 'agent', containerd: agentJoin }],
    ['wrong-token.journal', 40, { role: 'agent' }],
    ['worker-again.journal', 100, { role: 'agent' }],
    ['delete-node.journal', 30, { role: 'agent', from: 'rke2[3674]' }], // the clock was set back before
    ['all-off-server02.journal', 490, { role: 'joining' }],
    ['all-off-server02.journal', 430, { role: 'joining', from: '22:39:35+0000 server02 systemd[1]: Starting' }], // prettier-ignore
    ['second-server.journal', 915, { role: 'joining' }],
  ]
  for (const [journal, ready, scene] of scenes) {
    const { end, after, shown } = await play({ lines: recording(journal), ready, ...scene })
    t.equal(end, 'Ready', `${journal} ${scene?.from ?? ''}`)
    const causes = [...new Set(shown.map(({ text }) => text))]
    const isTrue = /cannot reach .*, the server that it joined|does not finish starting/ // for a minute, in the middle of it
    t.equal(causes.length, journal === 'second-server.journal' ? 2 : 0, causes.join())
    for (const cause of causes) t.match(cause, isTrue, journal)
    t.ok(after >= ready, `${journal}: a Ready that was stored before does not count (${after} s)`)
  }
})

await t.test(
  'what was unpacked is written to the disk at once, and all of it at the end',
  async (t) => {
    const lines = recording('server-start.journal')
    const { synced, after } = await play({ lines, ready: 302, containerd: importRace })
    const begin = lines.find(isStart)?.at ?? NaN
    const imported = (lines.find(({ text }) => text.includes('Imported images'))?.at ?? NaN) - begin
    const [first = NaN, ...rest] = synced
    t.ok(
      first >= imported && first < imported + 3,
      `the import ended after ${imported} s: ${first}`,
    )
    t.strictSame(rest, [after])
  },
)

// Recorded in full, or as far as it was kept; what then came again and again comes again here.
const cis = recording('cis.journal')
const cutOff = recording('cut-off-first-start.journal')
const secondServer = recording('second-server.journal')
const kubeletLog = (name: string) =>
  fixture(`rke2-1.35.0/${name}.kubelet.txt`)
    .split('\n')
    .findLast((line) => line.startsWith('E')) ?? ''
const between = (lines: Line[], from: string, to: string) => {
  const first = lines.findIndex(({ raw }) => raw.includes(from))
  return lines.slice(first, first + 1 + lines.slice(first).findIndex(({ raw }) => raw.includes(to)))
}
const instead = (lines: Line[], text: string) =>
  lines.map((line) => ({ ...line, text: line.text.replace(/level=fatal .*/, text) }))
const cutOffLife = between(cutOff, 'Starting rke2-server', 'Scheduled restart')
const awayLife = between(
  secondServer,
  '22:17:38+0000 server02 systemd[1]: Starting',
  'counter is at 2',
)
// Twice refused, and once "starting".
const inTurnLife = between(
  secondServer,
  '22:18:16+0000 server02 systemd[1]: Starting',
  'counter is at 7',
)
const usage = [
  ...between(recording('selinux-quoted.journal'), 'Incorrect Usage', '--default-runtime value'),
  ...between(cis, 'level=fatal', 'counter is at 1'),
]
const selinux = usage.map((line) => ({
  ...line,
  at: Math.max(line.at, usage.at(-7)?.at ?? 0), // of two recordings: at one time, by one process
  pid: line.pid && '1',
}))

await t.test('a recorded failure is named in time, and in its own words', async (t) => {
  const scenes: [what: string, scene: Scene, end: string, within: number, why: RegExp][] = [
    ['cis', { lines: cis }, 'cis', 10, /user and group etcd/],
    [
      'wrong-ca',
      { lines: recording('wrong-ca.journal'), role: 'agent' },
      'ca-mismatch',
      60,
      /belongs to another cluster/,
    ],
    [
      'node-password',
      { lines: recording('node-password.journal'), role: 'agent' },
      'node-password',
      60,
      /another password/,
    ],
    [
      'wrong-token',
      { lines: recording('wrong-token-fresh.journal'), role: 'agent' },
      'wrong-token',
      60,
      /does not accept its token/,
    ],
    [
      'clock-ahead',
      { lines: recording('clock-ahead.journal'), role: 'agent' },
      'certificates-expired',
      60,
      /its clock is ahead/,
    ],
    [
      'clock-behind',
      { lines: recording('clock-behind.journal'), role: 'agent' },
      'clock-skew',
      60,
      /clock differs/,
    ],
    [
      'server-away',
      { lines: recording('server-away.journal'), role: 'agent' },
      'unreachable',
      60,
      /cannot reach/,
    ],
    [
      'kubelet-arg',
      {
        lines: recording('kubelet-arg.journal'),
        role: 'agent',
        kubelet: kubeletLog('kubelet-arg'),
      },
      'kubelet-exits',
      60,
      /: failed to parse kubelet flag: unknown flag: --no-such-flag$/,
    ],
    [
      'server-kubelet-arg',
      { lines: recording('server-kubelet-arg.journal'), kubelet: kubeletLog('server-kubelet-arg') },
      'kubelet-exits',
      60,
      /unknown flag: --no-such-flag$/,
    ],
    [
      'its join server away',
      { lines: again(awayLife, 9, 13), role: 'joining' },
      'server-away',
      75, // a recorded start that succeeds says the same for almost a minute
      /the server that it joined/,
    ],
    [
      'its join server ends and starts again and again',
      { lines: again(inTurnLife, 9, 21), role: 'joining' },
      'server-away',
      100,
      /cannot reach|does not finish starting/,
    ],
    [
      'cut off in its first start',
      { lines: again(cutOffLife, 9, 34), unborn: true },
      'first-start-cut-off',
      60,
      /its first start was cut off/,
    ],
    [
      'its images damaged by that',
      { lines: again(cutOffLife, 9, 34), unborn: true, empty: '12/fs/usr/local/bin/etcd' },
      'damaged-images',
      60,
      /\/usr\/local\/bin\/etcd is an empty file/,
    ],
    [
      'without the other servers',
      { lines: again(cutOffLife, 14, 34) },
      'etcd-silent',
      280,
      /etcd does not answer/,
    ],
    [
      'a wrong value',
      {
        lines: again(
          instead(
            selinux,
            String.raw`level=fatal msg="Error: invalid boolean value \"yes\" for -selinux: parse error"`,
          ),
          9,
          8,
        ),
      },
      'keeps-failing',
      60,
      /ended \d times \(exit-code, status 1\), and said: Error: invalid boolean value "yes" for -selinux/,
    ],
    [
      'an unknown fatal',
      { lines: instead(cis, 'level=fatal msg="Failed to validate golang version: x"') },
      'keeps-failing',
      60,
      /and said: Failed to validate golang version: x/,
    ],
    [
      'no fatal at all',
      { lines: again(instead(selinux, 'x'), 9, 8) },
      'keeps-failing',
      60,
      /said: Incorrect Usage: invalid boolean value/,
    ],
  ]
  for (const [what, scene, expected, within, why] of scenes) {
    const { end, after, cause, shown } = await play(scene)
    t.equal(end, expected, what)
    t.ok(after <= within, `${what}: after ${after} s`)
    const first = after <= 60 ? { at: after, text: cause?.why } : shown[0]
    t.ok(first && first.at <= 60, `${what}: seen after ${first?.at} s`)
    t.match(first?.text, why, what)
    t.match(typeof cause === 'object' && cause.why, why, what)
    const fix = typeof cause === 'object' ? cause.fix.map((hint) => hintText(hint, '')) : []
    t.ok(fix.length > 0 && !fix.join().includes('undefined'), what)
  }
})

await t.test(
  'a failure that nobody foresaw is shown within a minute of its first end, or at the second',
  async (t) => {
    const endless = (life: number, texts: string[]) => {
      const [fatal, ...rest] = between(cis, 'level=fatal', 'counter is at 1')
      const begin = cis.find(isStart)?.at ?? 0
      return Array.from({ length: 12 }, (_, turn): Line[] => {
        const text = `level=fatal msg="${texts[turn % texts.length]} ${4711 * turn}"`
        const lines = [{ ...fatal!, pid: String(turn), text }, ...rest]
        const counted = (text: string) =>
          text.replace(/counter is at \d+/, `counter is at ${turn + 1}`)
        return lines.map((line) => ({
          ...line,
          at: begin + life * (turn + 1),
          text: counted(line.text),
        }))
      }).flat()
    }
    const start = cis.slice(0, 1 + cis.findIndex(isStart))
    for (const life of [5, 8, 13, 21, 34, 45, 55, 89, 144]) {
      const after = async (...texts: string[]) => {
        const { end, after } = await play({ lines: [...start, ...endless(life, texts)] })
        t.equal(end, 'keeps-failing', `${texts.join()} every ${life} s`)
        return after
      }
      const same = await after('port is bad')
      t.ok(same >= life * 2, `not at the first end: ${same} s, every ${life} s`)
      t.ok(same <= Math.max(life + 50, life * 2 + 5), `${same} s, every ${life} s`)
      const inTurn = await after('a', 'b')
      t.ok(inTurn <= Math.max(life + 50, life * 3 + 5), `two in turn: ${inTurn} s, every ${life} s`)
      t.ok(
        (await after('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l')) <= 2 * life + 125,
      )
    }
  },
)
