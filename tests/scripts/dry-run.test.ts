// The scripts that --dry-run prints: valid bash, whole, without a secret; and nothing is changed.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { FakeHost, type Result } from '../helpers/fake-host.ts'
import { top } from '../helpers/fixtures.ts'

const noShellcheck =
  spawnSync('shellcheck', ['--version']).status !== 0 && 'shellcheck is not installed'

/** Writes a lab of the project into the test's folder, with an image on this host. */
function useLab(host: FakeHost, file: string): void {
  const text = readFileSync(join(top, file), 'utf8')
  const lab = parse(text.replace('qemu+ssh://you@bigbox/system', bigbox)) as Record<string, unknown>
  writeFileSync(
    join(host.project, 'lab.yaml'),
    stringify({ ...lab, domainType: 'kvm', image: { file: 'image.qcow2' } }),
  )
}

const printed: Record<string, string> = {}
const good = (t: Test, name: string, { code, stdout, stderr, changes }: Result) => {
  t.strictSame([code, changes], [0, []], `${name}: ${stderr}`)
  t.match(stdout, /^#!\/usr\/bin\/env bash\n/)
  t.match(stdout, /\nset -euo pipefail\n/)
  t.equal(spawnSync('bash', ['-n'], { input: stdout }).status, 0, `${name}: bash -n`)
  printed[name] = stdout
}

const place = mkdtempSync('/tmp/rkl-dry-') // whether ssh shares connections depends on a path's length
t.teardown(() => rmSync(place, { recursive: true, force: true }))
const host = new FakeHost(t, undefined, { folder: place })
const bigbox = host.addHost('bigbox')
const labs = ['lab.yaml', ...readdirSync(join(top, 'labs')).map((name) => `labs/${name}`)]
const interfaces = JSON.parse(host.read('ip-address')) as { addr_info: { local: string }[] }[]
host.put('ip-address', JSON.stringify(interfaces).replaceAll('192.0.2.', '192.168.1.'))

for (const file of labs)
  await t.test(`${file} on an empty host`, async (t) => {
    useLab(host, file)
    for (const script of file === 'lab.yaml' ? ['create', 'eject'] : ['create'])
      good(t, `${script} of ${file}`, await host.run(script, ['--dry-run']))
    t.notOk(existsSync(join(host.project, '.lab')), 'nothing is written')
  })

await t.test('destroy on an empty host has nothing to do', async (t) => {
  const { code, stdout, changes } = await host.run('destroy', ['--dry-run'])
  t.strictSame([code, changes], [0, []])
  t.equal(spawnSync('bash', ['-n'], { input: stdout }).status, 0)
})

await t.test('the script of create is the whole of it', async (t) => {
  const script = (printed['create of lab.yaml'] ?? '').replaceAll(host.project, '/home/me/lab')
  t.matchSnapshot(script.replaceAll(/base-[0-9a-f]{16}/g, 'base-DIGEST'), 'create of lab.yaml')
})

await t.test(
  'run by bash it does what create does, and create then has nothing to do',
  async (t) => {
    const host = new FakeHost(t)
    const { stdout } = await host.run('create', ['--dry-run'])
    t.notOk(existsSync(join(host.project, '.lab')))
    const env = {
      PATH: host.bin,
      HOME: host.folder,
      STAND_IN: host.state,
      FIXTURES: join(top, 'tests/fixtures'),
    }
    const bash = spawnSync('bash', ['-s'], { input: stdout, cwd: '/', env, encoding: 'utf8' })
    t.equal(bash.status, 0, bash.stderr)
    const made = host.inventory()
    t.equal(made.domains?.length, 3)
    t.equal(made.volumes?.length, 7)

    const create = await host.run('create')
    t.strictSame([create.code, create.changes], [0, []], create.stderr)
    t.match(create.stderr, 'nothing to do')
    t.strictSame(host.inventory(), made)

    await t.test('on a lab that is there: eject, destroy, and the secrets stay out', async (t) => {
      good(t, 'eject of what is there', await host.run('eject', ['--dry-run']))
      good(t, 'destroy of what is there', await host.run('destroy', ['--dry-run', '--images']))
      const again = await host.run('create', ['--dry-run'])
      good(t, 'create of what is there', again)
      t.strictSame(host.inventory(), made)
      t.match(
        printed['destroy of what is there'],
        /virsh -c qemu:\/\/\/system undefine kubemaster /,
      )
      const secrets = ['id_ed25519', 'nodes/kubemaster/host_key'].map(
        (file) => readFileSync(join(host.project, '.lab/lab', file), 'utf8').split('\n')[2] ?? '',
      )
      for (const [name, script] of Object.entries(printed)) {
        t.notMatch(script, 'PRIVATE KEY', name)
        t.notOk(
          secrets.some((secret) => script.includes(secret)),
          name,
        )
      }
      const destroy = spawnSync('bash', ['-s'], {
        input: printed['destroy of what is there'] ?? '',
        env,
        encoding: 'utf8',
      })
      t.equal(destroy.status, 0, destroy.stderr)
      t.strictSame(host.inventory(), { domains: [], volumes: [], pools: [], networks: [] })
      t.notOk(existsSync(join(host.project, '.lab')))
    })
  },
)

await t.test('a script with nothing to do is valid bash as well', async (t) => {
  const host = new FakeHost(t, (lab) => lab.nodes.splice(1))
  for (const script of ['create', 'eject']) t.equal((await host.run(script)).code, 0)
  good(t, 'eject of what is ejected', await host.run('eject', ['--dry-run']))
  t.match(printed['eject of what is ejected'], /^# nothing to do\ntrue$/m)
})

await t.test('hostile free text in the lab file is quoted', async (t) => {
  const name = `it's $(touch pwned) "x" \`id\`; .qcow2`
  const host = new FakeHost(t, (lab) => (lab.image.file = name))
  writeFileSync(join(host.project, name), readFileSync(join(host.project, 'image.qcow2')))
  good(t, 'hostile', await host.run('create', ['--dry-run']))
  t.ok(printed.hostile?.includes(` 'it'\\''s $(touch pwned) "x" \`id\`; .qcow2'`))
})

await t.test('shellcheck has nothing to say', { skip: noShellcheck }, async (t) => {
  // SC2016: expressions in single quotes are for another shell.
  for (const [name, script] of Object.entries(printed)) {
    const { status, stdout } = spawnSync('shellcheck', ['-e', 'SC2016', '-'], {
      input: script,
      encoding: 'utf8',
    })
    t.equal(status, 0, `${name}:\n${stdout}`)
  }
})
