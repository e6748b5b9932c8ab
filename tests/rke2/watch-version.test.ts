// A node that is Ready, but not yet at the version that is waited for.
import t from 'tap'
import { apiVersionScript, isOfVersion, parseKubeNodes } from '../../lib/rke2/kube-nodes.ts'
import { watcher } from '../../lib/rke2/watch.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'

const lab = makeLab()
const [old, wanted] = ['v1.35.7+rke2r1', 'v1.36.5+rke2r1']
const now = Date.parse('2026-07-01T10:00:00Z') / 1000

/** What is seen of a Ready node with that kubelet and, if it is a server, that API. */
async function seen(name: string, kubelet: string, api: string, version?: string) {
  const nodes = [
    {
      metadata: { name },
      status: {
        conditions: [
          { type: 'Ready', status: 'True', lastHeartbeatTime: new Date((now - 1) * 1000) },
        ],
        nodeInfo: { kubeletVersion: kubelet },
      },
    },
  ]
  const json = JSON.stringify({ items: nodes })
  const scripts: string[] = []
  const node = nodeOf(lab, name)
  const look = watcher(
    { node, ...(node.role === 'agent' ? { server: nodeOf(lab) } : {}) },
    lab.rke2,
    {
      ask: (script) => {
        scripts.push(script)
        return Promise.resolve(`== unit
ActiveState=active
NRestarts=0
Result=success
== start
900000000
1000.00 1.00
${now}
== journal
== nodes
${node.role === 'server' ? json : ''}
== api
${JSON.stringify({ gitVersion: api }, undefined, 2)}
`)
      },
      nodes: () => Promise.resolve(parseKubeNodes(json)),
      sync: () => Promise.resolve(),
      now: () => now * 1000,
    },
    version,
  )
  const answer = await look()
  return { answer, asked: scripts.join().includes('get --raw /version') }
}

const cases: [
  name: string,
  kubelet: string,
  api: string,
  version: string | undefined,
  what: object,
][] = [
  ['kubemaster', old, old, undefined, { done: 'Ready' }],
  ['kubemaster', wanted, wanted, wanted, { done: 'Ready' }],
  ['kubemaster', old, wanted, wanted, { state: `service active, ${old} still answers` }],
  ['kubemaster', wanted, old, wanted, { state: `service active, ${old} still answers` }],
  ['worker01', wanted, old, wanted, { done: 'Ready' }],
  ['worker01', old, old, wanted, { state: `service active, ${old} still answers` }],
  ['kubemaster', 'v1.36.5', 'v1.36.5', wanted, { done: 'Ready' }],
]
for (const [name, kubelet, api, version, what] of cases)
  await t.test(`${name}: kubelet ${kubelet}, API ${api}, wanted ${version}`, async (t) => {
    const { answer, asked } = await seen(name, kubelet, api, version)
    t.match(answer, what)
    t.equal(asked, name === 'kubemaster' && version !== undefined)
  })

await t.test('versions as they are reported', async (t) => {
  t.ok(isOfVersion(wanted, wanted))
  t.ok(isOfVersion('v1.36.5', wanted), 'built from source')
  t.notOk(isOfVersion('v1.36.50', wanted))
  t.notOk(isOfVersion('v1.36.5+rke2r2', wanted))
  t.match(apiVersionScript(wanted), `'"gitVersion": *"v1[.]36[.]5([+]rke2r1)?"'`)
})
