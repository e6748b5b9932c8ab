// Versions and clocks that fit together.
import t from 'tap'
import { checkClock, checkVersion } from '../../lib/rke2/requirements.ts'
import { untouched } from '../../lib/rke2/state.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'

const lab = makeLab()
const [server, agent] = [nodeOf(lab), nodeOf(lab, 'worker01')]

await t.test('another version, another time', async (t) => {
  const state = untouched
  t.throws(() => checkVersion(lab, { ...state, version: 'v1.34.1+rke2r1' }), /that is an upgrade/)
  t.doesNotThrow(() => checkVersion(lab, { ...state, version: lab.rke2.version }))
  t.throws(
    () => checkClock(agent, { ...state, now: 1000 }, server, { ...state, now: 5000 }),
    /4000 s behind that of kubemaster/,
  )
  t.doesNotThrow(() => checkClock(agent, { ...state, now: 1000 }, server, { ...state, now: 1020 }))
})
