// EDGE. Keys of the lab: its SSH key, a host key for each node, ssh_config and known_hosts. ssh-keygen makes the keys; no
// private key is in any text that is shown or printed.
import { existsSync } from 'node:fs'
import type { Lab, Node } from '../lab/lab.ts'
import { query, readText } from '../shell/bash.ts'
import { written } from '../shell/carry-out.ts'
import { inOneShell, sh, type Run, type Step } from '../shell/steps.ts'
import type { Seen } from '../libvirt/hosts.ts'
import { LabError, line, script } from '../text/errors.ts'
import { keepsConnections, loginIn, sshConfig, sshFiles } from './ssh-files.ts'

export const hostKey = (node: Node) => `${node.dir}/host_key`
export const publicHostKey = (node: Node) => `${hostKey(node)}.pub`

/** Throws when the lab's machines have another login than the lab file, or this folder lacks their key. */
export function checkAccess(lab: Lab, { sites, silent }: Seen): void {
  const { key, config } = sshFiles(lab)
  const hasMachines = sites.some(({ host }) =>
    host.domains.some(({ owner }) => owner?.lab === lab.name),
  )
  const mayHave = hasMachines || silent.length > 0
  const login = loginIn(readText(config) ?? '')
  if (mayHave && login !== undefined && login !== lab.user)
    throw new LabError(
      `the machines of this lab have the login ${login}, the lab file says ${lab.user}`,
      {
        details: ['the login is created once, at the first boot'],
        hint: [
          line(script('destroy'), ' && ', script('create'), '   # recreates all of them'),
          `# or put user: ${login} back into the lab file`,
        ],
      },
    )
  if (existsSync(key)) return
  const [one] = silent
  if (one && !hasMachines)
    throw new LabError(`${key} is missing, and a host that may have machines does not answer`, {
      details: [one.error.message, 'machines that are there would accept no other key'],
      hint: [...one.error.hint, '# or take that host and its nodes out of the lab file'],
      cause: one.error,
    })
  if (hasMachines)
    throw new LabError(`${key} is missing, and the machines of this lab accept no other key`, {
      hint: [
        'run this in the folder where they were made, or restore the key',
        line('# or recreate the machines: ', script('destroy')),
      ],
    })
}

/** The steps to the lab's SSH key, a host key for each node that gets a seed, ssh_config and known_hosts. */
export async function planKeys(lab: Lab, seeded: Node[]): Promise<Step[]> {
  const { key, config } = sshFiles(lab)
  const { stderr: version } = await query`ssh -V`
  const folders = [lab, ...seeded].map(({ dir }) => dir).filter((dir) => !existsSync(dir))
  const make = [
    ...(folders.length > 0 ? [sh`mkdir -p ${folders}`] : []),
    ...keyPair(key, `rke2-kvm-lab:${lab.name}`),
    ...seeded.flatMap((node) => keyPair(hostKey(node), node.name)),
  ]
  return [
    ...inOneShell(make),
    ...written(config, sshConfig(lab, process.cwd(), keepsConnections(version))),
    ...planKnownHosts(
      lab,
      lab.nodes.filter((node) => seeded.includes(node) || existsSync(publicHostKey(node))),
    ),
  ]
}

// An interrupted run may have left a private key without its public one.
function keyPair(file: string, comment: string): Run[] {
  if (!existsSync(file))
    return [
      ...(existsSync(`${file}.pub`) ? [sh`rm ${file}.pub`] : []), // it belongs to a key that is gone
      sh`ssh-keygen -q -t ed25519 -N '' -C ${comment} -f ${file}`,
    ]
  return readText(`${file}.pub`) ? [] : [sh`ssh-keygen -y -f ${file} > ${`${file}.pub`}`]
}

/** The steps to a known_hosts with these nodes and their public host keys. */
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
