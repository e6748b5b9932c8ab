// A backup and its restore, on real machines: in the cluster that it was made of, and in a lab that was made again. RKE2 is
// played by the stand-in.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Runner } from '../runner.ts'
import type { Workspace } from '../workspace.ts'

/** What a section of day two gets: a lab of which every node is Ready, and which is like that again at its end. */
export interface DayTwo {
  work: Workspace
  run: Runner
  /** Its nodes, the only server first. */
  nodes: string[]
}

export async function backupAndRestore(t: Test, { work, run, nodes }: DayTwo): Promise<void> {
  const { succeeds, kubectl } = run
  const [server = '', ...workers] = nodes
  const configMaps = async () =>
    (await kubectl('get', 'configmaps', '-o', 'name')).split('\n').filter(Boolean)
  const data = '/var/lib/rancher/rke2'
  const token = () => work.ssh(server, `sudo cat ${data}/server/token`)
  const isReady = async (t: Test) => {
    const list = await kubectl('get', 'nodes')
    for (const node of nodes) t.match(list, new RegExp(`^${node} +Ready`, 'm'))
  }
  const manifest = 'tutorials/manifests/configmap.yaml'
  const folder = join(work.dir, '.lab/lab/backups')

  await t.test(
    'a backup is one private file, and a restore brings back what was deleted',
    async (t) => {
      await kubectl('apply', '-f', manifest)
      const saved = await configMaps()
      t.equal(saved.length, 1)
      await succeeds(t, 'backup')
      const files = readdirSync(folder)
      t.equal(files.length, 1)
      t.equal(statSync(join(folder, files[0] ?? '')).mode & 0o777, 0o600)
      t.equal((await work.ssh(server, `sudo ls ${data}/server/db/snapshots`)).trim(), '')

      await kubectl('delete', '-f', manifest)
      t.strictSame(await configMaps(), [])
      const { stderr } = await succeeds(t, 'restore', '--yes')
      t.match(stderr, `restart  the agents ${workers.join(', ')}`)
      t.strictSame(await configMaps(), saved)
      await isReady(t)
      t.match(await work.ssh(server, `sudo ls ${data}/server/db ${data}`), /^etcd-old-\d+$/m)
    },
  )

  await t.test('a recreated lab continues from the backup', async (t) => {
    const before = await token()
    await succeeds(t, 'backup', '--keep=1')
    t.equal(readdirSync(folder).length, 1)
    await kubectl('delete', '-f', manifest)
    const { stderr } = await succeeds(t, 'destroy', '--yes')
    t.match(stderr, 'left alone: the backups in .lab/lab/backups')
    for (const script of ['create', 'eject', 'install-rke2']) await succeeds(t, script)
    t.not(await token(), before)
    t.strictSame(await configMaps(), [])
    const restored = await succeeds(t, 'restore', '--yes')
    t.match(restored.stderr, `to join  ${workers.join(', ')}: afterwards, by join.ts`)
    t.equal(await token(), before)
    await succeeds(t, 'join')
    await isReady(t)
    t.equal((await configMaps()).length, 1)
    t.match(await work.ssh(server, `sudo ls ${data}`), 'server-before-restore')
    await kubectl('delete', '-f', manifest)
  })

  await t.test('the token is in no output and in no command that sudo logged', async (t) => {
    const password = (await token()).trim().split(':').at(-1) ?? ''
    t.ok(password.length > 8)
    t.notOk(run.output.some((text) => text.includes(password)))
    for (const node of nodes) {
      const found = await work.ssh(
        node,
        `sudo journalctl --no-pager | grep -cF ${password} || true`,
      )
      t.equal(found.trim(), '0', node)
    }
  })
}
