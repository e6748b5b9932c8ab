// EDGE. The stages that save the cluster into one file on this host.
import { existsSync } from 'node:fs'
import { onNode } from '../guest/on-node.ts'
import { commandOn } from '../guest/ssh.ts'
import { backupFolder, type Lab } from '../lab/lab.ts'
import { inOrder, sh, type Run, type Stage, type Step } from '../shell/steps.ts'
import { LabError, script, UsageError } from '../text/errors.ts'
import { commandText, hereDocument, quote } from '../text/quote.ts'
import { readMapping } from '../text/yaml.ts'
import { manifestName, manifestText, sumsName } from './backup-manifest.ts'
import { backupsOf, isWhole } from './backup-file.ts'
import { isReady, type KubeNode } from './kube-nodes.ts'
import type { Member } from './service.ts'

const rke2 = '/usr/local/bin/rke2'
const label = 'rke2-kvm-lab' // RKE2 names a snapshot LABEL-NODE-TIME
const server = '/var/lib/rancher/rke2/server'

/** Kubernetes' nodes as the leader knows them. Throws unless it is Ready. */
export function checkLeader({ rke2 }: Lab, { name, state }: Member): KubeNode[] {
  const own = state.nodes?.find((node) => node.name === name)
  if (state.nodes && isReady(state, own, rke2)) return state.nodes
  throw new LabError(`${name} is not Ready: a backup needs a server that is`, {
    details: ['nothing was changed'],
    hint: [script('status'), script('install-rke2')],
  })
}

/** The stages of a backup. `labFile`: the lab file; `keep`: how many of this lab's are kept. */
export function planBackup(
  lab: Lab,
  labFile: string,
  leader: Member,
  nodes: KubeNode[],
  keep: number | undefined,
): Stage[] {
  const { name, node, state } = leader
  const folder = backupFolder(lab)
  const part = `${folder}/part`
  const tidy = onNode(node, removeSnapshots(state.config), { root: true })
  const edited = ['rke2/server.yaml', 'rke2/agent.yaml'].filter((file) => existsSync(file))
  const surplus = keep === undefined ? [] : backupsOf(lab).slice(0, keep > 1 ? 1 - keep : undefined)
  return [
    inOrder(`Snapshot on ${name}`, [
      tidy, // of a run that was cut off
      onNode(node, `${rke2} etcd-snapshot save --name ${label}`, { root: true }),
    ]),
    inOrder('Bring it to this host', [
      sh`rm -rf ${part}`,
      sh`mkdir -p ${`${part}/files`}`,
      fetchFiles(leader, `${part}/files`),
      sh`cp ${labFile} ${`${part}/files/lab.yaml`}`,
      ...edited.map((file) => sh`cp ${file} ${`${part}/files/`}`),
      describe(lab, leader, nodes, `${part}/files`),
    ]),
    inOrder('One file, read back', planFile(lab, part)),
    inOrder(`Remove the snapshot on ${name}`, [
      { ...tidy, orWarn: `the snapshot stays on ${name}; the next backup removes it` },
    ]),
    ...(surplus.length > 0 ? [inOrder('Remove older backups', [sh`rm ${surplus}`])] : []),
  ]
}

/** Where RKE2 puts its snapshots. */
function snapshotFolder(config: string): string {
  const entries = readMapping(config, 'config.yaml', 'RKE2 keys')
  const folder = entries.find(({ key }) => key === 'etcd-snapshot-dir')?.value
  return typeof folder === 'string' ? folder : `${server}/db/snapshots`
}

// RKE2's own command, so that its list of snapshots stays right.
const removeSnapshots = (config: string) => `\
for file in ${quote(snapshotFolder(config))}/${label}-*; do
  test ! -e "$file" || ${rke2} etcd-snapshot delete "\${file##*/}" || exit
done`

// In one stream: the snapshot, and what only the server has. No secret is in a command.
function fetchFiles({ node, state }: Member, folder: string): Run {
  const script = `cd ${quote(snapshotFolder(state.config))} && tar -c ${label}-* -C ${server} token -C /etc/rancher/rke2 config.yaml`
  const extract = commandText`tar -x -C ${folder}`
  return {
    do: 'run',
    bash: `(${commandOn(node, script, { root: true })}\n) | ${extract}`,
  }
}

function describe(lab: Lab, { state }: Member, nodes: KubeNode[], folder: string): Run {
  const text = manifestText(lab, state.version ?? '', nodes)
  const fill = `sed -e "s/@SNAPSHOT/$snapshot/" -e "s/@DATE/$(date -u +%FT%TZ)/" -e "s/@HASH/$hash/" > ${manifestName}`
  return {
    do: 'run',
    bash: `( ${commandText`cd ${folder}`}
snapshot=$(ls ${label}-*)
hash=$(sed 's/.*://' token | tr -d '\\n' | sha256sum | cut -c -12)
${hereDocument(fill, text)}
sha256sum -- * > ${sumsName} )`,
  }
}

// Its name is the moment of the snapshot, UTC, so that names sort by age.
function planFile(lab: Lab, part: string): Step[] {
  const made = `${part}/new.tar`
  const date = `date=$(sed -n 's/.*"date": "\\(.*\\)Z".*/\\1/p' ${quote(`${part}/files/${manifestName}`)} | tr -d ':-' | tr T -)`
  const named = `${quote(`${backupFolder(lab)}/${lab.name}`)}-"$date".tar`
  return [
    { do: 'run', bash: commandText`( cd ${`${part}/files`} && tar -c -f ../new.tar -- * )` },
    isWhole(made),
    sh`sync ${made}`,
    { do: 'run', bash: `${date}\n${commandText`mv ${made}`} ${named}` },
    sh`rm -r ${part}`,
  ]
}

/** Reads --keep. */
export function readKeep(text: string | undefined): number | undefined {
  if (text === undefined || /^[1-9]\d*$/.test(text)) return text === undefined ? text : Number(text)
  throw new UsageError(`--keep must be a number of backups, at least 1, got ${text}`)
}
