// `npm run rehearse`: the whole lab on a machine without KVM or internet, for people to watch and play in. Real libvirt,
// real guests, real cloud-init; RKE2 is played by a stand-in (tests/stand-in).
import { startRig } from './rig.ts'
import { workspace } from './workspace.ts'

console.error(
  'Starting a stand-in host: namespaces of its own, real libvirt in it. The image is built the first time (1-2 minutes).',
)
const rig = await startRig()
const work = workspace(rig.host, rig.lab())
let status = 1
try {
  console.error('The machines are emulated: expect minutes where KVM takes seconds.')
  console.error('RKE2 is played by a stand-in: it shows our scripts at work, not Kubernetes.\n')
  status = await foreground(work.command('up'))
  if (status === 0) {
    const getNodes = 'kubectl --kubeconfig .lab/lab/kubeconfig get nodes'
    console.error(`\n$ ${getNodes}`)
    await foreground(getNodes.split(' '))
  }
  if (process.stdin.isTTY) {
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
