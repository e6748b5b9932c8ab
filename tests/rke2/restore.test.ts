// Who does what in a restore, and in which order.
import t from 'tap'
import type { Backup } from '../../lib/rke2/backup-file.ts'
import { rke2Config } from '../../lib/rke2/config.ts'
import { planRestore } from '../../lib/rke2/restore.ts'
import { restoreText, rolesOf } from '../../lib/rke2/restore-roles.ts'
import type { Rke2State } from '../../lib/rke2/state.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'
import { member, shortly } from '../helpers/plans.ts'

const lab = makeLab((raw) => {
  raw.nodes.push({ name: 'second', role: 'server', address: '192.0.2.40' })
})
const [first, worker, other, second] = [
  nodeOf(lab),
  nodeOf(lab, 'worker01'),
  nodeOf(lab, 'worker02'),
  nodeOf(lab, 'second'),
]
const edited = { server: {}, agent: {} }
const runs = (config: string): Partial<Rke2State> => ({
  version: lab.rke2.version,
  service: 'active',
  enabled: true,
  hasRun: true,
  config,
  started: 1_800_000_000,
  now: 1_800_000_100,
})
const backup: Backup = {
  lab: 'lab',
  date: '2026-11-26T06:36:00Z',
  version: lab.rke2.version,
  nodes: [
    { name: 'kubemaster', role: 'server' },
    { name: 'second', role: 'server' },
    { name: 'worker01', role: 'agent' },
    { name: 'worker09', role: 'agent' },
  ],
  snapshot: 'snap',
  tokenHash: '0123456789ab',
  file: 'b.tar',
  config: '',
}
const [ofFirst, ofSecond] = [rke2Config(lab, first, {}), rke2Config(lab, second, {}, first)]
const ofWorker = rke2Config(lab, worker, {}, first)
const all = [
  member(first, runs(ofFirst)),
  member(worker, runs(ofWorker)),
  member(other),
  member(second, runs(ofSecond)),
]
const restoring = { lab, edited, backup, all, seconds: 60 }

await t.test(
  'two servers, one of them reset; an agent; a new machine; one that is gone',
  async (t) => {
    const roles = rolesOf(restoring)
    t.strictSame(restoreText(restoring, roles).slice(-5), [
      'reset    kubemaster: its etcd goes back; the API does not answer for some minutes',
      'rejoin   second: stopped with their pods, their copies of etcd deleted',
      'restart  the agents worker01',
      'to join  worker02: afterwards, by join.ts',
      'deleted  worker09: no longer in the lab file',
    ])
    const stages = planRestore(restoring, roles).map(({ title, lanes }) => [
      title,
      ...lanes.flatMap(({ steps }) => shortly(steps)),
    ])
    const entry = (name: string) => [
      `@kubemaster sudo cat /var/lib/rancher/rke2/server/token | @${name} sudo install -D -m 600 /dev/stdin /etc/rancher/rke2/token`,
      `@${name} sudo | fetch() { curl --silent --insecure --noproxy 192.0.2.30 --max-time 10 "$1" || wget --quiet --no-check-certificate --no-proxy --timeout=10 --output-document=- "$1"; }`,
    ]
    const wait = (name: string) =>
      `? 60 s ${name}: [[ $heartbeat > $started && $heartbeat < $latest && $ready == True ]]`
    t.strictSame(stages, [
      [
        'Bring the backup to kubemaster',
        '@kubemaster sudo | systemctl stop rke2-restore.slice 2>/dev/null || true',
        'tar -xOf b.tar snap | @kubemaster sudo install -D -m 600 /dev/stdin /var/lib/rancher/rke2/restore/snap',
        "tar -xOf b.tar token | sed 's/.*://' | @kubemaster sudo install -D -m 600 /dev/stdin /var/lib/rancher/rke2/restore/token",
      ],
      [
        'Stop the servers',
        '@kubemaster sudo systemctl stop rke2-server',
        '@second sudo systemctl disable rke2-server',
        '@second sudo systemctl stop rke2-server',
        '@second sudo /usr/local/bin/rke2-killall.sh',
      ],
      [
        'Reset kubemaster',
        '@kubemaster sudo | cd /var/lib/rancher/rke2',
        '@kubemaster sudo systemd-run --quiet --wait --collect --slice=rke2-restore --property=KillMode=process --property=RuntimeMaxSec=60 --property=EnvironmentFile=-/etc/default/rke2-server /usr/local/bin/rke2 server --cluster-reset --cluster-reset-restore-path=/var/lib/rancher/rke2/restore/snap --token-file=/var/lib/rancher/rke2/restore/token ||',
      ],
      [
        'Start kubemaster',
        '@kubemaster sudo systemctl enable rke2-server',
        '@kubemaster sudo systemctl start --no-block rke2-server',
      ],
      ['Wait until kubemaster is Ready', wait('kubemaster')],
      [
        'Let the other nodes join',
        '@kubemaster kubectl delete secret --namespace kube-system second.node-password.rke2 worker01.node-password.rke2 worker02.node-password.rke2 --ignore-not-found',
        '@kubemaster kubectl delete node worker02 --ignore-not-found --timeout=120s',
        '@kubemaster kubectl delete node worker09 --ignore-not-found --timeout=120s',
        '@kubemaster sudo rm -r /var/lib/rancher/rke2/restore',
      ],
      [
        'Join server second',
        '@second sudo rm -rf /var/lib/rancher/rke2/server/db',
        ...entry('second'),
        '@second sudo systemctl enable rke2-server',
        '@second sudo systemctl start --no-block rke2-server',
        wait('second'),
      ],
      [
        'Restart the agents',
        ...entry('worker01'),
        '@worker01 sudo systemctl enable rke2-agent',
        '@worker01 sudo systemctl restart --no-block rke2-agent',
        wait('worker01'),
      ],
    ])
  },
)

await t.test('the server that is reset has joined nobody', async (t) => {
  const joined = rke2Config(lab, first, {}, second)
  const leaderOf = (one: string, two: string) =>
    rolesOf({ ...restoring, all: [member(first, runs(one)), all[1]!, member(second, runs(two))] })
      .leader.name
  t.equal(leaderOf(ofFirst, ofSecond), 'kubemaster')
  t.equal(leaderOf(joined, rke2Config(lab, second, {})), 'second')
  t.equal(leaderOf(joined, ofSecond), 'kubemaster', 'where all have, the first forgets it')
})

await t.test('nothing is planned where something would fail in the middle', async (t) => {
  const refused = (index: number, change: Partial<Rke2State>, message: RegExp) => {
    const changed = all.map((one, at) =>
      at === index ? { ...one, state: { ...one.state, ...change } } : one,
    )
    t.throws(() => rolesOf({ ...restoring, all: changed }), { message })
  }
  refused(1, { version: 'v1.35.1+rke2r1' }, /worker01: it runs RKE2 v1\.35\.1.*that is an upgrade/)
  refused(3, { now: 1_800_009_000 }, /second: its clock is 8900 s ahead of that of kubemaster/)
  const older = { ...backup, version: 'v1.37.0+rke2r1' }
  t.throws(() => rolesOf({ ...restoring, backup: older }), /kubemaster: it runs RKE2 v1\.36\.5/)
})
