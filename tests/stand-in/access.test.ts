// Who asks the stand-in's API and what they may do, through two servers: the second one passes requests on to the first.
import t from 'tap'
import { request } from 'node:https'
import { Node } from './nodes.ts'

const [first, second] = [new Node('cp1', 'server'), new Node('cp2', 'server')]
const up = 'rke2 is up and running'
const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/team'
const account = '/api/v1/namespaces/team/serviceaccounts'
const colleague = 'system:serviceaccount:team:colleague'

interface Reply {
  code: number
  said: { message?: string; status?: { allowed?: boolean; token?: string } }
}

/** A request as JSON: with the certificate of the administrator, or with a token. */
async function ask(path: string, body?: object, as: Record<string, string> = {}, node = first) {
  const tls = (file: string) => node.read(`var/lib/rancher/rke2/server/tls/client-admin.${file}`)
  const known = as.Authorization ? {} : { cert: await tls('crt'), key: await tls('key') }
  const method = body ? 'POST' : 'GET'
  const headers = { 'Content-Type': 'application/json', ...as }
  return new Promise<Reply>((done, failed) => {
    const options = { method, headers, rejectUnauthorized: false, ...known }
    request(`https://${node.address}:6443${path}`, options, (answer) => {
      let text = ''
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
      answer.on('end', () =>
        done({ code: answer.statusCode ?? 0, said: JSON.parse(text) as Reply['said'] }),
      )
    })
      .on('error', failed)
      .end(body && JSON.stringify(body))
  })
}

async function mayI(verb: string, resource: string, namespace: string, node = first) {
  const spec = { resourceAttributes: { verb, resource, namespace } }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  return (await ask(path, { spec }, { 'Impersonate-User': colleague }, node)).said.status?.allowed
}

const token = async () => {
  const { said } = await ask(`${account}/colleague/token`, { spec: { expirationSeconds: 600 } })
  return { Authorization: `Bearer ${said.status?.token}` }
}

await t.test('a role and its binding say what a service account may do', async (t) => {
  await first.start({})
  t.ok(await first.until(up), 'ready', { log: first.log })
  await second.start({ server: `https://${first.address}:9345`, token: await first.token() })
  t.ok(await second.until(up), 'ready', { log: second.log })
  const make = async (path: string, name: string, rest: object = {}) =>
    t.equal((await ask(path, { metadata: { name }, ...rest })).code, 201, name)
  await make('/api/v1/namespaces', 'team')
  await make(account, 'colleague')
  t.equal(await mayI('list', 'pods', 'team'), false)
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }]
  await make(`${rbac}/roles`, 'look', { rules })
  await make(`${rbac}/rolebindings`, 'look', {
    subjects: [{ kind: 'ServiceAccount', name: 'colleague', namespace: 'team' }],
    roleRef: { kind: 'Role', name: 'look' },
  })
  for (const node of [first, second]) {
    t.equal(await mayI('list', 'pods', 'team', node), true)
    t.equal(await mayI('delete', 'pods', 'team', node), false)
    t.equal(await mayI('list', 'pods', 'default', node), false)
  }
})

await t.test('a token is its account, until that is deleted', async (t) => {
  const as = await token()
  for (const node of [first, second]) {
    t.equal((await ask('/api/v1/namespaces/team/pods', undefined, as, node)).code, 200)
    const { code, said } = await ask('/api/v1/namespaces/team/secrets', undefined, as, node)
    t.equal(code, 403)
    t.equal(
      said.message,
      `secrets is forbidden: User "${colleague}" cannot list resource "secrets" in API group "" in the namespace "team"`,
    )
    const other = { ...as, 'Impersonate-User': 'system:admin' }
    t.equal((await ask('/version', undefined, other, node)).code, 403, 'acts as nobody else')
  }
  const forged = { Authorization: `${as.Authorization.slice(0, -3)}AAA` }
  for (const wrong of [forged, { Authorization: 'Bearer nonsense' }])
    t.equal((await ask('/version', undefined, wrong)).code, 401)
  first.kubectl('delete', 'serviceaccounts', 'colleague', '--namespace', 'team')
  t.equal((await ask('/version', undefined, as)).code, 401)
  t.equal((await ask(account, { metadata: { name: 'colleague' } })).code, 201)
  t.equal((await ask('/version', undefined, as)).code, 401, 'another account of that name')
  t.equal((await ask('/version', undefined, await token())).code, 200)
})
