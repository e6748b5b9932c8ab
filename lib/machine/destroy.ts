// EDGE. The steps that remove what a destroy plan lists. After an interruption the next run continues.
import type { Lab, Node } from '../lab/lab.ts'
import { logFiles, removeLogs } from '../libvirt/console-logs.ts'
import type { Domain } from '../libvirt/host.ts'
import { hostName, namedHost, onHost } from '../libvirt/host-names.ts'
import {
  answeringNodes,
  checkFound,
  eachSite,
  observeHosts,
  type Seen,
  type Site,
} from '../libvirt/hosts.ts'
import { look, virsh, type Host } from '../libvirt/observe.ts'
import { tagPlace, whosePool } from '../libvirt/ownership.ts'
import { readInVolumes } from '../libvirt/volumes.ts'
import type { Shell } from '../shell/carry-out.ts'
import { forEach, inOrder, sh, type Stage, type Step } from '../shell/steps.ts'
import { asOne, LabError, line, script } from '../text/errors.ts'
import { startPool } from './create.ts'
import { labFiles, removeFiles } from './destroy-files.ts'
import { destroyPlan, isNothing, planText, type DestroyPlan } from './destroy-plan.ts'
import { lostWith } from './snapshot-losses.ts'
import { snapshotsOf } from './snapshot-steps.ts'

// Everything that this lab may have on a host; its pool is started for that.
async function lookAtAll({ lab, host }: Site, shell: Shell): Promise<Host> {
  const isOff = host.pool && !host.pool.active && whosePool(lab, host.pool) === 'ours'
  if (isOff) await shell.apply(inOrder(onHost(lab, 'Storage pool'), startPool(lab)))
  const { volumeNames } = isOff ? await look(lab) : host
  return look(lab, volumeNames)
}

/** What the lab has, and what of it goes. */
export interface Own {
  seen: Seen
  /** The nodes named whose hosts answer; none for the whole lab. */
  named: Node[]
  /** What is removed, for each host that answers. */
  plans: { lab: Lab; plan: DestroyPlan }[]
  leftAlone: string[]
  /** What is removed, in words. */
  about: string[]
  isNothing: boolean
}

// A host that does not show all that the lab has there is left out like one that does not answer.
async function planEach(
  { sites, silent }: Seen,
  plan: (site: Site) => Promise<DestroyPlan>,
): Promise<Pick<Own, 'seen' | 'plans'> & { failed: Seen['silent'] }> {
  const failed: Seen['silent'] = []
  const planned = await Promise.all(
    sites.map(async (site) => {
      try {
        return [{ site, lab: site.lab, plan: await plan(site) }]
      } catch (error) {
        if (!(error instanceof LabError)) throw error
        failed.push({ lab: site.lab, error: namedHost(site.lab, error), isUp: true })
        return []
      }
    }),
  )
  const plans = planned.flat()
  if (plans.length === 0) throw asOne(failed.map(({ error }) => error))
  const seen = { sites: plans.map(({ site }) => site), silent: [...silent, ...failed] }
  return { plans, seen, failed }
}

/** What is removed of the nodes named, or of the whole lab. */
export async function findOwn(
  lab: Lab,
  wanted: Node[],
  withImages: boolean,
  shell: Shell,
): Promise<Own> {
  const first = await eachSite(await observeHosts(lab, look), (site) => lookAtAll(site, shell))
  const meant = answeringNodes(first, wanted)
  checkFound(first, meant)
  const plan = async ({ lab: at, host }: Site) => {
    const seeds = host.volumeNames.filter((name) => name.endsWith('-seed.iso'))
    const tags = await readInVolumes(at, seeds, tagPlace)
    return destroyPlan(at, meant, host, tags, withImages)
  }
  const { plans, seen, failed } = await planEach(first, plan)
  const named = answeringNodes({ ...seen, silent: failed }, meant)
  const files = keepsFiles(seen, named) ? [] : labFiles(lab, named)
  const going = plans.flatMap(({ plan }) => plan.domains.map(({ name }) => name))
  const snapshots = going.length > 0 ? lostWith(await snapshotsOf(lab, seen), going) : []
  const texts = plans.map(({ lab: at, plan }, index) => {
    const more = { snapshots: index === 0 ? snapshots : [], logs: logFiles(plan.names) }
    return planText(at, plan, more, at.on === undefined ? '' : ` on ${hostName(at)}`)
  })
  return {
    seen,
    named,
    plans,
    leftAlone: plans.flatMap(({ lab: at, plan }) => plan.leftAlone.map((one) => onHost(at, one))),
    about: [...texts.flat(), ...files.map((file) => `files    ${file}`)],
    isNothing: files.length === 0 && plans.every(({ plan }) => isNothing(plan)),
  }
}

