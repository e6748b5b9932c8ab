// Promise 2: run by bash, the printed scripts leave what the scripts themselves leave.
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Section } from '../day-two/off-and-on.ts'
import type { Host } from '../host.ts'

/** Domains, volumes and seeds, without what is new each time: instance-id, keys. */
async function made({ host, work, nodes, hostOf = () => host }: Section) {
  const virsh = (at: Host, ...words: string[]) =>
    at.run(['virsh', '-c', 'qemu:///system', ...words])
  const lines = async (argv: string[]) => (await host.run(argv, work.options)).split('\n').sort()
  const seeds = nodes.map(async (name) => {
    const iso = join(work.dir, `${name}.iso`)
    await virsh(hostOf(name), 'vol-download', '--pool', 'rke2-kvm-lab', `lab-${name}-seed.iso`, iso)
    const file = (path: string) => host.run(['isoinfo', '-R', '-x', `/${path}`, '-i', iso])
    return [await file('user-data'), await file('meta-data'), await file('network-config')]
      .join('---\n')
      .replace(/AAAA\S+( rke2-kvm-lab:lab)?/g, 'KEY')
      .replace(/-----BEGIN[^]*-----END[^\n]*/, 'PRIVATE')
      .replace(/instance-id: .*/, 'instance-id: fresh')
  })
  const disks = nodes.map(async (name) =>
    (await virsh(hostOf(name), 'vol-dumpxml', '--pool', 'rke2-kvm-lab', `lab-${name}.qcow2`)).match(
      /<(capacity|path|compat)[^\n]*/g,
    ),
  )
  const volumes = [...new Set(nodes.map(hostOf))].map(async (at) =>
    (await virsh(at, 'vol-list', 'rke2-kvm-lab'))
      .split('\n')
      .map((line) => line.trim().split(/\s+/)[0] ?? '')
      .sort((one, other) => one.localeCompare(other)),
  )
  return {
    domains: await Promise.all(
      nodes.map((name) => virsh(hostOf(name), 'dumpxml', '--inactive', name)),
    ),
    volumes: await Promise.all(volumes),
    disks: await Promise.all(disks),
    seeds: await Promise.all(seeds),
    files: await lines(['find', '.lab', '-type', 'f', '!', '-name', 'lock', '-printf', '%p %m\n']),
    ssh: readFileSync(join(work.dir, '.lab/lab/ssh_config'), 'utf8'),
  }
}

/** Prints a script, looks whether it is valid, and runs it by bash. */
export async function runPrinted(t: Test, { host, work, run }: Section, script: string) {
  const { stdout } = await run.succeeds(t, script, '--dry-run')
  const file = join(work.dir, `${script}.sh`)
  writeFileSync(file, stdout)
  const lint = await host.exec(['shellcheck', file])
  t.equal(lint.exitCode, 0, lint.stdout)
  const { exitCode, stderr } = await host.exec(['bash', file], work.options)
  if (!t.equal(exitCode, 0, `${file} runs`)) t.comment(stderr)
  return stdout
}

/** Makes the lab by the printed scripts alone: machines are as `create` itself makes them, servers join one at a time. */
export async function madeByPrinted(t: Test, section: Section): Promise<void> {
  const { host, work, run, nodes } = section
  const child = host.spawn(work.command('create'), work.options)
  let said = ''
  child.stderr!.on('data', (data) => {
    said += data
    if (/\nWait\n/.test(said)) host.signal(child, 'SIGKILL', { group: true })
  })
  await once(child, 'exit')
  t.match(said, /\nWait\n/, 'create killed in its wait has made everything')
  const byScript = await made(section)
  await run.succeeds(t, 'destroy', '--yes', '--images')

  const bash = await runPrinted(t, section, 'create')
  t.notMatch(bash, /BEGIN OPENSSH|ssh-ed25519 AAAA/)
  t.strictSame(await made(section), byScript)
  const { stderr } = await run.succeeds(t, 'create')
  t.match(stderr, 'nothing to do: every machine is there and ready')

  for (const script of ['eject', 'install-rke2', 'join']) await runPrinted(t, section, script)
  const list = await run.kubectl('get', 'nodes')
  for (const name of nodes) t.match(list, new RegExp(`${name} +Ready +control-plane`))
  const again = await run.succeeds(t, 'join')
  t.match(again.stderr, 'nothing to do: every node has joined and is Ready')
}
