// Off and on, save and revert of a lab on real, emulated guests, against the same virsh commands typed by hand. RKE2 is played by
// the stand-in. Both ways end when every node is Ready; the guests' boot is in both.
import { startRig } from '../e2e/rig.ts'
import { workspace } from '../e2e/workspace.ts'
import { medians, say, secondsOf } from './clock.ts'

export type DayTwoSeconds = Awaited<ReturnType<typeof dayTwoSeconds>>

const nodes = { kubemaster: 'rke2-server', worker01: 'rke2-agent' }
const names = Object.keys(nodes).join(' ')

/** Medians of so many runs. */
export async function dayTwoSeconds(runs: number) {
  const rig = await startRig()
  const defaults = { vcpus: 1, memory: '1GiB', disk: '12GiB' }
  const all = rig.lab({ defaults })
  const work = workspace(rig.host, { ...all, nodes: all.nodes.filter(({ name }) => name in nodes) })
  const phases = async (...lines: string[]) => {
    for (const line of lines) {
      const [name = '', ...words] = line.split(' ')
      const { exitCode, stderr } = await work.script(name, ...words)
      if (exitCode !== 0) throw new Error(`${line} ended with ${exitCode}:\n${stderr}`)
    }
  }
  const ours = (...lines: string[]) => secondsOf(() => phases(...lines))
  const byHand = (text: string) =>
    secondsOf(() => rig.host.run(['bash', '-c', `${functions}\n${text}`], work.options))
  try {
    say('two emulated machines boot and become a cluster')
    await phases('create', 'eject', 'install-rke2', 'join')
    return await medians(runs, {
      offAndOn: () => ours('stop', 'start'),
      offAndOnByHand: () => byHand('off; on'),
      save: () => ours('snapshot save ours'),
      saveByHand: () => byHand('off; each snapshot-create-as hand; on'),
      revert: () => ours('snapshot revert ours --yes'),
      revertByHand: () => byHand('each destroy; each snapshot-revert hand; on'),
      // not a measure: the names are free for the next round
      remove: () =>
        secondsOf(async () => {
          await phases('snapshot remove ours --yes')
          await byHand('each snapshot-delete hand')
        }),
    })
  } finally {
    await rig.stop()
    work.remove()
  }
}

/** What somebody types who knows it all: machines together, and no longer waited for than needed. */
const functions = `set -e
v() { virsh -q -c qemu:///system "$@"; }
each() { verb=$1; shift; for n in ${names}; do v "$verb" "$n" "$@" & done; wait; }
off() { each shutdown; for n in ${names}; do until [ "$(v domstate "$n")" = 'shut off' ]; do sleep 1; done; done; }
ssh() { command ssh -F .lab/lab/ssh_config -o ConnectTimeout=2 -o ControlMaster=no -o ControlPath=none "$@"; }
up() { until ssh "$1" "systemctl is-active -q $2" 2>/dev/null; do sleep 1; done; }
on() {
  each start
  ${Object.entries(nodes)
    .map(([name, service]) => `up ${name} ${service} &`)
    .join('\n  ')}
  wait
  kubectl --kubeconfig .lab/lab/kubeconfig wait --for=condition=Ready nodes --all --timeout=600s
}`
