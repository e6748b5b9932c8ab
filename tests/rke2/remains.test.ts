// What a power cut leaves on a node, read from its files by the script that is sent to it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { parseRemains, remainsScript } from '../../lib/rke2/remains.ts'
import { parts } from '../../lib/text/sections.ts'

const snapshots = 'agent/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots'

await t.test('the files of a node after a power cut', async (t) => {
  const root = t.testdir()
  const data = join(root, 'var/lib/rancher/rke2')
  const put = (path: string, content: string, mode = 0o644) => {
    const file = join(data, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content, { mode })
  }
  const look = () => {
    const script = remainsScript.replaceAll(/\/(var\/lib|etc)\//g, `${root}/$1/`)
    return parseRemains(
      parts(execFileSync('sh', ['-s'], { input: `${script}true`, encoding: 'utf8' })),
    )
  }
  t.strictSame(look(), { archives: [], unborn: false, empty: [] }, 'a node without RKE2')

  put('agent/images/rke2-images.linux-amd64.tar.zst', 'x')
  put('agent/images/.cache.json', '')
  put('agent/client-kubelet.key', 'a key', 0o600)
  put('server/db/etcd/member/snap/db', 'x'.repeat(20480))
  put(`${snapshots}/12/fs/usr/local/bin/etcd`, 'a program', 0o755)
  put(`${snapshots}/12/fs/usr/local/bin/notes`, '')
  put(`${snapshots}/12/fs/.dockerenv`, '', 0o755)
  t.strictSame(look(), {
    archives: ['rke2-images.linux-amd64.tar.zst'],
    unborn: true,
    empty: [],
  })

  put(`${snapshots}/12/fs/usr/local/bin/etcd`, '', 0o755)
  put(`${snapshots}/7/fs/pause`, '', 0o755)
  const ofServer = ['tls/etcd/server-client.key', 'tls/client-admin.crt', 'cred/admin.kubeconfig']
  for (const file of ofServer) put(`server/${file}`, '')
  put('server/tls/dynamic-cert-regenerate', '') // made by "rke2 certificate rotate", until the next start
  put('agent/client-kubelet.key', '')
  put('server/db/snapshots/first', 'x')
  t.strictSame(
    look(),
    {
      archives: ['rke2-images.linux-amd64.tar.zst'],
      unborn: false,
      empty: [
        join(data, 'agent/client-kubelet.key'),
        join(data, 'server/tls/client-admin.crt'),
        join(data, 'server/tls/etcd/server-client.key'),
        join(data, 'server/cred/admin.kubeconfig'),
        '7/fs/pause',
        '12/fs/usr/local/bin/etcd',
      ],
    },
    'a server with snapshots was Ready once',
  )

  rmSync(join(data, 'server/db/snapshots'), { recursive: true })
  for (const [what, size, unborn] of [
    ['an empty database may be a damaged one', 0, false],
    ['one that Kubernetes has written into', 1_300_000, false],
    ['a new one', 20480, true],
  ] as const) {
    put('server/db/etcd/member/snap/db', 'x'.repeat(size))
    t.equal(look().unborn, unborn, what)
  }
})
