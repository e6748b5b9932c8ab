// exec.ts, env.ts and logs.ts on a lab whose nodes are Ready.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Host } from '../host.ts'
import type { Runner } from '../runner.ts'
import type { Workspace } from '../workspace.ts'

interface Place {
  host: Host
  work: Workspace
  run: Runner
  /** Names; the first is the server. */
  nodes: string[]
}

/** Leaves the lab as it is. */
export async function smallOnes(t: Test, { host, work, run, nodes }: Place): Promise<void> {
  const [server = '', ...agents] = nodes

  await t.test('exec runs a command on all nodes, as a user and as root', async (t) => {
    const named = await run.succeeds(t, 'exec', '--', 'hostname')
    const line = (node: string) => new RegExp(`^${node}: +${node}$`, 'm')
    for (const node of nodes) t.match(named.stdout, line(node))
    const root = await run.succeeds(t, 'exec', '--root', '--servers', '--', 'id -u | tail -n 1')
    t.equal(root.stdout, `${server}: 0\n`)
    const { exitCode, stdout, stderr } = await run.script(
      'exec',
      '--',
      `cat; test "$(hostname)" = ${server} || exit 3; echo 'it is' "$(hostname)"`,
    )
    t.strictSame([exitCode, stdout.trim().replace(/ +/g, ' ')], [1, `${server}: it is ${server}`])
    for (const node of agents)
      t.match(stderr, `✗ ${node}: the command ended with exit status 3`, stderr)
  })

  await t.test('env gives a shell a kubectl that works', async (t) => {
    const { stdout } = await run.succeeds(t, 'env')
    const get = `${stdout}\ncd / && kubectl get nodes`
    t.match(await host.run(['bash', '-c', get], work.options), new RegExp(`${server} +Ready`))
    const complete = `${stdout}\ncomplete -p kubectl`
    const typed = await host.run(['bash', '--norc', '-ic', complete], work.options)
    t.match(typed, /complete .*kubectl/)
  })

  await t.test('logs packs what there is, and no secret of the lab', async (t) => {
    const { stdout, stderr } = await run.succeeds(t, 'logs')
    const archive = join(work.dir, stdout.trim())
    t.equal(statSync(archive).mode & 0o777, 0o600)
    const folder = mkdtempSync(join(tmpdir(), 'rkl-logs-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    await host.run(['tar', '-xzf', archive, '-C', folder, '--strip-components=1'])
    const texts = new Map(
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((file) => [file.slice(folder.length + 1), readFileSync(file, 'utf8')] as const),
    )
    t.comment([...texts].map(([file, text]) => `${file} ${text.length}`).join('\n'))
    for (const node of nodes) {
      t.match(texts.get(`nodes/${node}/domain.xml`), `<name>${node}</name>`)
      t.match(texts.get(`nodes/${node}/domstate.txt`), /^running/)
      t.match(texts.get(`nodes/${node}/volumes.txt`), `lab-${node}.qcow2`)
      t.match(texts.get(`nodes/${node}/console.log`), /cloud-init/i)
      t.match(texts.get(`nodes/${node}/cloud-init.journal`), /cloud-init/)
      t.match(texts.get(`nodes/${node}/rke2.journal`), /Starting rke2/)
      t.match(texts.get('status.txt'), new RegExp(`^${node} .* running `, 'm'))
    }
    t.match(texts.get(`nodes/${server}/kubernetes-nodes.txt`), new RegExp(`${server} +Ready`))
    t.match(texts.get('versions.txt'), /hypervisor: QEMU/)
    const missing = stderr.match(/missing: .*/g) ?? []
    const unplayed = /\/(containers|certificates|containerd|kubelet)\.|kubernetes-events/ // of the stand-in for RKE2
    t.strictSame(
      missing.filter((line) => !unplayed.test(line)),
      [],
    )

    const all = [...texts.values(), stderr].join('\n')
    for (const secret of await secretsOf(work, server))
      t.notOk(all.includes(secret), `${secret.slice(0, 8)}... is not in it`)
    t.notMatch(all, /PRIVATE KEY|K10[0-9a-f]{20}/)
    rmSync(archive)
  })
}

/** The password in the lab's rke2/registries.yaml. */
export const login = 'login-of-a-registry'

/** What must be in no report: parts of the token and of the private keys, and a login. */
async function secretsOf(work: Workspace, server: string): Promise<string[]> {
  const token = await work.ssh(server, 'sudo cat /var/lib/rancher/rke2/server/token')
  const node = await work.ssh(server, 'sudo cat /etc/rancher/node/password')
  const lab = join(work.dir, '.lab/lab')
  const key = readFileSync(join(lab, 'id_ed25519'), 'utf8').split('\n')[2] ?? ''
  const kubeconfig = readFileSync(join(lab, 'kubeconfig'), 'utf8')
  const [, data = ''] = /client-key-data: (\S+)/.exec(kubeconfig) ?? []
  return [token.trim().split(':').at(-1) ?? '', node.trim(), key, data, login].filter(Boolean)
}
