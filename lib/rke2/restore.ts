// EDGE. The stages that put the cluster back to a backup. Run again after an interruption they begin again from the backup.
import { onNode, storeOn } from '../guest/on-node.ts'
import { commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab } from '../lab/lab.ts'
import { forEach, inOrder, type Stage, type Step } from '../shell/steps.ts'
import { LabError } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { joinedServer } from './config.ts'
import { planJoin } from './join.ts'
import { manifestList } from './manifests.ts'
import { lastMessage } from './journal.ts'
import { kubectl, unseenNode } from './kube-nodes.ts'
import { untilNodeReady } from './ready.ts'
import type { Restoring, Roles } from './restore-roles.ts'
import { planConfig, planStart, type Member } from './service.ts'
import { withWayBack } from './way-back.ts'

const rke2 = '/usr/local/bin/rke2'
const data = '/var/lib/rancher/rke2'
const folder = `${data}/restore`
const slice = 'rke2-restore'

/** The stages of a restore. */
export function planRestore(restoring: Restoring, roles: Roles): Stage[] {
  const { lab, edited, backup, seconds } = restoring
  const { leader, servers, agents } = roles
  const { name, node } = leader
  const stopped = { ...leader, state: { ...leader.state, service: 'inactive' } }
  const known = backup.nodes.map(unseenNode)
  const joining = {
    lab,
    edited,
    seconds,
    leader: { ...leader, state: { ...leader.state, service: 'active', nodes: known } },
  }
  return withWayBack(
    backup.file,
    node,
    [
      inOrder(`Bring the backup to ${name}`, bring(backup, leader)),
      forEach('Stop the servers', [leader, ...servers], (one) => stop(lab, one, one !== leader)),
      { ...forEach(`Reset ${name}`, [leader], () => reset(restoring, leader)), watched: true },
      inOrder(`Start ${name}`, planStart(stopped, true)),
      {
        ...forEach(`Wait until ${name} is Ready`, [leader], () => [
          untilNodeReady(lab, leader, node, seconds),
        ]),
        watched: true,
      },
      inOrder('Let the other nodes join', letJoin(roles)),
      ...servers.map((one) => ({
        ...forEach(`Join server ${one.name}`, [one], () => rejoin(joining, one)),
        watched: true,
      })),
      {
        // Their watches do not notice that etcd went back.
        ...forEach('Restart the agents', agents, (one) =>
          planJoin(joining, { ...one, state: { ...one.state, service: 'activating' } }),
        ),
        watched: true,
      },
    ].filter(({ lanes }) => lanes.length > 0),
  )
}

const bring = ({ file, snapshot }: Restoring['backup'], { node }: Member): Step[] => [
  // First what a run left that was cut off.
  onNode(node, `systemctl stop ${slice}.slice 2>/dev/null || true\nrm -rf ${folder}`, {
    root: true,
  }),
  {
    do: 'run',
    bash: `${commandText`tar -xOf ${file} ${snapshot}`} | ${storeOn(node, `${folder}/${snapshot}`)}`,
  },
  // The password alone: a cluster that is new takes no more than that.
  {
    do: 'run',
    bash: `${commandText`tar -xOf ${file} token | sed 's/.*://'`} | ${storeOn(node, `${folder}/token`)}`,
  },
]

// A stopped service leaves etcd and the API running: two of three servers would still be a cluster.
const stop = ({ rke2 }: Lab, { node }: Member, isOther: boolean): Step[] =>
  isOther
    ? [
        onNode(node, 'systemctl disable rke2-server', { root: true }), // until it joins again
        onNode(node, 'systemctl stop rke2-server', { root: true }),
        onNode(node, '/usr/local/bin/rke2-killall.sh', { root: true }),
        ...(rke2.vip === undefined ? [] : [onNode(node, giveBack(rke2.vip), { root: true })]),
      ]
    : [onNode(node, 'systemctl stop rke2-server', { root: true })]

// kube-vip was killed too: an address that stayed on the card would answer this server's own calls.
const giveBack = (vip: string) => `\
ip -o -4 address show to ${vip} | while read -r _ card _; do ip address del ${vip}/32 dev "$card"; done`

function reset({ lab, edited, backup, seconds }: Restoring, leader: Member): Step[] {
  const { node } = leader
  // As a unit it keeps running when the connection ends; in its own slice, so that a later run can stop it.
  const asUnit = `systemd-run --quiet --wait --collect --slice=${slice} --property=KillMode=process --property=RuntimeMaxSec=${seconds} --property=EnvironmentFile=-/etc/default/rke2-server`
  const flags = `--cluster-reset --cluster-reset-restore-path=${folder}/${backup.snapshot} --token-file=${folder}/token`
  const journal = 'journalctl --identifier rke2 --lines 20 --output cat --no-pager'
  return [
    ...planConfig(lab, asFirst(leader), edited).steps,
    onNode(node, setAside, { root: true }),
    {
      do: 'run',
      bash: `${commandOn(node, `${asUnit} ${rke2} server ${flags}`, { root: true })} ||
  { ${commandOn(node, journal, { root: true })} >&2; false; }`,
      state: 'etcd goes back to the snapshot',
      explain: ({ failed }) =>
        new LabError(`etcd did not go back to the snapshot: ${lastMessage(failed.stderr)}`, {
          details: failed.stderr.split('\n').slice(-5),
          hint: typedOn(node, 'sudo journalctl --identifier rke2 --lines 50 --no-pager'),
        }),
    },
  ]
}

const asFirst = (one: Member): Member =>
  /^server:/m.test(one.state.config) ? { ...one, state: { ...one.state, config: '' } } : one

// RKE2 keeps what it replaces forever: only that of the last restore stays. A server of another cluster, with another
// token, begins as a new one.
const setAside = `cd ${data}
rm -rf server/db/etcd-old-* server/tls-[0-9]*
if test -e server/token && test "$(sed 's/.*://' server/token)" != "$(cat restore/token)"; then
  /usr/local/bin/rke2-killall.sh
  rm -rf server-before-restore
  mv server server-before-restore
  if test -e server-before-restore/manifests/${manifestList}; then
    mkdir -m 700 server
    cp -a server-before-restore/manifests server/
  fi
fi`

// The passwords in the snapshot may be those of machines that were recreated since: without them, each brings its own.
function letJoin({ leader, servers, agents, fresh, gone }: Roles): Step[] {
  const onLeader = (words: string) => onNode(leader.node, `${kubectl} ${words}`, { root: true })
  const others = [...servers, ...agents, ...fresh].map(({ name }) => name)
  const secrets = others.map((name) => `${name}.node-password.rke2`).join(' ')
  const old = [...fresh.map(({ name }) => name), ...gone]
  return [
    ...(others.length > 0
      ? [onLeader(`delete secret --namespace kube-system ${secrets} --ignore-not-found`)]
      : []),
    ...old.map((name) => onLeader(`delete node ${name} --ignore-not-found --timeout=120s`)),
    onNode(leader.node, `rm -r ${folder}`, { root: true }),
  ]
}

function rejoin(joining: Parameters<typeof planJoin>[0], one: Member): Step[] {
  const { lab, leader } = joining
  const joined = joinedServer(lab, one.node, one.state.config)
  const config = joined?.name === leader.name ? one.state.config : ''
  return [
    onNode(one.node, `rm -rf ${data}/server/db`, {
      root: true,
      state: 'deleting its copy of etcd',
    }),
    ...planJoin(joining, { ...one, state: { ...one.state, service: 'inactive', config } }),
  ]
}
