// EDGE. What is read of libvirt for a report of a problem: only of domains and volumes of this lab.
import { labAt } from '../lab/hosts.ts'
import type { Lab } from '../lab/lab.ts'
import type { Source } from '../shell/bundle.ts'
import { LabError } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { consoleText } from './console.ts'
import { consoleLog } from './domain-xml.ts'
import type { Machine } from './ownership.ts'
import { virsh } from './virsh.ts'

const most = 2_000_000

/** A machine from outside. */
export function machineSources(all: Lab, machine: Machine): Source[] {
  const { name, domain, foreign, disk, seed } = machine
  const lab = labAt(all, machine.node)
  const source = (file: string, bash: string, read?: Source['read']): Source => ({
    file: `nodes/${name}/${file}`,
    bash,
    ...(read && { read }),
  })
  const why = foreign ? 'a domain of that name is not of this lab' : 'the machine is not made'
  if (!domain)
    return [source('domain.xml', `true # ${why}`, () => Promise.reject(new LabError(why)))]
  const said = (...words: string[]) => commandText`${[...virsh(lab), '-q', ...words]}`
  const volumes = [disk, seed].flatMap((one) => one?.name ?? [])
  return [
    source('domain.xml', said('dumpxml', name)),
    source('domstate.txt', said('domstate', '--reason', name)),
    source('snapshots.txt', said('snapshot-list', name)),
    ...(volumes.length > 0
      ? [
          source(
            'volumes.txt',
            volumes.map((one) => said('vol-info', '--pool', lab.pool.name, one)).join(' && '),
          ),
        ]
      : []),
    source('console.log', commandText`cat ${consoleLog({ name })}`, async () => {
      const lines = await consoleText(lab, name, most)
      if (lines) return `${lines.join('\n')}\n`
      throw new LabError('this user cannot read it')
    }),
  ]
}
