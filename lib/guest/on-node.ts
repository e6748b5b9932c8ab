// EDGE. The steps that change a node: commands and files.
import { basename } from 'node:path'
import type { Node } from '../lab/lab.ts'
import { sh, type Run } from '../shell/steps.ts'
import { commandText, hereDocument, quote } from '../text/quote.ts'
import { commandOn, type As } from './ssh.ts'
import { ssh } from './ssh-files.ts'

/** The step that runs a command, or a script for sh, on the node. */
export const onNode = (
  node: Node,
  command: string,
  { root = false, ...more }: As & Partial<Run> = {},
): Run => ({ do: 'run', bash: commandOn(node, command, { root }), ...more })

/** The step that closes the shared connection to the node, if there is one. */
export const hangUp = (node: Node): Run => ({
  do: 'run',
  bash: `${commandText`${ssh(node, '-O', 'exit')}`} 2>/dev/null || true`,
})

/** Bash that writes its input to a file (root's, 0600) on the node. */
export const storeOn = (node: Node, path: string): string =>
  commandText`${ssh(node)} sudo install -D -m 600 /dev/stdin ${path}`

/** The step that writes a file (root's, 0600) on the node. */
export const putOnNode = (node: Node, path: string, content: string): Run => ({
  do: 'run',
  bash: hereDocument(storeOn(node, path), content),
})

/** The same for what `bash` prints, which may be a secret. It goes through a file here, so that it arrives whole or not; this
 *  file is removed, whether that fails or not. */
export function makeOnNode(node: Node, path: string, bash: string): Run {
  const file = `${node.dir}/${basename(path)}`
  return {
    do: 'run',
    bash: `${commandText`mkdir -p ${node.dir}`}
( trap ${quote(commandText`rm -f ${file}`)} EXIT
${bash} > ${quote(file)}
${storeOn(node, path)} < ${quote(file)}
)`,
  }
}

/** The step that copies files into a folder in the login user's home. */
export const copyToNode = (node: Node, files: string[], folder: string): Run =>
  sh`scp -q -F ${node.sshConfig} ${files} ${`${node.name}:${folder}/`}`
