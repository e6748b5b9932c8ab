// The generated files, checked by the programs that read them: libvirt's own parser and schemas, cloud-init's schema.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { networkConfig, parseUserConfig, userData } from '../lib/machine/user-data.ts'
import { domainXml } from '../lib/libvirt/domain-xml.ts'
import { parseLab } from '../lib/lab/lab.ts'
import {
  baseVolumeXml,
  emptyXml,
  networkXml,
  overlayXml,
  poolXml,
} from '../lib/libvirt/storage-xml.ts'
import { top } from './helpers/fixtures.ts'

const missing = (tool: string, ...args: string[]) =>
  spawnSync(tool, args, { stdio: 'ignore' }).error ? `${tool} is not installed` : false
const labFiles = ['lab.yaml', ...readdirSync(join(top, 'labs')).map((name) => `labs/${name}`)]
// With what they leave out in comments (labs/disks.yaml).
const textOf = (file: string) => readFileSync(join(top, file), 'utf8').replace(/^ {4}# /gm, '    ')
const labs = labFiles.map((file) => parseLab(textOf(file), file))
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
  'libvirt accepts every domain and network, validated',
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

    await t.test('and it finds a mistake', async (t) => {
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
      ['storagevol', overlayXml(lab, { ...node, size: node.disk }, base)],
      ['storagevol', baseVolumeXml(base)],
      ['storagevol', emptyXml(lab)],
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
  'cloud-init’s schema accepts user-data and network-config',
  { skip: missing('cloud-init', '--version') },
  async (t) => {
    const config = parseUserConfig(readFileSync(join(top, 'cloud-init/user-data.yaml'), 'utf8'), '')
    const lab = labs[labFiles.indexOf('labs/disks.yaml')]!
    const node = lab.nodes[1]!
    t.equal(node.networks.length, 1)
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
