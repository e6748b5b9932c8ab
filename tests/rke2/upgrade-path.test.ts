// From which versions to which; the words of what is refused.
import t from 'tap'
import {
  checkPath,
  compareVersions,
  pathWarnings,
  removedApis,
  snapshotName,
  standing,
  type Installed,
} from '../../lib/rke2/upgrade-path.ts'

const server = (version: string, name = 'kubemaster'): Installed => ({
  name,
  role: 'server',
  version: `${version}+rke2r1`,
})
const agent = (version: string, name = 'worker01'): Installed => ({
  ...server(version, name),
  role: 'agent',
})

await t.test('versions in their order', (t) => {
  const ordered = [
    'v1.35.7+rke2r1',
    'v1.35.10+rke2r1',
    'v1.36.0-rc2+rke2r1',
    'v1.36.0+rke2r1',
    'v1.36.0+rke2r2',
    'v1.36.1+rke2r1',
    'v2.0.0+rke2r1',
  ]
  t.strictSame(ordered.toReversed().sort(compareVersions), ordered)
  t.equal(compareVersions('v1.36.1+rke2r1', 'v1.36.1+rke2r1'), 0)
  t.throws(() => compareVersions('v1.36.4-alpha1+rke2r1', 'v1.36.1+rke2r1'), {
    message: /cannot tell which versions come before and after RKE2 v1.36.4-alpha1/,
  })
  t.end()
})

const cases: [what: string, from: Installed[], to: string, refused?: RegExp][] = [
  ['the same', [server('v1.36.5')], 'v1.36.5'],
  ['a patch', [server('v1.36.0'), agent('v1.36.0')], 'v1.36.5'],
  ['the next minor version', [server('v1.35.7'), agent('v1.35.7')], 'v1.36.5'],
  ['an interrupted one', [server('v1.36.5'), server('v1.35.7', 'second')], 'v1.36.5'],
  ['an agent that was left behind', [server('v1.36.5'), agent('v1.33.1')], 'v1.36.5'],
  ['an agent too old', [server('v1.36.5'), agent('v1.32.1')], 'v1.36.5', /more than 3 minor/],
  ['a minor version skipped', [server('v1.34.1')], 'v1.36.5', /no minor version may be skipped/],
  [
    'skipped by one of the servers',
    [server('v1.35.1'), server('v1.34.1', 'second')],
    'v1.36.5',
    /^second runs RKE2 v1.34.1/,
  ],
  ['a downgrade', [server('v1.36.5')], 'v1.35.7', /that would be a downgrade/],
  ['a downgrade of a patch', [server('v1.36.5')], 'v1.36.4', /that would be a downgrade/],
  [
    'a downgrade of one agent',
    [server('v1.35.7'), agent('v1.36.5')],
    'v1.35.7',
    /^worker01 runs RKE2 v1.36.5/,
  ],
]
for (const [what, from, to, refused] of cases)
  await t.test(what, async (t) => {
    const check = () => checkPath(`${to}+rke2r1`, from)
    if (refused) t.throws(check, { message: refused })
    else t.doesNotThrow(check)
  })

await t.test('what is said with a refusal', (t) => {
  t.throws(() => checkPath('v1.37.0+rke2r1', [server('v1.34.1')]), {
    message: /skipped/,
    details: [/only the step to v1.35/],
    hint: [/newest v1.35 \(https:\/\/docs.rke2.io\/release-notes\/v1.35.X\)/, /then to the next/],
  })
  t.throws(() => checkPath('v1.36.0+rke2r1', [server('v1.34.1')]), {
    message: /skipped/,
    hint: [/newest v1.35/, '# then to v1.36.0+rke2r1'],
  })
  t.throws(() => checkPath('v1.35.0+rke2r1', [server('v1.36.1')]), {
    message: /downgrade/,
    details: [/an older minor version cannot use/],
    hint: ['# set rke2.version back to v1.36.1+rke2r1', /tutorials\/30-upgrade.md/],
  })
  t.end()
})

await t.test('ingress-nginx: kept in v1.36, gone in v1.37', (t) => {
  const nginx = ['ingress-nginx']
  const warned = (from: string, to: string, ingress = nginx) =>
    pathWarnings(`${from}+rke2r1`, `${to}+rke2r1`, ingress).length
  t.equal(warned('v1.35.7', 'v1.36.5'), 1)
  t.match(pathWarnings('v1.36.5+rke2r1', 'v1.37.0+rke2r1', nginx), [/brings no ingress-nginx/])
  t.equal(warned('v1.36.4', 'v1.36.5'), 0)
  t.equal(warned('v1.35.7', 'v1.36.5', ['traefik']), 0)
  t.end()
})

await t.test('APIs that are removed on the way', (t) => {
  const metric = (release: string, value = 1) =>
    `apiserver_requested_deprecated_apis{group="flowcontrol.apiserver.k8s.io",removed_release="${release}",resource="flowschemas",subresource="",version="v1beta3"} ${value}\n`
  const found = (metrics: string) => removedApis(metrics, 'v1.36.5+rke2r1')
  t.match(found(metric('1.36')), [
    /^flowschemas of flowcontrol.apiserver.k8s.io\/v1beta3 .* v1.36 removes/,
  ])
  t.strictSame(found(metric('1.37') + metric('', 1) + metric('1.36', 0)), [])
  t.strictSame(found(''), [])
  t.end()
})

await t.test('names and states', (t) => {
  t.equal(snapshotName('v1.36.5+rke2r1'), 'before-v1-36-5')
  t.equal(snapshotName('v1.36.5-rc1+rke2r2'), 'before-v1-36-5-rc1-rke2r2')
  const rest = [agent('v1.35.7', 'worker02'), agent('v1.34.1', 'worker03')]
  t.strictSame(standing('v1.36.5+rke2r1', ['kubemaster'], 'worker01', rest), [
    'at v1.36.5+rke2r1: kubemaster',
    'stopped at worker01',
    'still at v1.35.7+rke2r1: worker02',
    'still at v1.34.1+rke2r1: worker03',
  ])
  t.strictSame(standing('v1.36.5+rke2r1', [], 'worker01', []), ['stopped at worker01'])
  t.end()
})
