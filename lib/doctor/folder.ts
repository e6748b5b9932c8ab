// PURE. Whether QEMU can open disks in the pool's folder: permissions, SELinux, AppArmor.
import { relabel } from '../libvirt/start-trouble.ts'
import { quote } from '../text/quote.ts'
import { warning, failure, type Finding } from '../text/findings.ts'
import { lookedAt, type Facts } from './facts.ts'

interface Folder {
  path: string
  mode: string
  label: string
}

/** Reads what guards the files (`Enforcing`: SELinux, `Y`: AppArmor) and the lines of `ls -ldZ`, the innermost folder first. */
export function parseFolders(answer: string): { guard: string; folders: Folder[] } {
  const [guard = '', ...lines] = answer.split('\n')
  const folders = lines.flatMap((line) => {
    const [mode = '', , , , label = ''] = line.split(/ +/)
    const path = /\/\S*$/.exec(line)?.[0]
    return path === undefined ? [] : [{ path, mode, label }]
  })
  return { guard, folders }
}

// virt-aa-helper's profile denies them, whatever their names end in.
const isHidden = (path: string) => /^\/(home\/[^/]+|root)\/\./.test(path)

/** Trouble that machines would have with the pool's folder; none where nothing is known. */
export function checkFolder({ lab, host, here }: Facts): Finding[] {
  const answer = lookedAt(() => here('folder'))
  if (!host || answer === undefined) return []
  const { path } = lab.pool
  const { guard, folders } = parseFolders(answer)
  const [inner] = folders
  const closed = folders.filter(({ mode }) => mode.length > 9 && !/[xt]|\+$/.test(mode.slice(9)))
  const closedTo = closed.map((folder) =>
    warning(
      'disk space',
      `QEMU's user may not enter ${folder.path}, so machines cannot open disks in ${path}`,
      `# let it in (qemu instead of libvirt-qemu on Fedora, SUSE and others): sudo setfacl -m u:libvirt-qemu:x ${quote(folder.path)}`,
      '# or name a folder outside of homes in the lab file (pool)',
    ),
  )
  const isForeign =
    inner !== undefined && !/:(virt_|svirt_|nfs_t|cifs_t|fusefs_t)/.test(inner.label)
  const labelled =
    guard === 'Enforcing' && isForeign
      ? [
          warning(
            'disk space',
            `SELinux may keep QEMU out of ${path}: ${inner.path} is ${inner.label}`,
            ...relabel(path),
          ),
        ]
      : []
  const hidden =
    guard === 'Y' && isHidden(path)
      ? [
          failure(
            'disk space',
            `AppArmor keeps QEMU out of hidden folders of a home: ${path}`,
            '# name another folder in the lab file (pool)',
          ),
        ]
      : []
  return [...closedTo, ...labelled, ...hidden]
}
