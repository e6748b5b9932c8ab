// The whole road on real libvirt, real QEMU guests, real cloud-init and real SSH. RKE2 is played by the stand-in in
// tests/stand-in: what is shown about it here is that our scripts do the right thing, not that RKE2 does.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { matches, typed } from '../docs/typed.ts'
import { pageFiles, readPage } from '../docs/pages.ts'
import { squeezed } from '../docs/stand-in.ts'
import { serveFiles } from './mirror.ts'
import { startRig, version } from './rig.ts'
import { runner } from './runner.ts'
import { workspace } from './workspace.ts'

const rig = await startRig()
t.teardown(() => rig.stop())
const { host } = rig
const lab = rig.lab()
const work = workspace(host, lab)
t.teardown(() => work.remove())
const virsh = (...words: string[]) => host.run(['virsh', '-c', 'qemu:///system', ...words])
const before = await host.inventory()
const { output, script, succeeds, kubectl } = runner(host, work)

/** Looks again until it is so, for three minutes at most; gives what was seen last. */
async function until<T>(look: () => Promise<T>, isSo: (seen: T) => boolean): Promise<T> {
  const end = Date.now() + 180_000
  for (;;) {
    const seen = await look()
    if (isSo(seen) || Date.now() > end) return seen
    await setTimeout(1000)
  }
}

/**
 * Types the commands of the pages that are marked for it; those of the scripts as npx would run them. A snapshot's name,
 * which has a time in it, is put in as it was last listed.
 */
async function typeMarked(t: Test, mark: 'machines' | 'cluster'): Promise<void> {
  const snapshot = /lesson-kubemaster-\d+/g
  const env = { ...work.options.env, KUBECONFIG: join(work.dir, '.lab/lab/kubeconfig') }
  let listed = ''
  for (const file of pageFiles())
    for (const { command, output, line } of typed(readPage(file)).filter(
      (one) => one.mark === mark,
    )) {
      const name = `${file}, line ${line}: ${command}`
      const [, phase, words = ''] = /^npx zx scripts\/([\w-]+)\.ts(.*)$/.exec(command) ?? []
      const { exitCode, stdout, stderr } = phase
        ? await work.script(phase, ...words.split(' ').filter(Boolean))
        : await host.exec(['bash', '-c', `exec 2>&1; ${command.replace(snapshot, listed)}`], {
            ...work.options,
            env,
          })
      if (!t.equal(exitCode, 0, name)) t.comment(stdout + stderr)
      if (command.endsWith(' etcd-snapshot ls')) listed = stdout.match(snapshot)?.[0] ?? ''
      const printed = stdout.split('\n').map(squeezed).join('\n')
      const isAsShown = output.length === 0 || matches(printed, output.map(squeezed))
      if (!t.ok(isAsShown, 'it prints what the page shows')) t.comment(stdout)
    }
}

const nodes = ['kubemaster', 'worker01', 'worker02']
const addresses = ['192.168.1.30', '192.168.1.31', '192.168.1.32']

await t.test('create refuses a foreign domain of a node name and changes nothing', async (t) => {
  const xml =
    '<domain type="qemu"><name>worker02</name><memory>65536</memory><os><type arch="x86_64" machine="q35">hvm</type></os></domain>'
  writeFileSync(join(work.dir, 'decoy.xml'), xml)
  await virsh('define', join(work.dir, 'decoy.xml'))
  const with_ = await host.inventory()
  const { exitCode, stderr } = await script('create')
  t.equal(exitCode, 1)
  t.match(stderr, 'worker02: a domain of that name exists already and belongs to something else')
  t.strictSame(await host.inventory(), with_, 'nothing was made')
  const doctor = await script('doctor')
  t.equal(doctor.exitCode, 1)
  t.match(doctor.stdout + doctor.stderr, /✗ names: worker02: a domain of that name exists already/)
  await virsh('undefine', 'worker02')
})

await t.test('doctor finds the host fit, in text and as JSON', async (t) => {
  const { stdout } = await succeeds(t, 'doctor', '--json')
  const { findings } = JSON.parse(stdout)
  t.match(
    findings.find(({ check }: { check: string }) => check === 'libvirt'),
    { level: 'ok' },
  )
  t.notOk(findings.some(({ level }: { level: string }) => level === 'failure'))
  await succeeds(t, 'doctor')
})

await t.test('an interrupted download is kept, and the next run resumes it', async (t) => {
  const broken = await serveFiles(host, rig.served, 8081, { cutAfter: 20_000_000 })
  work.writeLab({ ...lab, image: { url: `${broken.url}/images/guest.qcow2` } })
  const { exitCode, stderr } = await script('create')
  t.equal(exitCode, 1)
  t.match(stderr, 'the part that was downloaded is kept; the next run continues from there')
  await broken.stop()
  work.writeLab(lab)
})

