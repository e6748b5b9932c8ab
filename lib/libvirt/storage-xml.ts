// PURE. XML of the storage pool, its volumes and the NAT network.
import { createHash } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import type { Lab } from '../lab/lab.ts'
import { xml } from '../text/xml.ts'

/** The pool that holds the volumes of all labs; its fixed uuid marks it as made by the scripts. */
export function poolXml({ pool }: Lab): string {
  return xml`<pool type='dir'>
  <name>${pool.name}</name>
  <uuid>${pool.uuid}</uuid>
  <target>
    <path>${pool.path}</path>
  </target>
</pool>
`.text
}

/** The base image before its upload: libvirt reads the real capacity from the uploaded file. */
export function baseVolumeXml(base: string): string {
  return xml`<volume>
  <name>${base}</name>
  <capacity>0</capacity>
  <target>
    <format type='qcow2'/>
  </target>
</volume>
`.text
}

/** What the further disks of a lab are based on, which marks them as its own: an empty volume, called like the base images and
 *  kept like them. */
export const emptyBase = ({ name }: { name: string }): string =>
  `base-00000000${createHash('sha256').update(name).digest('hex').slice(0, 8)}.qcow2`

/** Whether a file is such a volume, of any lab. */
export const isEmptyBase = (file: string): boolean =>
  /\/base-00000000[0-9a-f]{8}\.qcow2$/.test(file)

export const emptyXml = (lab: { name: string }): string =>
  xml`<volume>
  <name>${emptyBase(lab)}</name>
  <capacity unit='MiB'>1</capacity>
  <target>
    <format type='qcow2'/>
    <compat>1.1</compat>
  </target>
</volume>
`.text

/** A disk: a copy-on-write overlay of a base image, at its own size in bytes. */
export function overlayXml(
  lab: Lab,
  { volume, size }: { volume: string; size: number },
  base: string,
): string {
  return xml`<volume>
  <name>${volume}</name>
  <capacity unit='bytes'>${size}</capacity>
  <target>
    <format type='qcow2'/>
    <compat>1.1</compat>
  </target>
  <backingStore>
    <path>${lab.pool.path}/${base}</path>
    <format type='qcow2'/>
  </backingStore>
</volume>
`.text
}

/** The netmask of the lab's network, such as 255.255.255.0. */
export const netmask = ({ network }: Lab): string =>
  ipaddr.IPv4.subnetMaskFromPrefixLength(ipaddr.IPv4.parseCIDR(network.cidr)[1]).toString()

/** The lab's own network behind NAT. No DHCP: every address comes from the seeds. */
export function networkXml(lab: Lab): string {
  const { nat = '', gateway } = lab.network
  return xml`<network>
  <name>${nat}</name>
  <uuid>${lab.networkUuid}</uuid>
  <forward mode='nat'/>
  <bridge stp='on' delay='0'/>
  <ip address='${gateway}' netmask='${netmask(lab)}'/>
</network>
`.text
}
