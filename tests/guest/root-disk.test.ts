// The answer of a node about its root file system.
import t from 'tap'
import { parseRoot } from '../../lib/guest/root-disk.ts'

const gib = 2 ** 30
const answer = (why: string, room: string, size: number, partition: number) =>
  `== why\n${why}\n== room\n${room}\n== sizes\n${size} ${partition}\n`

const cases: [string, string, ReturnType<typeof parseRoot>][] = [
  ['it fills its disk', answer('', '', 10 * gib, 10 * gib), { grows: false, why: '' }],
  ['the disk has more room', answer('', 'yes', 10 * gib, 10 * gib), { grows: true, why: '' }],
  ['cut off after the partition', answer('', '', 10 * gib, 20 * gib), { grows: true, why: '' }],
  [
    'a rest that is too small',
    answer('', '', 10 * gib, 10 * gib + 2 ** 20),
    { grows: false, why: '' },
  ],
  ['of unknown size', answer('', '', 0, 10 * gib), { grows: false, why: '' }],
  ['not for us', answer('on LVM', '', 1, 10 * gib), { grows: false, why: 'on LVM' }],
]
for (const [name, text, wanted] of cases)
  await t.test(name, async (t) => t.strictSame(parseRoot(text), wanted))
