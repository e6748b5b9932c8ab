// The answer of a node about its root file system.
import t from 'tap'
import { parseRoot } from '../../lib/guest/root-disk.ts'

const gib = 2 ** 30
const answer = (why: string, room: string, size: number, partition: number) =>
  `== why\n${why}\n== room\n${room}\n== sizes\n${size} ${partition}\n`

const cases: [string, string, ReturnType<typeof parseRoot>][] = [
  [
    'it fills its disk',
    answer('', '', 10 * gib, 10 * gib),
    { grows: false, why: '', mounts: false },
  ],
  [
    'the disk has more room',
    answer('', 'yes', 10 * gib, 10 * gib),
    { grows: true, why: '', mounts: false },
  ],
  [
    'cut off after the partition',
    answer('', '', 10 * gib, 20 * gib),
    { grows: true, why: '', mounts: false },
  ],
  [
    'a rest that is too small',
    answer('', '', 10 * gib, 10 * gib + 2 ** 20),
    { grows: false, why: '', mounts: false },
  ],
  ['of unknown size', answer('', '', 0, 10 * gib), { grows: false, why: '', mounts: false }],
  [
    'a further disk was grown, its file system was not',
    `${answer('', '', 10 * gib, 10 * gib)}== mounts\n${gib} ${gib}\n${gib} ${2 * gib}\n`,
    { grows: false, why: '', mounts: true },
  ],
  [
    'further disks that are full, or of unknown size',
    `${answer('', '', 10 * gib, 10 * gib)}== mounts\n${gib} ${gib}\n0 ${2 * gib}\n`,
    { grows: false, why: '', mounts: false },
  ],
  ['not for us', answer('on LVM', '', 1, 10 * gib), { grows: false, why: 'on LVM', mounts: false }],
]
for (const [name, text, wanted] of cases)
  await t.test(name, async (t) => t.strictSame(parseRoot(text), wanted))
