// A second stand-in host, a cable away from the first one, which logs in there by SSH.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startHost, type Host } from './host.ts'
import { systemEnv } from './tools.ts'

export interface SecondHost extends Host {
  /** It has no power any more: nothing of it answers, its disks stay. */
  cutPower(): Promise<void>
  /** It is there again; nobody has started its guests. */
  powerOn(): Promise<void>
}

/** The URI of its libvirt for the first host. */
export const secondUri = 'qemu+ssh://root@second/system'

/** Starts it for the length of the test. */
export async function startSecondHost(t: Test, first: Host): Promise<SecondHost> {
  const address = '192.168.1.2'
  const host = await startHost({ address: `${address}/24` })
  t.teardown(() => host.stop())
  const keys = mkdtempSync('/var/tmp/rkl-second-')
  t.teardown(() => rmSync(keys, { recursive: true, force: true }))
  const bash = (script: string) => host.run(['bash', '-euc', script])

  await layCable(first, host)
  for (const name of ['host_key', 'login'])
    await host.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(keys, name)])
  const hostKey = readFileSync(join(keys, 'host_key.pub'), 'utf8')
  writeFileSync(join(keys, 'known_hosts'), `${address} ${hostKey}`)
  mkdirSync(join(keys, 'config'))
  writeFileSync(
    join(keys, 'config/second.conf'),
    `Host second
  HostName ${address}
  IdentityFile ${keys}/login
  IdentitiesOnly yes
  UserKnownHostsFile ${keys}/known_hosts
  ConnectTimeout 10
`,
  )
  await first.run(['mount', '--bind', join(keys, 'config'), '/etc/ssh/ssh_config.d'])
  const serve = `mkdir -p /run/sshd && $(command -v sshd) -f /dev/null -o HostKey=${keys}/host_key \
    -o AuthorizedKeysFile=${keys}/login.pub -o StrictModes=no -o PidFile=none`
  await bash(serve)

  return {
    ...host,
    async inventory() {
      const { files, ...rest } = await host.inventory()
      // libvirt itself keeps these of a guest that lost its power
      return { ...rest, files: files.filter((file) => !file.endsWith('/master-key.aes')) }
    },
    async cutPower() {
      await bash('ip link set cable-end down; kill -KILL -1')
    },
    async powerOn() {
      await bash(`ip link set cable-end up
        rm -rf /run/libvirt/* /run/*.pid
        virtlogd --daemon --pid-file /run/virtlogd.pid
        libvirtd --daemon --pid-file /run/libvirtd.pid
        ${serve}
        until virsh list >/dev/null 2>&1; do sleep 0.2; done`)
    },
  }
}

// Between the bridges.
async function layCable(one: Host, other: Host): Promise<void> {
  await one.run(['ip', 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable-end'])
  // The other host's namespace cannot be named inside.
  const move = `nsenter --target ${one.pid} --net ip link set cable-end netns ${other.pid}`
  execFileSync('sh', ['-c', move], { env: systemEnv })
  for (const [host, link] of [
    [one, 'cable'],
    [other, 'cable-end'],
  ] as const)
    await host.run(['ip', 'link', 'set', link, 'master', 'br0', 'up'])
}
