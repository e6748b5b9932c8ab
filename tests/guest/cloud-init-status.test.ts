// What cloud-init and the console show of a guest.
import t from 'tap'
import { parseInitFiles, readInitFiles, silentGuest } from '../../lib/guest/cloud-init-status.ts'
import { fixture } from '../helpers/fixtures.ts'

await t.test('what cloud-init wrote becomes a state', async (t) => {
  const state = (status: unknown, result?: unknown) =>
    parseInitFiles(
      (status ? `== status.json\n${JSON.stringify(status)}\n` : '') +
        (result ? `== result.json\n${JSON.stringify(result)}\n` : ''),
    )
  t.strictSame(parseInitFiles(fixture('cloud-init-done.cloud-init-22.4.2.txt')), {
    kind: 'done',
    warnings: [],
  })
  t.match(parseInitFiles(fixture('cloud-init-failed.cloud-init-22.4.2.txt')), {
    kind: 'failed',
    errors: [/scripts-user.*Runparts: 1 failures/],
  })
  t.match(parseInitFiles(fixture('cloud-init-complains.txt')), {
    kind: 'done',
    warnings: [/failed schema validation/],
  })
  t.strictSame(parseInitFiles('== disabled\n'), { kind: 'done', warnings: [] }, 'after eject')
  t.match(parseInitFiles(''), { kind: 'busy', state: 'cloud-init has not started yet' })
  t.match(state({ v1: { stage: 'modules-final' } }), { state: 'cloud-init: final stage' })
  t.match(state({ v1: { stage: 'init-local' } }), { state: 'cloud-init: local stage' })
  t.match(state({ v1: { stage: null } }), { kind: 'busy', state: 'cloud-init is running' })
  t.match(parseInitFiles('== status.json\n{"v1": {"sta'), { kind: 'busy' }, 'half written')
  t.match(readInitFiles, /^cd \/run\/cloud-init && /)
})

await t.test('a guest that never answered is explained from its console', async (t) => {
  const said: [string, RegExp][] = [
    ['', /console stayed empty/],
    ['  \n', /console stayed empty/],
    ['SeaBIOS\nNo bootable device.', /found nothing to boot/],
    ['Boot failed: Could not read from CDROM\nlocalhost login:', /cloud-init never ran/],
    ['[    1.0] Kernel panic - not syncing: VFS', /kernel panicked/],
    ['Cloud-init v. 22.4.2 finished\nworker01 login:', /network or SSH did not come up/],
    ['Debian GNU/Linux 12 localhost ttyS0\nlocalhost login:', /cloud-init never ran/],
    ['Loading Linux 6.1.0', /still booting, or hangs/],
  ]
  for (const [text, meaning] of said) t.match(silentGuest(text), meaning)
})
