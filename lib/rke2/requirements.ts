// PURE. What an installed RKE2 must be, and the clocks of a cluster.
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { LabError, line, script } from '../text/errors.ts'
import { clockTrouble, setClock } from './system.ts'
import type { Rke2State } from './state.ts'

/** Throws if another version of RKE2 is installed: replacing it would be an upgrade. */
export function checkVersion(lab: Lab, state: Rke2State): void {
  if (state.version === undefined || state.version === lab.rke2.version) return
  throw new LabError(
    `it runs RKE2 ${state.version}, but the lab file says ${lab.rke2.version}: that is an upgrade`,
    {
      details: ['nothing was changed'],
      hint: [
        line(script('upgrade'), '   # one node after another'),
        `# or set rke2.version back to ${state.version}`,
      ],
    },
  )
}

/** Throws if the clocks of a node and the server differ too much for certificates. */
export function checkClock(
  node: Node,
  state: Rke2State,
  server: Node,
  serverState: Rke2State,
): void {
  if (state.now === 0 || serverState.now === 0) return
  const trouble = clockTrouble(state.now - serverState.now, server.name)
  if (!trouble) return
  throw new LabError(`${trouble} [clock-skew]`, {
    hint: [...setClock(node, state), typedOn(node, 'timedatectl')],
  })
}
