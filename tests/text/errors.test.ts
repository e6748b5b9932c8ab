// Errors that the user can fix.
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { fileTrouble, LabError, UsageError } from '../../lib/text/errors.ts'

await t.test('errors carry their hints and details as lists', async (t) => {
  const cause = new Error('deep')
  const error = new LabError('what', { hint: 'try', details: ['seen'], cause })
  t.match(error, { message: 'what', hint: ['try'], details: ['seen'], cause })
  t.strictSame(new LabError('what').hint, [])
  t.ok(new UsageError('what') instanceof LabError)
})

await t.test('a file error of this host is not a bug', async (t) => {
  const thrown = (code: string, why: string) =>
    Object.assign(new Error(`${code}: ${why}, mkdir '.lab/lab'`), {
      code,
      syscall: 'mkdir',
      path: '.lab/lab',
    })
  t.match(fileTrouble(thrown('EACCES', 'permission denied')), {
    message: 'cannot mkdir .lab/lab: permission denied',
    hint: [/^ls -ld \. \.lab /, /sudo chown -R "\$USER" \.lab/],
  })
  t.match(fileTrouble(thrown('EPERM', 'operation not permitted'))?.hint[0], 'ls -ld')
  t.match(fileTrouble(thrown('EDQUOT', 'disk quota exceeded'))?.hint[0], 'df -h')
  t.match(fileTrouble(thrown('EROFS', 'read-only file system'))?.hint[0], 'findmnt')
  try {
    writeFileSync('/dev/full', 'x')
  } catch (error) {
    t.match(fileTrouble(error), { message: 'cannot write a file: no space left on device' })
  }
  t.equal(fileTrouble(thrown('ENOENT', 'no such file')), undefined, 'it may be a bug')
  for (const other of [new Error('what'), 'what', undefined]) t.equal(fileTrouble(other), undefined)
})
