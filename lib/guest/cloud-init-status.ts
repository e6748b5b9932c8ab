// PURE. The files in /run/cloud-init with cloud-init's state; reading them is cheap, while `cloud-init status` starts Python.
import { parts } from '../text/sections.ts'

export type InitState =
  | { kind: 'busy'; state: string }
  | { kind: 'done'; warnings: string[] }
  | { kind: 'failed'; errors: string[] }

/** For a shell on the node: prints each file behind a line with its name. */
export const readInitFiles =
  'cd /run/cloud-init && for f in disabled status.json result.json; do test -e $f && echo "== $f" && cat $f; done; true'

/** For a shell on the node: whether these files say that cloud-init has ended, and whether it ended without an error. */
export const initEnded = 'cd /run/cloud-init && { test -e disabled || test -e result.json; }'
export const initFine = 'cloud-init status >/dev/null || test $? -eq 2'

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

/** Parses the output of `readInitFiles`. A disabled cloud-init, as after eject and a reboot, is done. */
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
        ? 'cloud-init is running'
        : 'cloud-init has not started yet',
  }
}

function versionOne(text: string | undefined): Record<string, unknown> | undefined {
  try {
    return (JSON.parse(text ?? '') as { v1?: Record<string, unknown> }).v1
  } catch {
    return undefined // missing, or half written
  }
}

const texts = (values: unknown): string[] => (Array.isArray(values) ? values.map(String) : [])

// Since cloud-init 23.4 each stage lists the errors that did not stop it (exit 2 of `cloud-init status`).
function complaints(status: Record<string, unknown> | undefined): string[] {
  return Object.keys(stageNames).flatMap((name) =>
    Object.values((status?.[name] as Stage | undefined)?.recoverable_errors ?? {}).flatMap(texts),
  )
}

/** Why a guest may have never answered on SSH, from the end of its console. */
export function silentGuest(consoleTail: string): string {
  if (!consoleTail.trim())
    return 'its console stayed empty: it did not boot; is the image bootable (BIOS)?'
  if (/kernel panic/i.test(consoleTail)) return 'its kernel panicked; see the console'
  if (/cloud-init/i.test(consoleTail))
    return 'cloud-init ran, but the network or SSH did not come up'
  if (/login:/.test(consoleTail))
    return 'it booted, but cloud-init never ran: does the image have cloud-init, and a driver for the seed medium?'
  if (/no bootable device|boot failed/i.test(consoleTail))
    return 'it found nothing to boot: is the image a cloud image?' // printed for each device, so later messages count more
  return 'it is still booting, or hangs; see the console'
}
