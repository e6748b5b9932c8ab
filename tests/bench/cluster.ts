// The cluster phases on real, emulated guests; RKE2 is played by the stand-in. Measured is what our scripts do around it.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { startRig, version, type Rig } from '../e2e/rig.ts'
import { workspace, type Workspace } from '../e2e/workspace.ts'
import { say, secondsOf } from './clock.ts'

export interface ClusterCost {
  /** From "the machines are ready" to "every node is Ready". */
  seconds: number
  /** Fetched from the mirror for the three nodes. */
  bytes: number
}

/** install-rke2.ts and join.ts against each node fetching and installing by itself, one after another. */
export async function clusterCosts(): Promise<{ ours: ClusterCost; oneByOne: ClusterCost }> {
  const rig = await startRig({ images: 16 * 2 ** 20 })
  const work = workspace(rig.host, rig.lab())
  const phase = async (name: string) => {
    const { exitCode, stderr } = await work.script(name)
    if (exitCode !== 0) throw new Error(`${name} ended with ${exitCode}:\n${stderr}`)
  }
  const cost = async (make: () => Promise<void>): Promise<ClusterCost> => {
    const before = await fetchedBytes(rig)
    const seconds = await secondsOf(make)
    return { seconds, bytes: (await fetchedBytes(rig)) - before }
  }
  try {
    say('three emulated machines boot')
    await phase('create')
    await phase('eject')
    const byScripts = () =>
      cost(async () => {
        for (const name of ['install-rke2', 'join']) await phase(name)
      })
    say('once for nothing: the first time, everything in a machine is cold')
    await byScripts()
    await uninstall(work)
    say('each node by itself')
    const oneByOne = await cost(async () => {
      for (const node of nodes) await installByItself(work, rig.mirror.url, node)
    })
    await uninstall(work)
    say('install-rke2.ts and join.ts')
    rmSync(join(work.dir, 'cache/rke2-kvm-lab/rke2'), { recursive: true })
    return { oneByOne, ours: await byScripts() }
  } finally {
    await rig.stop()
    work.remove()
  }
}

const nodes = ['kubemaster', 'worker01', 'worker02']

async function uninstall(work: Workspace): Promise<void> {
  for (const node of nodes) await work.ssh(node, 'sudo rke2-uninstall.sh 2>&1')
}

const fetchedBytes = async (rig: Rig) =>
  (await rig.mirror.requests())
    .filter(({ path }) => path.includes('rke2'))
    .reduce((sum, { bytes }) => sum + bytes, 0)

/** What the steps of RKE2's quick start do on a node, until the node is Ready. */
async function installByItself(work: Workspace, mirror: string, node: string): Promise<void> {
  const type = node === 'kubemaster' ? 'server' : 'agent'
  const base = `${mirror}/${encodeURIComponent(version)}`
  const token =
    type === 'agent'
      ? (await work.ssh('kubemaster', 'sudo cat /var/lib/rancher/rke2/server/token')).trim()
      : ''
  const joins = type === 'agent' ? `server: https://192.168.1.30:9345\\ntoken: ${token}\\n` : ''
  await work.ssh(
    node,
    `set -e
sudo mkdir -p /etc/rancher/rke2 /var/lib/rancher/rke2/agent/images
printf 'node-name: ${node}\\n${joins}' | sudo tee /etc/rancher/rke2/config.yaml >/dev/null
curl -fsSL ${base}/install.sh | sudo INSTALL_RKE2_VERSION=${version} INSTALL_RKE2_ARTIFACT_URL=${mirror} INSTALL_RKE2_TYPE=${type} sh - 2>&1
sudo curl -fsSL -o /var/lib/rancher/rke2/agent/images/rke2-images.linux-amd64.tar.zst ${base}/rke2-images.linux-amd64.tar.zst
sudo systemctl enable --now rke2-${type}`,
  )
  await work.ssh(
    'kubemaster',
    `until sudo /var/lib/rancher/rke2/bin/kubectl --kubeconfig /etc/rancher/rke2/rke2.yaml get node ${node} 2>/dev/null | grep -qw Ready; do sleep 1; done`,
  )
}
