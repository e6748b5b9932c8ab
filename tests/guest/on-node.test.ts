// A file whose content bash makes: it reaches the node whole or not at all, and leaves nothing here.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeOnNode } from '../../lib/guest/on-node.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'

await t.test(
  'what bash prints is stored on the node, and removed here even when that fails',
  (t) => {
    const cases: [what: string, bash: string, ssh: string, isStored: boolean][] = [
      ['it works', 'echo secret', 'cat > stored', true],
      ['ssh fails', 'echo secret', 'exit 255', false],
      [
        'the content cannot be made',
        '{ echo half; false | grep x; echo rest; }',
        'cat > stored',
        false,
      ],
    ]
    for (const [what, bash, ssh, isStored] of cases) {
      const cwd = t.testdir({ bin: {} })
      writeFileSync(join(cwd, 'bin/ssh'), `#!/bin/sh\n${ssh}\n`)
      chmodSync(join(cwd, 'bin/ssh'), 0o755)
      const node = nodeOf(makeLab())
      const step = makeOnNode(node, '/etc/rancher/rke2/config.yaml', bash)
      const ran = spawnSync('bash', ['-euo', 'pipefail', '-c', step.bash], {
        cwd,
        env: { PATH: `${cwd}/bin:/usr/bin:/bin` },
        encoding: 'utf8',
      })
      t.equal(ran.status === 0, isStored, `${what}: ${ran.stderr}`)
      t.equal(existsSync(join(cwd, 'stored')), isStored, what)
      if (isStored) t.equal(readFileSync(join(cwd, 'stored'), 'utf8'), 'secret\n')
      t.ok(existsSync(join(cwd, node.dir)), what)
      t.notOk(existsSync(join(cwd, node.dir, 'config.yaml')), what)
    }
    t.end()
  },
)
