// What is made, before those who know: libvirt's own parser and schemas, cloud-init's schema.
// And the rules for this project's own imports.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { $ } from 'zx/core'
import { networkConfig, parseUserConfig, userData } from '../lib/machine/user-data.ts'
import { domainXml } from '../lib/libvirt/domain-xml.ts'
import { parseLab } from '../lib/lab/lab.ts'
import { baseVolumeXml, networkXml, overlayXml, poolXml } from '../lib/libvirt/storage-xml.ts'
import { top } from './helpers/fake-bin.ts'

const missing = (tool: string, ...args: string[]) =>
  spawnSync(tool, args, { stdio: 'ignore' }).error ? `${tool} is not installed` : false
const labFiles = ['lab.yaml', ...readdirSync(join(top, 'labs')).map((name) => `labs/${name}`)]
const labs = labFiles.map((file) => parseLab(readFileSync(join(top, file), 'utf8'), file))
const base = 'base-0123456789abcdef.qcow2'
const folder = t.testdir()
const put = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
/** Runs it; gives what it said when it failed. */
const complaint = (command: string, args: string[]) => {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? '' : `${command} ${args.join(' ')}\n${stdout}${stderr}`
}

await t.test(
  'libvirt takes every domain and network, validated',
  { skip: missing('virsh', '-v') },
  async (t) => {
    const commands = labs.flatMap((lab) => [
      ...lab.nodes.flatMap((node) =>
        (['kvm', 'qemu'] as const).map((type) => {
          const file = put(`${lab.name}-${node.name}-${type}.xml`, domainXml(lab, node, type))
          return `define --validate ${file}; undefine ${node.name}`
        }),
      ),
      ...(lab.network.nat
        ? [`net-define --validate ${put(`${lab.name}.xml`, networkXml(lab))}`]
        : []),
    ])
    // The test driver's state lives as long as the process.
    const { status, stdout, stderr } = spawnSync(
      'virsh',
      ['-c', 'test:///default', commands.join('; ')],
      {
        encoding: 'utf8',
      },
    )
    t.strictSame([status, stderr], [0, ''])
    const defined = labs.reduce((sum, { nodes }) => sum + 2 * nodes.length, 0)
    t.equal(stdout.match(/^Domain '.*' defined/gm)?.length, defined)

    await t.test('and would have found a mistake', async (t) => {
      const wrong = domainXml(labs[0]!, labs[0]!.nodes[0]!, 'kvm').replace(
        '<vcpu>',
        '<vpcu/><vcpu>',
      )
      const said = complaint('virsh', [
        '-c',
        'test:///default',
        `define --validate ${put('wrong.xml', wrong)}`,
      ])
      t.match(said, /XML document failed to validate/)
    })
  },
)

const noValidate = missing('virt-xml-validate', '--version')
await t.test('pool, volumes and network fit libvirt’s schemas', { skip: noValidate }, async (t) => {
  for (const lab of labs) {
    const node = lab.nodes[0]!
    const documents: [schema: string, text: string][] = [
      ['storagepool', poolXml(lab)],
      ['storagevol', overlayXml(lab, node, base)],
      ['storagevol', baseVolumeXml(base)],
      ...(lab.network.nat ? [['network', networkXml(lab)] satisfies [string, string]] : []),
    ]
    for (const [schema, text] of documents)
      t.equal(
        complaint('virt-xml-validate', [put('document.xml', text), schema]),
        '',
        `${lab.name}: ${schema}`,
      )
  }
})

await t.test(
  'cloud-init’s schema takes user-data and network-config',
  { skip: missing('cloud-init', '--version') },
  async (t) => {
    const config = parseUserConfig(readFileSync(join(top, 'cloud-init/user-data.yaml'), 'utf8'), '')
    const lab = labs[0]!
    const node = lab.nodes[0]!
    const keys = 'ssh_keys:\n  ed25519_public: a\n  ed25519_private: |\n    b\n'
    const data = put('user-data', userData(lab, node, config) + keys)
    t.equal(complaint('cloud-init', ['schema', '--config-file', data]), '')
    const network = put('network-config', networkConfig(lab, node))
    const said = complaint('cloud-init', ['schema', '-t', 'network-config', '-c', network])
    if (/unrecognized arguments|invalid choice/.test(said))
      t.comment('this cloud-init checks no network-config')
    else t.equal(said, '')
  },
)

