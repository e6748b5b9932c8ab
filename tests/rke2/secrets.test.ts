// Secrets in RKE2's configuration: found, kept out of what is shown, and copied by bash.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { mayBeSecret, secretsIn, withSecrets } from '../../lib/rke2/secrets.ts'
import { Bare } from '../../lib/text/yaml.ts'

await t.test('what may be a secret', (t) => {
  const values: [key: string, value: unknown, is: boolean][] = [
    ['etcd-s3-secret-key', 'x', true],
    ['etcd-s3-secret-key', new Bare('012'), true],
    ['etcd-s3-access-key+', 'x', true],
    ['etcd-s3-session-token', 'x', true],
    ['datastore-endpoint', 'mysql://root:x@tcp(db:3306)/k', true],
    ['etcd-s3-proxy', 'http://me:x@proxy:3128', true],
    ['kube-apiserver-extra-env', ['A=1', 'S3_PASSWORD=x'], true],
    ['etcd-s3-endpoint', 's3.example', false],
    ['system-default-registry', 'registry:5000', false],
    ['secrets-encryption', true, false],
    ['secrets-encryption', 'true', false],
    ['datastore-keyfile', '/etc/key.pem', false],
    ['kube-apiserver-arg', ['tls-private-key-file=/etc/key.pem', 'v=2'], false],
    ['node-label', ['key=value'], false],
    ['kubelet-arg', ['max-pods=50'], false],
  ]
  for (const [key, value, is] of values) t.equal(mayBeSecret(key, value), is, key)
  t.end()
})

const folder = t.testdir()
const written = (text: string) => {
  const file = join(folder, "my lab's.yaml")
  writeFileSync(file, text)
  return file
}

const found: [name: string, text: string, path: string[], lines: string][] = [
  [
    'at the top',
    'debug: yes\netcd-s3-secret-key: a b # mine\n',
    [],
    'etcd-s3-secret-key: a b # mine\n',
  ],
  [
    'deeper, in quotes',
    'rke2:\n  config:\n    # etcd-s3-secret-key: old\n    etcd-s3-secret-key: "a\\"\'$b"\n    debug: on\n',
    ['rke2', 'config'],
    'etcd-s3-secret-key: "a\\"\'$b"\n',
  ],
  ['at the end of a file without an end of line', 'api.token: a*b', [], 'api.token: a*b\n'],
  [
    'a list, and one more',
    'x:\n  kubelet-extra-env:\n    - PASSWORD=a\n    # why\n    - B=c\n\n  etcd-s3-access-key+: 0123\n',
    ['x'],
    'kubelet-extra-env:\n  - PASSWORD=a\n  # why\n  - B=c\netcd-s3-access-key+: 0123\n',
  ],
  [
    'a list at the column of its key',
    'a-env:\n- TOKEN=a\n- B=c\nb: 1\n',
    [],
    'a-env:\n- TOKEN=a\n- B=c\n',
  ],
  [
    'a text of some lines',
    'x:\n  a-token: |\n    one\n    two\n  b: 1\n',
    ['x'],
    'a-token: |\n  one\n  two\n',
  ],
  [
    'a text with lines that do not begin like its key',
    'x:\n  a-token: |\n    one\n\n \n    two\n  b: 1\n',
    ['x'],
    'a-token: |\n  one\n\n \n  two\n',
  ],
  [
    'a list with such lines: the last item arrives, too',
    'x:\n  config:\n    a-env:\n      - A_TOKEN=1\n\n# why\n      - B_TOKEN=2\n    b: 1\n',
    ['x', 'config'],
    'a-env:\n  - A_TOKEN=1\n\n# why\n  - B_TOKEN=2\n',
  ],
]

await t.test(
  'a secret is copied by bash as it was written, and is in no text that is shown',
  (t) => {
    for (const [name, text, path, lines] of found) {
      const file = written(text)
      const { content, bash } = withSecrets('node-name: a\n', secretsIn(text, file, ...path))
      t.equal(content, `node-name: a\n${lines}`, name)
      t.doesNotThrow(() => parse(content), name)
      const ran = spawnSync('bash', ['-euo', 'pipefail', '-c', bash], { encoding: 'utf8' })
      t.equal(ran.stdout, content, ran.stderr)
      for (const hidden of ['a b', '$b', 'a*b', 'PASSWORD', '0123', 'TOKEN', 'one'])
        t.notOk(bash.replaceAll(folder, '').includes(hidden), `${name}: ${bash}`)
    }
    const gone = withSecrets('', secretsIn('a-token: x\n', written('a: 1\n')))
    t.not(
      spawnSync('bash', ['-euo', 'pipefail', '-c', gone.bash]).status,
      0,
      'it was taken out since',
    )
    t.strictSame(secretsIn('a: 1\n', 'x'), [])
    t.strictSame(secretsIn('', 'x', 'rke2', 'config'), [])
    t.strictSame(withSecrets('a: 1\n', []).content, 'a: 1\n')
    t.end()
  },
)

await t.test('a secret that is not on separate lines is refused by key', (t) => {
  const refused = [
    'rke2: { config: { a-token: x } }\n',
    'rke2:\n  config: { a-token: x }\n',
    'rke2:\n  config:\n    "a-token": x\n',
    'rke2:\n  config:\n    a-token: &t x\n    b-token: *t\n',
    'rke2:\n  config:\n    <<: { a-token: x }\n',
    'rke2:\n  config:\n    note: |\n    a-token: x\n  note: |\n    a-token: x\n',
  ]
  for (const text of refused)
    t.throws(
      () => secretsIn(text, 'lab.yaml', 'rke2', 'config'),
      { message: 'lab.yaml: 1 problem' },
      text,
    )
  t.end()
})
