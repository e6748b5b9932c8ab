// PURE. What each script is called with; --help prints it, and the README's table is made from it.
import type { Usage } from './args.ts'

type PhaseUsage = Usage & { changes: boolean }

export const create: PhaseUsage = {
  script: 'create',
  does: 'Makes the machines of the lab from a cloud image, starts them and waits until cloud-init is done.',
  nodes: true,
  timeout: 900,
  changes: true,
}

export const eject: PhaseUsage = {
  script: 'eject',
  does: 'Takes the seed medium out of each machine for good and deletes it and the private host keys here.',
  nodes: true,
  options: { force: 'eject even when cloud-init is not done, and open a locked drive' },
  changes: true,
}

export const status: PhaseUsage = {
  script: 'status',
  does: 'Shows the machines of the lab in one table.',
  nodes: true,
  options: { 'dry-run': 'the same as without: nothing is ever changed' },
  json: true,
  changes: false,
}

export const destroy: PhaseUsage = {
  script: 'destroy',
  does: 'Removes what create made, after showing it and asking.',
  nodes: true,
  options: { images: 'remove the base images as well' },
  changes: true,
}

export const doctor: PhaseUsage = {
  script: 'doctor',
  does: 'Checks this host and the lab file, all at once, and says how to mend what is wrong.',
  options: {
    fix: 'run the commands that mend what is wrong, after showing them and asking',
    'dry-run': 'with --fix: only print those commands',
  },
  json: true,
  changes: false,
}

export const installRke2: PhaseUsage = {
  script: 'install-rke2',
  does: 'Installs RKE2 on the first server, waits until the node is Ready and fetches the kubeconfig.',
  options: { merge: 'merge the kubeconfig into ~/.kube/config as well' },
  timeout: 1200,
  changes: true,
}

export const join: PhaseUsage = {
  script: 'join',
  does: 'Joins further servers, one at a time, and the agents, side by side, and waits until each is Ready.',
  nodes: true,
  timeout: 1200,
  changes: true,
}

export const up: PhaseUsage = {
  script: 'up',
  does: 'Does all phases in order: doctor, create, eject, install-rke2, join. The same as npm start.',
  options: { 'timeout SECONDS': 'how long each phase may wait (default: as long as by itself)' },
  changes: false,
}
