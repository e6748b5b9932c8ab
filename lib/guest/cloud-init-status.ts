// PURE. What cloud-init writes about itself under /run/cloud-init; reading that costs a guest nothing,
// while `cloud-init status` starts Python.

import { parts } from '../text/sections.ts'

export type InitState =
  | { kind: 'busy'; state: string }
  | { kind: 'done'; warnings: string[] }
  | { kind: 'failed'; errors: string[] }

/** For a shell on the node: prints each file behind a line with its name. */
export const readInitFiles =
  'cd /run/cloud-init && for f in disabled status.json result.json; do test -e $f && echo "== $f" && cat $f; done; true'

interface Stage {
  start?: number | null
  recoverable_errors?: Record<string, unknown[]>
}

const stageNames: Record<string, string> = {
  'init-local': 'local stage',
  init: 'network stage',
  'modules-config': 'config stage',
  'modules-final': 'final stage',
}

/** Reads what `readInitFiles` printed. cloud-init that is switched off, as after eject and a reboot, is done. */
export function parseInitFiles(output: string): InitState {
  const files = parts(output)
  if (files.has('disabled')) return { kind: 'done', warnings: [] }
  const status = versionOne(files.get('status.json'))
  const result = versionOne(files.get('result.json'))
  if (result) {
    const errors = texts(result.errors)
    return errors.length > 0
      ? { kind: 'failed', errors }
      : { kind: 'done', warnings: complaints(status) }
  }
  const stage = stageNames[String(status?.stage)]
  return {
    kind: 'busy',
    state: stage
      ? `cloud-init: ${stage}`
      : status
        ? 'cloud-init at work'
        : 'cloud-init has not started yet',
  }
}

function versionOne(text: string | undefined): Record<string, unknown> | undefined {
  try {
    return (JSON.parse(text ?? '') as { v1?: Record<string, unknown> }).v1
  } catch {
    return undefined // not there, or half written
  }
}

const texts = (values: unknown): string[] => (Array.isArray(values) ? values.map(String) : [])

// From cloud-init 23.4 on each stage lists what went wrong without stopping it (exit 2 of `cloud-init status`).
function complaints(status: Record<string, unknown> | undefined): string[] {
  return Object.keys(stageNames).flatMap((name) =>
    Object.values((status?.[name] as Stage | undefined)?.recoverable_errors ?? {}).flatMap(texts),
  )
}

/** Why a guest that never answered on SSH might not have, read from the end of its console. */
export function silentGuest(consoleTail: string): string {
  if (!consoleTail.trim())
    return 'nothing was ever printed on its console: it did not boot; is the image bootable (BIOS)?'
  if (/kernel panic/i.test(consoleTail)) return 'its kernel panicked; see the console'
  if (/cloud-init/i.test(consoleTail))
    return 'cloud-init ran, but the network or SSH did not come up'
  if (/login:/.test(consoleTail))
    return 'it booted, but cloud-init never ran: has the image cloud-init, and a driver for the seed medium?'
  if (/no bootable device|boot failed/i.test(consoleTail))
    return 'it found nothing to boot: is the image a cloud image?' // said of each device, so what came later counts more
  return 'it is still booting, or hangs; see the console'
}
