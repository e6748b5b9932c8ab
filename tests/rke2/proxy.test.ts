// The proxies of RKE2 on a node.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { environmentFile, keepOthers, proxyLines } from '../../lib/rke2/proxy.ts'
import { planConfig } from '../../lib/rke2/service.ts'
import { makeLab, nodeOf, type RawLab } from '../helpers/labs.ts'
import { member } from '../helpers/plans.ts'

const lab = (proxy?: unknown, more: (raw: RawLab) => unknown = () => {}) =>
  makeLab((raw) => {
    if (proxy) raw.proxy = proxy
    more(raw)
  })
const printed = (bash: string, env: Record<string, string> = {}) =>
  execFileSync('bash', ['--norc', '-euc', bash], {
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
  })

const direct = 'localhost,127.0.0.0/8,192.0.2.0/24,10.42.0.0/16,10.43.0.0/16,.svc,.cluster.local'
const http = 'http://proxy.lan:3128'
const secret = 'http://me:pa%20s$$@proxy.lan:3128'

await t.test('the file has the proxies, and what goes past them', async (t) => {
  const { bash = '', keeps } = proxyLines(lab({ http, https: http, none: ['.lan'] }), '', {}) ?? {}
  const file = `HTTP_PROXY=${http}\nHTTPS_PROXY=${http}\nNO_PROXY=${direct},.lan\n`
  t.equal(printed(bash), file)
  t.equal(keeps, false)
  const other = lab({ http }, (raw) => {
    raw.rke2.config = { 'cluster-cidr': '10.1.0.0/16', 'cluster-domain': 'example.org' }
  })
  const past = 'localhost,127.0.0.0/8,192.0.2.0/24,10.1.0.0/16,10.43.0.0/16,.svc,.example.org'
  t.equal(printed(proxyLines(other, '', {})?.bash ?? ''), `HTTP_PROXY=${http}\nNO_PROXY=${past}\n`)
})

await t.test('a file that is right stays, and so do lines of others', async (t) => {
  const right = `HTTP_PROXY=${http}\nNO_PROXY=${direct}`
  const cases: [current: string, keeps: boolean | undefined][] = [
    [right, undefined],
    [`RKE2_DEBUG=true\n${right}`, undefined],
    ['', false],
    [`HTTP_PROXY=${http}`, false],
    [`${right}\nHTTPS_PROXY=${http}`, false],
    [`RKE2_DEBUG=true\nHTTP_PROXY=http://old`, true],
  ]
  for (const [current, keeps] of cases)
    t.equal(proxyLines(lab({ http }), current, {})?.keeps, keeps, current)
  t.equal(proxyLines(lab(), 'HTTP_PROXY=http://theirs', { http_proxy: http }), undefined)
  const file = join(t.testdir(), 'rke2-agent')
  writeFileSync(file, `A_SECRET=x\nHTTP_PROXY=http://old\nHTTPS_PROXY=b\nNO_PROXY=c\nNO_PROXY_=d\n`)
  t.equal(printed(keepOthers(file)), 'A_SECRET=x\nNO_PROXY_=d\n')
})

await t.test('a proxy of this host with a password arrives, and is in no command', async (t) => {
  for (const name of ['https_proxy', 'HTTPS_PROXY']) {
    const env = { [name]: secret, no_proxy: 'intra.lan' }
    const { bash = '' } = proxyLines(lab('host'), '', env) ?? {}
    t.notMatch(bash, 'pa%20')
    const file = `HTTPS_PROXY=${secret}\nNO_PROXY=${direct},intra.lan\n`
    t.equal(printed(bash, env), file)
    t.equal(proxyLines(lab('host'), file.trim(), env), undefined)
  }
})

await t.test(
  'the service gets them with its configuration, and starts again for them',
  async (t) => {
    const edited = { server: {}, agent: {} }
    const with_ = lab({ http })
    const node = nodeOf(with_)
    const plan = (state: Parameters<typeof member>[1], from = with_) => {
      const { steps, unread } = planConfig(from, member(node, state), edited)
      return {
        files: steps.map((step) =>
          step.do === 'run' ? /\/etc\/\S+(?= <)/.exec(step.bash)?.[0] : '',
        ),
        unread,
      }
    }
    const [configFile, proxies] = ['/etc/rancher/rke2/config.yaml', environmentFile('rke2-server')]
    t.strictSame(plan({}), { files: [configFile, proxies], unread: true })
    t.strictSame(plan({}, lab()), { files: [configFile], unread: true })
    const written = planConfig(lab(), member(node), edited).steps[0]
    const config =
      written?.do === 'run' ? (/<<'EOF'\n([^]*)EOF$/.exec(written.bash)?.[1] ?? '') : ''
    t.match(config, 'node-name: kubemaster')
    const environment = `HTTP_PROXY=${http}\nNO_PROXY=${direct}`
    t.strictSame(plan({ config, environment }), { files: [], unread: false })
    t.strictSame(plan({ config, environment, unread: true }), { files: [], unread: true })
    t.strictSame(plan({ config, environment: 'A=b' }), { files: [proxies], unread: true })
    t.strictSame(plan({ config, unread: true }, lab()), { files: [], unread: false })
    const [kept] = planConfig(with_, member(node, { config, environment: 'A=b' }), edited).steps
    t.match(kept, {
      bash: /^mkdir -p \S+\n\( trap .*\n\{ \{ ssh [^]* sudo sh -s <<'EOF'\nsed -E [^]*\n\} && printf/,
    })
  },
)
