#!/usr/bin/env zx
// Phase 4 - join: adds the other servers one at a time, then the agents in parallel. Safe to run again.
import type { Node } from '../lib/lab/lab.ts'
import { phase } from '../lib/phase.ts'
import { bringRelease } from '../lib/rke2/artifacts.ts'
import { warnOfRunning } from '../lib/rke2/checks.ts'
import { lookAtCluster, readyLeader } from '../lib/rke2/cluster.ts'
import { ingressOf } from '../lib/rke2/config.ts'
import { planJoin } from '../lib/rke2/join.ts'
import { nextHint, planKubeconfig, readKubeconfig } from '../lib/rke2/kubeconfig-files.ts'
import { planOthers } from '../lib/rke2/manifest-files.ts'
import { reached, readEdited, type Member } from '../lib/rke2/service.ts'
import { bringsNetwork } from '../lib/rke2/kube-nodes.ts'
import { checkVipKnown, checkVipPut } from '../lib/rke2/vip-checks.ts'
import { planVipAnswers, vipIsSilent } from '../lib/rke2/vip-steps.ts'
import { forEach, inOrder } from '../lib/shell/steps.ts'

await phase(import.meta.url, 'join', async ({ lab, nodes, options, shell }) => {
  const edited = readEdited(lab, options.lab) // reports problems before anything changes
  const seen = await shell.look('Look at the nodes', () => lookAtCluster(lab, nodes))
  const { joiners, lacking } = seen
  if (lacking.length > 0) await shell.apply(inOrder('Find a server to join', lacking))
  const silent = joiners.filter(({ trouble }) => trouble)
  if (silent.length > 0) await shell.apply(forEach('Reach the nodes', silent, reached))
  warnOfRunning(lab, joiners, seen.all)
  checkVipKnown(lab, seen.servers)
  checkVipPut(lab, seen.servers)
  for (const stage of planOthers(lab, edited, seen.servers, joiners)) await shell.apply(stage)
  const leader = await readyLeader(lab, seen, options.timeout, shell)

  const joining = { lab, edited, leader, all: seen.all, seconds: options.timeout }
  const plan = (one: Member) => planJoin(joining, one)
  const ofRole = (role: Node['role']) => joiners.filter(({ node }) => node.role === role)
  const ingress = ingressOf(lab, edited.server, leader.state.ingress)
  if (joiners.some(({ state }) => !state.version)) await bringRelease(lab, shell, ingress)
  for (const server of ofRole('server'))
    await shell.apply({ ...forEach(`Join server ${server.name}`, [server], plan), watched: true })
  await shell.apply({ ...forEach('Join agents', ofRole('agent'), plan), watched: true })

  if (await vipIsSilent(lab)) {
    const answers = () => planVipAnswers(lab, leader.node, leader.node, options.timeout)
    await shell.apply({
      ...forEach('Wait until rke2.vip answers', [leader], answers),
      watched: true,
    })
  }
  const kubeconfig = await readKubeconfig(lab, leader.node)
  await shell.apply(inOrder('Kubeconfig', planKubeconfig(lab, leader.node, kubeconfig)))
  const all = nodes.length === lab.nodes.length
  const ready = bringsNetwork(lab.rke2) ? ['', ''] : [' and is Ready', ' and Ready']
  return {
    idle: all
      ? `nothing to do: every node has joined${ready[0]}`
      : `nothing to do: joined${ready[1]}: ${nodes.map(({ name }) => name).join(', ')}`,
    next: await nextHint(lab, leader.node),
  }
})
