// Faults put into real machines on purpose: check sees each, and undo or a person takes it back.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { drills } from '../../../lib/drills/drills.ts'
import { kubectl } from '../../../lib/rke2/kube-nodes.ts'
import { readyNodes, type Section } from './off-and-on.ts'

/** What the machines show while a drill is on: the last agent, the first server. */
const shows: Record<
  string,
  (section: Section, agent: string, server: string) => Promise<[string, string | RegExp]>
> = {
  hanging: async ({ host }, agent) => [
    await host.run(['virsh', '-c', 'qemu:///system', 'domstate', agent]),
    'paused',
  ],
  unreachable: async ({ work }, agent) => [
    await work.ssh(agent, 'true').catch(String),
    /timed out|No route to host/,
  ],
  pending: async ({ run }) => [await run.kubectl('get', 'nodes'), 'SchedulingDisabled'],
  evicting: async ({ work }, agent) => [await work.ssh(agent, 'df /'), /9\d%/],
  mistrusting: async ({ work }, agent) => [
    await work.ssh(agent, 'date +%Y'),
    String(new Date().getFullYear() - 2),
  ],
  'no-api': async ({ work }, _, server) => [
    await work.ssh(server, `sudo ${kubectl} get nodes`).catch(String),
    'refused',
  ],
  missing: async ({ work }, _, server) => [
    await work.ssh(server, 'sudo cat /var/lib/rancher/rke2/server/manifests/drill.yaml'),
    'text: {{ greeting }}',
  ],
  unauthorized: async ({ work }, _, server) => [
    await work.ssh(server, `sudo ${kubectl} get nodes`).catch(String),
    'You must be logged in to the server (Unauthorized)',
  ],
  slow: async ({ work }, agent) => [
    await work.ssh(agent, 'sudo tc qdisc show'),
    /qdisc netem 8\d+: dev \S+ root .* delay 400ms/,
  ],
  'no-new-pods': async ({ run }, agent) => {
    const list = () => run.kubectl('get', 'nodes')
    const end = Date.now() + 60_000
    while (!/NotReady/.test(await list()) && Date.now() < end) await sleep(1000)
    return [await list(), new RegExp(`${agent} +NotReady`)]
  },
}

/** Repairs by hand, as the last hint says. */
const repairs: Record<
  string,
  (section: Section, agent: string, server: string) => Promise<string>
> = {
  'not-ready': ({ work }, agent) => work.ssh(agent, 'sudo systemctl enable --now rke2-agent'),
  missing: ({ work }, _, server) =>
    work.ssh(
      server,
      "sudo sed -i 's/{{ greeting }}/hello/' /var/lib/rancher/rke2/server/manifests/drill.yaml",
    ),
  unauthorized: ({ work }, _, server) => work.ssh(server, 'sudo systemctl restart rke2-server'),
  slow: ({ work }, agent) =>
    work.ssh(
      agent,
      "sudo tc qdisc del dev $(ip -o route show default | sed 's/.* dev //; s/ .*//') root",
    ),
  'no-new-pods': ({ run }, agent) =>
    run.kubectl(
      ...'delete pod --namespace kube-system --selector k8s-app=canal --field-selector'.split(' '),
      `spec.nodeName=${agent}`,
    ),
}

// The others take minutes on emulated machines: with DRILLS=all.
const quick = ['not-ready', 'missing', 'unauthorized', 'hanging', 'slow', 'no-new-pods']

/** Each drill: begun, seen, refused by check, and repaired by hand or undone. */
export async function breakAndRepair(t: Test, section: Section): Promise<void> {
  const { run, nodes } = section
  const [server = '', agent = ''] = [nodes[0], nodes.at(-1)]
  const some = drills.filter(({ name }) => process.env.DRILLS === 'all' || quick.includes(name))
  for (const { name } of some) {
    await run.succeeds(t, 'drill', 'start', name, '--yes')
    if (shows[name]) t.match(...(await shows[name](section, agent, server)), name)
    const { exitCode, stderr } = await run.script('drill', 'check')
    t.strictSame([exitCode, /not repaired yet/.test(stderr)], [1, true], `${name}: ${stderr}`)
    if (repairs[name]) {
      await repairs[name](section, agent, server)
      const end = Date.now() + 60_000
      let last = await run.script('drill', 'check')
      while (last.exitCode !== 0 && Date.now() < end) last = await run.script('drill', 'check')
      t.match(last.stderr, /repaired after .*, with no hints/, name)
    } else await run.succeeds(t, 'drill', 'undo')
    await readyNodes(t, section)
  }
}
