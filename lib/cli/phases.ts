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
    flags: { merge: 'merge the kubeconfig into ~/.kube/config as well' },
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
    dryRun: 'makes no difference: nothing is ever changed',
    json: true,
    changes: false,
  },
  stop: {
    does: 'Shuts the machines down, agents first, servers last; asks before it cuts the power of one that does not react.',
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
    does: 'Saves the disks of all machines at one moment, and puts the whole lab back to it.',
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
    does: 'Runs a command on the nodes, side by side, and shows what each of them prints.',
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
    dryRun: 'makes no difference: nothing is ever changed',
    changes: false,
  },
  logs: {
    does: 'Collects what a report of a problem needs in one archive, without secrets.',
    nodes: true,
    dryRun: 'write no archive; print the commands that read what would be in it',
    changes: false,
  },
  backup: {
    does: 'Saves the cluster: a snapshot of etcd, with what is needed to restore it elsewhere, as one file on this host.',
    values: { 'keep N': 'then delete all backups of this lab but the newest N' },
    changes: true,
  },
  restore: {
    does: 'Puts the cluster back to a backup (FILE, or the newest of this lab), after checking it and asking.',
    operand: 'FILE',
    timeout: 1200,
    changes: true,
  },
  upgrade: {
    does: 'Brings RKE2 to the version in the lab file, one node at a time: servers first, then agents.',
    flags: {
      'no-drain': 'do not move the pods off a node before it is upgraded',
      snapshot: 'first shut the lab down and save all of it: the way back',
      rollback: 'put the whole lab back to what --snapshot saved',
    },
    timeout: 1200,
    changes: true,
  },
  resize: {
    does: 'Gives machines the vcpus, memory and larger disks of the lab file, one node after another, each drained first.',
    nodes: true,
    flags: { 'no-drain': 'do not move the pods to other nodes first' },
    timeout: 1200,
    changes: true,
  },
  remove: {
    does: 'Takes a node out of the cluster, then removes its machine, after showing it and asking.',
    nodes: 'one',
    flags: { force: 'without moving its pods: for a node that does not answer any more' },
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
    flags: { images: 'remove the base images as well' },
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
