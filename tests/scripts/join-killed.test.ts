// join.ts killed at every step, for a worker that was made anew: the next run finishes, and nothing tells of it.
import t from 'tap'
import { FakeNodes, succeeds, version } from '../helpers/fake-nodes.ts'
import { killAfterEachCall } from '../helpers/kill.ts'

const host = new FakeNodes(t, (lab) => lab.nodes.pop())
for (const script of ['install-rke2', 'join']) await succeeds(t, host, script)
host.boot('worker01', { anew: true })
host.put('cluster/nodes/worker01', `Unknown agent ${version}\n`)
await killAfterEachCall(t, host, 'join')
