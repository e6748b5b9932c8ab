// EDGE. The one door to a node: commands and files, as root or as the login user, through sh.
import { connect, type Socket } from 'node:net'
import type { Node } from '../lab/lab.ts'
import { ask, type Output } from '../shell/bash.ts'
import type { Run } from '../shell/steps.ts'
import { CommandError, LabError, script } from '../text/errors.ts'
import { commandText, hereDocument } from '../text/quote.ts'
import { ssh, sshTrouble, type SshTrouble } from './ssh-files.ts'

interface As {
  root?: boolean
}
const sudo = ({ root }: As) => (root ? ['sudo'] : [])

// Words that mean the same to every login shell; anything else goes to sh on its stdin.
const isPlain = (command: string) => /^[\w@%+:,./-]+( [\w@%+=:,./-]+)*$/.test(command)

function remote(node: Node, command: string, as: As): string {
  return isPlain(command)
    ? commandText`${[...ssh(node), ...sudo(as), ...command.split(' ')]}`
    : hereDocument(commandText`${[...ssh(node), ...sudo(as), 'sh', '-s']}`, command)
}

/** The step that runs a command, or a script for sh, on the node. */
export const onNode = (
  node: Node,
  command: string,
  { root = false, ...more }: As & Partial<Run> = {},
): Run => ({ do: 'run', bash: remote(node, command, { root }), ...more })

/** The step that writes a file (root's, 0600) on the node. */
export const putOnNode = (node: Node, path: string, content: string): Run => ({
  do: 'run',
  bash: hereDocument(commandText`${ssh(node)} sudo install -D -m 600 /dev/stdin ${path}`, content),
})

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

/** The output of a command, or of a script for sh, on the node. Throws an SshError when ssh cannot connect, and a
 *  CommandError when the command fails or takes more than `seconds`. */
export async function askNode(
  node: Node,
  command: string,
  { seconds = 60, ...as }: As & { seconds?: number } = {},
): Promise<string> {
  const text = remote(node, command, as)
  const output = await ask(text, { seconds })
  if (output.code === 0) return output.stdout
  throw sshFailure(node, text, output)
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