await t.test('create makes three machines', async (t) => {
  const { stderr } = await succeeds(t, 'create')
  t.match(stderr, 'virsh -c qemu:///system define --validate', 'the commands are shown')
  const images = (await rig.mirror.requests()).filter(
    ({ path, method }) => path.endsWith('guest.qcow2') && method === 'GET',
  )
  t.match(
    images,
    [{ range: /^bytes=[1-9]/, status: 206 }],
    'one download for three nodes, resumed where it was interrupted',
  )
})

await t.test('each guest is what the lab file says, reached with strict host keys', async (t) => {
  for (const [index, node] of nodes.entries()) {
    const said = await work.ssh(
      node,
      'hostname; id -un; ip -4 -o addr show scope global; lsblk -bdno SIZE /dev/vda; df -B1 --output=size / | tail -n 1; sudo sshd -T | grep ^passwordauthentication',
    )
    const [hostname, user, address, disk, root = '', ...sshd] = said.trim().split('\n')
    t.equal(hostname, node)
    t.equal(user, 'ubuntu')
    t.match(address, `${addresses[index]}/24`)
    t.equal(Number(disk), 12 * 2 ** 30, 'the disk has the size of the lab file')
    t.ok(Number(root) > 10 * 2 ** 30, 'the file system has grown')
    t.match(sshd.join(), /passwordauthentication no/)
  }
  const again = 'ssh -F .lab/lab/ssh_config -S none -o UserKnownHostsFile=/dev/null kubemaster true'
  const wrong = await host.exec(again.split(' '), work.options)
  t.not(wrong.exitCode, 0, 'an unknown host key is refused')
  const asRoot = 'ssh -F .lab/lab/ssh_config -S none -l root kubemaster true'
  const root = await host.exec(asRoot.split(' '), work.options)
  t.equal(root.exitCode, 255, 'root cannot log in')
  t.match(root.stderr, 'Permission denied')
})

await t.test('cloud-init’s own schema accepts what it got', async (t) => {
  t.match(
    await work.ssh('worker01', 'sudo cloud-init schema --system 2>&1'),
    /^Valid cloud-config/m,
  )
})

await t.test('cloud-init/user-data.yaml of the user reached the guest', async (t) => {
  t.match(
    await work.ssh('worker01', 'sudo cat /var/lib/cloud/instance/user-data.txt | grep -v private'),
    /no_ssh_fingerprints: true/,
  )
})

await t.test('status shows it in a table and as JSON', async (t) => {
  const { stdout } = await succeeds(t, 'status', '--json')
  const status = JSON.parse(stdout)
  t.match(
    status.nodes,
    nodes.map((name, index) => ({
      name,
      address: addresses[index],
      domain: 'running',
      ssh: 'ok',
      cloudInit: 'done',
      seed: 'attached',
      rke2: null,
    })),
  )
  const table = await succeeds(t, 'status')
  t.match(table.stdout, /kubemaster +server +192\.168\.1\.30 +running +ok +done +attached/)
  t.notMatch(table.stdout, '\x1b', 'no colour when piped')
})

await t.test('what pages say of machines that are up', (t) => typeMarked(t, 'machines'))

await t.test('files of the lab are private', (t) => {
  for (const entry of readdirSync(join(work.dir, '.lab'), {
    recursive: true,
    withFileTypes: true,
  })) {
    const mode = statSync(join(entry.parentPath ?? entry.path, entry.name)).mode & 0o777
    t.equal(
      mode,
      entry.isDirectory() ? 0o700 : mode & 0o600,
      `${entry.name} is ${mode.toString(8)}`,
    )
  }
  t.end()
})

await t.test('a second create changes nothing and says so', async (t) => {
  const look = async () => ({
    inventory: await host.inventory(),
    xml: await Promise.all(nodes.map((node) => virsh('dumpxml', node))),
  })
  const first = await look()
  const { stderr } = await succeeds(t, 'create')
  t.match(stderr, 'nothing to do: every machine is there and ready')
  t.notMatch(stderr, '  $ ', 'no command was run')
  t.strictSame(await look(), first)
})

