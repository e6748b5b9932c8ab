// Promise 2: run by bash, the printed scripts leave what the scripts themselves leave. Shown with three servers, so that
// they join one at a time. RKE2 is the stand-in of tests/stand-in.
import { readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { startRig } from './rig.ts'
import { workspace } from './workspace.ts'

const rig = await startRig()
t.teardown(() => rig.stop())
const { host } = rig
const names = ['master01', 'master02', 'master03']
const work = workspace(
  host,
  rig.lab({
    name: 'ha',
    nodes: names.map((name, index) => ({
      name,
      role: 'server',
      address: `192.168.1.5${index + 1}`,
    })),
  }),
)
t.teardown(() => work.remove())
const virsh = (...words: string[]) => host.run(['virsh', '-c', 'qemu:///system', ...words])

/** Domains, volumes and seeds, without what is new each time: instance-id, keys. */
async function made() {
  const seeds = names.map(async (name) => {
    const iso = join(work.dir, `${name}.iso`)
    await virsh('vol-download', '--pool', 'rke2-kvm-lab', `ha-${name}-seed.iso`, iso)
    const file = (path: string) => host.run(['isoinfo', '-R', '-x', `/${path}`, '-i', iso])
    return [await file('user-data'), await file('meta-data'), await file('network-config')]
      .join('---\n')
      .replace(/AAAA\S+( rke2-kvm-lab:ha)?/g, 'KEY')
      .replace(/-----BEGIN[^]*-----END[^\n]*/, 'PRIVATE')
      .replace(/instance-id: .*/, 'instance-id: fresh')
  })
  const volumes = (await virsh('vol-list', 'rke2-kvm-lab'))
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .sort((one, other) => one.localeCompare(other))
  return {
    domains: await Promise.all(names.map((name) => virsh('dumpxml', '--inactive', name))),
    volumes,
    disks: await Promise.all(
      names.map(async (name) =>
        (await virsh('vol-dumpxml', '--pool', 'rke2-kvm-lab', `ha-${name}.qcow2`)).match(
          /<(capacity|path|compat)[^\n]*/g,
        ),
      ),
    ),
    seeds: await Promise.all(seeds),
    files: (
      await host.run(
        ['find', '.lab', '-type', 'f', '!', '-name', 'lock', '-printf', '%p %m\n'],
        work.options,
      )
    )
      .split('\n')
      .sort(),
    ssh: readFileSync(join(work.dir, '.lab/ha/ssh_config'), 'utf8'),
  }
}

async function printed(script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await work.script(script, '--dry-run')
  t.equal(exitCode, 0, `${script} --dry-run succeeds`)
  if (exitCode !== 0) t.comment(stderr)
  const file = join(work.dir, `${script}.sh`)
  writeFileSync(file, stdout)
  return file
}

async function runs(file: string): Promise<void> {
  const { exitCode, stderr } = await host.exec(['bash', file], work.options)
  if (!t.equal(exitCode, 0, `${file} runs`)) t.comment(stderr)
}

let byScript: Awaited<ReturnType<typeof made>>
await t.test('create killed in its wait has made everything', async (t) => {
  const child = host.spawn(work.command('create'), work.options)
  let said = ''
  child.stderr!.on('data', (data) => {
    said += data
    if (/\nWait\n/.test(said)) host.signal(child, 'SIGKILL', { group: true })
  })
  await once(child, 'exit')
  t.match(said, /\nWait\n/)
  byScript = await made()
  await work.script('destroy', '--yes', '--images')
})

await t.test('the printed scripts are valid, hold no secret and make the same', async (t) => {
  const file = await printed('create')
  t.equal((await host.exec(['bash', '-n', file])).exitCode, 0)
  const lint = await host.exec(['shellcheck', file])
  t.equal(lint.exitCode, 0, lint.stdout)
  t.notMatch(readFileSync(file, 'utf8'), /BEGIN OPENSSH|ssh-ed25519 AAAA/)
  await runs(file)
  t.strictSame(await made(), byScript)
  const { exitCode, stderr } = await work.script('create')
  t.equal(exitCode, 0)
  t.match(
    stderr,
    'nothing to do: every machine is there and ready',
    'the script finds nothing left to do',
  )
})

await t.test(
  'the whole lab through printed scripts: three servers, joined one at a time',
  async (t) => {
    for (const script of ['eject', 'install-rke2', 'join']) {
      const file = await printed(script)
      const lint = await host.exec(['shellcheck', file])
      t.equal(lint.exitCode, 0, lint.stdout)
      await runs(file)
    }
    const nodes = await host.run(
      ['kubectl', '--kubeconfig', '.lab/ha/kubeconfig', 'get', 'nodes'],
      work.options,
    )
    for (const name of names) t.match(nodes, new RegExp(`${name} +Ready +control-plane`))
    const { stderr } = await work.script('join')
    t.match(stderr, 'nothing to do: every node has joined and is Ready')
    await runs(await printed('destroy'))
    t.match((await work.script('destroy')).stderr, 'nothing to remove')
  },
)
