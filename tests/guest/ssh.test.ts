// What goes through the one door to a node.
import { spawnSync } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { onNode, putOnNode } from '../../lib/guest/on-node.ts'
import { knock } from '../../lib/guest/ssh.ts'
import { typedOn } from '../../lib/guest/ssh-files.ts'
import { hostileStrings, makeLab, nodeOf } from '../helpers/labs.ts'

const node = nodeOf(makeLab())
const to = 'ssh -F .lab/lab/ssh_config kubemaster'

await t.test(
  'a plain command stands on the line, anything else goes to sh on its stdin',
  async (t) => {
    t.equal(
      onNode(node, 'systemctl restart rke2-server', { root: true }).bash,
      `${to} sudo systemctl restart rke2-server`,
    )
    t.equal(onNode(node, 'true', { state: 'looking' }).state, 'looking')
    t.equal(onNode(node, 'a=1; echo $a').bash, `${to} sh -s <<'EOF'\na=1; echo $a\nEOF`)
    t.equal(
      putOnNode(node, '/etc/x', 'a: 1\n').bash,
      `${to} sudo install -D -m 600 /dev/stdin /etc/x <<'EOF'\na: 1\nEOF`,
    )
    t.equal(typedOn(node, 'sudo cat "/x y"'), `${to} sudo cat "/x y"`)
  },
)

await t.test('what is sent arrives at sh as it was, whatever the login shell', async (t) => {
  for (const word of hostileStrings) {
    const { bash } = onNode(node, `printf '%s' '${word.replaceAll("'", "'\\''")}'`)
    const input = `ssh() { shift 3; "$@"; }\n${bash}`
    t.equal(spawnSync('bash', ['-c', input], { encoding: 'utf8' }).stdout, word)
  }
})

await t.test('a port is open, or the host refuses', async (t) => {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  t.equal(await knock('127.0.0.1', port, 5000), 'open')
  await new Promise((resolve) => server.close(resolve))
  t.equal(await knock('127.0.0.1', port, 5000), 'refused')
})