await t.test(
  'eject takes the seed out on both sides and deletes it and the host keys',
  async (t) => {
    await virsh('change-media', 'worker01', 'sda', '--eject', '--config') // one side is empty already
    // As in templates of Packer and Proxmox: without a seed, such an image starts over.
    await work.ssh(
      'worker01',
      "echo 'datasource_list: [ NoCloud ]' | sudo tee /etc/cloud/cloud.cfg.d/99-datasource.cfg",
    )
    await succeeds(t, 'eject')
    for (const node of nodes) {
      t.match(await virsh('domblklist', node), /sda +-/)
      t.match(await virsh('domblklist', node, '--inactive'), /sda +-/)
      t.notOk(
        existsSync(join(work.dir, `.lab/lab/nodes/${node}/host_key`)),
        'the private host key is gone',
      )
      t.ok(existsSync(join(work.dir, `.lab/lab/nodes/${node}/host_key.pub`)))
    }
    t.notMatch(
      Object.values((await host.inventory()).volumes)
        .flat()
        .join(),
      '-seed.iso',
    )
    t.match((await succeeds(t, 'eject')).stderr, 'nothing to do: no machine has its seed any more')
  },
)

await t.test('without their seeds machines reboot and start again as what they were', async (t) => {
  const bootId = () => work.ssh('worker01', 'cat /proc/sys/kernel/random/boot_id')
  const first = await bootId()
  await host.exec(['ssh', '-F', '.lab/lab/ssh_config', 'worker01', 'sudo reboot'], work.options)
  await virsh('destroy', 'worker02')
  t.match((await script('status')).stdout, /worker02 .* shut off/)
  const { stderr } = await succeeds(t, 'create')
  t.match(stderr, 'virsh -c qemu:///system start worker02')
  t.equal((await work.ssh('worker02', 'hostname')).trim(), 'worker02')
  const second = await until(
    () => bootId().catch(() => first),
    (id) => id !== first,
  )
  t.not(second, first, 'worker01 has booted again')
  t.match(
    await work.ssh('worker01', 'hostname; ip -4 -o addr'),
    /^worker01\n[^]*192\.168\.1\.31\/24/,
    'with its host key, which ssh knows, its name and its address',
  )
  t.match(await work.ssh('worker01', 'cloud-init status; ls /run/cloud-init'), /disabled$/m)
  const { nodes: now } = JSON.parse((await succeeds(t, 'status', '--json')).stdout)
  t.match(
    now,
    nodes.map((name) => ({ name, cloudInit: 'done', seed: 'ejected' })),
  )
})

await t.test('install-rke2 makes a cluster of one node and brings the kubeconfig', async (t) => {
  await succeeds(t, 'install-rke2')
  const kubeconfig = join(work.dir, '.lab/lab/kubeconfig')
  t.equal(statSync(kubeconfig).mode & 0o777, 0o600)
  t.match(readFileSync(kubeconfig, 'utf8'), 'https://192.168.1.30:6443')
  t.match(await kubectl('get', 'nodes'), /kubemaster +Ready +control-plane/)
  t.equal(await work.ssh('kubemaster', 'sudo stat -c %a /etc/rancher/rke2/config.yaml'), '600\n')
  t.match((await succeeds(t, 'install-rke2')).stderr, 'nothing to do: kubemaster runs RKE2')
})

await t.test('join makes three Ready nodes out of it', async (t) => {
  await succeeds(t, 'join')
  const list = await kubectl('get', 'nodes')
  for (const node of nodes) t.match(list, new RegExp(`${node} +Ready`))
  const second = await succeeds(t, 'join')
  t.match(second.stderr, 'nothing to do: every node has joined and is Ready')
  t.equal(await work.ssh('worker01', 'sudo stat -c "%a %U" /etc/rancher/rke2/token'), '600 root\n')
  const status = JSON.parse((await succeeds(t, 'status', '--json')).stdout)
  t.match(
    status.nodes,
    nodes.map((name) => ({
      name,
      rke2: { service: 'active', version },
      kubernetes: { ready: true },
    })),
  )
})

await t.test(
  'what pages say of a cluster that is up, with a restore from a snapshot',
  async (t) => {
    await kubectl('apply', '-f', 'tutorials/manifests/deployment.yaml')
    await typeMarked(t, 'cluster')
    t.match(await kubectl('delete', 'deployment', 'web'), 'deleted')
  },
)

await t.test('the release came from the mirror once, whatever the number of nodes', async (t) => {
  const requests = (await rig.mirror.requests()).filter(
    ({ path, method }) => path.includes('rke2') && method === 'GET',
  )
  const count = (name: string) => requests.filter(({ path }) => path.endsWith(name)).length
  for (const name of [
    'install.sh',
    'sha256sum-amd64.txt',
    'rke2.linux-amd64.tar.gz',
    'rke2-images.linux-amd64.tar.zst',
  ])
    t.equal(count(name), 1, name)
})

