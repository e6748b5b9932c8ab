// PURE. What each node does in a restore, and how that is shown before it starts.
import type { Lab } from '../lab/lab.ts'
import { forEach } from '../shell/steps.ts'
import { LabError, script } from '../text/errors.ts'
import { checkAge, checkBelongs, momentText, type Manifest } from './backup-manifest.ts'
import { checkClock, checkVersion } from './requirements.ts'
import type { Edited, Member } from './service.ts'

export interface Restoring {
  lab: Lab
  edited: Edited
  backup: Manifest & { file: string }
  /** All nodes of the lab. */
  all: Member[]
  /** Deadline of the reset, and for each node. */
  seconds: number
}

/** Who does what in a restore. */
export interface Roles {
  /** The server that is reset to the snapshot. */
  leader: Member
  /** The other members of the cluster, which join again. */
  servers: Member[]
  agents: Member[]
  /** Machines of the lab that are not in a cluster. */
  fresh: Member[]
  /** Nodes of the backup that the lab no longer has. */
  gone: string[]
}

/** The part of each node. Throws if the backup cannot be restored here. */
export function rolesOf({ lab, backup, all }: Restoring): Roles {
  checkBelongs(lab, backup.file, backup)
  const isMember = ({ state }: Member) => state.version !== undefined && state.hasRun
  const ofRole = (role: string) => all.filter(({ node }) => node.role === role)
  // RKE2 refuses a reset where config.yaml has `server:`.
  const leader =
    ofRole('server').find(({ state }) => state.version && !/^server:/m.test(state.config)) ??
    ofRole('server')[0]
  if (!leader) throw new Error('a checked lab has a server')
  const installed = all.filter(({ state }) => state.version)
  forEach('Versions', installed, ({ state }) => (checkVersion(lab, state), []))
  forEach('Version', [leader], ({ name, state }) => {
    if (state.version) checkAge(backup, state.version)
    else
      throw new LabError('RKE2 is not installed there, and a backup has no programs', {
        hint: [
          script('install-rke2'),
          `# then run this again; it replaces the new cluster of ${name}`,
        ],
      })
    return []
  })
  const others = all.filter((one) => one !== leader)
  forEach(
    'Clocks',
    others,
    (one) => (checkClock(one.node, one.state, leader.node, leader.state), []),
  )
  return {
    leader,
    servers: others.filter((one) => isMember(one) && one.node.role === 'server'),
    agents: others.filter((one) => isMember(one) && one.node.role === 'agent'),
    fresh: others.filter((one) => !isMember(one)),
    gone: backup.nodes.flatMap(({ name }) => (all.some((one) => one.name === name) ? [] : name)),
  }
}

/** What a restore does, for the question. */
export function restoreText({ backup }: Restoring, roles: Roles): string[] {
  const { leader, servers, agents, fresh, gone } = roles
  const names = (some: Member[]) => some.map(({ name }) => name).join(', ')
  const row = (what: string, text: string) => `${what.padEnd(9)}${text}`
  return [
    row('backup', backup.file),
    row('of', `${momentText(backup.date)}, RKE2 ${backup.version}`),
    row('lost', 'everything that has changed in the cluster since then, on every node'),
    row('kept', 'data in volumes and images: they are not in a backup, and stay as they are now'),
    row('reset', `${leader.name}: its etcd goes back; the API does not answer for some minutes`),
    ...(servers.length > 0
      ? [row('rejoin', `${names(servers)}: stopped with their pods, their copies of etcd deleted`)]
      : []),
    ...(agents.length > 0 ? [row('restart', `the agents ${names(agents)}`)] : []),
    ...(fresh.length > 0 ? [row('to join', `${names(fresh)}: afterwards, by join.ts`)] : []),
    ...(gone.length > 0 ? [row('deleted', `${gone.join(', ')}: no longer in the lab file`)] : []),
  ]
}
