// PURE. What must hold on a node before RKE2 is started there, and what an installed one may not be.
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { LabError } from '../text/errors.ts'
import { formatSize } from '../text/size.ts'
import type { Rke2State } from './state.ts'

const least = 3 * 2 ** 30 // RKE2 with its images; below that it fills the disk while it starts

/** Throws when the node lacks what RKE2 needs. */
export function checkNeeds(node: Node, state: Rke2State): void {
  if (state.gaps.length > 0)
    throw new LabError(
      `it lacks ${state.gaps.join(' and ')}, without which RKE2 cannot start containers`,
      {
        hint: [
          typedOn(node, `sudo apt-get install --yes ${state.gaps.join(' ')}`),
          `# for machines made from now on, in cloud-init/user-data.yaml: packages: [${state.gaps.join(', ')}]`,
        ],
      },
    )
  if (state.free > 0 && state.free < least)
    throw new LabError(
      `only ${formatSize(state.free)} are free on its disk, RKE2 needs ${formatSize(least)}`,
      {
        hint: [
          typedOn(node, 'df -h'),
          '# or give it a larger disk in the lab file and make it again',
        ],
      },
    )
}

/** Throws when another version of RKE2 is installed: replacing it would be an upgrade. */
export function checkVersion(lab: Lab, state: Rke2State): void {
  if (state.version === undefined || state.version === lab.rke2.version) return
  throw new LabError(
    `it runs RKE2 ${state.version}, the lab file says ${lab.rke2.version}: that is an upgrade`,
    {
      details: [
        'nothing was changed; an upgrade goes server by server, then agent by agent, after a snapshot of etcd',
      ],
      hint: [
        `# step by step: rke2/README.md, "Upgrade"`,
        `# or put rke2.version back to ${state.version}`,
      ],
    },
  )
}

const tolerance = 60 // seconds, the looks themselves included; certificates carry the server's local time

/** Throws when a node's clock and that of the server were apart by more than certificates bear. */
export function checkClock(
  node: Node,
  state: Rke2State,
  server: Node,
  serverState: Rke2State,
): void {
  const skew = state.now - serverState.now
  if (state.now === 0 || serverState.now === 0 || Math.abs(skew) <= tolerance) return
  throw new LabError(
    `its clock is ${Math.abs(Math.round(skew))} s ${skew < 0 ? 'behind' : 'ahead of'} that of ${server.name} [clock-skew]`,
    {
      hint: [
        typedOn(node, 'sudo systemctl restart systemd-timesyncd   # sets it'),
        typedOn(node, 'timedatectl'),
      ],
    },
  )
}
