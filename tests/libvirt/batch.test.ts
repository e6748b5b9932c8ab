// Many reads in one virsh.
import t from 'tap'
import { answers, batches, errorsIn } from '../../lib/libvirt/batch.ts'
import { quote } from '../../lib/text/quote.ts'
import { fixture } from '../helpers/fixtures.ts'

const recorded = (name: string) => {
  const [stdout = '', stderr = ''] = fixture(name).split('--- stderr\n')
  return { stdout, stderr }
}

await t.test('each command has its own output and errors', async (t) => {
  const found = answers(recorded('marked-batch.libvirt-9.0.0.txt'), '@m')
  t.strictSame(
    [...(found ?? [])],
    [
      [0, { out: '', errors: [] }],
      [1, { out: 'p', errors: [] }],
      [2, { out: '', errors: ["failed to get domain '14ab7fab-a138-836d-8043-8e0592d36cb9'"] }],
      [
        3,
        {
          out: '',
          errors: [
            "failed to get vol 'none.iso'",
            "Storage volume not found: no storage vol with matching path 'none.iso'",
          ],
        },
      ],
      [4, { out: 'rke2-kvm-lab:lab/kubemaster', errors: [] }],
      [
        5,
        {
          out: '',
          errors: [
            "failed to get pool 'q'",
            "Storage pool not found: no storage pool with matching name 'q'",
          ],
        },
      ],
      [
        6,
        {
          out: '',
          errors: [
            "failed to get network 'none'",
            "Network not found: no network with matching name 'none'",
          ],
        },
      ],
    ],
  )
})

await t.test('a batch that did not reach its end is no answer', async (t) => {
  const { stdout, stderr } = recorded('marked-batch.libvirt-9.0.0.txt')
  const cut = (text: string) => text.slice(0, text.indexOf('@m.end'))
  t.equal(answers({ stdout: cut(stdout), stderr }, '@m'), undefined)
  t.equal(answers({ stdout, stderr: cut(stderr) }, '@m'), undefined)
  t.equal(answers({ stdout: '', stderr: '' }, '@m'), undefined)
})

await t.test('only what virsh marks as an error is one', async (t) => {
  const warning = 'Warning: Permanently added bigbox to the list of known hosts.\n'
  t.strictSame(errorsIn(`${warning}error: Failed to list pools\nerror: \n`), [
    'Failed to list pools',
  ])
})

await t.test('however many domains a host has, a batch fits into an argument', async (t) => {
  const uuids = Array.from({ length: 1000 }, (_, index) => String(index).padStart(36, '0'))
  const commands = uuids.flatMap((uuid) => [`dumpxml ${uuid}`, `vol-dumpxml --pool p 'it'\\''s'`])
  const all = batches(commands, '@m')
  t.strictSame(
    all.flatMap((batch) => batch.commands),
    commands,
  )
  t.ok(all.length > 1 && all.length < 6, `${all.length} processes`)
  for (const { text } of all) t.ok(Buffer.byteLength(quote(text)) < 2 ** 17 - 1000)
  t.strictSame(batches([], '@m'), [], 'no process where nothing is asked')
  t.equal(batches(['one', 'two'], '@m').length, 1)
  t.equal(batches(['x'.repeat(300), 'two'], '@m', 200).length, 2, 'one that is too long is alone')
})

await t.test('the numbers of a later batch begin at 0 again', async (t) => {
  const [first, second] = batches(['one', 'two'], '@m', 10)
  t.match(first?.text, /^echo @m\.0\.; echo --err @m\.0\.; one; echo @m\.end\.; /)
  t.match(second?.text, /^echo @m\.0\.; echo --err @m\.0\.; two; /)
})
