// Memory, vcpus and disks of a machine changed in the lab file, and seen inside its guest.
import type { Test } from 'tap'
import type { Runner } from '../runner.ts'
import type { Workspace } from '../workspace.ts'
import { further, onFurtherDisk, seeFurther } from './extras.ts'

interface RawLab {
  name: string
  nodes: Record<string, unknown>[]
  [key: string]: unknown
}

/** Resizes a node of a lab whose nodes are Ready; at the end they are again. The lab file keeps the new sizes. */
export async function resizeNode(
  t: Test,
  { work, run, lab, node }: { work: Workspace; run: Runner; lab: RawLab; node: string },
): Promise<void> {
  const gib = 2 ** 30
  const set = (sizes: Record<string, unknown>) => {
    Object.assign(lab.nodes.find(({ name }) => name === node) ?? {}, sizes)
    work.writeLab(lab)
  }
  const inGuest = async () => {
    const said = await work.ssh(
      node,
      "nproc; sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo; lsblk -bdno SIZE /dev/vda; df -B1 --output=size / | tail -n 1; cat /proc/sys/kernel/random/boot_id",
    )
    const [vcpus, memory, disk, root, boot = ''] = said.trim().split('\n')
    return {
      vcpus: Number(vcpus),
      memory: Number(memory) / 2 ** 20,
      disk: Number(disk) / gib,
      root: Number(root) / gib,
      boot,
    }
  }
  const before = await inGuest()
  const grown = before.disk + 1

  await t.test('memory, vcpus and disk of a machine, with a restart', async (t) => {
    const disks = { data: '2GiB', spare: '128MiB', added: '256MiB' }
    set({ memory: '1536MiB', vcpus: 1, disk: `${grown}GiB`, ...further(disks) })
    const drift = await run.succeeds(t, 'status', node)
    t.match(drift.stdout, 'memory is 1 GiB, the lab file says 1.5 GiB; resize.ts changes it')
    const { stderr } = await run.succeeds(t, 'resize')
    t.match(stderr, `drain ${node}`)
    const now = await inGuest()
    t.not(now.boot, before.boot)
    t.equal(now.vcpus, 1)
    t.ok(now.memory > 1.3 && now.memory < 1.5, `${now.memory} GiB of memory`)
    t.equal(now.disk, grown)
    t.ok(now.root > before.root + 0.9, `${before.root} GiB, then ${now.root}`)
    await seeFurther(t, { work, node }, { data: 2048, spare: 128, added: 256 })
    const nodes = await run.kubectl('get', 'nodes')
    for (const { name } of lab.nodes) t.match(nodes, new RegExp(`^${String(name)} +Ready +`, 'm'))
  })

  await t.test('disks alone, while the machine is on; then there is nothing to do', async (t) => {
    const on = await inGuest()
    set({ disk: `${grown + 1}GiB`, ...further({ data: '3GiB', spare: '128MiB', added: '256MiB' }) })
    await run.succeeds(t, 'resize', node)
    const now = await inGuest()
    t.equal(now.boot, on.boot, 'it was not restarted')
    t.equal(now.disk, grown + 1)
    t.ok(now.root > on.root + 0.9, `${on.root} GiB, then ${now.root}`)
    await seeFurther(t, { work, node }, { data: 3072, spare: 128, added: 256 })
    t.equal(await work.ssh(node, `cat ${onFurtherDisk}`), 'before\n')
    const { stderr } = await run.succeeds(t, 'resize')
    t.match(
      stderr,
      'nothing to do: every machine has the sizes of the lab file, and every node is Ready',
    )
  })
}
