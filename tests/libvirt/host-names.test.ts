// How hosts are called in what the scripts say.
import t from 'tap'
import { hostsOf } from '../../lib/lab/hosts.ts'
import { hostName, isHere, namedHost, onHost } from '../../lib/libvirt/host-names.ts'
import { LabError } from '../../lib/text/errors.ts'
import { makeLab } from '../helpers/labs.ts'

const several = makeLab((lab) => {
  lab.hosts = {
    bigbox: { libvirt: 'qemu+ssh://me@bigbox/system' },
    small: { libvirt: 'qemu+ssh://me@192.0.2.9/system' },
  }
  lab.nodes[1]!.host = 'bigbox'
})
const [here, bigbox, small] = hostsOf(several)

await t.test('each of several hosts is named, the only one is not', async (t) => {
  t.equal(onHost(makeLab(), 'it is off'), 'it is off')
  t.strictSame(
    [here, bigbox, small].map((at) => onHost(at!, 'it is off')),
    ['this host: it is off', 'bigbox: it is off', 'small: it is off'],
  )
  t.equal(onHost(bigbox!, 'on bigbox: it is off'), 'on bigbox: it is off', 'not twice')
  t.equal(onHost(small!, 'on 192.0.2.9: it is off'), 'small: on 192.0.2.9: it is off')
  const away = makeLab((lab) => {
    lab.libvirt = 'qemu+ssh://me@other/system'
    lab.hosts = { bigbox: { libvirt: 'qemu+ssh://me@bigbox/system' } }
  })
  t.equal(hostName(hostsOf(away)[0]!), 'other')
})

await t.test('an error keeps what helps', async (t) => {
  const error = new LabError('it is off', { details: ['since today'], hint: 'switch it on' })
  t.equal(namedHost(makeLab(), error), error)
  const { message, details, hint } = namedHost(bigbox!, error)
  t.strictSame([message, details, hint], ['bigbox: it is off', ['since today'], ['switch it on']])
})

await t.test('whether machines are on this host', async (t) => {
  t.ok(isHere(several))
  t.notOk(isHere(bigbox!))
  const far = makeLab((lab) => {
    lab.hosts = { bigbox: { libvirt: 'qemu+ssh://me@bigbox/system' } }
    for (const node of lab.nodes) node.host = 'bigbox'
  })
  t.notOk(isHere(far))
})
