// EDGE. A command of the user's on several nodes at the same time.
import type { Lab, Node } from '../lab/lab.ts'
import { follow } from '../shell/bash.ts'
import { forEach, type Check, type Stage } from '../shell/steps.ts'
import { LabError, UsageError } from '../text/errors.ts'
import { commandText, quote } from '../text/quote.ts'
import { askNode, commandOn, isPlain, type As } from './ssh.ts'
import { typedOn } from './ssh-files.ts'

/** The nodes named, else those of the roles asked for, else all. */
export function nodesFor(
  { name, nodes }: Lab,
  named: Node[],
  roles: Record<'servers' | 'agents', boolean>,
): Node[] {
  const { servers, agents } = roles
  if (named.length > 0 && (servers || agents))
    throw new UsageError('name nodes, or give --servers or --agents, but not both')
  if (named.length > 0) return named
  const isAsked = ({ role }: Node) => (role === 'server' ? servers : agents) || servers === agents
  const chosen = nodes.filter(isAsked)
  if (chosen.length === 0) throw new UsageError(`lab ${name} has no agents`)
  return chosen
}

/** One word is a line for the node's sh; several are a command and its arguments, as they are. */
export const lineOf = (words: string[]): string =>
  words.length === 1 ? (words[0] ?? '') : words.map(quote).join(' ')

type Print = (text: string, from: 'stdout' | 'stderr') => void

/** Runs it without input; every line that it prints begins with the node's name. */
export function planExec(nodes: Node[], words: string[], as: As, print: Print): Stage {
  const line = lineOf(words)
  const width = Math.max(...nodes.map(({ name }) => name.length)) + 1
  const step = (node: Node): Check => {
    const start = `${node.name}:`.padEnd(width)
    // What sh reads its script from is not for the command.
    const script = isPlain(line) ? line : commandText`exec sh -c ${line} </dev/null`
    const bash = commandOn(node, script, as)
    return {
      do: 'check',
      bash: `{ ${bash}\n} | sed 's/^/${start} /' || failed="\${failed:-} ${node.name}"`,
      holds: async () => {
        const status = await follow(bash, (text, from) => print(`${start} ${text}`, from))
        if (status === 255) await askNode(node, 'true') // ssh ends so too when it cannot connect
        if (status !== 0) throw ended(node, line, as, status)
      },
    }
  }
  const each = forEach(`Run on ${nodes.map(({ name }) => name).join(', ')}`, nodes, (node) => [
    step(node),
  ])
  return { ...each, lanes: [...each.lanes, { name: '', steps: [none] }] }
}

/** The end of the printed script. */
const none: Check = {
  do: 'check',
  bash: 'test -z "${failed:-}" || { echo "it failed on$failed" >&2; false; }',
  holds: () => Promise.resolve(),
}

const ended = (node: Node, line: string, { root }: As, status: number) =>
  new LabError(`${node.name}: the command ended with exit status ${status}`, {
    details: status === 127 ? ['there is no program of that name'] : [],
    hint: typedOn(node, quote(root ? commandText`sudo sh -c ${line}` : line)),
  })
