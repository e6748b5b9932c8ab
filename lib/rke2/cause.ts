// PURE. What a known cause is, and the words and commands that causes share.
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import { line, script, type Hint } from '../text/errors.ts'
import { joinUrl } from './config.ts'
import { installOn, recreated, setClock, type System } from './system.ts'
import { kubectl } from './state.ts'

export interface Known {
  /** Short and stable: tests and documents use it. */
  id: string
  match: RegExp
  /** Seconds before it counts: some causes go away by themselves while a cluster starts. */
  patience?: number
  why: (at: Place) => string
  fix: (at: Place) => Hint[]
}

/** The node that RKE2 starts on, and the server that it joins. */
export interface Place {
  node: Node
  server?: Node | undefined
  /** What the node has; Ubuntu's if it is not known. */
  system?: System
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
export const recreate = (at: Place) => [recreated(at.node), again(at)]
/** Asks a server over HTTPS; a node of the lab is never behind a proxy. */
export const askServer = (at: Place, path: string) =>
  onNode(at, `curl -vk --noproxy ${at.server?.address ?? 'localhost'} ${urlOf(at)}/${path}`)
export const deleteNode = (at: Place) => onServer(at, `sudo ${kubectl} delete node ${at.node.name}`)
export const deletePassword = (at: Place) => {
  const secret = `secret ${at.node.name}.node-password.rke2 --ignore-not-found`
  return onServer(at, `sudo ${kubectl} --namespace kube-system delete ${secret}`)
}
/** Removes what a first start left on a server that never was Ready; images that a power cut emptied go as well. */
export const forgetFirstStart = (at: Place) => [
  onNode(at, 'sudo /usr/local/bin/rke2-killall.sh'),
  onNode(at, 'sudo rm -rf /var/lib/rancher/rke2/server/db /var/lib/rancher/rke2/agent/containerd'),
]
