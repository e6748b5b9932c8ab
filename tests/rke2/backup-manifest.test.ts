// What a backup says of itself, and whom it belongs to.
import t from 'tap'
import {
  checkAge,
  checkBelongs,
  manifestText,
  momentText,
  parseManifest,
  type Manifest,
} from '../../lib/rke2/backup-manifest.ts'
import { makeLab } from '../helpers/labs.ts'
import { kubeNode } from '../helpers/plans.ts'

const lab = makeLab()
const server = { ...kubeNode('kubemaster'), roles: ['control-plane', 'etcd'] }
const text = manifestText(lab, 'v1.36.5+rke2r1', [server, kubeNode('worker01')])
  .replace('@SNAPSHOT', 'rke2-kvm-lab-kubemaster-1766000000.zip')
  .replace('@DATE', '2026-11-26T06:36:00Z')
  .replace('@HASH', '0123456789ab')
const manifest = parseManifest(text) as Manifest

await t.test('a manifest, and what is none', async (t) => {
  t.strictSame(manifest, {
    lab: 'lab',
    date: '2026-11-26T06:36:00Z',
    version: 'v1.36.5+rke2r1',
    nodes: [
      { name: 'kubemaster', role: 'server' },
      { name: 'worker01', role: 'agent' },
    ],
    snapshot: 'rke2-kvm-lab-kubemaster-1766000000.zip',
    tokenHash: '0123456789ab',
  })
  const wrong = ['', 'null', '{}', text.replace('0123456789ab', '@HASH')]
  for (const snapshot of ['../x', '-rf', 'a b', ''])
    wrong.push(text.replace('rke2-kvm-lab-kubemaster-1766000000.zip', snapshot))
  for (const one of wrong) t.equal(parseManifest(one), undefined, one)
  t.equal(momentText(manifest.date), '2026-11-26 06:36 UTC')
})

await t.test('whose it is', async (t) => {
  const belongs = (change: Partial<Manifest>) => () =>
    checkBelongs(lab, 'x.tar', { ...manifest, ...change })
  const nodes = (...all: string[]) => ({
    nodes: all.map((word) => {
      const [name = '', role] = word.split(':')
      return { name, role: role === 'server' ? ('server' as const) : ('agent' as const) }
    }),
  })
  t.doesNotThrow(belongs({}))
  t.doesNotThrow(belongs(nodes('kubemaster:server')), 'workers came later')
  t.doesNotThrow(belongs(nodes('kubemaster:server', 'worker09')), 'a worker was removed')
  t.throws(belongs({ lab: 'other' }), /x\.tar is not a backup of this lab: it is of lab other/)
  t.throws(belongs(nodes('master01:server')), /its servers are master01, those of this lab kubem/)
  t.throws(belongs(nodes('kubemaster:server', 'b:server')), /its servers are b, kubemaster, those/)
})

await t.test('which RKE2 can read it', async (t) => {
  for (const version of ['v1.36.5+rke2r1', 'v1.36.0+rke2r1', 'v1.37.1+rke2r2'])
    t.doesNotThrow(() => checkAge(manifest, version), version)
  t.throws(() => checkAge(manifest, 'v1.35.9+rke2r1'), /it runs RKE2 v1\.35\.9\+rke2r1, but the/)
})
