// What is taken out of a text that is shown to anyone, and what stays.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { withoutSecrets } from '../../lib/text/without-secrets.ts'
import { fixtures } from '../helpers/fixtures.ts'

const hash = '0f'.repeat(32)
const base64 = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEA'
const pem = (kind = 'PRIVATE KEY') =>
  `-----BEGIN ${kind}-----\n${base64}\nabcd/Efgh+IJ==\n-----END ${kind}-----`
const indented = (text: string, by: string) => text.replace(/^/gm, by)

/** A text; what must not be in the result; what must. Every secret has "s3" in it, or is given. */
const cases: [name: string, text: string, gone: string[], kept?: string[]][] = [
  ['a token', `node-token K10${hash}::server:s3cret end`, ['s3cret', hash], ['node-token', 'end']],
  ['two of them in quotes', `a='K10${hash}::node:s3,"x' K10${hash}::s3id.s3secrets3secret`, [hash]],
  ['a token behind an escaped end of line', `msg="a\\nK10${hash}::server:s3"`, [hash]],
  ['the hash alone', `ca K10${hash} b`, [hash], ['ca ', ' b']],
  ['a bootstrap token', 'join with abcdef.0123456789abcdef now', ['0123456789abcdef'], ['now']],
  ['a private key', `a\n${pem()}\nb`, [base64, 'abcd/Efgh'], ['a\n', '\nb']],
  ['of SSH', pem('OPENSSH PRIVATE KEY'), [base64, 'abcd/Efgh']],
  ['of PGP', pem('PGP PRIVATE KEY BLOCK'), [base64]],
  [
    'two keys',
    `${pem('RSA PRIVATE KEY')}\nbetween\n${pem('EC PRIVATE KEY')}`,
    [base64],
    ['between'],
  ],
  [
    'in YAML',
    `ssh_keys:\n  ed25519_private: |\n${indented(pem(), '    ')}\n  x: 1`,
    [base64],
    ['x: 1'],
  ],
  ['in JSON', JSON.stringify({ tls: pem(), x: 1 }), [base64, 'abcd/Efgh'], ['"x":1']],
  ['in a journal', indented(pem(), 'Nov 26 06:50:12 kubemaster rke2[1]: '), [base64, 'abcd/Efgh']],
  [
    'without its end',
    `a\n-----BEGIN PRIVATE KEY-----\n${base64}\nabcd/Efgh`,
    [base64, 'abcd/Efgh'],
    ['a\n'],
  ],
  [
    'without its beginning',
    `${base64}\n${base64}\n-----END PRIVATE KEY-----\nb`,
    [base64],
    ['\nb'],
  ],
  ['in base64', `x ${Buffer.from(pem()).toString('base64')} y`, ['LS0t'], ['x ', ' y']],
  ['a certificate stays', '-----BEGIN CERTIFICATE-----\nMIIB\n', [], ['MIIB']],
  ['Bearer', 'curl -H "Authorization: Bearer s3.x-y_z" https://h', ['s3.x'], ['https://h']],
  ['Bearer in a log', `msg="sent bearer s3cret"`, ['s3cret'], ['sent bearer']],
  ['Basic', `{"headers":{"Authorization":"Basic dTpzMw=="},"a":1}`, ['dTpzMw'], ['"a":1']],
  ['a header by itself', 'Proxy-Authorization: Digest username="u", response="s3"', ['s3']],
  ['a JWT', 'got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzMyJ9.c2ln, then', ['eyJ'], ['got ', 'then']],
  ['a cookie', 'Set-Cookie: R_SESS=s3; Path=/', ['s3']],
  [
    'in a URL',
    'GET https://me:s3@host:8443/path?x=1 failed',
    ['me:', 's3'],
    ['@host:8443/path?x=1 failed'],
  ],
  ['with @ and / in it', 'from http://me:s3@/s3@proxy:3128, again', ['s3'], ['proxy:3128, again']],
  ['a token as user', 'https://s3token@github.com/x.git', ['s3token'], ['github.com/x.git']],
  [
    'a URL without a login stays',
    'https://host:9345/v1-rke2/connect',
    [],
    ['https://host:9345/v1-rke2/connect'],
  ],
  [
    'a proxy in the environment',
    'HTTPS_PROXY=http://u:s3%40@10.0.0.1:3128\nNO_PROXY=.svc',
    ['s3'],
    ['10.0.0.1:3128', 'NO_PROXY=.svc'],
  ],
  ['a proxy without a scheme', 'proxy=me:s3@proxy.lan:3128', ['s3'], ['proxy.lan:3128']],
  ['a database', 'x root:s3@tcp(db:3306)/k', ['s3'], ['tcp(db:3306)/k']],
  ['an image by its digest stays', 'busybox:1.36@sha256:00ff', [], ['busybox:1.36@sha256:00ff']],
  ['YAML', 'token: s3 s3b # mine\nagent-token: "s3\\"s3b"\nname: a', ['s3'], ['\nname: a']],
  ['YAML of several lines', 'a:\n  password: |\n    s3\n\n    s3b\n  b: 1', ['s3'], ['  b: 1']],
  ['YAML over several lines', 'secret: s3\n  s3b\nb: 1', ['s3'], ['b: 1']],
  ['YAML, in quotes over lines', "passwd: 's3\n  s3b'\nb: 1", ['s3'], ['b: 1']],
  ['a list below its key', 'tokens:\n- s3a\n- s3b\nb: 1', ['s3'], ['b: 1']],
  [
    'a map in a list',
    '- name: a\n  passwd: s3\n- secret: s3b\n  x: 1',
    ['s3'],
    ['name: a', '  x: 1'],
  ],
  ['on one line', 'config: { etcd-s3-secret-key: secret,x, etcd-s3: true }', ['secret,x']],
  [
    'keys of S3',
    'etcd-s3-access-key: aaa1\netcd-s3-secret-key: bbb1\netcd-s3-session-token+: ccc1\netcd-s3-bucket: mine',
    ['aaa1', 'bbb1', 'ccc1'],
    ['etcd-s3-bucket: mine'],
  ],
  ['an endpoint', "datastore-endpoint: 'mysql://root:s3@tcp(db)/k'", ['s3', 'root']],
  ['JSON', '{"a":{"clientSecret":"s3\\"s3b","b":2},"token":"s3"}', ['s3'], ['"b":2']],
  ['JSON in lines', '{\n  "token": "s3",\n  "b": 1\n}', ['s3'], ['"token": [removed],\n  "b": 1']],
  [
    'JSON in a text',
    String.raw`msg="got {\"token\":\"s3 s3b\",\"b\":1}"`,
    ['s3'],
    [String.raw`\"b\":1`],
  ],
  ['JSON cut off', '{"token":"s3 s3', ['s3']],
  ['a registry', '{"auths":{"r.io":{"auth":"dTpzMw=="}}}', ['dTpzMw'], ['r.io']],
  [
    'the environment',
    `AWS_SECRET_ACCESS_KEY=s3a\nexport MY_TOKEN='s3 s3b' B=1 C_PASSWORD=a\\ s3d E=1`,
    ['s3'],
    ['B=1', 'E=1'],
  ],
  ['quotes in quotes', `TOKEN='a s3'\\''s3b' B=1`, ['s3'], ['B=1']],
  [
    'an argument',
    'rke2 server --token=s3a --agent-token s3b --etcd-s3-secret-key "s3 c" --debug',
    ['s3a', 's3b', 's3 c'],
    ['--debug'],
  ],
  ['a short argument', 'rke2 agent -s https://h:9345 -t s3cret -d /x', ['s3cret'], ['-d /x']],
  [
    'arguments as lists',
    `["--token","s3a"] ['--password', 's3b']\nargs:\n- --token\n- s3c\n- -v`,
    ['s3'],
    ['- -v'],
  ],
  ['curl', 'curl -sfu me:s3 https://h; curl --user me:s3 h', ['me:s3 h'], []],
  ['a password with blanks', 'kernel: login password: s3 horse staple', ['s3', 'horse']],
  [
    'user-data',
    'chpasswd:\n  expire: false\n  users:\n    - {name: a, password: s3, type: text}\nssh_pwauth: true',
    ['s3'],
    ['ssh_pwauth: true'],
  ],
  [
    'users of user-data',
    'users:\n- name: a\n  lock_passwd: false\n  hashed_passwd: $6$s3$abcdefghij\n  plain_text_passwd: s3b',
    ['s3'],
    ['name: a', 'lock_passwd: false'],
  ],
  [
    'a hash of a password',
    "usermod -p '$6$rounds=4096$s3salt$abcdefghijklmnop.' a; $y$j9T$s3s3s3s3$abc",
    ['s3'],
    ['usermod -p'],
  ],
  [
    'passwords that cloud-init made up',
    "Set the following 'random' passwords\nubuntu:s3s3s3s3s3s3\nNov 1 h c[1]: root:S3S3S3S3S3\nthen: 21:13:02",
    ['s3s3', 'S3S3'],
    ['then: 21:13:02'],
  ],
  [
    'a kubeconfig',
    'users:\n- name: lab\n  user:\n    client-certificate-data: QQ==\n    client-key-data: s3==',
    ['s3'],
    ['name: lab'],
  ],
  [
    'encryption of secrets',
    '{"aescbc":{"keys":[{"name":"k","secret":"s3="}]}}',
    ['s3'],
    ['"name":"k"'],
  ],
  [
    'sudo in the journal',
    'sudo[9]:   me : PWD=/home/me ; USER=root ; COMMAND=/usr/bin/rke2 server --x s3\nnext',
    ['s3'],
    ['COMMAND=/usr/bin/rke2 [removed]\nnext'],
  ],
  ['a long one', 'sudo[9]:   me : (command continued) s3 s3', ['s3'], ['(command continued)']],
  ['audit', 'audit[1]: PROCTITLE proctitle=7375646F007333', ['7375646F']],
  ['tokens of others', 'ghp_s3s3s3s3s3s3 glpat-s3s3s3s3s3 AKIAS3S3S3S3S3S3S3S3', ['s3', 'S3']],
]

