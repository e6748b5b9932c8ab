import { startHost } from '../e2e/host.ts'
import { guestImage } from '../e2e/image.ts'
import { workspace } from '../e2e/workspace.ts'
const image = await guestImage()
const host = await startHost()
const lab = {
  name: 'bench',
  domainType: 'qemu',
  image: { file: image },
  network: { bridge: 'br0', cidr: '192.168.1.0/24', gateway: '192.168.1.1' },
  defaults: { vcpus: 1, memory: '512MiB', disk: '12GiB' },
  nodes: [0, 1, 2].map((index) => ({
    name: `bench${index}`,
    role: index === 0 ? 'server' : 'agent',
    address: `192.168.1.${100 + index}`,
  })),
  rke2: { version: 'v1.35.7+rke2r1' },
}
try {
  for (let i = 0; i < Number(process.argv.at(-1)); i++) {
    const work = workspace(host, lab)
    work.options.env = { ...work.options.env, XDG_CACHE_HOME: '/tmp/s/cache' }
    const start = performance.now()
    const child = host.spawn(
      work.command('create', ...(process.env.V ? ['--verbose'] : [])),
      work.options,
    )
    let said = ''
    await new Promise<void>((resolve) => {
      child.stderr!.on('data', (data) => {
        for (const line of String(data).split('\n').filter(Boolean))
          console.log((performance.now() - start).toFixed(0).padStart(6), line.slice(0, 150))
        said += String(data)
        if (said.includes('\nWait\n')) resolve()
      })
      child.once('exit', () => resolve())
    })
    host.signal(child, 'SIGKILL', { group: true })
    await work.script('destroy', '--yes', '--images')
    work.remove()
    console.log('-----')
  }
} finally {
  await host.stop()
}
