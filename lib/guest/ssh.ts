// EDGE. The one door to a node: commands and questions, as root or as the login user, through sh.
import { connect, type Socket } from 'node:net'
import type { Node } from '../lab/lab.ts'
import { ask, type Output } from '../shell/bash.ts'
import { CommandError, LabError, script } from '../text/errors.ts'
import { commandText, hereDocument } from '../text/quote.ts'
import { wholeOutput, withEnd } from '../text/sections.ts'
import { ssh, sshTrouble, typedOn, type SshTrouble } from './ssh-files.ts'

export interface As {
  root?: boolean
}
const sudo = ({ root }: As) => (root ? ['sudo'] : [])

// Words that mean the same to every login shell; anything else goes to sh on its stdin.
export const isPlain = (command: string) => /^[\w@%+:,./-]+( [\w@%+=:,./-]+)*$/.test(command)

const throughSh = (node: Node, script: string, as: As) =>
  hereDocument(commandText`${[...ssh(node), ...sudo(as), 'sh', '-s']}`, script)

/** Bash that runs a command, or a script for sh, on the node: for checks and pipes. */
export const commandOn = (node: Node, command: string, as: As = {}): string =>
  isPlain(command)
    ? commandText`${[...ssh(node), ...sudo(as), ...command.split(' ')]}`
    : throughSh(node, command, as)

/** SSH could not connect to the node. */
export class SshError extends LabError {
  readonly trouble: SshTrouble
  constructor(node: Node, trouble: SshTrouble) {
    super(`${node.name}: cannot be reached over SSH: ${trouble.state}`, {
      hint: [script('status'), script('create', node.name)],
    })
    this.trouble = trouble
  }
}

/** The output of a script for sh on the node, whose last line is a simple command. Throws an SshError when ssh cannot connect, a
 *  CommandError when the script fails or takes more than `seconds`, and a LabError when the output has no end. */
export async function askNode(
  node: Node,
  command: string,
  { seconds = 60, ...as }: As & { seconds?: number } = {},
): Promise<string> {
  const text = throughSh(node, withEnd(command), as)
  const output = await ask(text, { seconds })
  if (output.code !== 0) throw sshFailure(node, text, output)
  const answer = wholeOutput(output.stdout)
  if (answer !== undefined) return answer
  throw new LabError(`${node.name}: its answer was cut off`, {
    details: output.stdout.match(/^== .*/gm)?.slice(-1) ?? [], // no more of it: it may hold secrets
    hint: [typedOn(node, 'uptime'), '# then run this again'],
  })
}

function sshFailure(node: Node, command: string, { code, stderr }: Output): LabError {
  if (code === 255) return new SshError(node, sshTrouble(stderr))
  return new CommandError({ command, program: `ssh ${node.name}`, status: code, stderr })
}

/** The way to other hosts; tests put a network of theirs here. */
export const network: { connect(to: { host: string; port: number }): Socket } = { connect }

/** Tries to connect to a port: open, refused (a host is there), or silent until the timeout or `signal`. */
export function knock(
  address: string,
  port: number,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<'open' | 'refused' | 'silent'> {
  return new Promise((resolve) => {
    const socket = network.connect({ host: address, port })
    const end = (answer: 'open' | 'refused' | 'silent') => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(milliseconds, () => end('silent'))
    signal?.addEventListener('abort', () => end('silent'))
    socket.on('connect', () => end('open'))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ECONNREFUSED' ? 'refused' : 'silent'),
    )
  })
}
