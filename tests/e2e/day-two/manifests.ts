// rke2/manifests on a lab whose nodes are Ready: put, applied, changed, removed.
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Section } from './off-and-on.ts'

const there = '/var/lib/rancher/rke2/server/manifests'
const storage = 'local-path-storage.yaml'
const map = (value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ours, namespace: default }\ndata: { key: ${value} }\n`

/** Leaves the lab without its manifests. */
export async function manifestsGoOn(t: Test, { work, run, nodes }: Section): Promise<void> {
  const [server = ''] = nodes
  const put = (name: string, text: string) =>
    writeFileSync(join(work.dir, 'rke2/manifests', name), text)
  const started = () => work.ssh(server, 'systemctl show -p InvocationID rke2-server')
  const states = async () => {
    const { stdout } = await run.script('status', '--json')
    return (JSON.parse(stdout) as { manifests: { addon: string; remark: string }[] }).manifests
  }
  const until = async (...addons: string[]) => {
    for (let tries = 0; tries < 60; tries++) {
      if ((await states()).map(({ addon }) => addon).join() === addons.join()) return
      await sleep(2000)
    }
    t.fail(`Addons: ${JSON.stringify(await states())}`)
  }
  const before = await started()
  copyFileSync(join(work.dir, 'rke2/examples', storage), join(work.dir, 'rke2/manifests', storage))
  put('ours.yaml', map('first'))
  await run.succeeds(t, 'install-rke2')
  t.equal(
    await work.ssh(server, `sudo stat -c %U:%a ${there}/ours.yaml`),
    'root:600\n',
    'for root only',
  )
  await until('applied', 'applied')
  t.match(await run.kubectl('get', 'storageclass', 'local-path', '-o', 'yaml'), 'is-default-class')
  const second = await run.succeeds(t, 'install-rke2')
  t.match(second.stderr, 'nothing to do')

  put('ours.yaml', 'apiVersion: v1\nkind: NoSuchKind\nmetadata: { name: ours }\n')
  await run.succeeds(t, 'install-rke2')
  await until('applied', 'failed')
  put('ours.yaml', map('second'))
  await run.succeeds(t, 'install-rke2')
  await until('applied', 'applied')
  t.match(await run.kubectl('get', 'configmap', 'ours', '-o', 'yaml'), 'key: second')

  for (const name of ['ours.yaml', storage]) rmSync(join(work.dir, 'rke2/manifests', name))
  const { stderr } = await run.succeeds(t, 'install-rke2')
  t.match(stderr, `${there}/.ours.yaml.removed`)
  t.equal(await work.ssh(server, `sudo cat ${there}/.ours.yaml.removed`), map('second'))
  await run.kubectl('delete', 'configmap', 'ours') // RKE2 has left it there
  t.strictSame(await states(), [])
  t.equal(await started(), before, 'nothing restarted')
}
