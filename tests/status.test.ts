// Status and destroy where libvirt does not show everything, as real processes on a stand-in host.
import { readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost } from './helpers/fake-host.ts'
import { fixture } from './helpers/fixtures.ts'

// As a public report has it (crc-org/crc 2839): virtqemud answers, virtstoraged's socket is not enabled.
const off = (daemon: string) =>
  `Failed to connect socket to '/var/run/libvirt/${daemon}-sock': No such file or directory`
const noStorage = `pool-*\tFailed to list pools: ${off('virtstoraged')}\nvol-*\t${off('virtstoraged')}\n`
const daemonOff = 'the storage daemon of libvirt is off: Failed to list pools'
const start = 'try: sudo systemctl enable --now virtstoraged.socket'

interface Status {
  nodes: { domain: string; ssh: string | null; disk: unknown; remark: string | null }[]
}

await t.test('a storage daemon that is off', async (t) => {
  const host = new FakeHost(t)
  t.equal((await host.run('create')).code, 0)
  const before = host.inventory()
  const filesNow = () =>
    readdirSync(join(host.project, '.lab/lab'), { recursive: true }).map(String)
  const files = new Set(filesNow())
  host.put('failures', noStorage)

  await t.test('status shows what it could find out, and says what not', async (t) => {
    const { code, stdout, stderr } = await host.run('status')
    t.equal(code, 1)
    t.match(stdout, /^kubemaster +server +192\.0\.2\.30 +running +ok +done/m)
    t.match(stdout, 'worker02: its disk could not be checked')
    t.match(stderr, daemonOff)
    t.match(stderr, start)
    const json = await host.run('status', ['--json', 'worker01'])
    t.match((JSON.parse(json.stdout) as Status).nodes, [
      { domain: 'running', ssh: 'ok', disk: null, remark: 'its disk could not be checked' },
    ])
  })

  for (const words of [['--yes'], ['--yes', 'worker01'], ['--dry-run']])
    await t.test(`destroy ${words.join(' ')} removes nothing, keys included`, async (t) => {
      const { code, stdout, stderr, changes } = await host.run('destroy', words)
      t.strictSame([code, stdout, changes], [1, '', []])
      t.match(stderr, daemonOff)
      t.match(stderr, start)
      t.strictSame(host.inventory(), before)
      t.strictSame(new Set(filesNow()), files)
    })

  await t.test('so it is where only the networks cannot be seen', async (t) => {
    host.put('failures', `net-*\t${off('virtnetworkd')}\n`)
    const { code, stderr, changes } = await host.run('destroy', ['--yes'])
    t.strictSame([code, changes], [1, []])
    t.match(stderr, /✗ not all of the lab can be seen, so nothing is removed: the network daemon/)
    t.match(stderr, 'try: sudo systemctl enable --now virtnetworkd.socket')
    t.equal((await host.run('status')).code, 0, 'a bridged lab has no network to show')
  })

  await t.test('and where a seed cannot be read', async (t) => {
    host.put('failures', 'vol-download *\tno such luck\n')
    const { code, stderr, changes } = await host.run('destroy', ['--yes'])
    t.strictSame([code, changes], [1, []])
    t.match(stderr, '✗ no such luck')
  })
})

await t.test('libvirt that does not answer: the nodes are asked all the same', async (t) => {
  const host = new FakeHost(t)
  const missing = fixture('connect-missing.libvirt-9.0.0.txt')
  host.put('no-connection', missing)
  const none = await host.run('status')
  t.equal(none.code, 1)
  t.match(none.stdout, /^worker01 +agent +192\.0\.2\.31 +unknown +- /m)
  t.match(none.stderr, '✗ libvirt is not running or not installed')

  t.equal((await host.run('destroy')).code, 1)
  unlinkSync(join(host.state, 'no-connection'))
  t.equal((await host.run('create')).code, 0)
  host.put('no-connection', missing)
  const { code, stdout } = await host.run('status', ['--json'])
  t.equal(code, 1)
  t.match((JSON.parse(stdout) as Status).nodes[0], {
    domain: 'unknown',
    ssh: 'ok',
    remark: 'libvirt did not say whether it is made or runs',
  })
})
