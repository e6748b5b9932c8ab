// What the end-to-end tests share: the stand-in host with a mirror that serves the cloud image and a stand-in for RKE2.
import { createHash } from 'node:crypto'
import { createReadStream, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Test } from 'tap'
import { makeRelease } from '../stand-in/release.ts'
import { startHost, type Host } from './host.ts'
import { guestImage } from './image.ts'
import { serveFiles, serveFolder, type Mirror } from './mirror.ts'
import { runner } from './runner.ts'
import { workspace } from './workspace.ts'

export const version = 'v1.36.5+rke2r1'

export interface Rig {
  host: Host
  mirror: Mirror
  /** Folder that the mirror serves. */
  served: string
  /** A lab of small emulated machines with the default addresses. */
  lab(changes?: Record<string, unknown>): {
    name: string
    nodes: { name: string }[]
    rke2: object
    [key: string]: unknown
  }
  stop(): Promise<void>
}

/** Starts it all; the image is built when it is not in the cache yet. `images`: size of RKE2's image archive in bytes. */
export async function startRig({
  images = true,
}: { images?: boolean | number } = {}): Promise<Rig> {
  const served = await fillMirror(images)
  const host = await startHost()
  const mirror = await serveFiles(host, served, 8080)
  return {
    host,
    mirror,
    served,
    lab: (changes = {}) => ({
      name: 'lab',
      domainType: 'qemu',
      image: { url: `${mirror.url}/images/guest.qcow2` },
      network: { bridge: 'br0', cidr: '192.168.1.0/24', gateway: '192.168.1.1' },
      defaults: { vcpus: 2, memory: '1GiB', disk: '12GiB' },
      nodes: [
        { name: 'kubemaster', role: 'server', address: '192.168.1.30' },
        { name: 'worker01', role: 'agent', address: '192.168.1.31' },
        { name: 'worker02', role: 'agent', address: '192.168.1.32' },
      ],
      rke2: { version, mirror: mirror.url, images: true },
      ...changes,
    }),
    async stop() {
      await mirror.stop()
      await host.stop()
      rmSync(served, { recursive: true, force: true })
    },
  }
}

/** A rig with one lab for all sections of a file: nodes called and numbered as given, from `first` on. All of it ends with the
 *  test. */
export async function startLab(
  t: Test,
  roles: Record<string, 'server' | 'agent'>,
  first: number,
  changes = {},
) {
  const rig = await startRig()
  t.teardown(() => rig.stop())
  const lab = {
    ...rig.lab(changes),
    nodes: Object.entries(roles).map(([name, role], index): Record<string, unknown> => ({
      name,
      role,
      address: `192.168.1.${first + index}`,
    })),
  }
  const work = workspace(rig.host, lab)
  t.teardown(() => work.remove())
  const run = runner(rig.host, work)
  return {
    rig,
    lab,
    host: rig.host,
    work,
    run,
    nodes: Object.keys(roles),
    before: await rig.host.inventory(),
  }
}

/** A folder with the cloud image and the release. */
async function fillMirror(images: boolean | number): Promise<string> {
  const image = await guestImage()
  const served = mkdtempSync(join(tmpdir(), 'rkl-served-'))
  mkdirSync(join(served, 'images'))
  await link(image, join(served, 'images/guest.qcow2'))
  writeFileSync(join(served, 'images/SHA256SUMS'), `${await sha256(image)} *guest.qcow2\n`)
  await makeRelease(served, { version, images })
  return served
}

/** The mirror on this machine, for hosts that reach it at an address of theirs. */
export async function serveHere() {
  const served = await fillMirror(true)
  const { server, port } = await serveFolder(served)
  return {
    at: (address: string) => `http://${address}:${port}`,
    stop() {
      server.kill('SIGKILL')
      rmSync(served, { recursive: true, force: true })
    },
  }
}

async function link(from: string, to: string): Promise<void> {
  try {
    linkSync(from, to)
  } catch {
    await copyFile(from, to) // on another file system
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
