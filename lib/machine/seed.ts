// EDGE. Keys of the lab and the cloud-init seed of a node. Key material is put together by the shell,
// so that no secret is in any text that is shown or printed.
import { existsSync } from 'node:fs'
import { networkConfig, parseUserConfig, publicKeyPlaceholder, userData } from './user-data.ts'
import { LabError } from '../text/errors.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { virsh, type Host } from '../libvirt/observe.ts'
import {
  checkUnused,
  findVolume,
  foreignVolume,
  isCutOff,
  seedTag,
  tagPlace,
} from '../libvirt/ownership.ts'
import { readInVolumes } from '../libvirt/volumes.ts'
import { eachOf } from '../phase.ts'
import { mode, query, readText, run, write } from '../shell/shell.ts'
import * as ui from '../cli/ui.ts'
import { keepsConnections, loginIn, sshConfig, sshFiles } from '../guest/ssh-files.ts'

const userConfigFile = 'cloud-init/user-data.yaml'

/** Checks the cloud-config that people edit, before anything is done; warns when it is not there. */
export function checkUserConfig(): void {
  readUserConfig()
  if (readText(userConfigFile) === undefined)
    ui.warn(`there is no ${userConfigFile} in this folder: the machines get nothing of your own`)
}

function readUserConfig() {
  return parseUserConfig(readText(userConfigFile) ?? '#cloud-config\n', userConfigFile)
}

/** Throws when the lab has machines but this folder has not the key that they know, or the lab file another login. */
export function checkAccess(lab: Lab, hasMachines: boolean): void {
  const { key, config } = sshFiles(lab)
  const login = loginIn(readText(config) ?? '')
  if (hasMachines && login !== undefined && login !== lab.user)
    throw new LabError(
      `the machines of this lab have the login ${login}, the lab file says ${lab.user}`,
      {
        details: ['a login is made once, at the first start'],
        hint: [
          'npx zx scripts/destroy.ts && npx zx scripts/create.ts   # makes all of them anew',
          `# or put user: ${login} back into the lab file`,
        ],
      },
    )
  if (hasMachines && !existsSync(key))
    throw new LabError(`${key} is not here, but the machines of this lab know no other key`, {
      hint: [
        'run this in the folder in which they were made, or put the key back',
        '# or make the machines anew: npx zx scripts/destroy.ts',
      ],
    })
}

/** The lab's SSH key, a host key for each node that gets a seed, ssh_config and known_hosts. */
export async function ensureKeys(lab: Lab, seeded: Node[]): Promise<void> {
  const { key, config } = sshFiles(lab)
  if (!existsSync(key))
    await run`mkdir -p ${lab.dir} && ssh-keygen -q -t ed25519 -N '' -C ${`rke2-kvm-lab:${lab.name}`} -f ${key}`
  const keyless = seeded.filter(({ dir }) => !existsSync(`${dir}/host_key`))
  await eachOf(
    keyless,
    (node) =>
      run`mkdir -p ${node.dir} && rm -f ${node.dir}/host_key.pub && ssh-keygen -q -t ed25519 -N '' -C ${node.name} -f ${node.dir}/host_key`,
  )
  const { stderr: version } = await query`ssh -V`
  write(config, sshConfig(lab, process.cwd(), keepsConnections(version)))
  // A run that was cut off may have left a private key alone.
  for (const file of [key, ...seeded.map(({ dir }) => `${dir}/host_key`)])
    if (existsSync(file) && !readText(`${file}.pub`))
      await run`ssh-keygen -y -f ${file} > ${file}.pub`
  await writeKnownHosts(
    lab,
    lab.nodes.filter((node) => seeded.includes(node) || existsSync(publicHostKey(node))),
  )
}

const publicHostKey = (node: Node) => `${node.dir}/host_key.pub`

/** known_hosts with the host keys of these nodes, from their public key files. */
export async function writeKnownHosts(lab: Lab, nodes: Node[]): Promise<void> {
  const { knownHosts } = sshFiles(lab)
  const keyed = mode.dryRun ? nodes : nodes.filter((node) => existsSync(publicHostKey(node)))
  const names = keyed.map(({ name, address }) => `${name},${address}`)
  const wanted = keyed.map(
    (node, index) => `${names[index]} ${readText(publicHostKey(node)) ?? ''}`,
  )
  if (readText(knownHosts) === wanted.join('')) return
  if (keyed.length === 0) return void (await run`rm -f ${knownHosts}`)
  await run`paste -d ' ' <(printf '%s\\n' ${names}) <(cat ${keyed.map(publicHostKey)}) > ${knownHosts}`
}

/** The program that makes ISO images on this host, as the start of a command. */
async function isoTool(): Promise<string[]> {
  const { stdout } = await query`command -v genisoimage mkisofs xorriso || true`
  const tool = stdout.split('\n')[0]?.split('/').at(-1)
  if (!tool)
    throw new LabError('no program to make the seed ISO is installed', {
      hint: 'sudo apt-get install genisoimage',
    })
  return tool === 'xorriso' ? ['xorriso', '-as', 'mkisofs'] : [tool]
}

/** Makes a seed medium for each node, with a fresh instance-id, and puts it into the pool. */
export async function makeSeeds(lab: Lab, nodes: Node[], host: Host): Promise<void> {
  const tool = await isoTool()
  await eachOf(nodes, (node) => makeSeed(lab, node, host, tool))
}

async function makeSeed(lab: Lab, node: Node, host: Host, tool: string[]): Promise<void> {
  const seed = `${node.dir}/seed`
  write(`${node.dir}/user-data`, userData(lab, node, readUserConfig()))
  write(`${node.dir}/network-config`, networkConfig(lab, node))
  await run`mkdir -p ${seed}
printf 'instance-id: %s-%s\\nlocal-hostname: %s\\n' ${node.name} "$(cat /proc/sys/kernel/random/uuid)" ${node.name} > ${seed}/meta-data
{
  sed "s|${publicKeyPlaceholder}|$(cat ${sshFiles(lab).key}.pub)|" ${node.dir}/user-data
  printf 'ssh_keys:\\n  ed25519_public: %s\\n  ed25519_private: |\\n' "$(cat ${publicHostKey(node)})"
  sed 's/^/    /' ${node.dir}/host_key
} > ${seed}/user-data
${tool} -quiet -V cidata -A ${seedTag(lab, node)} -J -r -graft-points -o ${node.dir}/seed.iso user-data=${seed}/user-data meta-data=${seed}/meta-data network-config=${node.dir}/network-config`
  if (host.volumeNames.includes(node.seedVolume)) {
    checkUnused(lab, host, node.seedVolume)
    await checkSeedIsOurs(lab, node, host)
    await run`${virsh(lab)} vol-delete --pool ${lab.pool.name} ${node.seedVolume}`
  }
  await run`${virsh(lab)} vol-create-as --pool ${lab.pool.name} ${node.seedVolume} 0 --format raw`
  await run`${virsh(lab)} vol-upload --pool ${lab.pool.name} ${node.seedVolume} ${node.dir}/seed.iso`
  await run`rm -r ${seed} ${node.dir}/seed.iso`
}

/** Throws when the volume that has the name of the node's seed has not its tag. */
export async function checkSeedIsOurs(lab: Lab, node: Node, host: Host): Promise<void> {
  const volume = findVolume(host, node.seedVolume)
  if (volume && isCutOff(volume)) return
  const tags = await readInVolumes(lab, [node.seedVolume], tagPlace)
  if (tags.get(node.seedVolume) !== seedTag(lab, node)) throw foreignVolume(lab, node.seedVolume)
}
