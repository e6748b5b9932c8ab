// What a node answers when it is asked for RKE2's state, and when that answer does not arrive whole.
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeLab, nodeOf } from '../helpers/labs.ts'

// A node that is this machine: ssh runs what it is sent, with its own programs first on the PATH.
const bin = t.testdir()
const put = (name: string, script: string) => {
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, name), 0o755)
}
process.env.PATH = `${bin}:${process.env.PATH}`
const { lookAt } = await import('../../lib/rke2/service.ts') // programs are found on the PATH of the import
const node = nodeOf(makeLab())

const here = 'shift 3; [ "$1" != sudo ] || shift; exec "$@"'
const systemctl =
  'case $1 in is-active) echo inactive; exit 3 ;; is-enabled) exit 1 ;; show) echo 0 ;; esac'

t.beforeEach(() => {
  put('ssh', here)
  put('systemctl', systemctl)
  put('rke2', 'echo "rke2 version v1.35.7+rke2r1 (a)"')
})

await t.test('a node that answers', async (t) => {
  const { state, trouble } = await lookAt(node)
  t.equal(trouble, undefined)
  t.match(state, { version: 'v1.35.7+rke2r1', service: 'inactive', started: NaN, hasRun: false })
})

await t.test('a program that was killed on the node is trouble, not absence', async (t) => {
  put('rke2', 'kill -9 $$')
  const { trouble } = await lookAt(node)
  t.equal(trouble?.message, 'the node does not tell the version of RKE2')
  t.equal(trouble?.details.at(-1), 'exit 137')
  put('rke2', 'kill -9 $PPID') // the shell that runs the script
  t.match((await lookAt(node)).trouble, { message: /^ssh kubemaster failed \(exit 137\)/ })
  put('rke2', 'echo "rke2 version v1.35.7+rke2r1 (a)"')
  put('systemctl', 'case $1 in is-active) kill -9 $$ ;; esac')
  t.match((await lookAt(node)).trouble, {
    message: 'the node does not tell the state of the service',
  })
})

await t.test('an answer that was cut off anywhere is trouble', async (t) => {
  const names = 'cut-off version service enabled start stale config joined data gaps free'
  const text: Record<string, string> = {
    version: 'rke2 version v1.35.7+rke2r1 (a)\n',
    service: 'active\n',
    config: 'etcd-s3-secret-key: hidden\n\n',
    joined: 'yes\n',
    start: '0\n100.00 190.00\n1700000000.5\n',
  }
  const answer = `${names} nodes`
    .split(' ')
    .map((name) => `== ${name}\n${text[name] ?? ''}`)
    .join('')
  put('ssh', `cat '${join(bin, 'answer')}'`)
  const saying = (said: string) => {
    writeFileSync(join(bin, 'answer'), said)
    return lookAt(node)
  }
  t.match(await saying(`${answer}\n== end\n`), { trouble: undefined, state: { hasRun: true } })
  const places = [...answer.matchAll(/^== /gm)].flatMap(({ index }) => [index, index + 6])
  for (const place of [...places, answer.length]) {
    const { trouble } = await saying(answer.slice(0, place))
    t.match(trouble, { message: 'kubemaster: its answer was cut off' }, `after ${place} bytes`)
    t.notMatch(trouble?.details.join(), 'hidden', 'config.yaml may hold a secret')
  }
})
