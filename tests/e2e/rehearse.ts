// `npm run rehearse`: the whole lab on a machine without KVM or internet, for people to watch and play in. Real libvirt,
// real guests, real cloud-init; RKE2 is played by a stand-in (tests/stand-in). With --yes no shell follows.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startRig } from './rig.ts'
import { workspace } from './workspace.ts'

const project = resolve(import.meta.dirname, '../..')
const isUnattended = process.argv.includes('--yes') || !process.stdin.isTTY

process.umask(0o022) // up.ts, which may have started us, keeps files to itself; QEMU's user has to enter folders
becomeRoot()
installPackages()
console.error(
  'Starting a stand-in host: its own namespaces, with real libvirt. The image is built the first time (1-2 minutes).',
)
const rig = await startRig()
const work = workspace(rig.host, rig.lab())
let status = 1
try {
  console.error('The machines are emulated: expect minutes where KVM takes seconds.')
  console.error('RKE2 is played by a stand-in: it shows our scripts at work, not Kubernetes.\n')
  status = await foreground(work.command('up', '--yes'))
  if (status === 0) {
    const getNodes = 'kubectl --kubeconfig .lab/lab/kubeconfig get nodes'
    console.error(`\n$ ${getNodes}`)
    await foreground(getNodes.split(' '))
  }
  if (isUnattended)
    console.error('\nThis was a rehearsal: RKE2 was a stand-in, and all of it is removed now.')
  else {
    console.error(
      '\nA shell on that host; scripts, virsh and ssh work here. Leave it (exit) and everything is removed.',
    )
    console.error('  npx zx scripts/status.ts')
    console.error('  ssh -F .lab/lab/ssh_config kubemaster')
    console.error('  kubectl --kubeconfig .lab/lab/kubeconfig get nodes\n')
    await rig.host.shell({ ...work.options })
  }
} finally {
  await rig.stop()
  work.remove()
}
process.exitCode = status

function foreground(command: string[]): Promise<number> {
  const child = rig.host.spawn(command, { ...work.options, stdio: 'inherit' })
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}

/** Namespaces, libvirt and the image need root; an ordinary user gets it from sudo. */
function becomeRoot(): void {
  if (process.getuid?.() === 0) return
  const register = join(project, 'lib/runtime/register.cjs')
  const own = [process.execPath, '--import', register, import.meta.filename]
  const words = [...own, ...(isUnattended ? ['--yes'] : [])]
  console.error(`The rehearsal needs root: sudo ${words.join(' ')}`)
  const { status, error } = spawnSync('sudo', words, { stdio: 'inherit', cwd: project })
  if (error) console.error(`✗ sudo cannot be run: ${error.message}. Run npm run rehearse as root.`)
  process.exit(status ?? 1)
}

/** What is missing (tests/e2e/packages.txt), from Debian's or Ubuntu's own packages; elsewhere its error names the tools. */
function installPackages(): void {
  if (!existsSync('/usr/bin/apt-get')) return
  const { status } = spawnSync('bash', [join(project, '.ci/install-packages')], {
    stdio: ['ignore', 2, 'inherit'],
  })
  if (status === 0) return
  console.error('✗ the packages of the rehearsal could not be installed: see above')
  process.exit(1)
}