// The project's own rules

await t.test('zx gives what the code imports from it', async (t) => {
  t.type($, 'function')
})

interface Source {
  file: string
  text: string
  imports: string[]
}
const sources: Source[] = ['lib', 'scripts'].flatMap((place) =>
  readdirSync(join(top, place), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const text = readFileSync(join(top, place, name), 'utf8')
      const imports = [...text.matchAll(/^(?:import|export)\b(?! type)[^'"]*?from '([^']+)'/gm)]
      return { file: `${place}/${name}`, text, imports: imports.map((found) => found[1] ?? '') }
    }),
)
const pure = sources.filter(({ text }) => /^(#!.*\n)?\/\/ PURE\./.test(text))
const isPure = (path: string) => pure.some(({ file }) => file === path)

await t.test('pure files import only pure files and libraries without effects', async (t) => {
  t.ok(pure.length > 15)
  const allowed = [
    'yaml',
    'zod',
    'minimist',
    'fast-xml-parser',
    'ipaddr.js',
    'cli-table3',
    'node:crypto',
    'node:module',
  ]
  const broken = pure.flatMap(({ file, imports }) =>
    imports
      .filter((name) => !isPure(join(file, '..', name)) && !allowed.includes(name))
      .map((name) => `${file}: ${name}`),
  )
  t.strictSame(broken, [])
})

await t.test('pure files know no clock, no chance, no environment', async (t) => {
  const effects =
    /\b(Date\.now|new Date|performance\.|Math\.random|random\w+\(|process\.|globalThis|setTimeout|fetch\()/
  const broken = pure.flatMap(({ file, text }) =>
    text
      .split('\n')
      .filter((line) => effects.test(line.replace(/\/\/.*|\/\*.*|^ \*.*/, '')))
      .map((line) => `${file}: ${line.trim()}`),
  )
  t.strictSame(broken, [])
})

await t.test('scripts import only lib; nothing imports scripts or tests', async (t) => {
  const broken = sources.flatMap(({ file, imports }) =>
    imports
      .filter(
        (name) =>
          /scripts\/|tests\//.test(name) || (file.startsWith('scripts/') && name.startsWith('./')),
      )
      .map((name) => `${file}: ${name}`),
  )
  t.strictSame(broken, [])
  for (const { file, text } of sources.filter(({ file }) => file.startsWith('scripts/'))) {
    t.match(text, /^#!\/usr\/bin\/env zx\n\/\/ /, file)
    t.notMatch(text, /^export /m, file)
  }
})

await t.test('no file imports itself by a detour', async (t) => {
  const graph = new Map(
    sources.map(({ file, imports }) => [
      file,
      imports.filter((name) => name.startsWith('.')).map((name) => join(file, '..', name)),
    ]),
  )
  const circles: string[] = []
  const walk = (file: string, path: string[]): void => {
    if (path.includes(file))
      return void circles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    for (const next of graph.get(file) ?? []) walk(next, [...path, file])
    graph.set(file, []) // seen
  }
  for (const file of graph.keys()) walk(file, [])
  t.strictSame(circles, [])
})

await t.test(
  'every command goes through the one door, and code passes no string to a shell',
  async (t) => {
    const users = sources.filter(({ imports }) =>
      imports.some((name) => name === 'zx' || name === 'zx/core' || name === 'node:child_process'),
    )
    t.strictSame(
      users.map(({ file }) => file),
      ['lib/shell/lock.ts', 'lib/shell/shell.ts'],
    )
  },
)
