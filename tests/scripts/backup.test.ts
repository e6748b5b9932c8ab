// backup.ts and restore.ts as real processes.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { succeeds } from '../helpers/results.ts'

await t.test('a backup, a change, a restore', async (t) => {
  const host = new FakeHost(t, undefined, { machines: true })
  for (const script of ['install-rke2', 'join']) await succeeds(t, host, script)
  host.put('cluster/objects', 'deployment web\n')
  const { stderr } = await succeeds(t, host, 'backup')
  t.comment(stderr)
  const folder = join(host.project, '.lab/lab/backups')
  t.comment(readdirSync(folder))
  t.equal(statSync(folder).mode & 0o777, 0o700)
  host.put('cluster/objects', 'nothing\n')
  const restored = await succeeds(t, host, 'restore', '--yes')
  t.comment(restored.stderr)
  t.equal(host.read('cluster/objects'), 'deployment web\n')
})
