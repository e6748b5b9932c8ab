// What cloud-init and the console show of a guest.
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  initEnded,
  parseInitFiles,
  readInitFiles,
  lostGuest,
  silentGuest,
} from '../../lib/guest/cloud-init-status.ts'
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
  t.match(parseInitFiles(`${fixture('cloud-init-done.cloud-init-22.4.2.txt')}== unsettled\n`), {
    kind: 'busy',
    state: /restarts the machine/,
  })
  t.match(
    parseInitFiles(`${fixture('cloud-init-failed.cloud-init-22.4.2.txt')}== unsettled\n`),
    { kind: 'failed' },
    'what failed is not waited for',
  )
})

await t.test('a restart that cloud-init asked for is seen coming, in both forms', async (t) => {
  const root = t.testdir({
    run: { 'cloud-init': {}, systemd: { shutdown: {} } },
    etc: { cloud: {} },
    proc: { 1: { cmdline: '/sbin/init\0' }, 20: {} },
    bin: {},
    state: 'running\n',
  })
  const put = (file: string, text: string) => writeFileSync(join(root, file), text)
  put('bin/systemctl', `#!/bin/sh\ncat '${root}/state'\n`)
  chmodSync(join(root, 'bin/systemctl'), 0o755)
  const there = (script: string) => script.replace(/(^|[ ({])(\/(run|etc|proc)\/)/gm, `$1${root}$2`)
  const env = { PATH: `${join(root, 'bin')}:${process.env.PATH}` }
  const sh = (script: string) =>
    spawnSync('sh', ['-s'], { input: there(script), encoding: 'utf8', env })
  const isSo = (kind: string, why: string) => {
    t.equal(parseInitFiles(sh(readInitFiles).stdout).kind, kind, why)
    t.equal(sh(initEnded).status === 0, kind === 'done', why)
  }
  isSo('busy', 'no result yet')
  put('run/cloud-init/result.json', '{"v1": {"errors": []}}\n')
  isSo('done', 'it has ended')
  put('proc/20/cmdline', '/usr/bin/python3\0/usr/bin/cloud-init\0modules\0--mode=final\0')
  isSo('busy', 'the child that waits for its parent to end, and then reboots')
  put('proc/20/cmdline', 'tail\0/var/log/cloud-init-output.log\0')
  isSo('done', 'a reader of its log')
  put('state', 'degraded\n')
  isSo('done', 'a unit failed')
  put('state', 'stopping\n')
  isSo('busy', 'it goes down')
  put('state', 'running\n')
  put('run/systemd/shutdown/scheduled', 'USEC=1\n')
  isSo('busy', 'shutdown -r +1')
  put('etc/cloud/cloud-init.disabled', '')
  isSo('done', 'after eject a restart is not of cloud-init')
  rmSync(join(root, 'run/cloud-init/result.json'))
  put('run/cloud-init/disabled', '')
  isSo('done', 'started again after eject')
})

await t.test('a guest that never answered is explained from its console', async (t) => {
  const said: [string, RegExp][] = [
    ['', /console stayed empty/],
    ['  \n', /console stayed empty/],
    ['SeaBIOS\nNo bootable device.', /found nothing to boot/],
    [
      'Boot failed: Could not read from CDROM\nlocalhost login:',
      /never saw its seed: .*no cloud-init/,
    ],
    [
      'Cloud-init v. 22.4.2 finished at Thu. Datasource DataSourceNone.  Up 9 seconds\nlocalhost login:',
      /never saw its seed: .* clean --logs --machine-id/,
    ],
    ['[    1.0] Kernel panic - not syncing: VFS', /kernel panicked/],
    ['Cloud-init v. 22.4.2 finished\nworker01 login:', /network or SSH did not come up/],
    ['Debian GNU/Linux 12 localhost ttyS0\nlocalhost login:', /never saw its seed/],
    ['Loading Linux 6.1.0', /still booting, or hangs/],
  ]
  for (const [text, meaning] of said) {
    t.match(silentGuest(text), meaning)
    const isLost = /never saw|panicked/.test(silentGuest(text))
    t.equal(lostGuest(text) !== undefined, isLost, 'the others may still come')
  }
})
