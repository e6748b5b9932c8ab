// All drills as values: what they say and do on a lab.
import t from 'tap'
import { beginDrill, drills, drillTable } from '../../lib/drills/drills.ts'
import { nodeFor } from '../../lib/drills/drill.ts'
import { readNote, writeNote } from '../../lib/drills/note.ts'
import { hintText } from '../../lib/text/errors.ts'
import { checkCommand } from '../docs/commands.ts'
import { makeLab } from '../helpers/labs.ts'

const lab = makeLab()
const [server] = lab.nodes
const alone = makeLab((raw) => (raw.nodes = raw.nodes.slice(0, 1)))
const cilium = makeLab((raw) => (raw.rke2.cni = 'cilium'))

for (const drill of drills)
  void t.test(drill.name, async (t) => {
    const node = nodeFor(drill, lab)
    if (typeof node === 'string' || !server) throw new Error('the lab has an agent')
    const at = { lab, node, server }
    t.equal(node.name, drill.on === 'server' ? 'kubemaster' : 'worker02')
    const clues = drill.clues(at)
    t.ok(clues.length >= 2, 'a hint to look, and one to repair')
    for (const hint of clues.flatMap(({ type = [] }) => type))
      t.doesNotThrow(() => checkCommand(hintText(hint, ''), true), hintText(hint, ''))
    t.notMatch(drill.symptom(at), new RegExp(`\\b(paused|link|stopped|token|clock|flag|cordon)`))
    t.ok(drill.fault(at).length > 0 && drill.undo(at).length > 0)
  })

void t.test(
  'a drill is chosen by name, or by chance among those that the lab can do',
  async (t) => {
    for (const chance of [0, 0.5, 0.99]) {
      const { on } = beginDrill(alone, 'any', chance, 0).drill
      t.not(on, 'agent')
    }
    t.equal(beginDrill(lab, 'pending', 0, 0).drill.name, 'pending')
    t.throws(() => beginDrill(lab, 'none', 0, 0), /no drill called none/)
    t.throws(() => beginDrill(alone, 'rejected', 0, 0), /^rejected needs an agent/)
    t.throws(() => beginDrill(cilium, 'no-new-pods', 0, 0), /needs RKE2's usual network plugin/)
    t.match(drillTable(cilium), /^no-new-pods +needs RKE2's usual/m)
    t.match(drillTable(alone), /rejected +needs an agent/)
  },
)

void t.test('without a note no drill is on', async (t) => {
  const dir = t.testdir()
  t.equal(readNote({ ...lab, dir }), undefined)
  const { path } = writeNote(lab, { drill: 'a', node: 'b', isSet: false, since: 1, clues: 0 })
  t.equal(path, `${lab.dir}/drill.json`)
})
