#!/usr/bin/env zx
// Status: what there is of the lab, in one table. Changes nothing.
import { observe } from '../lib/libvirt.ts'
import { phase } from '../lib/phase.ts'
import { formatSize } from '../lib/size.ts'
import { labStatus } from '../lib/status.ts'
import { table } from '../lib/table.ts'
import { status } from '../lib/usages.ts'

await phase(import.meta.url, status, async ({ lab, nodes, options }) => {
  const host = await observe(lab)
  const all = await labStatus(lab, nodes, host)
  if (options.json) return console.log(JSON.stringify({ lab: lab.name, nodes: all }, null, 2))
  const headings = [
    'NODE',
    'ROLE',
    'ADDRESS',
    'DOMAIN',
    'SSH',
    'CLOUD-INIT',
    'SEED',
    'DISK',
    'RKE2',
    'KUBERNETES',
    '',
  ]
  console.log(
    table(
      headings,
      all.map(
        ({ name, role, address, domain, ssh, cloudInit, seed, disk, rke2, kubernetes, remark }) => [
          name,
          role,
          address,
          domain,
          ssh ?? '-',
          cloudInit ?? '-',
          seed ?? '-',
          disk ? `${formatSize(disk.used)} of ${formatSize(disk.size)}` : '-',
          rke2 ? `${rke2.version} ${rke2.service}` : '-',
          kubernetes ? (kubernetes.ready ? 'Ready' : 'NotReady') : '-',
          remark ?? '',
        ],
      ),
    ),
  )
})
