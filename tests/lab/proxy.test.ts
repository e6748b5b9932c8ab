// The proxies of the machines.
import t from 'tap'
import { proxiesOf } from '../../lib/lab/proxy.ts'
import { UsageError } from '../../lib/text/errors.ts'
import { makeLab, problemsOf } from '../helpers/labs.ts'

const lab = (proxy?: unknown) => makeLab((raw) => (raw.proxy = proxy))

await t.test('they are those of the lab file, those of this host, or none', async (t) => {
  const http = 'http://proxy.lan:3128'
  const secret = 'https://me:pa%20ss@proxy.lan:3129'
  const cases: [unknown, Record<string, string>, unknown][] = [
    [undefined, { http_proxy: http }, undefined],
    [{ http }, { https_proxy: secret }, { http, none: [] }],
    [{ https: http, none: ['.lan'] }, {}, { https: http, none: ['.lan'] }],
    ['host', { http_proxy: http }, { http, none: [] }],
    [
      'host',
      { HTTP_PROXY: 'http://other', http_proxy: http, HTTPS_PROXY: secret, NO_PROXY: 'a, .b,c' },
      { http, https: secret, none: ['a', '.b', 'c'] },
    ],
    ['host', { http_proxy: '', https_proxy: secret, no_proxy: '' }, { https: secret, none: [] }],
  ]
  for (const [proxy, environment, proxies] of cases)
    t.strictSame(proxiesOf(lab(proxy), environment), proxies)
})

await t.test('a host without one is an error that shows no address', async (t) => {
  for (const environment of [{}, { http_proxy: '' }, { https_proxy: 'me:secret@proxy:3128' }])
    t.throws(() => proxiesOf(lab('host'), environment), {
      constructor: UsageError,
      message: /^proxy: host, but this shell has no http_proxy or https_proxy as http:[^]*PORT$/,
    })
})

await t.test('a password has no place in a lab file', async (t) => {
  const cases: [unknown, RegExp][] = [
    ['http://proxy:3128', /proxy: must be host, or \{ http: ADDRESS/],
    [
      { http: 'http://me:secret@a' },
      /proxy.http: must hold no login: write proxy: host, and export/,
    ],
    [{ https: 'proxy:3128' }, /proxy.https: must be an http or https address/],
    [{ http: 'http://proxy:3128', none: ['a, b'] }, /proxy.none\[0\]: must be one name or network/],
    [{ no: ['a'] }, /proxy.no: unknown key/],
  ]
  for (const [proxy, said] of cases) {
    const found = problemsOf((raw) => (raw.proxy = proxy)).join('\n')
    t.match(found, said)
    t.notMatch(found, 'secret')
  }
})
