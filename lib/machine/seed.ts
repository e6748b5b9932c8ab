// EDGE. The cloud-init seed of a node. The shell inserts the keys, so that no secret is in any text that is shown or printed.
import * as ui from '../cli/ui.ts'
import { hostKey, publicHostKey } from '../guest/keys.ts'
import { sshFiles } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { proxiesOf } from '../lab/proxy.ts'
import { virsh, type Host } from '../libvirt/observe.ts'
import { checkUnused, foreignVolume, seedTag, tagPlace, whoseVolume } from '../libvirt/ownership.ts'
import { readInVolumes } from '../libvirt/volumes.ts'
import { query, readText } from '../shell/bash.ts'
import { written } from '../shell/carry-out.ts'
import { inOneShell, sh, type Lane, type Step } from '../shell/steps.ts'
import { LabError, named, script } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import {
  networkConfig,
  parseUserConfig,
  proxyPlaceholders,
  publicKeyPlaceholder,
  userData,
} from './user-data.ts'

const userConfigFile = 'cloud-init/user-data.yaml'

/** The user's cloud-config; warns when there is none, throws when it or the lab's proxy is not valid. */
export function readUserConfig(lab: Lab) {
  proxiesOf(lab, process.env) // reports here that there are none
  const text = readText(userConfigFile)
  if (text === undefined)
    ui.warn(`there is no ${userConfigFile} in this folder: the machines get none of your settings`)
  return parseUserConfig(text ?? '#cloud-config\n', userConfigFile)
}

/** The program on this host that creates ISO images, as the start of a command. */
async function isoTool(): Promise<string[]> {
  const { stdout } = await query`command -v genisoimage mkisofs xorriso || true`
  const tool = stdout.split('\n')[0]?.split('/').at(-1)
  if (!tool)
    throw new LabError('no program to make the seed ISO is installed', {
      hint: script('doctor', '--fix'),
    })
  return tool === 'xorriso' ? ['xorriso', '-as', 'mkisofs'] : [tool]
}

/** The steps that create a seed medium for each node, with a new instance-id, and upload it to the pool. */
export async function planSeeds(
  lab: Lab,
  nodes: Node[],
  host: Host,
  userConfig: ReturnType<typeof parseUserConfig>,
): Promise<Lane[]> {
  const tool = await isoTool()
  const left = nodes.filter(({ seedVolume }) => host.volumeNames.includes(seedVolume))
  await checkSeedsAreOurs(lab, left, host)
  return nodes.map((node) => ({
    name: node.name,
    steps: [
      ...written(`${node.dir}/user-data`, userData(lab, node, userConfig)),
      ...written(`${node.dir}/network-config`, networkConfig(lab, node)),
      makeIso(lab, node, tool),
      ...(left.includes(node) ? [deleteSeed(lab, node)] : []),
      ...inOneShell([
        sh`${virsh(lab)} vol-create-as --pool ${lab.pool.name} ${node.seedVolume} 0 --format raw`,
        sh`${virsh(lab)} vol-upload --pool ${lab.pool.name} ${node.seedVolume} ${node.dir}/seed.iso`,
        sh`rm -r ${node.dir}/seed ${node.dir}/seed.iso`,
      ]),
    ],
  }))
}

/** By the shell alone: a password in them is in no other place. */
export const insertProxies = ` | while IFS= read -r line; do
    line=\${line//${proxyPlaceholders.http}/"\${http_proxy:-\${HTTP_PROXY-}}"}
    printf '%s\\n' "\${line//${proxyPlaceholders.https}/"\${https_proxy:-\${HTTPS_PROXY-}}"}"
  done`

function makeIso(lab: Lab, node: Node, tool: string[]): Step {
  const { dir, name } = node
  const seed = `${dir}/seed`
  const files = ['user-data', 'meta-data'].map((file) => `${file}=${seed}/${file}`)
  const proxies = lab.proxy === 'host' ? insertProxies : ''
  const bash = commandText`mkdir -p ${seed}
printf 'instance-id: %s-%s\\nlocal-hostname: %s\\n' ${name} "$(</proc/sys/kernel/random/uuid)" ${name} > ${seed}/meta-data
{
  sed "s|${publicKeyPlaceholder}|$(<${sshFiles(lab).key}.pub)|" ${dir}/user-data`
  const more = commandText`
  printf 'ssh_keys:\\n  ed25519_public: %s\\n  ed25519_private: |\\n' "$(<${publicHostKey(node)})"
  sed 's/^/    /' ${hostKey(node)}
} > ${seed}/user-data
${tool} -quiet -V cidata -A ${seedTag(lab, node)} -J -r -graft-points -o ${dir}/seed.iso ${files} network-config=${dir}/network-config`
  return { do: 'run', bash: bash + proxies + more }
}

/** The step that deletes a node's seed volume. */
export const deleteSeed = (lab: Lab, node: Node): Step =>
  sh`${virsh(lab)} vol-delete --pool ${lab.pool.name} ${node.seedVolume}`

/** Throws when a volume with the name of a node's seed is not that seed. */
export async function checkSeedsAreOurs(lab: Lab, nodes: Node[], host: Host): Promise<void> {
  const volumes = nodes.map(({ seedVolume }) => seedVolume)
  const tags = await readInVolumes(lab, volumes, tagPlace)
  for (const { name, seedVolume } of nodes)
    try {
      checkUnused(lab, host, seedVolume)
      const whose = whoseVolume(lab, host, seedVolume, name, tags.get(seedVolume))
      if (whose !== 'ours') throw foreignVolume(lab, seedVolume)
    } catch (error) {
      throw named(name, error)
    }
}
