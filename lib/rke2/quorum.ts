// PURE. Whether etcd keeps working without one of its members.
import type { Node } from '../lab/lab.ts'
import { LabError, line, script } from '../text/errors.ts'
import type { KubeNode } from './kube-nodes.ts'

/** The error for a server without which there is no cluster. */
export const lastServer = ({ name }: Node): LabError =>
  new LabError(`${name}: it is the last server, and there is no cluster without it`, {
    hint: line(script('destroy'), '   # removes the whole lab'),
  })

/** Throws unless all other members of etcd are up, so that they go on without this one. `away`: servers on which RKE2 does not
 *  run, although their Nodes may still be Ready; `isDown`: so is the one that leaves. */
export function checkQuorum(
  node: Node,
  all: KubeNode[],
  { away, isDown }: { away: string[]; isDown: boolean },
): void {
  const others = all.filter(
    ({ name, roles, removed }) => name !== node.name && roles.includes('etcd') && !removed,
  )
  if (others.length === 0) throw lastServer(node)
  const down = others.filter(({ name, ready }) => !ready || away.includes(name))
  const joining = others.filter(({ isVoter }) => isVoter === false)
  const names = (some: KubeNode[]) => some.map(({ name }) => name)
  const list = (some: KubeNode[]) =>
    `${names(some).join(' and ')} ${some.length > 1 ? 'are' : 'is'}`
  if (down.length > 0)
    throw new LabError(
      `${node.name}: ${list(down)} not up, and etcd needs all other servers for this`,
      {
        details: [`etcd has ${others.length + 1} members, and more than half of them must be up`],
        hint: [
          script('start', ...names(down)),
          line(
            '# or remove what is broken first: ',
            script('remove', names(down)[0] ?? '', '--force'),
          ),
        ],
      },
    )
  if (joining.length > 0)
    throw new LabError(`${node.name}: ${list(joining)} not a full member of etcd yet`, {
      hint: ['# wait a minute, then run this again', script('status')],
    })
  if (isDown && others.length === 1)
    throw new LabError(`${node.name}: of two servers both must be up for one to leave etcd`, {
      hint: [script('start', node.name), '# then run this again'],
    })
}
