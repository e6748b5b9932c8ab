// EDGE. Hints for a restore that failed in the middle.
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import type { Run, Stage, Step } from '../shell/steps.ts'
import { LabError, script } from '../text/errors.ts'

/** Every failure says how to go on. */
export function withWayBack(file: string, node: Node, stages: Stage[]): Stage[] {
  const more = (error: unknown) => {
    if (!(error instanceof LabError)) return error
    const { message, details, hint } = error
    return new LabError(message, {
      details: [
        ...details,
        'the restore is not complete; run it again, and it starts again from the backup',
      ],
      hint: [
        ...hint,
        script('restore', file),
        `${typedOn(node, `sudo ls /var/lib/rancher/rke2/server/db /var/lib/rancher/rke2`)}   # what was there before: etcd-old-TIME, server-before-restore`,
      ],
      cause: error,
    })
  }
  const explained = (step: Step): Step => {
    if (step.do === 'check')
      return {
        ...step,
        holds: (say) => step.holds(say).catch((error: unknown) => Promise.reject(more(error))),
      }
    if (step.do === 'write') return step
    const explain: NonNullable<Run['explain']> = (error, undone) =>
      more(step.explain?.(error, undone) ?? error)
    return { ...step, explain }
  }
  return stages.map((stage) => ({
    ...stage,
    lanes: stage.lanes.map((lane) => ({ ...lane, steps: lane.steps.map(explained) })),
  }))
}
