// EDGE. Deleting the logs of the machines' consoles.
import type { Lab } from '../lab/lab.ts'
import { dropLeftOver, logFolder, logPool } from '../libvirt/console.ts'
import { virsh } from '../libvirt/observe.ts'
import { sh, type Check, type Step } from '../shell/steps.ts'
import { commandText } from '../text/quote.ts'

/** Where the logs of these domains are, to show. */
export const logFiles = (names: string[]) =>
  names.map((name) => `${logFolder}/${name}.{console.,}log*`)

/** Removes the pool that a killed run left. */
export const noLogPool = (lab: Lab): Check => ({
  do: 'check',
  bash: commandText`${virsh(lab)} pool-destroy ${logPool} 2>/dev/null` + ' || true',
  holds: () => dropLeftOver(lab),
})

/** The steps that delete the log files of these domains; one without a console log was not ours. */
export function removeLogs(lab: Lab, names: string[]): Step[] {
  if (names.length === 0) return []
  const remove = sh`${virsh(lab)} pool-create-as ${logPool} dir --target ${logFolder}
failed=
logs=$(${virsh(lab)} -q vol-list ${logPool}) || failed=yes
for name in ${names}; do
  [[ " $logs" == *[[:space:]]"$name.console.log"* ]] || continue
  while read -r log _; do
    case $log in "$name".console.log* | "$name".log | "$name".log.*) ${virsh(lab)} vol-delete --pool ${logPool} "$log" || failed=yes ;; esac
  done <<<"$logs"
done
${virsh(lab)} pool-destroy ${logPool}
test -z "$failed"`
  return [noLogPool(lab), { ...remove, orWarn: 'the logs of the machines were not deleted' }]
}
