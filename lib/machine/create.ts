// EDGE. The steps that create pool, network, disks and domains; what exists already is not changed.
import { fileOf, labAt } from '../lab/hosts.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { domainXml } from '../libvirt/domain-xml.ts'
import { words, type Host } from '../libvirt/host.ts'
import { onHost } from '../libvirt/host-names.ts'
import type { Seen, Site } from '../libvirt/hosts.ts'
import { networkTrouble, poolTrouble, whoseDomain, type Machine } from '../libvirt/ownership.ts'
import { startTrouble } from '../libvirt/start-trouble.ts'
import { netmask, networkXml, poolXml } from '../libvirt/storage-xml.ts'
import { ask, virsh } from '../libvirt/virsh.ts'
import { written, type Shell } from '../shell/carry-out.ts'
import { inOneShell, inOrder, sh, type Run, type Step } from '../shell/steps.ts'
import { LabError, line, script } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { planDisks } from './disks.ts'

/** Snapshots of machines that are there: the lab cannot go back to them while there are more machines. */
export async function savedBefore({ sites }: Seen): Promise<string[]> {
  const all = sites.map(async ({ lab, host: { domains } }) => {
    const ours = domains.filter((domain) => whoseDomain(lab, domain) === 'ours')
    if (ours.length === 0) return []
    const lists = await ask(
      lab,
      ours.map(({ name }) => [name, `snapshot-list ${name} --name`]),
    )
    return ours.flatMap(({ name }) => words(lists(name) ?? ''))
  })
  return [...new Set((await Promise.all(all)).flat())]
}

/** Creates and starts the pool where needed. */
export async function openPool({ lab, host }: Site, shell: Shell): Promise<void> {
  const trouble = poolTrouble(host, lab)
  if (trouble) throw trouble
  if (host.pool?.active) return
  const isOpen = await shell.apply(inOrder(onHost(lab, 'Storage pool'), planPool(lab, host)))
  if (isOpen || !host.pool) return
  throw new LabError(`the storage pool ${lab.pool.name} is off, so its volumes cannot be seen`, {
    hint: commandText`${virsh(lab)} pool-start ${lab.pool.name}`,
  })
}

function planPool(lab: Lab, host: Host): Step[] {
  if (host.pool) return inOneShell(startPool(lab))
  const file = fileOf(lab, 'pool', 'xml')
  const define = sh`${virsh(lab)} pool-define --validate ${file}`
  return [...written(file, poolXml(lab)), ...inOneShell([define, ...startPool(lab)])]
}

/** The steps that start an existing pool. */
export const startPool = (lab: Lab): Run[] => [
  sh`${virsh(lab)} pool-autostart ${lab.pool.name}`,
  sh`${virsh(lab)} pool-start --build ${lab.pool.name}`,
]

/** The steps to the lab's active NAT network, if it has one. */
export const planNetworks = ({ sites }: Seen): Step[] =>
  sites.flatMap(({ lab, host }) => planNetwork(lab, host))

/** The same for one host. */
export function planNetwork(lab: Lab, host: Host): Step[] {
  const { nat, gateway } = lab.network
  if (nat === undefined) return []
  const trouble = networkTrouble(host, lab)
  if (trouble) throw trouble
  const there = host.network
  const isAsWanted = there?.address === gateway && there.netmask === netmask(lab)
  if (there?.active && isAsWanted) return []
  if (there?.active)
    throw new LabError(
      `the network ${nat} is ${there.address}/${there.netmask}, the lab file says ${gateway}/${netmask(lab)}`,
      {
        details: ['machines of this lab may use it, so it is not changed'],
        hint: [
          line(script('destroy'), ' && ', script('create'), '   # recreates it, with all machines'),
          '# or restore cidr and gateway in the lab file',
        ],
      },
    )
  const file = `${lab.dir}/network.xml`
  return [
    ...(isAsWanted
      ? []
      : [...written(file, networkXml(lab)), sh`${virsh(lab)} net-define --validate ${file}`]),
    sh`${virsh(lab)} net-autostart ${nat}`,
    { ...sh`${virsh(lab)} net-start ${nat}`, explain: inUse },
  ]
}

const other = line('# change network.cidr and network.gateway; proposals: ', script('doctor'))
const inUse = (cause: LabError) =>
  / in use by interface /.test(cause.message) ? new LabError(cause.message, { hint: other }) : cause

/** The steps to the node's running domain, on the volume `base`; its seed must be in the pool. Completes an interrupted run. */
export function planMachine(
  lab: Lab,
  host: Host,
  machine: Machine,
  { base, type }: { base: string; type: 'kvm' | 'qemu' },
): Step[] {
  const { node, domain } = machine
  if (domain) return planStart(lab, machine)
  const file = `${node.dir}/domain.xml`
  return [
    ...planDisks(lab, host, machine, base),
    ...written(file, domainXml(lab, node, type)),
    sh`${virsh(lab)} define --validate ${file}`,
    ...planAutostart(lab, machine),
    firstStart(lab, node),
  ]
}

// A domain that never ran is undefined again, so that the next run defines it from the lab file of that time.
function firstStart(lab: Lab, { name }: Node): Step {
  const state = commandText`${virsh(lab)} -q domstate ${name}`
  return {
    ...sh`${virsh(lab)} start ${name}`,
    undo: `test "$(${state})" = 'shut off' && ${commandText`${virsh(lab)} undefine ${name}`} >/dev/null`,
    explain: (cause, undone) => {
      const known = whyNotStarted(lab, cause)
      if (!undone) return known
      return new LabError(known.message, {
        details: [...known.details, 'it never ran, so its definition was removed'],
        hint: [
          ...(known === cause ? [] : known.hint),
          line(script('create', name), '   # when that is fixed'),
        ],
        cause,
      })
    },
  }
}

const whyNotStarted = (lab: Lab, cause: LabError): LabError =>
  startTrouble(lab, [...cause.details, cause.message].join('\n')) ?? cause

/** The step that makes a machine start with the host, or not, as the lab file says. */
function planAutostart(lab: Lab, { name, domain }: Machine): Step[] {
  const wanted = lab.autostart
  if (wanted === undefined || wanted === (domain?.autostart ?? false)) return []
  return [sh`${virsh(lab)} autostart ${name} ${wanted ? [] : ['--disable']}`]
}

/** The steps that get a machine's domain running; none where it runs. */
export function planStart(lab: Lab, machine: Machine): Step[] {
  const at = labAt(lab, machine.node)
  return [...planAutostart(at, machine), ...planRunning(at, machine)]
}

function planRunning(lab: Lab, { name, domain }: Machine): Step[] {
  const state = domain?.state ?? 'absent'
  if (state === 'running') return []
  const verbs: Record<string, string> = {
    paused: 'resume',
    pmsuspended: 'dompmwakeup',
    'shut off': 'start',
    crashed: 'start',
  }
  const verb = verbs[state]
  if (verb)
    return [{ ...sh`${virsh(lab)} ${verb} ${name}`, explain: (cause) => whyNotStarted(lab, cause) }]
  throw new LabError(`it is "${state}"`, { hint: 'wait a moment, then run this again' })
}
