// PURE. The files in /run/cloud-init with cloud-init's state; reading them is cheap, while `cloud-init status` starts Python.
import { parts } from '../text/sections.ts'

export type InitState =
  | { kind: 'busy'; state: string }
  | { kind: 'done'; warnings: string[] }
  | { kind: 'failed'; errors: string[] }

// cloud-init writes its result before it ends, and its child reboots the machine after that (power_state).
const offFile = '/etc/cloud/cloud-init.disabled'
const settled = `{ test -e ${offFile} || ! { grep -qs 'bin/[c]loud-init' /proc/[0-9]*/cmdline ||
  test -e /run/systemd/shutdown/scheduled || test "$(systemctl is-system-running)" = stopping; }; }`

/** For a shell on the node: prints each file behind a line with its name, and a mark while the machine may still restart. */
export const readInitFiles = `cd /run/cloud-init && for f in disabled status.json result.json; do test -e $f && echo "== $f" && cat $f; done
${settled} || echo "== unsettled"; true`

/** For a shell on the node: whether cloud-init has ended, with any restart that it asked for, and whether without an error. */
export const initEnded = `cd /run/cloud-init && { test -e disabled || test -e result.json; } &&
${settled}`
export const initFine = 'cloud-init status >/dev/null || test $? -eq 2'

/** For root on the node: cloud-init stays off, also in an image that trusts only NoCloud and would start over without a seed. */
export const initOff = `touch ${offFile}`

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
    if (errors.length > 0) return { kind: 'failed', errors }
    return files.has('unsettled')
      ? { kind: 'busy', state: 'cloud-init is ending, or restarts the machine' }
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

/** Why a guest will not answer on SSH, from the end of its console; undefined where it still may. */
export function lostGuest(consoleTail: string): string | undefined {
  if (/kernel panic/i.test(consoleTail)) return 'its kernel panicked; see the console'
  if (
    /DataSourceNone/.test(consoleTail) ||
    (!/cloud-init/i.test(consoleTail) && /login:/.test(consoleTail))
  )
    return `it booted, but never saw its seed: the image has no cloud-init, or has it switched off (${offFile}, a datasource_list without NoCloud), or has no driver for the medium; take an image by its name, or prepare this one again: as root, "rm -f ${offFile} && cloud-init clean --logs --machine-id", then shut it down`
  return undefined
}

/** Why a guest may have never answered on SSH, from the end of its console. */
export function silentGuest(consoleTail: string): string {
  if (!consoleTail.trim())
    return 'its console stayed empty: it did not boot; is the image bootable (BIOS)?'
  const lost = lostGuest(consoleTail)
  if (lost) return lost
  if (/cloud-init/i.test(consoleTail))
    return 'cloud-init ran, but the network or SSH did not come up'
  if (/no bootable device|boot failed/i.test(consoleTail))
    return 'it found nothing to boot: is the image a cloud image?' // printed for each device, so later messages count more
  return 'it is still booting, or hangs; see the console'
}
