// PURE. Shapes that several keys of a lab file share, and those of a node's further disks and network cards.
import { z } from '../runtime/packages.ts'
import { parseSize } from '../text/size.ts'

export const size = (least: string) =>
  z
    .string()
    .refine((text) => parseSize(text) !== undefined, {
      error: 'must be a size such as 4GiB, 512MiB or 40G',
    })
    .refine((text) => (parseSize(text) ?? Infinity) >= (parseSize(least) ?? 0), {
      error: `must be at least ${least}`,
    })

/** What a value that has to be of IPv4 must be. */
export const ofIpv4 = (what: string) => ({
  error: ({ input }: { input: unknown }) =>
    typeof input === 'string' && input.includes(':')
      ? `must be ${what}; docs/limits.md says why IPv6 is refused`
      : `must be ${what}`,
})

export const exactlyOne =
  (...keys: string[]) =>
  (value: Record<string, unknown>) =>
    keys.filter((key) => value[key] !== undefined).length === 1

export const networkName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/, 'must be letters, digits, ".", "_", "-", at most 50')

export const bridgeName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/, 'must be the name of a bridge, at most 15 characters')

// A virtio disk hands over 20 bytes of its serial number, and cuts the rest without a word.
const diskName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/, 'must be a-z, 0-9 and "-", at most 20 characters')

// Not where the system itself is, or what it has written by the time that the disk is mounted.
const mountPoint = z
  .string()
  .regex(
    /^(?!\/(bin|boot|dev|etc|lib\d*|proc|root|run|sbin|sys|tmp|usr)(\/|$)|\/(home|var|var\/lib|var\/log)$|\/var\/lib\/(cloud|dpkg|rpm|systemd|kubelet\/pods)(\/|$)|.*\/\.\.?(\/|$))(\/[\w.-]+)+$/,
    'must be a folder for data, such as /var/lib/data or /srv',
  )

// What the kernel, udev and network plugins call their own.
const cardName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,14}$/, 'must be a-z, 0-9 and "-", a letter first, at most 15')
  .regex(
    /^(?!(lo|en[opsx]\w+|(eth|cni|docker|virbr|dummy|cali|lxc|veth|wlan|bond)\w*|kube-.*)$)/,
    'is a name that the system gives to a card itself; take another, such as storage',
  )

/** A disk beside the first. */
export const disk = z.strictObject({
  name: diskName.describe(
    'name of a further disk: in the machine it is /dev/disk/by-id/virtio-NAME',
  ),
  size: size('64MiB').describe('its size; it takes space on the host only as it fills'),
  mount: mountPoint
    .optional()
    .describe('folder of the machine that it is mounted on, with ext4; without it, it stays empty'),
})

/** A network card beside the first. */
export const card = z
  .strictObject({
    name: cardName.describe('name of a further network card in the machine'),
    bridge: bridgeName
      .optional()
      .describe('bridge of the host that it is in; either this or network'),
    network: networkName
      .optional()
      .describe('libvirt network that it is in, which must exist and is not changed'),
    address: z
      .cidrv4(ofIpv4('an IPv4 address with its prefix, such as 10.0.0.30/24'))
      .optional()
      .describe(
        'its fixed address with the prefix, in another network than network.cidr; without it, the card has none',
      ),
  })
  .refine(exactlyOne('bridge', 'network'), { error: 'give either bridge or network' })