await t.test('secrets are taken out, in whatever they stand', (t) => {
  for (const [name, text, gone, kept = []] of cases) {
    const result = withoutSecrets(text)
    for (const secret of gone) t.notOk(result.includes(secret), `${name}: ${secret} in ${result}`)
    for (const part of kept) t.ok(result.includes(part), `${name}: ${part} in ${result}`)
    t.equal(withoutSecrets(result), result, `${name}: a second time changes nothing`)
  }
  t.end()
})

await t.test('what only names secrets stays as it is', (t) => {
  const lines = [
    'level=info msg="Server node token is available at /var/lib/rancher/rke2/server/token"',
    'token CA hash does not match the Cluster CA certificate hash: 00ff != ff00',
    'Running kube-apiserver --service-account-key-file=/a/service.key --enable-bootstrap-token-auth=true',
    'MountVolume.SetUp failed for volume "certs" : secret "web-tls" not found',
    'Adding node OwnerReference to node-password secret kubemaster.node-password.rke2',
    'secrets-encryption: true',
    'token-file: /etc/rancher/rke2/token',
    'secretName: web-tls',
    'automountServiceAccountToken: false',
    '2026-11-26T06:50:12+0000 kubemaster rke2[590]: time="2026-11-26T06:50:12Z" level=info',
    'Server 192.168.1.30:9345@UNCHECKED*->FAILED from failed dial',
    "<domain type='kvm' id='3'><uuid>c6b9d4a1-0000</uuid><mac address='52:54:00:aa:bb:cc'/>",
  ]
  for (const line of lines) t.equal(withoutSecrets(line), line)
  t.end()
})

await t.test('of recordings hardly anything is lost', (t) => {
  const lost = readdirSync(join(fixtures, 'rke2-1.35.0')).flatMap((file) => {
    const before = readFileSync(join(fixtures, 'rke2-1.35.0', file), 'utf8').split('\n')
    const after = withoutSecrets(before.join('\n')).split('\n')
    t.equal(after.length, before.length, file)
    return before.filter((line, index) => line !== after[index]).map((line) => `${file}: ${line}`)
  })
  t.strictSame(lost, [])
  t.end()
})

await t.test('a long line takes no long time', (t) => {
  for (const piece of [
    'a',
    'token',
    'token=',
    'a:b@',
    '://',
    '"',
    "\\'",
    'K10',
    '-----BEGIN ',
    '$6$',
    'x.',
  ])
    withoutSecrets(piece.repeat(100_000 / piece.length))
  t.end()
})
