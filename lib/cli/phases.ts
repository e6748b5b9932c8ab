// PURE. The table of phases: what each does and its options. `up`, --help, the README and the tests use it.
import type { Usage } from './args.ts'

interface Row extends Omit<Usage, 'script'> {
  /** Changes something: takes the lock; a dry run prints a script. */
  changes: boolean
  /** The first word with which it only reads. */
  reads?: string
}

/** The phases that `up` runs, in this order; a dry run only those that change something. */
export const phasesOfUp = {
  doctor: {
    does: 'Checks this host and the lab file, all at once, and says how to fix what is wrong.',
    flags: { fix: 'run the commands that fix what is wrong, after showing them and asking' },
    dryRun: 'with --fix: only print those commands',
    json: true,
    changes: false,
  },
  create: {
    does: 'Creates the machines of the lab from a cloud image, starts them and waits until cloud-init is done.',
    nodes: true,
    timeout: 900,
    changes: true,
  },
  eject: {
    does: 'Ejects the seed medium of each machine, and deletes it and the private host keys on this host.',
    nodes: true,
    flags: { force: 'eject even when cloud-init is not done, and open a locked drive' },
    changes: true,
  },
  'install-rke2': {
    does: 'Installs RKE2 on the first server, waits until the node is Ready and fetches the kubeconfig.',
    flags: { merge: 'also merge the kubeconfig into ~/.kube/config' },
    timeout: 1200,
    changes: true,
  },
  join: {
    does: 'Joins further servers one at a time, then the agents in parallel, and waits until each is Ready.',
    nodes: true,
    timeout: 1200,
    changes: true,
  },
} as const satisfies Record<string, Row>

/** Every script. */
export const phases = {
  ...phasesOfUp,
  status: {
    does: 'Shows the machines of the lab in one table.',
    nodes: true,
    dryRun: 'has no effect: this script changes nothing',
    json: true,
    changes: false,
  },
  stop: {
    does: 'Shuts the machines down, agents first, then servers; asks before it cuts the power of one that hangs.',
    nodes: true,
    timeout: 300,
    changes: true,
  },
  start: {
    does: 'Switches the machines on and waits until every node is Ready.',
    nodes: true,
    timeout: 1200,
    changes: true,
  },
  snapshot: {
    does: 'Saves the disks of all machines at the same moment, and reverts the whole lab to it.',
    words: ['save NAME', 'list', 'revert NAME', 'remove NAME'],
    flags: {
      off: 'save, revert: leave the machines off afterwards',
      save: 'revert: save the present state first, as before-NAME',
    },
    timeout: 1200,
    json: true,
    changes: true,
    reads: 'list',
  },
  exec: {
    does: 'Runs a command on the nodes in parallel, and shows what each prints.',
    nodes: true,
    command: true,
    flags: {
      servers: 'on all servers',
      agents: 'on all agents',
      root: 'as root, with sudo',
    },
    changes: false,
  },
  env: {
    does: 'Prints what a shell needs for kubectl; for bash and zsh: eval "$(npx zx scripts/env.ts)"',
    dryRun: 'has no effect: this script changes nothing',
    changes: false,
  },
  logs: {
    does: 'Collects what you need to report a problem in one archive, without secrets.',
    nodes: true,
    dryRun: 'write no archive; print the commands that would collect its content',
    changes: false,
  },
  backup: {
    does: 'Saves the cluster in one file on this host: a snapshot of etcd, and what you need to restore it elsewhere.',
    values: { 'keep N': 'keep only the newest N backups of this lab' },
    changes: true,
  },
  restore: {
    does: 'Restores the cluster from a backup (FILE, or the newest of this lab), after checking it and asking.',
    operand: 'FILE',
    timeout: 1200,
    changes: true,
  },
  upgrade: {
    does: 'Upgrades RKE2 to the version in the lab file, one node at a time: servers first, then agents.',
    flags: {
      'no-drain': 'do not move the pods off a node before it is upgraded',
      snapshot: 'first shut the lab down and save all of it, for --rollback',
      rollback: 'restore the lab that --snapshot saved',
    },
    timeout: 1200,
    changes: true,
  },
  resize: {
    does: 'Gives machines the vcpus, memory and larger disks of the lab file, one node at a time, drained first.',
    nodes: true,
    flags: { 'no-drain': 'do not move the pods to other nodes first' },
    timeout: 1200,
    changes: true,
  },
  remove: {
    does: 'Removes a node from the cluster and deletes its machine, after showing it and asking.',
    nodes: 'one',
    flags: { force: 'do not move its pods: for a node that no longer answers' },
    timeout: 300,
    changes: true,
  },
  drill: {
    does: 'Breaks one thing in the lab on purpose, gives hints, checks the repair, and undoes it.',
    words: ['list', 'start NAME', 'hint', 'check', 'undo'],
    timeout: 1200,
    changes: true,
    reads: 'list',
  },
  destroy: {
    does: 'Removes what create made, after showing it and asking.',
    nodes: true,
    flags: { images: 'also remove the base images' },
    changes: true,
  },
  up: {
    does: `Runs all phases in order: ${Object.keys(phasesOfUp).join(', ')}. The same as npm start.`,
    timeout: 'of each phase',
    changes: false,
  },
} as const satisfies Record<string, Row>

export type PhaseName = keyof typeof phases
/** The names of a phase's own flags. */
export type FlagOf<N extends PhaseName> = (typeof phases)[N] extends { flags: infer F }
  ? keyof F & string
  : never

/** How a phase is called, with the names of its flags. */
export const usageOf = <N extends PhaseName>(
  script: N,
): Usage<FlagOf<N>> & Pick<Row, 'changes' | 'reads'> =>
  ({ script, ...phases[script] }) as Usage<FlagOf<N>> & Pick<Row, 'changes' | 'reads'>