/** The removal, from the domains to the files on this host. */
export function removal(
  lab: Lab,
  { seen, named, plans }: Pick<Own, 'named' | 'plans'> & { seen: Pick<Seen, 'silent'> },
): Stage[] {
  const domains = plans.flatMap(({ lab: at, plan }) =>
    plan.domains.map((domain) => ({ name: domain.name, at, domain })),
  )
  const onEach = (title: string, steps: (at: Lab, plan: DestroyPlan) => Step[]) =>
    forEach(
      title,
      plans.map((one) => ({ ...one, name: one.lab.on === undefined ? '' : hostName(one.lab) })),
      (one) => steps(one.lab, one.plan),
    )
  return [
    forEach('Domains', domains, ({ at, domain }) => removeDomain(at, domain)),
    onEach('Volumes', removeStorage),
    onEach('Logs', (at, { names }) => removeLogs(at, names)),
    inOrder('Files', keepsFiles(seen, named) ? [] : removeFiles(lab, named)),
  ]
}

// The next run needs them, for what is on a host that does not answer.
const keepsFiles = ({ silent }: Pick<Seen, 'silent'>, named: Node[]) =>
  named.length === 0 && silent.length > 0

/** The error for what the lab may have on hosts that do not answer; undefined when all of them do. */
export function stillThere(lab: Lab, { silent }: Seen): unknown {
  const errors = silent.map(
    ({ lab: at, error, isUp }) =>
      new LabError(error.message, {
        details: [
          ...error.details,
          `what the lab has on ${hostName(at)} stays, and so does ${lab.dir}`,
        ],
        hint: [
          ...error.hint,
          ...(isUp
            ? [line('# then: ', script('destroy'))]
            : [
                line(script('destroy'), '   # when it answers'),
                '# if it never will: take it and its nodes out of the lab file first',
              ]),
        ],
        cause: error,
      }),
  )
  return asOne(errors)
}

// Also removes snapshots, managed save and nvram.
function removeDomain(lab: Lab, { name, state, persistent }: Domain): Step[] {
  return [
    ...(state === 'shut off' || state === 'crashed' ? [] : [sh`${virsh(lab)} destroy ${name}`]),
    ...(persistent
      ? [
          sh`${virsh(lab)} undefine ${name} --managed-save --snapshots-metadata --checkpoints-metadata --nvram`,
        ]
      : []),
  ]
}

// Disks, seeds and base images, then the networks and the empty pool.
function removeStorage(lab: Lab, plan: DestroyPlan): Step[] {
  const pool = lab.pool.name
  return [
    ...[...plan.volumes, ...plan.images].map(
      (volume) => sh`${virsh(lab)} vol-delete --pool ${pool} ${volume}`,
    ),
    ...plan.networks.flatMap(({ name, active }) => [
      ...(active ? [sh`${virsh(lab)} net-destroy ${name}`] : []),
      sh`${virsh(lab)} net-undefine ${name}`,
    ]),
    ...(plan.pool
      ? ['pool-destroy', 'pool-delete', 'pool-undefine'].map(
          (verb) => sh`${virsh(lab)} ${verb} ${pool}`,
        )
      : []),
  ]
}
