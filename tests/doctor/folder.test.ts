// Whether QEMU can open disks in the pool's folder.
import t from 'tap'
import { checkFolder, parseFolders } from '../../lib/doctor/folder.ts'
import { emptyHost, factsWith, hereWith } from '../helpers/facts.ts'

const row = (mode: string, path: string, label = '?') =>
  `${mode} 3 root root ${label} 4096 Nov  1 10:00 ${path}`
const open = 'drwxr-xr-x'
const judge = (pool: string | undefined, answer: string[], host = emptyHost) =>
  checkFolder(
    factsWith({ host, here: hereWith({ folder: answer.join('\n') }) }, (lab) =>
      pool === undefined ? lab : (lab.pool = pool),
    ),
  )

await t.test('the folders are read from ls', async (t) => {
  const label = 'system_u:object_r:virt_image_t:s0'
  t.strictSame(parseFolders(['Enforcing', row('drwx--x--x.', '/data', label)].join('\n')), {
    guard: 'Enforcing',
    folders: [{ path: '/data', mode: 'drwx--x--x.', label }],
  })
  t.strictSame(parseFolders(''), { guard: '', folders: [] })
})

await t.test('each folder on the way lets QEMU in', async (t) => {
  const home = (mode: string) =>
    judge('/home/me/rke2-kvm-lab', [
      'none',
      row(mode, '/home/me'),
      row(open, '/home'),
      row(open, '/'),
    ])
  t.match(home('drwxr-x---'), [
    {
      level: 'warning',
      found: /^QEMU's user may not enter \/home\/me, /,
      fix: [/setfacl -m u:libvirt-qemu:x \/home\/me$/, /pool/],
    },
  ])
  for (const fine of [open, 'drwx--x--x', 'drwxrwxrwt', 'drwxr-x---+', 'drwx--x--x.'])
    t.strictSame(home(fine), [], fine)
  t.strictSame(judge(undefined, ['none', row('drwx--x--x', '/var/lib/libvirt/images')]), [])
})

await t.test('SELinux and AppArmor keep QEMU out of some folders', async (t) => {
  const labelled = (label: string, guard = 'Enforcing') =>
    judge('/data/rke2-kvm-lab', [
      guard,
      row('drwxr-xr-x.', '/data', label),
      row('dr-xr-xr-x.', '/'),
    ])
  t.match(labelled('unconfined_u:object_r:default_t:s0'), [
    {
      level: 'warning',
      found:
        'SELinux may keep QEMU out of /data/rke2-kvm-lab: /data is unconfined_u:object_r:default_t:s0',
      fix: [
        "# SELinux: sudo semanage fcontext -a -t virt_image_t '/data/rke2-kvm-lab(/.*)?'",
        '# and then: sudo restorecon -R /data/rke2-kvm-lab',
      ],
    },
  ])
  t.strictSame(labelled('unconfined_u:object_r:default_t:s0', 'Permissive'), [])
  t.strictSame(labelled('system_u:object_r:virt_image_t:s0'), [])
  const hidden = (guard: string) =>
    judge('/home/me/.vms/rke2-kvm-lab', [guard, row(open, '/home/me')])
  t.match(hidden('Y'), [{ level: 'failure', found: /^AppArmor keeps QEMU out/ }])
  t.strictSame(hidden('none'), [])
})

await t.test('what was not looked at is not judged', async (t) => {
  t.strictSame(checkFolder(factsWith({ here: hereWith({}, 'folder') })), [])
  t.strictSame(judge(undefined, ['none', row('drwx------', '/home/me')], undefined).length, 1)
  t.strictSame(checkFolder(factsWith({ host: undefined })), [])
})
