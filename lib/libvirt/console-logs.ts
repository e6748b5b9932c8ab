// EDGE. The steps that remove the console logs of domains, through the same pool that they are read through.
import type { Lab } from '../lab/lab.ts'
import { sh, type Check, type Step } from '../shell/steps.ts'
import { commandText } from '../text/quote.ts'
import { dropLeftOver, logFolder, logPool } from './console.ts'
import { virsh } from './virsh.ts'

/** Where the logs of these domains are, to show. */
export const logFiles = (names: string[]) =>
  names.map((name) => `${logFolder}/${name}.{console.,}log*`)

/** Removes the pool that a killed run left. */
export const noLogPool = (lab: Lab): Check => ({
  do: 'check',
  bash: commandText`for _ in {1..15}; do
  pools=$(${virsh(lab)} -q pool-list --name --transient)
  [[ $pools == *${logPool}* ]] || break
  sleep 0.2
done
[[ $pools != *${logPool}* ]] || ${virsh(lab)} -q pool-destroy ${logPool} || true`,
  holds: () => dropLeftOver(lab),
})

/** The steps that delete the log files of these domains; one without a console log was not ours. */
export function removeLogs(lab: Lab, names: string[]): Step[] {
  if (names.length === 0) return []
  const remove = sh`${virsh(lab)} pool-create-as ${logPool} dir --target ${logFolder}
failed=
logs=$(${virsh(lab)} -q vol-list ${logPool}) || failed=yes
names=(${names})
for name in "\${names[@]}"; do
  [[ " $logs" == *[[:space:]]"$name.console.log"* ]] || continue
  while read -r log _; do
    case $log in "$name".console.log* | "$name".log | "$name".log.*) ${virsh(lab)} vol-delete --pool ${logPool} "$log" || failed=yes ;; esac
  done <<<"$logs"
done
${virsh(lab)} pool-destroy ${logPool}
test -z "$failed"`
  return [noLogPool(lab), { ...remove, orWarn: 'the logs of the machines were not deleted' }]
}
