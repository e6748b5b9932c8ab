#!/usr/bin/env zx
// Logs: what a report of a problem needs, in one archive without secrets. Changes nothing on the nodes.
import * as ui from '../lib/cli/ui.ts'
import { guestSources } from '../lib/guest/log-sources.ts'
import { askNode } from '../lib/guest/ssh.ts'
import { machineSources } from '../lib/libvirt/log-sources.ts'
import { observeHosts, pairAll } from '../lib/libvirt/hosts.ts'
import { look } from '../lib/libvirt/observe.ts'
import { hostSources } from '../lib/log-sources.ts'
import { phase } from '../lib/phase.ts'
import { clusterSources, rke2Sources } from '../lib/rke2/log-sources.ts'
import { cluster } from '../lib/rke2/status.ts'
import {
  contents,
  noting,
  packing,
  taking,
  takingBehind,
  type Bundle,
} from '../lib/shell/bundle.ts'
import { forEach, inOrder } from '../lib/shell/steps.ts'
import { withoutSecrets } from '../lib/text/without-secrets.ts'

await phase(import.meta.url, 'logs', async ({ lab, nodes, options, shell }) => {
  const bundle: Bundle = { files: new Map(), missing: [] }
  const machines = await noting(bundle, 'everything from libvirt', async () => {
    const seen = await observeHosts(lab, look)
    bundle.missing.push(...seen.silent.map(({ error }) => withoutSecrets(error.message)))
    return pairAll(seen, nodes)
  })
  const asked = lab.nodes.filter((node) => nodes.includes(node) || node.role === 'server') // servers know Kubernetes
  const host = {
    name: 'this host',
    sources: hostSources(lab, options.lab, cluster, shell),
    inside: [],
    opens: () => Promise.resolve(),
  }
  const places = asked.map((node) => {
    const machine = machines?.find(({ name }) => name === node.name)
    const inside = nodes.includes(node) ? [...guestSources(node), ...rke2Sources(node)] : []
    return {
      name: node.name,
      sources: machine ? machineSources(lab, machine) : [],
      inside: [...inside, ...(node.role === 'server' ? clusterSources(node) : [])],
      opens: async () => void (await askNode(node, 'true')),
    }
  })
  const collect = forEach('Collect', [host, ...places], (place) => [
    ...place.sources.map((source) => taking(bundle, source)),
    ...takingBehind(bundle, place.opens, place.inside),
  ])
  await shell.apply({ ...collect, watched: true })

  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const archive = `${lab.dir}/logs/${lab.name}-${time}.tar.gz`
  const about = `Lab ${lab.name}, collected ${time} by logs.ts.`
  if (!(await shell.apply(inOrder('Archive', [packing(bundle, archive, about)])))) return {}
  for (const text of bundle.missing) ui.warn(`missing: ${text}`)
  ui.good(`${bundle.files.size} files:`)
  contents(bundle).forEach(ui.detail)
  ui.warn('secrets are removed as far as they can be recognised: read it before you post it')
  console.log(archive)
  return { next: `tar -xzOf ${archive} | less` }
})
