// The table of status on terminals of several widths.
import t from 'tap'
import { statusTable } from '../lib/status-table.ts'
import type { NodeStatus } from '../lib/status.ts'

await t.test(
  'the status table fits a terminal of 80 columns and tells all on a wide one',
  async (t) => {
    const status: NodeStatus = {
      name: 'kubemaster',
      role: 'server',
      address: '192.168.1.30',
      domain: 'running',
      ssh: 'unreachable',
      cloudInit: 'running',
      seed: 'attached',
      disk: { used: 2 ** 30, size: 40 * 2 ** 30 },
      rke2: { service: 'active', version: 'v1.36.5+rke2r1' },
      kubernetes: { ready: false, roles: ['etcd'], version: 'v1.36.5+rke2r1' },
      remark: null,
    }
    const narrow = statusTable([status, { ...status, remark: 'booted, SSH is not up yet' }], 80)
    for (const line of narrow.split('\n')) t.ok(line.length <= 80, line)
    t.match(narrow, /\nkubemaster: booted, SSH is not up yet$/)
    t.match(statusTable([status], 90), /^NODE +ROLE .* SEED +RKE2 +KUBERNETES$/m)
    t.match(statusTable([status], 110), / DISK +RKE2 +KUBERNETES$/m, 'only what does not fit goes')
    t.notMatch(statusTable([status], 20), 'ROLE', 'the rest is always there')
    t.match(
      statusTable([status], 200),
      /kubemaster +server .* 1 GiB of 40 GiB +active +v1\.36\.5\+rke2r1 +NotReady/,
    )
  },
)
