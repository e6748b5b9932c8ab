// Shows that the stand-in host works: one guest made by hand with virsh, reached over SSH with a
// pinned host key, a NAT network, a mirror; then nothing is left.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startHost } from './host.ts'
import { guestImage, imageWithoutCloudInit } from './image.ts'
import { serveFiles } from './mirror.ts'

const started = Date.now()
const say = (text: string) =>
  console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`)

const image = await guestImage()
say(image)
say(await imageWithoutCloudInit())
const folder = mkdtempSync(join(tmpdir(), 'rkl-smoke-'))
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text, { mode: 0o600 })
  return join(folder, name)
}

const host = await startHost()
try {
  say('host started')
  const before = await host.inventory()
  say(JSON.stringify(before))

  const nat = `<network><name>nat</name><forward mode="nat"/><bridge name="virbr7"/>
    <ip address="192.168.77.1" netmask="255.255.255.0"><dhcp><range start="192.168.77.2" end="192.168.77.9"/></dhcp></ip></network>`
  await host.run(['virsh', 'net-define', file('nat.xml', nat)])
  await host.run(['virsh', 'net-start', 'nat'])
  say(JSON.stringify(await host.inventory()))
  await host.run(['virsh', 'net-destroy', 'nat'])
  await host.run(['virsh', 'net-undefine', 'nat'])
  assert.deepEqual(await host.inventory(), before)
  say('NAT network came and went')

  file('payload', 'x'.repeat(100_000))
  const mirror = await serveFiles(host, folder, 8080, { cutAfter: 60_000 })
  const fetched = join(folder, 'fetched')
  const curl = ['curl', '-s', '-o', fetched, '-C', '-', `${mirror.url}/payload`]
  assert.equal((await host.exec(curl)).exitCode, 18)
  assert.equal((await host.exec(curl)).exitCode, 0)
  assert.equal(readFileSync(fetched, 'utf8'), 'x'.repeat(100_000))
  say(JSON.stringify(await mirror.requests()))
  await mirror.stop()

  const child = host.spawn(['sh', '-c', 'trap "exit 7" INT; while :; do sleep 0.1; done'])
  await new Promise((resolve) => setTimeout(resolve, 300))
  host.signal(child, 'SIGINT')
  assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 7)
  const slow = await host.exec(['sleep', '100'], { timeout: 200 })
  assert.equal(slow.exitCode, 137)
  const cat = await host.exec(['sh', '-c', 'cat; pwd; echo $A'], {
    cwd: folder,
    input: 'in ',
    env: { A: 'b' },
  })
  assert.equal(cat.stdout, `in ${folder}\nb\n`)
  say('signals, time-outs, input work')

  for (const key of ['login', 'hostkey'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, key)])
  const text = (name: string) => readFileSync(join(folder, name), 'utf8')
  const mac = '52:54:00:11:22:33'
  const seed = [
    file('meta-data', 'instance-id: i-smoke\nlocal-hostname: smoke\n'),
    file(
      'user-data',
      '#cloud-config\n' +
        JSON.stringify({
          hostname: 'smoke',
          users: [
            {
              name: 'ubuntu',
              sudo: 'ALL=(ALL) NOPASSWD:ALL',
              shell: '/bin/bash',
              ssh_authorized_keys: [text('login.pub').trim()],
            },
          ],
          ssh_keys: {
            ed25519_private: text('hostkey'),
            ed25519_public: text('hostkey.pub').trim(),
          },
        }),
    ),
    file(
      'network-config',
      JSON.stringify({
        version: 2,
        ethernets: { lan: { match: { macaddress: mac }, addresses: ['192.168.1.30/24'] } },
      }),
    ),
  ]
  const images = '/var/lib/libvirt/images'
  const iso = ['genisoimage', '-quiet', '-V', 'cidata', '-r', '-J', '-o', `${images}/seed.iso`]
  await host.run([...iso, ...seed])
  const overlay = ['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b']
  await host.run(['cp', image, `${images}/base.qcow2`])
  await host.run([...overlay, `${images}/base.qcow2`, `${images}/smoke.qcow2`, '10G'])
  say('disks made')
  const domain = `<domain type="qemu"><name>smoke</name><memory unit="MiB">1024</memory><vcpu>2</vcpu>
    <os><type machine="q35">hvm</type></os><cpu mode="maximum"/><features><acpi/></features><devices>
    <disk type="file" device="disk"><driver name="qemu" type="qcow2"/><source file="${images}/smoke.qcow2"/><target dev="vda" bus="virtio"/></disk>
    <controller type="scsi" model="virtio-scsi"/>
    <disk type="file" device="cdrom"><source file="${images}/seed.iso"/><target dev="sda" bus="scsi"/><readonly/></disk>
    <interface type="bridge"><mac address="${mac}"/><source bridge="br0"/><model type="virtio"/></interface>
    <serial type="pty"><log file="/var/log/libvirt/qemu/smoke-console.log"/></serial>
    <rng model="virtio"><backend model="random">/dev/urandom</backend></rng></devices></domain>`
  await host.run(['virsh', 'define', '--validate', file('domain.xml', domain)])
  await host.run(['virsh', 'start', 'smoke'])
  say(JSON.stringify(await host.inventory()))

  file('known_hosts', `192.168.1.30 ${text('hostkey.pub')}`)
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'ConnectTimeout=5']
  const ssh = ['ssh', '-i', join(folder, 'login'), '-o', `UserKnownHostsFile=${folder}/known_hosts`]
  ssh.push(...options.flatMap((option) => ['-o', option]), 'ubuntu@192.168.1.30')
  const deadline = Date.now() + 240_000
  const waitFor = async (command: string) => {
    for (;;) {
      const { exitCode, stderr } = await host.exec([...ssh, command])
      if (exitCode === 0) return
      if (Date.now() > deadline) throw new Error(stderr)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
  await waitFor('true')
  say('SSH answers')
  await waitFor('test -e /run/cloud-init/result.json')
  say('cloud-init is done')
  console.log(
    await host.run([...ssh, 'cat /run/cloud-init/result.json; hostname; df -h /; sudo id']),
  )
  await host.run(['virsh', 'destroy', 'smoke'])
  await host.run(['virsh', 'undefine', 'smoke'])
  say(JSON.stringify(await host.inventory()))
} finally {
  await host.stop()
  rmSync(folder, { recursive: true })
  say('stopped')
}
