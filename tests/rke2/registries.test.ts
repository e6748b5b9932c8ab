// rke2/registries.yaml: what RKE2 would drop without a word is refused by key, and no value is shown.
import t from 'tap'
import { embeddedProblem, holdsLogin, registriesSum } from '../../lib/rke2/registries.ts'
import { parseRke2Config } from '../../lib/rke2/config.ts'
import { UsageError } from '../../lib/text/errors.ts'

const problemsOf = (text: string): string[] => {
  try {
    registriesSum(text)
    return []
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return [error.message, ...error.details]
  }
}

void t.test('what RKE2 reads is taken', async (t) => {
  const files = {
    cache: 'mirrors:\n  docker.io:\n    endpoint: ["http://192.168.1.1:5000"]\n',
    'all of it': `
mirrors:
  "*":
  docker.io: { endpoint: [https://cache.lan], rewrite: { "^rancher/(.*)": "mirror/$1" } }
configs:
  cache.lan:5000:
    auth: { username: me, password: 12345 }
    tls: { ca_file: /etc/ca.pem, cert_file: /c, key_file: /k, insecure_skip_verify: yes }
  "*": { auth: { identity_token: abc } }
`,
    empty: '# nothing\n',
    'a mirror with nothing': 'mirrors: { docker.io: }\nconfigs:\n',
  }
  for (const [name, text] of Object.entries(files)) t.strictSame(problemsOf(text), [], name)
  t.equal(registriesSum(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

void t.test('what it ignores or fails on is refused by key', async (t) => {
  const cases: [text: string, problem: RegExp][] = [
    [
      'mirrors: { a: { rewrites: {} } }',
      /mirrors\.a\.rewrites: RKE2 does not know.*called rewrite$/,
    ],
    [
      'configs: { a: { auth: { token: secret-value } } }',
      /a\.auth\.token: .*called identity_token$/,
    ],
    ['mirrors: { a: { endpoint: http://x } }', /mirrors\.a\.endpoint: .*expected array/],
    ['mirror: {}', /^mirror: RKE2 does not know this key/],
    [
      'configs: { a: { auth: { password: [secret-value] } } }',
      /a\.auth\.password: .*expected string/,
    ],
    ['configs: { a: { tls: { insecure_skip_verify: secret-value } } }', /insecure_skip_verify/],
    ['mirrors: [', /line 1/],
    ['- a', /not a YAML mapping/],
  ]
  for (const [text, problem] of cases) {
    const found = problemsOf(text).join('\n')
    t.match(found, new RegExp(problem.source, 'm'), text)
    t.notMatch(found, 'secret-value')
  }
})

void t.test('whether there is a login in it', async (t) => {
  for (const text of [
    'configs:\n  a:\n    auth: { username: me, password: x }\n',
    'configs:\n  a:\n    auth:\n      "identity_token": x\n',
    'configs: { a: { auth: { password: x } } }\n',
  ])
    t.ok(holdsLogin(text), text)
  for (const text of [
    'mirrors: { docker.io: { endpoint: ["http://auth:5000"] } }\n',
    '# password: x\n',
    'configs:\n  a:\n    tls: { ca_file: /a }\n',
  ])
    t.notOk(holdsLogin(text), text)
})

void t.test('embedded-registry wants mirrors in it', async (t) => {
  const shares = (value: unknown, text?: string) =>
    embeddedProblem({ 'embedded-registry': value }, text)
  const lines = /write there:\nmirrors:\n {2}"\*":$/
  for (const value of [
    true,
    'true',
    'True',
    parseRke2Config('embedded-registry: 1\n', 'a')['embedded-registry'],
  ]) {
    t.match(shares(value), /there is no rke2\/registries\.yaml: some versions of RKE2 do not start/)
    t.match(shares(value), lines)
  }
  for (const text of ['', 'configs:\n', 'mirrors:\n', 'mirrors: {}\n']) {
    t.match(shares(true, text), /registries\.yaml has no mirrors/, text)
    t.match(shares(true, text), lines)
  }
  t.equal(shares(true, 'mirrors:\n  "*":\n'), undefined)
  for (const value of [false, 'false', undefined]) t.equal(shares(value), undefined)
})
