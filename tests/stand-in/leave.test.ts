// A server of three leaves the stand-in's cluster, with the scripts that remove.ts runs on a server.
import t, { type Test } from 'tap'
import { kubectl, memberMark } from '../../lib/rke2/kube-nodes.ts'
import { leftScript } from '../../lib/rke2/remove.ts'
import { Node, run } from './nodes.ts'

const up = 'rke2 is up and running'
const [first, second, third] = ['cp1', 'cp2', 'cp3'].map((name) => new Node(name, 'server')) as [
  Node,
  Node,
  Node,
]
const url = `https://${first.address}:9345`
await t.test('three servers', async (t) => {
  await first.start({})
  t.ok(await first.until(up), 'ready', { log: first.log })
  for (const one of [second, third]) {
    await one.start({ server: url, token: await first.token() })
    t.ok(await one.until(up), 'ready', { log: one.log })
  }
})

const on = (node: Node, script: string) => {
  const paths = `${node.path('var/lib/rancher/rke2/bin/kubectl')} --kubeconfig ${node.path('etc/rancher/rke2/rke2.yaml')}`
  return run('sh', ['-c', script.replaceAll(kubectl, paths)])
}
const annotate = (t: Test, from: Node, name: string) =>
  t.equal(from.kubectl('annotate', 'node', name, `${memberMark}=true`, '--overwrite').code, 0)
async function ended(from: Node, name: string) {
  const end = Date.now() + 60_000
  for (;;) {
    const { out } = on(from, leftScript(name))
    if ((out.trim() !== 'asked' && out !== '') || Date.now() > end) return out.trim()
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}

await t.test('RKE2 refuses while too few of the others are up', async (t) => {
  t.ok(await first.ready('cp3'))
  await third.stop()
  t.ok(await first.ready('cp3', 'Unknown'))
  annotate(t, first, 'cp2')
  t.equal(await ended(first, 'cp2'), 'refused')
  await third.start({ server: url, token: await first.token() })
  t.ok(await first.ready('cp3'))
})

await t.test('the first server leaves; the others go on, and its Node goes', async (t) => {
  annotate(t, second, 'cp1')
  t.equal(await ended(second, 'cp1'), 'removed')
  t.match(second.kubectl('get', 'nodes').out, 'cp1', 'its Node stays')
  t.equal(second.kubectl('delete', 'node', 'cp1', '--timeout=120s').code, 0)
  await first.stop()
  t.notMatch(second.kubectl('get', 'nodes').out, 'cp1')
  for (const one of [second, third]) t.ok(await one.ready(one.name), `${one.name} is Ready`)
  await second.stop()
  await second.start({ token: await third.token() }) // joins nobody now
  t.ok(await second.until(up), 'it starts again', { log: second.log })
})
