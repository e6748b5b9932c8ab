// EDGE. The steps that take a node out of the cluster before its machine goes: pods, etcd's member, Node.
import { onNode } from '../guest/on-node.ts'
import { askNode, commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { forEach, untilBash, type Check, type Run, type Say, type Stage } from '../shell/steps.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'
import { LabError, line, script } from '../text/errors.ts'
import { formatSeconds } from '../text/progress.ts'
import { firstServer } from './cluster.ts'
import { joinUrl, withoutVip } from './config.ts'
import { planDrain } from './drain.ts'
import { kubectl, memberMark, removedMark } from './kube-nodes.ts'
import { checkQuorum, lastServer } from './quorum.ts'
import type { Member } from './service.ts'
import { planVipMoves } from './vip-steps.ts'

export interface Leaving {
  node: Node
  /** Its machine is made. */
  made: boolean
  /** All members whose machines are made. */
  all: Member[]
  /** Not to move its pods: it does not answer. */
  force: boolean
  seconds: number
}

/** The stages that take a node out of the cluster, and the server that stays. Throws where the cluster would not survive. */
export function planLeave(lab: Lab, leaving: Leaving): { stages: Stage[]; heir?: Member } {
  const { node, all, force, made } = leaving
  const isServer = node.role === 'server'
  if (isServer && !lab.nodes.some((one) => one !== node && one.role === 'server'))
    throw lastServer(node)
  const servers = all.filter((one) => one.node !== node && one.node.role === 'server')
  const heir = servers.find(({ state }) => state.nodes)
  if (!heir) return noHeir(leaving, servers)
  const nodes = heir.state.nodes ?? []
  const kube = nodes.find(({ name }) => name === node.name)
  const moved = isServer ? planMoves(node, heir.node, all) : []
  if (!kube) return { stages: moved, heir }

  const own = all.find((one) => one.node === node)
  const isDown = !made || own?.trouble !== undefined || !kube.ready
  if (isDown && made && !force && !kube.removed) throw silent(node)
  const away = servers.filter(({ state }) => state.service !== 'active').map(({ name }) => name)
  const isMember = kube.roles.includes('etcd')
  if (isMember && !kube.removed) checkQuorum(node, nodes, { away, isDown })
  const without = script('remove', node.name, '--force')
  const drain = force || isDown ? [] : planDrain(heir.node, kube, nodes, without).before
  const one = [{ name: node.name }]
  const vip = isDown ? [] : planVipMoves(lab, heir.node, node)
  const leave = [
    ...vip,
    ...(isMember && !kube.removed ? [askEtcd(heir.node, node)] : []),
    ...(isMember ? [untilLeft(heir.node, node, leaving.seconds)] : []),
    deleteNode(heir.node, node),
  ]
  return {
    stages: [
      ...(drain.length > 0
        ? [{ ...forEach(`Drain ${node.name}`, one, () => drain), watched: true }]
        : []),
      ...moved,
      { ...forEach('Leave the cluster', one, () => leave), watched: true },
    ],
    heir,
  }
}

function noHeir({ node, all }: Leaving, servers: Member[]): { stages: Stage[] } {
  if (servers.some(({ state, trouble }) => trouble ?? state.hasRun))
    throw new LabError(`${node.name}: no other server answers, so it cannot leave the cluster`, {
      details: servers.flatMap(({ trouble }) => trouble?.message ?? []),
      hint: [
        script('start'),
        '# or, if the cluster is not needed any more, only remove the machine:',
        script('destroy', node.name),
      ],
    })
  const own = all.find((one) => one.node === node)
  if (node.role === 'server' && own?.state.hasRun) throw lastServer(node)
  return { stages: [] }
}

const silent = (node: Node) =>
  new LabError(`${node.name}: it does not answer, so its pods cannot be moved to other nodes`, {
    hint: [
      script('start', node.name),
      line('# or without moving them: ', script('remove', node.name, '--force')),
    ],
  })

// What joined through the server that leaves could not start again without it. Its heir joins nobody, as a first server does.
function planMoves(node: Node, heir: Node, all: Member[]): Stage[] {
  const old = `server: ${joinUrl(node)}`
  const joined = all.filter(
    (one) => one.node !== node && one.state.config.split('\n').includes(old),
  )
  if (joined.length === 0) return []
  const edit = (one: Member) =>
    one.node === heir ? '/^server: /d; /^token-file: /d' : `s|^${old}$|server: ${joinUrl(heir)}|`
  const move = (one: Member) =>
    onNode(one.node, `sed -i '${edit(one)}' /etc/rancher/rke2/config.yaml`, { root: true })
  return [forEach(`Let others join ${heir.name}`, joined, (one) => [move(one)])]
}

const askEtcd = (heir: Node, { name }: Node): Run =>
  onNode(heir, `${kubectl} annotate node ${name} ${memberMark}=true --overwrite`, {
    root: true,
    state: 'leaving etcd',
  })

/** For root on a server: whether a node has left etcd. RKE2 says so, or refuses and takes the question away. */
export const leftScript = (name: string) => `\
answer=$(${kubectl} get node ${name} -o json) && case $answer in
*'"${removedMark}":'*) echo removed ;;
*'"${memberMark}":'*) echo asked ;;
*) echo refused ;;
esac`

function untilLeft(heir: Node, node: Node, seconds: number): Check {
  const asked = commandOn(heir, leftScript(node.name), { root: true })
  const ended = untilBash(`answer=$(${asked}\n) && test "$answer" != asked`, seconds, 2)
  return {
    do: 'check',
    bash: `${ended}\ntest "$(${asked}\n)" = removed || { echo "${node.name}: etcd refused to remove it" >&2; false; }`,
    holds: (say) => waitUntilLeft(heir, node, seconds, say),
  }
}

async function waitUntilLeft(heir: Node, node: Node, seconds: number, say: Say) {
  const probe = async (): Promise<Seen<string>> => {
    const answer = await askNode(heir, leftScript(node.name), { root: true })
    if (answer.trim() !== 'asked') return { done: answer.trim() }
    say('leaving etcd')
    return { state: 'etcd still has it as a member' }
  }
  const busy = (error: unknown) => {
    if (error instanceof LabError) return { state: error.message }
    throw error
  }
  const end = await until(() => probe().catch(busy), { seconds, every: 2 }).catch(
    (error: unknown) => {
      if (!(error instanceof TimedOut)) throw error
      throw notLeft(heir, `etcd still has it as a member after ${formatSeconds(seconds)}`, [
        `last state: ${error.lastState}`,
      ])
    },
  )
  if (end !== 'removed')
    throw notLeft(heir, 'RKE2 refused to remove it from etcd: too few other members are up', [])
}

const notLeft = (heir: Node, what: string, details: string[]) =>
  new LabError(what, {
    details,
    hint: [
      typedOn(
        heir,
        "sudo journalctl --unit rke2-server --grep 'etcd member' --lines 20 --no-pager",
      ),
      '# then run this again; until then its pods stay away:',
      typedOn(heir, `sudo ${kubectl} get nodes`),
    ],
  })

// Every Node goes only when a server's controller has let go of it.
const deleteNode = (heir: Node, { name }: Node): Run =>
  onNode(heir, `${kubectl} delete node ${name} --timeout=120s`, {
    root: true,
    state: 'leaving the cluster',
    explain: (error) =>
      /timed out/.test(error.failed.stderr)
        ? new LabError('its Node was not deleted within 120 s', {
            details: [error.failed.stderr],
            hint: [
              typedOn(heir, `sudo ${kubectl} get node ${name} -o yaml`),
              '# then run this again',
            ],
            cause: error,
          })
        : error,
  })

/** The lab by whose address the kubeconfig has to be read from another server: it came from the one that leaves, by its own
 *  address, or as the first one's by the address that servers share. */
export function losesKubeconfig(lab: Lab, kubeconfig: string, node: Node): Lab | undefined {
  const { vip } = lab.rke2
  const names = (address: string) => kubeconfig.includes(`https://${address}:6443`)
  if (names(node.address)) return withoutVip(lab)
  return vip !== undefined && names(vip) && node === firstServer(lab) ? lab : undefined
}

/** What is said of the node before the question. */
export const leaveText = ({ node }: Leaving, { stages }: { stages: Stage[] }): string[] =>
  stages.length === 0
    ? []
    : [`node     ${node.name} (${stages.map(({ title }) => title.toLowerCase()).join(', ')})`]
