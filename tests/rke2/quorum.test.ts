// Whether etcd keeps working without a server.
import t from 'tap'
import type { KubeNode } from '../../lib/rke2/kube-nodes.ts'
import { checkQuorum, lastServer } from '../../lib/rke2/quorum.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'

const node = nodeOf(makeLab(), 'kubemaster')
const server = (name: string, more: Partial<KubeNode> = {}): KubeNode => ({
  name,
  ready: true,
  trouble: '',
  heartbeat: '',
  roles: ['control-plane', 'etcd'],
  version: '',
  cordoned: false,
  marked: false,
  isVoter: true,
  ...more,
})
const agent = server('w1', { roles: [], ready: false })
const [own, one, two] = [server('kubemaster'), server('s2'), server('s3')]
const { isVoter: _, ...silent } = one
const down = { ready: false }

const cases: [name: string, nodes: KubeNode[], away: string[], isDown: boolean, says?: RegExp][] = [
  ['three, all up', [own, one, two, agent], [], false],
  ['two, both up', [own, one], [], false],
  ['three, the one that leaves is down', [{ ...own, ...down }, one, two], [], true],
  [
    'a member that has left does not count',
    [own, one, server('s3', { ...down, removed: true })],
    [],
    false,
  ],
  ['nobody says whether it is a voter', [own, silent], [], false],
  [
    'the last one',
    [own, agent],
    [],
    false,
    /it is the last server, and there is no cluster without it/,
  ],
  [
    'three, another is down',
    [own, one, { ...two, ...down }],
    [],
    false,
    /s3 is not up, and etcd needs all other servers/,
  ],
  ['Ready, but RKE2 does not run', [own, one, two], ['s2', 's3'], false, /s2 and s3 are not up/],
  [
    'another is only joining',
    [own, one, { ...two, isVoter: false }],
    [],
    false,
    /s3 is not a full member of etcd yet/,
  ],
  [
    'two, the one that leaves is down',
    [{ ...own, ...down }, one],
    [],
    true,
    /of two servers both must be up/,
  ],
]
for (const [name, nodes, away, isDown, says] of cases)
  await t.test(name, async (t) => {
    const check = () => checkQuorum(node, nodes, { away, isDown })
    if (says) t.throws(check, { message: says })
    else t.doesNotThrow(check)
  })

await t.test('the way out of the last server is the end of the lab', async (t) => {
  t.match(lastServer(node).hint, [{ line: [{ script: 'destroy' }, /whole lab/] }])
})
