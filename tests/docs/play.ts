// Reads pages as a learner does: types what is typed on the host, in order, on the fake one.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FakeHost } from '../helpers/fake-host.ts'
import { fences, matches, typed, type Typed } from './typed.ts'
import { asReader } from './host.ts'

/** What is not typed on the fake host, and why. */
const elsewhere: [call: RegExp, why: string][] = [
  [/^kubectl (?!config )|[(|] ?kubectl /, 'asks a cluster: see stand-in.ts'],
  [/\bcurl .*http:\/\/192\.168\./, 'is answered by pods'],
  [/ (cat|sudo rm -r) \/srv\/notes/, 'is about what a pod has written'],
  [/ 'ps -C kubelet|pod-manifests$|secrets-encrypt status$/, 'shows what only RKE2 itself makes'],
  [
    / cloud-init (status --long|analyze)| worker01 (ip|systemctl status) /,
    'is typed on real guests',
  ],
  [/ \/proc\/cpuinfo$| \/dev\/kvm$/, "shows the reader's own processor"],
  [/^ip -brief address$/, "shows the reader's own network"],
  [/^exit$/, 'ends the SSH session above it'],
]

/** Whether the end-to-end test types it on real guests: a block with the mark "machines" or "cluster", when these are up. */
export const isTypedOnGuests = ({ mark }: Typed) => mark === 'machines' || mark === 'cluster'

/** Whether it is typed on the fake host. */
export const isTypedHere = ({ command }: Typed) => !elsewhere.some(([call]) => call.test(command))

/**
 * Plays a page; returns what went otherwise than the page says. Of the steps that printed scripts show those are
 * typed that `byHand` matches. A block with the mark "alternative" is for readers whose lab.yaml is another from then
 * on; here it is not.
 */
export function play(host: FakeHost, page: string, byHand = /^$/): string[] {
  const wrong: string[] = []
  const labFile = join(host.project, 'lab.yaml')
  const lab = readFileSync(labFile, 'utf8')
  const added = fences(page).find(({ info }) => info === 'yaml add-to-nodes')
  host.put('shell', 'cd "$HOME/../project"; export USER=you') // a page is read in a new terminal
  for (const one of [...typed(page), ...steps(page, byHand)].sort((a, b) => a.line - b.line)) {
    if (!isTypedHere(one)) continue
    if (added && one.line > added.line)
      writeFileSync(labFile, lab.replace(/^rke2:$/m, `${added.text}\nrke2:`))
    const { status, text } = type(host, one.command)
    if (one.mark === 'alternative') writeFileSync(labFile, lab)
    if (status === 0 && (one.output.length === 0 || matches(text, one.output))) continue
    wrong.push(`line ${one.line}: ${one.command} (exit ${status})\nprinted:\n${text}`)
  }
  writeFileSync(labFile, lab) // such a page ends with taking the lines out
  return wrong
}

/** Blocks of bash, each as one to type as it stands: those of printed scripts that `which` matches, and those with the mark "script". */
function steps(page: string, which: RegExp): Typed[] {
  const block = /^(?:<!-- begin:steps (.*) -->\n```bash|```bash script)\n([^]*?)^```$/gm
  return [...page.matchAll(block)].flatMap(({ index, 1: steps, 2: command = '' }) =>
    steps === undefined || which.test(steps)
      ? [{ command, output: [], line: page.slice(0, index).split('\n').length }]
      : [],
  )
}

/** Types a command, or a block of them; folder, umask and what is exported are those that the one before left. */
function type(host: FakeHost, command: string): { status: number | null; text: string } {
  const here = command
    .replaceAll('/home/you/rke2-kvm-lab', host.project)
    .replaceAll('/home/you', host.env.HOME ?? '')
  const keep = '{ echo "cd ${PWD@Q}; umask $(umask)"; export -p; } >"$STAND_IN/shell"'
  host.put('typed', `exec 2>&1; . "$STAND_IN/shell"; trap '${keep}' EXIT; set -e\n${here}\n`)
  const asks = /^npx zx scripts\/destroy\.ts( \w+)?$/.test(command)
  const { status, stdout } = spawnSync(
    join(host.bin, 'bash'),
    ['-c', asks ? `script -qec 'bash "$STAND_IN/typed"' /dev/null` : '. "$STAND_IN/typed"'],
    { env: host.env, encoding: 'utf8', input: asks ? 'y\n' : '', timeout: 300_000 },
  )
  return { status, text: asReader(host, stdout) }
}
