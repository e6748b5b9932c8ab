// PURE. A node -> its domain XML.
import type { Lab, Node } from '../lab/lab.ts'
import { xml, Xml } from '../text/xml.ts'

/** Namespace of the <metadata> element that marks the domains of these scripts. */
export const namespace = 'urn:rke2-kvm-lab:1'

/** Where libvirt logs the guest's serial console. */
export const consoleLog = (node: { name: string }) =>
  `/var/log/libvirt/qemu/${node.name}.console.log`

const cpu = {
  kvm: xml`<cpu mode='host-passthrough'/>`,
  qemu: xml`<cpu mode='maximum'/>`, // software emulation has no host processor
}

const source = ({ bridge = '' }: { bridge?: string | undefined }, network?: string): Xml =>
  network === undefined
    ? xml`<interface type='bridge'><source bridge='${bridge}'/>`
    : xml`<interface type='network'><source network='${network}'/>`

/** What follows vd in the names of disks after the first. */
export const diskLetters = 'bcdefghijklmnopqrstuvwxyz'.split('')

/** A further disk; the guest finds it by its name, not by the letter of `vdX`. */
export const diskXml = (lab: Lab, { name, volume }: Node['disks'][number], letter: string): Xml =>
  xml`<disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap' detect_zeroes='unmap'/>
      <source file='${lab.pool.path}/${volume}'/>
      <target dev='vd${letter}' bus='virtio'/>
      <serial>${name}</serial>
    </disk>`

const cardXml = (card: Node['networks'][number]): Xml =>
  xml`${source(card, card.network)}
      <mac address='${card.mac}'/>
      <model type='virtio'/>
    </interface>`

// Each begins a new line.
const after = (all: Xml[]): Xml => new Xml(all.map(({ text }) => `\n    ${text}`).join(''))

/** Domain XML of a node; `auto` is resolved to `type` before. */
export function domainXml(lab: Lab, node: Node, type: 'kvm' | 'qemu'): string {
  return xml`<domain type='${type}'>
  <name>${node.name}</name>
  <uuid>${node.uuid}</uuid>
  <title>${node.name} (${node.role} of lab ${lab.name})</title>
  <metadata>
    <lab:node xmlns:lab='${namespace}' lab='${lab.name}' role='${node.role}' address='${node.address}'/>
  </metadata>
  <memory unit='MiB'>${Math.floor(node.memory / 2 ** 20)}</memory>
  <vcpu>${node.vcpus}</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/><apic/></features>
  ${cpu[type]}
  <clock offset='utc'>
    <timer name='rtc' tickpolicy='catchup'/>
    <timer name='pit' tickpolicy='delay'/>
    <timer name='hpet' present='no'/>
  </clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap' detect_zeroes='unmap'/>
      <source file='${lab.pool.path}/${node.volume}'/>
      <target dev='vda' bus='virtio'/>
      <boot order='1'/>
    </disk>${after(node.disks.map((disk, index) => diskXml(lab, disk, diskLetters[index] ?? '')))}
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='${lab.pool.path}/${node.seedVolume}' startupPolicy='optional'/>
      <target dev='sda' bus='scsi'/>
      <readonly/>
    </disk>
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <controller type='usb' model='none'/>
    ${source(lab.network, lab.network.nat)}
      <mac address='${node.mac}'/>
      <model type='virtio'/>
    </interface>${after(node.networks.map(cardXml))}
    <serial type='pty'>
      <log file='${consoleLog(node)}' append='on'/>
      <target type='isa-serial' port='0'/>
    </serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='virtio' freePageReporting='on'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
`.text
}