await t.test('a changed rke2.version is called an upgrade, not applied', async (t) => {
  work.writeLab({ ...lab, rke2: { ...(lab.rke2 as object), version: 'v1.37.0+rke2r1' } })
  const { exitCode, stderr } = await script('install-rke2')
  t.equal(exitCode, 1)
  t.match(stderr, 'that is an upgrade')
  work.writeLab(lab)
})

await t.test(
  'a recreated worker joins again under its name, and a fourth node later, from local files',
  async (t) => {
    const more = { name: 'worker03', role: 'agent', address: '192.168.1.33' }
    const rke2 = { version, images: true, artifacts: join(rig.served, version) }
    const http = 'http://192.168.1.1:3128'
    const proxy = { http, https: http, none: ['intranet.lan'] }
    work.writeLab({ ...lab, proxy, rke2, nodes: [...(lab.nodes as object[]), more] })
    const fetched = (await rig.mirror.requests()).length
    await succeeds(t, 'destroy', 'worker02', '--yes')
    const file = join(work.dir, 'cloud-init/user-data.yaml')
    writeFileSync(
      file,
      `${readFileSync(file, 'utf8')}
runcmd: [cp /proc/sys/kernel/random/boot_id /etc/first-boot]
power_state: { mode: reboot, condition: 'test "$(hostname)" = worker03' }
`,
    )
    await succeeds(t, 'create', 'worker02', 'worker03')
    const boots = 'cat /etc/first-boot /proc/sys/kernel/random/boot_id'
    const [asked, after] = (await work.ssh('worker03', boots)).trim().split('\n')
    t.not(after, asked, 'create waited for the restart that the user-data asked for')
    const [only, still] = (await work.ssh('worker02', boots)).trim().split('\n')
    t.equal(still, only, 'and for none where its condition does not hold')
    await succeeds(t, 'eject', 'worker02', 'worker03')
    const { stderr } = await succeeds(t, 'join', 'worker02', 'worker03')
    t.match(stderr, 'delete node worker02', 'the old Node went first')
    const list = await kubectl('get', 'nodes')
    for (const node of [...nodes, 'worker03']) t.match(list, new RegExp(`${node} +Ready`))
    const agent = await work.ssh('worker03', 'sudo cat /etc/default/rke2-agent')
    t.match(
      agent,
      /^HTTPS_PROXY=http:\/\/192\.168\.1\.1:3128\nNO_PROXY=.*192\.168\.1\.0\/24.*,\.svc,/m,
    )
    t.match(
      await work.ssh('worker03', 'cat /etc/apt/apt.conf.d/10rke2-kvm-lab'),
      `http::Proxy "${http}"`,
    )
    t.equal((await rig.mirror.requests()).length, fetched, 'nothing was fetched')
    work.writeLab(lab) // destroy must find worker03 anyway, by its domain
  },
)

await t.test(
  'the token and the private keys are in no output, log, process or file on this host',
  async (t) => {
    const token = (
      await work.ssh('kubemaster', 'sudo cat /var/lib/rancher/rke2/server/token')
    ).trim()
    const password = token.split(':').at(-1) ?? ''
    t.match(token, /^K10[0-9a-f]{64}::server:./)
    for (const text of output) t.notOk(text.includes(password) || text.includes('PRIVATE KEY'))
    const found = await host.exec(
      [
        'grep',
        '-rlF',
        '--exclude=*.qcow2', // the guests' own disks, where it must be
        password,
        work.dir,
        '/var/log/libvirt',
        '/var/lib/libvirt/images',
        '/etc/libvirt',
      ],
      { cwd: '/' },
    )
    t.equal(found.stdout, '')
    t.notMatch(await host.run(['ps', 'axww', '-o', 'args']), password)
  },
)

await t.test('destroy removes what create made and leaves decoys alone', async (t) => {
  await virsh('vol-create-as', 'rke2-kvm-lab', 'lab-worker99.qcow2', '1M')
  await virsh('vol-create-as', 'rke2-kvm-lab', 'other-worker01.qcow2', '1M')
  const { stderr } = await succeeds(t, 'destroy', '--yes', '--images')
  t.match(stderr, 'left alone: volume lab-worker99.qcow2')
  const left = await host.inventory()
  t.strictSame(left.volumes['rke2-kvm-lab'], ['lab-worker99.qcow2', 'other-worker01.qcow2'])
  for (const volume of left.volumes['rke2-kvm-lab'] ?? [])
    await virsh('vol-delete', '--pool', 'rke2-kvm-lab', volume)
  await succeeds(t, 'destroy', '--yes')
  t.strictSame(await host.inventory(), before, 'the host is as it was before create')
  t.notOk(existsSync(join(work.dir, '.lab')))
  t.match((await succeeds(t, 'destroy')).stderr, 'nothing to remove')
})
