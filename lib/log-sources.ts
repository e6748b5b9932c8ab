// EDGE. What is read on this host for a report of a problem: the lab file, versions, what doctor and status find.
import * as ui from './cli/ui.ts'
import { examine } from './doctor/examine.ts'
import { lookAtSetup } from './doctor/host-setup.ts'
import { asJson } from './doctor/report.ts'
import { hostsOf } from './lab/hosts.ts'
import type { Lab } from './lab/lab.ts'
import { virsh } from './libvirt/observe.ts'
import { readText } from './shell/bash.ts'
import type { Source } from './shell/bundle.ts'
import type { Shell } from './shell/carry-out.ts'
import { statusTable } from './status-table.ts'
import { labStatus, type Cluster } from './status.ts'
import { commandText } from './text/quote.ts'

const versionOf = (lab: Lab) => commandText`${virsh(lab)} -q version`

/** The files of the archive that this host tells. */
export function hostSources(lab: Lab, labFile: string, cluster: Cluster, shell: Shell): Source[] {
  let status: ReturnType<typeof labStatus> | undefined
  const once = () => (status ??= labStatus(lab, lab.nodes, cluster))
  const views = hostsOf(lab)
  const script = (name: string) => `npx zx scripts/${name}.ts${ui.settings.lab}`
  return [
    {
      file: 'lab.yaml',
      bash: commandText`cat ${labFile}`,
      read: async () => readText(labFile) ?? '',
    },
    {
      file: 'versions.txt',
      bash: [
        commandText`uname -srm
cat /etc/os-release
echo ${`Node ${process.version}`}
git log -1 --format='commit %h of %cs' 2>/dev/null || true
ssh -V 2>&1`,
        ...views.filter(({ on }) => on === undefined).map(versionOf),
      ].join('\n'),
    },
    ...views.flatMap((at) =>
      at.on === undefined
        ? []
        : { file: `versions-${at.on || 'libvirt'}.txt`, bash: versionOf(at) },
    ),
    {
      file: 'doctor.json',
      bash: `${script('doctor')} --json`,
      read: async () => {
        const found = await examine(lab, lab.nodes, shell, lookAtSetup(lab))
        return asJson(lab.name, found, ui.settings.lab)
      },
    },
    {
      file: 'status.txt',
      bash: script('status'),
      read: async () => {
        const { nodes, unseen } = await once()
        return [statusTable(nodes, Infinity), ...unseen.map(({ message }) => message), ''].join(
          '\n',
        )
      },
    },
    {
      file: 'status.json',
      bash: `${script('status')} --json`,
      read: async () => JSON.stringify({ lab: lab.name, nodes: (await once()).nodes }, null, 2),
    },
  ]
}
