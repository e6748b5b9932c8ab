// Which nodes a command is for, and what is run there.
import t from 'tap'
import { lineOf, nodesFor, planExec } from '../../lib/guest/exec.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'

const lab = makeLab()

await t.test('the nodes', (t) => {
  const names = (named: string[], servers: boolean, agents: boolean) =>
    nodesFor(
      lab,
      lab.nodes.filter(({ name }) => named.includes(name)),
      { servers, agents },
    )
      .map(({ name }) => name)
      .join(' ')
  t.equal(names([], false, false), 'kubemaster worker01 worker02')
  t.equal(names([], true, false), 'kubemaster')
  t.equal(names([], false, true), 'worker01 worker02')
  t.equal(names([], true, true), 'kubemaster worker01 worker02')
  t.equal(names(['worker02'], false, false), 'worker02')
  t.throws(() => names(['worker02'], false, true), { message: /not both/ })
  t.end()
})

await t.test('the line that a shell gets', (t) => {
  t.equal(lineOf(['df -h / | tail -1']), 'df -h / | tail -1')
  t.equal(lineOf(['ls', '-l']), 'ls -l')
  t.equal(lineOf(['grep', 'a b', "it's"]), "grep 'a b' 'it'\\''s'")
  t.end()
})

await t.test('what is printed for a node', (t) => {
  const bash = (words: string[], root = false) =>
    planExec([nodeOf(lab)], words, { root }, () => {}).lanes.flatMap(({ steps }) =>
      steps.flatMap((step) => (step.do === 'check' ? step.bash : [])),
    )[0]
  const ssh = 'ssh -F .lab/lab/ssh_config kubemaster'
  const end = `} | sed 's/^/kubemaster: /' || failed="\${failed:-} kubemaster"`
  t.equal(bash(['uptime']), `{ ${ssh} uptime\n${end}`)
  t.equal(bash(['ls'], true), `{ ${ssh} sudo ls\n${end}`)
  t.equal(
    bash(['a | b'], true),
    `{ ${ssh} sudo sh -s <<'EOF'\nexec sh -c 'a | b' </dev/null\nEOF\n${end}`,
  )
  t.end()
})
