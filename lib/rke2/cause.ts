// PURE. What a cause is, how long it has lasted, and the words and commands that known causes share.
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import { line, script, type Hint } from '../text/errors.ts'
import { joinUrl } from './config.ts'
import { importMemory, type Remains } from './remains.ts'
import { installOn, recreated, setClock, useCgroupV2, type System } from './system.ts'
import { kubectl } from './kube-nodes.ts'

export interface Known {
  /** Short and stable: tests and documents use it. */
  id: string
  match: { test(line: string): boolean }
  /** It is a cause only where this holds. */
  when?: (at: Place) => boolean
  /** The lines after which it is over; without it, any progress. */
  until?: RegExp
  /** Seconds before it counts: some causes go away by themselves while a cluster starts. */
  patience?: number
  /** `said`: the line that matched, or the kubelet's own words. */
  why: (at: Place, said?: string) => string
  fix: (at: Place, said?: string) => Hint[]
}

/** A cause in a journal. */
export interface Cause {
  id: string
  why: string
  fix: Hint[]
  patience: number
  /** Since when it has lasted (milliseconds), if longer than it was seen. */
  since?: number
  /** What ends it; causes that the same ends are one. */
  until?: RegExp | undefined
}

/** The current cause, and since when (milliseconds). */
export interface Sighting {
  cause: Cause
  since: number
}

/** The sighting after one more look: the time counts only while the cause stays the same. */
export const sighting = (
  cause: Cause | undefined,
  before: Sighting | undefined,
  now: number,
): Sighting | undefined =>
  cause && { cause, since: before && isStill(cause, before.cause) ? before.since : now }
const isStill = ({ id, until }: Cause, was: Cause) =>
  id === was.id || (until && until === was.until)

/** Whether the cause has lasted so many seconds. */
export const hasLasted = ({ cause, since }: Sighting, seconds: number, now: number): boolean =>
  now - (cause.since ?? since) >= seconds * 1000

/** Whether the cause has lasted longer than its patience. */
export const isDue = (seen: Sighting, now: number): boolean =>
  hasLasted(seen, seen.cause.patience, now)

/** The node that RKE2 starts on, and the server that it joins. */
export interface Place {
  node: Node
  server?: Node | undefined
  /** What the node has; Ubuntu's if it is not known. */
  system?: System
  remains?: Remains
  /** Other servers that cannot be reached. */
  away?: string[]
}
const ubuntu: System = {
  ids: ['ubuntu'],
  kernel: '',
  installer: 'apt-get',
  units: ['systemd-timesyncd'],
}

export const name = ({ server }: Place) => server?.name ?? 'the server'
export const onNode = ({ node }: Place, command: string) => typedOn(node, command)
export const onServer = ({ node, server = node }: Place, command: string) =>
  typedOn(server, command)
export const urlOf = ({ server }: Place) => (server ? joinUrl(server) : 'the server')
export const again = ({ node, server }: Place) =>
  server ? script('join', node.name) : script('install-rke2')
export const tokenAgain = (at: Place) => [
  onNode(at, 'sudo grep -rls ^token /etc/rancher/rke2/config.yaml.d   # what overrides the token'),
  line(again(at), '   # reads the token again'),
]
export const install = ({ node, system = ubuntu }: Place, name: string) =>
  installOn(node, system, name)
export const clockAgain = ({ node, system = ubuntu }: Place) => setClock(node, system)
export const bootCgroupV2 = ({ node, system = ubuntu }: Place) => useCgroupV2(node, system)
export const recreate = (at: Place) => [recreated(at.node), again(at)]
/** Asks a server over HTTPS; a node of the lab is never behind a proxy. */
export const askServer = (at: Place, path: string) =>
  onNode(at, `curl -vk --noproxy ${at.server?.address ?? 'localhost'} ${urlOf(at)}/${path}`)
/** Without a limit it waits as long as etcd does. */
const limit = '--timeout=120s'
export const deleteNode = (at: Place) =>
  onServer(at, `sudo ${kubectl} delete node ${at.node.name} ${limit}`)
export const deletePassword = (at: Place) => {
  const secret = `secret ${at.node.name}.node-password.rke2 --ignore-not-found`
  return onServer(at, `sudo ${kubectl} --namespace kube-system delete ${secret}`)
}
const unpacked = `/var/lib/rancher/rke2/agent/containerd ${importMemory}`
/** Lets RKE2 unpack all images again. Of a server that was never Ready, `unborn`, it deletes the database too. */
export const forgetImages = (at: Place, unborn = false) => [
  onNode(at, 'sudo /usr/local/bin/rke2-killall.sh'),
  onNode(at, `sudo rm -rf ${unborn ? '/var/lib/rancher/rke2/server/db ' : ''}${unpacked}`),
  again(at),
]
