// Progress, times and lines that fit.
import t from 'tap'
import {
  consoleStage,
  fitted,
  formatSeconds,
  progressBar,
  wrapped,
} from '../../lib/text/progress.ts'

await t.test('progress is one line', async (t) => {
  t.equal(
    progressBar(2 ** 29, 2 ** 30, 2 ** 24),
    '[############............] 50%  512 MiB of 1 GiB  16 MiB/s  32 s left',
  )
  t.equal(progressBar(1024, 0, 2048), '1 KiB  2 KiB/s', 'unknown total')
  t.equal(progressBar(0, 1024, 0), `[${'.'.repeat(24)}] 0%  0 B of 1 KiB  0 B/s`, 'no rate yet')
  t.match(progressBar(2000, 1000, 1), /100%/, 'not more than 100 %')
  t.match(progressBar(1, 10, NaN, 4), /^\[\.\.\.\.\] 10%/)
  t.match([0, 42.4, 59.6, 65, 3600].map(formatSeconds), [
    '0 s',
    '42 s',
    '1 m 00 s',
    '1 m 05 s',
    '60 m 00 s',
  ])
})

await t.test('the last line on a console is shown without timestamps and prompts', (t) => {
  for (const [line, stage] of [
    ['[  OK  ] Started dbus.service - D-Bus', 'Started dbus.service - D-Bus'],
    ['         Starting cloud-init.service...', 'Starting cloud-init.service...'],
    ['[FAILED] Failed to start x.service', '[FAILED] Failed to start x.service'],
    ["[   46.009927] cloud-init[215]: running 'init'", "cloud-init[215]: running 'init'"],
    ['worker01 login: [   91.789998] cloud-init[36]: done', 'cloud-init[36]: done'],
    [
      "[   91.789998] cloud-init[366]: Cloud-init v. 22.4.2 running 'modules:final' at Sat, 21",
      "cloud-init running 'modules:final' at Sat, 21",
    ],
    ['worker01 login:', ''],
  ] as const)
    t.equal(consoleStage(line), stage)
  t.end()
})

await t.test('lines fit the terminal', (t) => {
  t.equal(fitted('12345', 5), '12345')
  t.equal(fitted('123456', 5), '1234…')
  t.equal(wrapped('one two  three four', 9), 'one two \nthree\nfour')
  t.equal(wrapped('a longerthanthat b', 5), 'a\nlongerthanthat\nb')
  t.equal(wrapped('', 5), '')
  t.equal(wrapped('one two', Infinity), 'one two')
  t.end()
})
