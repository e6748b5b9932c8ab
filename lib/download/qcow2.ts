// PURE. What the first bytes of an image tell. The qcow2 header is described in QEMU's docs/interop/qcow2.rst.
import type { Hint } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'

/** How many bytes `imageProblem` wants to see. */
export const qcow2Header = 80

const packed: [magic: string, program: string][] = [
  ['\xfd7zXZ\0', 'xz'],
  ['\x1f\x8b', 'gzip'],
  ['\x28\xb5\x2f\xfd', 'zstd'],
  ['BZh', 'bzip2'],
]

/** Why a file cannot be a base image, from its first bytes; undefined when it can. */
export function imageProblem(
  header: Buffer,
  file: string,
): { found: string; fix: Hint[] } | undefined {
  const magic = header.toString('latin1', 0, 6)
  const program = packed.find(([start]) => magic.startsWith(start))?.[1]
  if (program)
    return {
      found: `is packed with ${program}`,
      fix: [
        commandText`${program} --decompress --stdout ${file} > ${`${file}.unpacked`}`,
        `# then write that file as image.file into the lab file`,
      ],
    }
  const alone = [
    commandText`qemu-img convert -O qcow2 ${file} ${`${file}.qcow2`}`,
    `# then write that file as image.file into the lab file`,
  ]
  if (!magic.startsWith('QFI\xfb')) return { found: 'is not a qcow2 image', fix: alone }
  const isThree = header.readUInt32BE(4) >= 3
  const hasDataFile = isThree && (header.readBigUInt64BE(72) & 4n) !== 0n // an incompatible feature
  if (header.readBigUInt64BE(8) !== 0n)
    return { found: 'is an overlay: it needs another file, its backing file', fix: alone }
  if (hasDataFile) return { found: 'keeps its contents in another file, its data file', fix: alone }
  if (header.readUInt32BE(32) !== 0) return { found: 'is encrypted', fix: alone }
  return undefined
}
