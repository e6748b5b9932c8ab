// PURE. The shape of a lab file. Strict: an unknown key is an error.
import type { output } from 'zod'
import { z } from '../runtime/packages.ts'
import { bridgeName, card, disk, exactlyOne, networkName, ofIpv4, size } from './fields.ts'
import { imageNames } from './images.ts'

/** Names that become host names, domain names and parts of volume names: a DNS label, not only digits. */
const labelPattern = /^(?!\d+$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const printable = /^[^\p{Cc}]*$/u

const label = z
  .string()
  .regex(labelPattern, 'must be a DNS label: a-z, 0-9 and "-", at most 63, not only digits')
const line = z.string().min(1).max(2000).regex(printable, 'must be one line of printable text')
const address = z.ipv4(ofIpv4('an IPv4 address'))
const cidr = z.cidrv4(ofIpv4('an IPv4 network such as 192.168.1.0/24'))
const url = line.refine((text) => /^https?:\/\/[^\s'"<>]+$/.test(text) && URL.canParse(text), {
  error: 'must be an http or https address',
})
const proxy = url
  .regex(
    /^[^@]*$/,
    'must hold no login: write proxy: host, and export it as https_proxy on this host',
  )
  .optional()
const direct = line.regex(/^[^\s,'"]+$/, 'must be one name or network')
const path = line.refine((text) => !text.startsWith('-'), { error: 'must not start with "-"' })
const poolFolder = line.regex(
  /^(\/(?!\.\.?\/)[\w@%+=:,.-]+)*\/rke2-kvm-lab$/,
  'must be a whole path that ends in /rke2-kvm-lab, such as /data/rke2-kvm-lab: a separate folder',
)
const libvirt = line
  .regex(/^[a-z][a-z0-9+]*:\/\/[^\s'"]*$/, 'must be a libvirt URI such as qemu:///system')
  .regex(
    /^(?!.*\/session$)/,
    "a user's own session has neither bridge nor NAT network; use qemu:///system",
  )
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits, lower case')

const machine = {
  vcpus: z.int().min(1).max(256),
  memory: size('512MiB'),
  disk: size('3GiB'),
}

const node = z.strictObject({
  name: label.describe('name of the machine, of its domain and of its Kubernetes node'),
  role: z
    .enum(['server', 'agent'])
    .describe('server: control plane (it can also run pods); agent: worker'),
  address: address.describe('fixed address, inside network.cidr'),
  vcpus: machine.vcpus.optional().describe('instead of defaults.vcpus'),
  memory: machine.memory.optional().describe('instead of defaults.memory'),
  disk: machine.disk.optional().describe('instead of defaults.disk'),
  host: label.optional().describe('the one of hosts that it is on; otherwise that of libvirt'),
  disks: z.array(disk).max(20).optional(),
  networks: z.array(card).max(10).optional(),
})

const plugin = z.enum(['canal', 'calico', 'cilium', 'flannel', 'none'])

export const labSchema = z.strictObject({
  name: label
    .refine((name) => name.length <= 40, { error: 'must be at most 40 characters' })
    .describe('name of the lab: of its folder .lab/NAME, its volumes and its kubeconfig context'),
  libvirt: libvirt
    .default('qemu:///system')
    .describe(
      'where the machines are created: any libvirt URI; with hosts, it is one of them, also without a node on it',
    ),
  hosts: z
    .record(
      label,
      z.strictObject({
        libvirt: libvirt.describe('its libvirt URI'),
        bridge: bridgeName.optional().describe('instead of network.bridge'),
        pool: poolFolder.optional().describe('instead of pool'),
      }),
    )
    .default({})
    .describe('further hosts by name, for nodes[].host; all on one LAN, with network.bridge'),
  domainType: z
    .enum(['auto', 'kvm', 'qemu'])
    .default('auto')
    .describe('kvm; qemu: software emulation, slow; auto: kvm if it works, else qemu'),
  autostart: z
    .boolean()
    .optional()
    .describe('true: libvirt starts the machines together with the host; false: it does not'),
  pool: poolFolder
    .optional()
    .describe(
      'folder on the host of libvirt for the disks of all labs; /var/lib/libvirt/images/rke2-kvm-lab unless given',
    ),
  image: z
    .strictObject({
      name: z
        .enum(imageNames)
        .optional()
        .describe('a cloud image that is known here; `image: NAME` is the same'),
      url: url.optional().describe('another cloud image (qcow2) to download'),
      file: path.optional().describe('a cloud image (qcow2) on this host'),
      sha256: sha256
        .optional()
        .describe("pins one build; without it, the publisher's checksum file decides"),
    })
    .refine(exactlyOne('name', 'url', 'file'), { error: 'give one of name, url and file' }),
  network: z
    .strictObject({
      bridge: bridgeName
        .optional()
        .describe('bridge of the host on the LAN; either this or network.nat'),
      nat: networkName
        .optional()
        .describe('name of a libvirt network to create; only the host can reach its machines'),
      cidr: cidr.describe('network of the machines'),
      gateway: address.describe('default gateway; with network.nat, the address of the host'),
      nameservers: z
        .array(z.union([z.ipv4(), z.ipv6()]))
        .min(1)
        .default(['1.1.1.1', '8.8.8.8'])
        .describe('DNS servers of the machines'),
    })
    .refine(exactlyOne('bridge', 'nat'), { error: 'give either bridge or nat' }),
  proxy: z
    .union(
      [
        z.literal('host'),
        z.strictObject({ http: proxy, https: proxy, none: z.array(direct).default([]) }),
      ],
      { error: 'must be host, or { http: ADDRESS, https: ADDRESS, none: [NAME] }' },
    )
    .optional()
    .describe(
      'proxies for the packages of the machines and for RKE2: { http, https, none }; host: as in the environment of this host',
    ),
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'must be a Linux user name')
    .refine((name) => name !== 'root', { error: 'must not be root: login as root is disabled' })
    .default('ubuntu')
    .describe('login on every machine, by SSH key only'),
  defaults: z
    .strictObject({
      vcpus: machine.vcpus.default(2).describe('processors of each machine'),
      memory: machine.memory.default('4GiB').describe('memory of each machine; RKE2 needs 4GiB'),
      disk: machine.disk
        .default('40GiB')
        .describe('size of each disk; it takes space on the host only as it fills'),
    })
    .prefault({}),
  nodes: z.array(node).min(1, 'must have at least one node').max(250),
  rke2: z.strictObject({
    version: z
      .string()
      .regex(/^v\d+\.\d+\.\d+(-rc\d+)?\+rke2r\d+$/, 'must be a release such as v1.36.5+rke2r1')
      .describe('RKE2 release to install'),
    cni: z
      .union([plugin, z.tuple([z.literal('multus'), plugin])], {
        error: 'must be canal, calico, cilium, flannel, none, or a list such as [multus, canal]',
      })
      .default('canal')
      .describe('network plugin, fixed once the cluster exists; none: you install one yourself'),
    config: z
      .record(z.string(), z.unknown())
      .default({})
      .describe(
        "keys of RKE2's config.yaml for servers; agents get those that apply to them, but not node-taint",
      ),
    vip: address
      .optional()
      .describe(
        'address that the servers share: nodes join there, and it is in certificates and kubeconfig; kube-vip moves it when a server is lost, if there are three',
      ),
    vipImage: line
      .regex(
        /^[\w./:-]+(:v?\d[\w.-]*|@sha256:[0-9a-f]{64})$/,
        'must be an image with a version, such as ghcr.io/kube-vip/kube-vip:v1.2.3',
      )
      .default('ghcr.io/kube-vip/kube-vip:v1.2.3')
      .describe('image of kube-vip, with its version'),
    mirror: url.optional().describe('base address to download releases from instead of GitHub'),
    artifacts: path.optional().describe("folder with the release's files; nothing is downloaded"),
    images: z
      .boolean()
      .default(false)
      .describe('also copy the container images to the nodes, for machines without internet'),
  }),
})

export type LabFile = output<typeof labSchema>
