// EDGE. Keys of the lab: its SSH key, a host key for each node, ssh_config and known_hosts. Keys are made by ssh-keygen,
// and no private one is in any text that is shown or printed.
import { existsSync } from 'node:fs'
import type { Lab, Node } from '../lab/lab.ts'
import { query, readText } from '../shell/bash.ts'
import { written } from '../shell/carry-out.ts'
import { sh, type Step } from '../shell/steps.ts'
import type { Host } from '../libvirt/observe.ts'
import { LabError, line, script } from '../text/errors.ts'
import { keepsConnections, loginIn, sshConfig, sshFiles } from './ssh-files.ts'

export const hostKey = (node: Node) => `${node.dir}/host_key`
export const publicHostKey = (node: Node) => `${hostKey(node)}.pub`

/** Throws when the lab has machines but this folder has not the key that they know, or the lab file another login. */
export function checkAccess(lab: Lab, host: Host): void {
  const { key, config } = sshFiles(lab)
  const hasMachines = host.domains.some(({ owner }) => owner?.lab === lab.name)
  const login = loginIn(readText(config) ?? '')
  if (hasMachines && login !== undefined && login !== lab.user)
    throw new LabError(
      `the machines of this lab have the login ${login}, the lab file says ${lab.user}`,
      {
        details: ['a login is made once, at the first start'],
        hint: [
          line(script('destroy'), ' && ', script('create'), '   # makes all of them again'),
          `# or put user: ${login} back into the lab file`,
        ],
      },
    )
  if (hasMachines && !existsSync(key))
    throw new LabError(`${key} is not here, but the machines of this lab know no other key`, {
      hint: [
        'run this in the folder in which they were made, or put the key back',
        line('# or make the machines again: ', script('destroy')),
      ],
    })
}

/** What makes the lab's SSH key, a host key for each node that gets a seed, ssh_config and known_hosts. */
export async function planKeys(lab: Lab, seeded: Node[]): Promise<Step[]> {
  const { key, config } = sshFiles(lab)
  const { stderr: version } = await query`ssh -V`
  return [
    ...keyPair(key, `rke2-kvm-lab:${lab.name}`, lab.dir),
    ...seeded.flatMap((node) => keyPair(hostKey(node), node.name, node.dir)),
    ...written(config, sshConfig(lab, process.cwd(), keepsConnections(version))),
    ...planKnownHosts(
      lab,
      lab.nodes.filter((node) => seeded.includes(node) || existsSync(publicHostKey(node))),
    ),
  ]
}

// A run that was cut off may have left a private key alone.
function keyPair(file: string, comment: string, folder: string): Step[] {
  if (!existsSync(file))
    return [
      ...(existsSync(folder) ? [] : [sh`mkdir -p ${folder}`]),
      ...(existsSync(`${file}.pub`) ? [sh`rm ${file}.pub`] : []), // it belongs to a key that is gone
      sh`ssh-keygen -q -t ed25519 -N '' -C ${comment} -f ${file}`,
    ]
  return readText(`${file}.pub`) ? [] : [sh`ssh-keygen -y -f ${file} > ${`${file}.pub`}`]
}

/** What makes known_hosts name these nodes with their public host keys. */
export function planKnownHosts(lab: Lab, nodes: Node[]): Step[] {
  const { knownHosts } = sshFiles(lab)
  const entries = nodes.map((node) => ({
    names: `${node.name},${node.address}`,
    file: publicHostKey(node),
  }))
  const wanted = entries.map(({ names, file }) => `${names} ${readText(file) ?? ''}`).join('')
  const areThere = entries.every(({ file }) => readText(file))
  if (areThere && readText(knownHosts) === (wanted || undefined)) return []
  if (entries.length === 0) return [sh`rm -f ${knownHosts}`]
  const [names, files] = [entries.map(({ names }) => names), entries.map(({ file }) => file)]
  return [sh`paste -d ' ' <(printf '%s\\n' ${names}) <(cat ${files}) > ${knownHosts}`]
}
