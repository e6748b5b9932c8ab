// A lab is switched off, saved, switched on, broken and put back.
import type { Test } from 'tap'
import { foreignDomain, offAndOn, readyNodes, type Section } from './off-and-on.ts'

/** Off, save, on, break, revert: nodes are Ready, disks with these files on the last node are as they were, and what is someone else's is untouched. */
export async function saveBreakRevert(
  t: Test,
  section: Section & { files: string[] },
): Promise<void> {
  const { host, work, run, nodes, files } = section
  const virsh = (...words: string[]) => host.run(['virsh', '-c', 'qemu:///system', ...words])
  const last = nodes.at(-1) ?? ''
  await work.ssh(last, `echo before | sudo tee ${files.join(' ')}`)
  await run.kubectl('apply', '-f', 'tutorials/manifests/configmap.yaml')

  const save = async () => void (await run.succeeds(t, 'snapshot', 'save', 'clean'))
  await t.test('off and on, saved while it is off', (t) => offAndOn(t, section, save))
  for (const node of nodes)
    t.match(await virsh('snapshot-list', node), /clean +\S+ \S+ \S+ +shutoff/, `${node} has it`)
  const list = JSON.parse((await run.succeeds(t, 'snapshot', 'list', '--json')).stdout)
  t.match(list.snapshots, [{ name: 'clean', machines: nodes, remark: null }])

  const other = await foreignDomain(section)
  const theirs = await other.look()
  await work.ssh(last, `echo after | sudo tee ${files.join(' ')}; sudo rm -rf /etc/rancher; sync`)
  await run.kubectl('delete', '-f', 'tutorials/manifests/configmap.yaml')
  await work.ssh(nodes[0] ?? '', 'sudo systemctl disable --now rke2-server')
  await run.succeeds(t, 'snapshot', 'revert', 'clean', '--save')
  await readyNodes(t, section)
  for (const file of files)
    t.equal(await work.ssh(last, `cat ${file}`), 'before\n', 'the disk is as it was')
  await run.kubectl('get', '-f', 'tutorials/manifests/configmap.yaml')
  t.match(await virsh('snapshot-list', last, '--name'), 'before-clean', 'and so it can be again')
  for (const name of ['clean', 'before-clean'])
    await run.succeeds(t, 'snapshot', 'remove', name, '--yes')
  for (const node of nodes) t.equal((await virsh('snapshot-list', node, '--name')).trim(), '')

  t.equal(await other.look(), theirs, 'the domain of someone else is as it was')
  await other.remove()
}
