// Images by name.
import t from 'tap'
import { signers, signerOf } from '../../lib/download/checksums.ts'
import { imageNames, namedImage } from '../../lib/lab/images.ts'
import { parseLab } from '../../lib/lab/lab.ts'
import { labText, makeLab, problems, problemsOf } from '../helpers/labs.ts'

await t.test('a name stands for the address of its publisher', async (t) => {
  for (const name of imageNames) {
    const { image } = makeLab((lab) => (lab.image = { name }))
    t.equal(image.url, namedImage(name).url)
    t.match(image.url, /^https:.*\.(img|qcow2)$/)
    const signs = !name.startsWith('debian')
    t.equal(signerOf(namedImage(name).url) !== undefined, signs, `${name}: signed or not`)
  }
  t.equal(signers.length, 3)
  const short = labText().replace(/image:\n +file: .*\n/, 'image: debian-13\n')
  t.equal(parseLab(short, 'lab.yaml').image.name, 'debian-13')
})

await t.test('a wrong one is reported with those that are known', async (t) => {
  const wrong = labText().replace(/image:\n +file: .*\n/, 'image: debian-11\n')
  t.match(problems(wrong).join(), /image\.name: .*debian-13/)
  t.match(
    problemsOf((lab) => (lab.image = { name: 'debian-13', file: 'x' })),
    [/image: give one of name, url and file$/],
  )
})
