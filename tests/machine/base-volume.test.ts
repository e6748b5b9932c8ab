// The base image in the pool.
import t from 'tap'
import { checkDiskSizes } from '../../lib/machine/base-volume.ts'
import { makeLab } from '../helpers/labs.ts'

await t.test('an image must fit on every disk', async (t) => {
  const lab = makeLab((raw) => (raw.nodes[1]!.disk = '60GiB'))
  t.doesNotThrow(() => checkDiskSizes(lab, 40 * 2 ** 30))
  t.throws(() => checkDiskSizes(lab, 50 * 2 ** 30), {
    message: 'kubemaster, worker02: the disk is smaller than the image (50 GiB)',
  })
})
