// Names of the lab that someone else uses.
import t from 'tap'
import { checkOwnership, macFindings } from '../../lib/doctor/ownership.ts'
import type { Host } from '../../lib/libvirt/observe.ts'
import { domainOf, emptyHost, factsWith, only, strangerOf } from '../helpers/facts.ts'
import { nodeOf } from '../helpers/labs.ts'

await t.test('names that others use are reported', async (t) => {
  const facts = factsWith()
  const { lab } = facts
  const host: Host = {
    ...emptyHost,
    domains: [
      strangerOf('kubemaster'),
      domainOf('worker01', { owner: { lab: 'home', role: 'agent', address: '1' } }),
      domainOf('worker02'),
      strangerOf('elsewhere'),
    ],
    pool: { uuid: 'x', path: lab.pool.path, available: 0, active: true },
  }
  t.match(only('failure', checkOwnership({ ...facts, host })), [
    /^kubemaster: .* belongs to something else; it is left alone$/,
    /^worker01: .* belongs to lab home; it is left alone$/,
    /storage pool called rke2-kvm-lab exists/,
  ])
  t.match(checkOwnership(facts), [{ level: 'ok' }])
  const twin = strangerOf('twin', { macs: [nodeOf(lab).mac] })
  t.match(macFindings(lab, lab.nodes, { ...emptyHost, domains: [twin] }), [
    { found: /^kubemaster: its MAC .* is also used by twin/ },
  ])
  t.strictSame(checkOwnership({ ...facts, host: undefined }), [])
})
