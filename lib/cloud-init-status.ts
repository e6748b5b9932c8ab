// PURE. What `cloud-init status --format json` says.
// Exit codes: 0 done, disabled or not run; 1 error; 2 done with recoverable errors (cloud-init >= 23.4).

export type InitState =
  | { kind: 'busy'; state: string }
  | { kind: 'done'; warnings: string[] }
  | { kind: 'failed'; errors: string[] }

interface Report {
  status?: string
  extended_status?: string
  detail?: string
  errors?: unknown[]
  recoverable_errors?: Record<string, unknown[]>
  [stage: string]: unknown
}

const texts = (values: unknown[] | undefined) => (values ?? []).map(String)

const stages: [key: string, text: string][] = [
  ['modules-final', 'final stage'],
  ['modules-config', 'config stage'],
  ['init', 'network stage'],
  ['init-local', 'local stage'],
]

// From 23.4 on the report has a part per stage; the last one that has started is the one it is in.
function stage(report: Report): string {
  const started = stages.find(
    ([key]) => (report[key] as { start?: number | null } | undefined)?.start,
  )
  return started ? `cloud-init: ${started[1]}` : 'cloud-init at work'
}

/** Reads stdout and exit code; a report that is none counts as not started yet. */
export function parseInitStatus(stdout: string, code: number): InitState {
  let report: Report
  try {
    report = JSON.parse(stdout.slice(Math.max(0, stdout.indexOf('{')))) as Report
  } catch {
    return { kind: 'busy', state: 'cloud-init has not started yet' }
  }
  const status = report.status ?? ''
  if (status === 'running') return { kind: 'busy', state: stage(report) }
  if (/^not (run|started)/.test(status))
    return { kind: 'busy', state: 'cloud-init has not started yet' }
  if (status === 'error' || code === 1) {
    const errors = texts(report.errors)
    return {
      kind: 'failed',
      errors: errors.length > 0 ? errors : [report.detail ?? 'no reason given'],
    }
  }
  const warnings = Object.values(report.recoverable_errors ?? {}).flatMap(texts)
  return { kind: 'done', warnings }
}

/** Why a guest that never answered on SSH might not have, read from the end of its console. */
export function silentGuest(consoleTail: string): string {
  if (!consoleTail.trim())
    return 'nothing was ever printed on its console: it did not boot; is the image bootable (BIOS)?'
  if (/no bootable device|boot failed/i.test(consoleTail))
    return 'it found nothing to boot: is the image a cloud image?'
  if (/kernel panic/i.test(consoleTail)) return 'its kernel panicked; see the console'
  if (/cloud-init/i.test(consoleTail))
    return 'cloud-init ran, but the network or SSH did not come up'
  if (/login:/.test(consoleTail))
    return 'it booted, but cloud-init never ran: has the image cloud-init, and a driver for the seed medium?'
  return 'it is still booting, or hangs; see the console'
}
