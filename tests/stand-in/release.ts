// A stand-in for RKE2's release downloads: the folder that a mirror of them would serve.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const here = import.meta.dirname

export type Release = {
  version: string
  arch?: 'amd64' | 'arm64'
  /** The image archive: false for none, a number for its size in bytes. */
  images?: boolean | number
  /** What is wrong with it: another hash, a file that is not there, or no line in the sum file. */
  corrupt?: 'tarball' | 'images' | 'no-tarball' | 'no-sums' | 'unlisted-tarball' | 'unlisted-images'
}

/** Lays out `dir/<version>/` with install.sh, the tarball, the image archive and their sums. */
export async function makeRelease(dir: string, release: Release): Promise<void> {
  const { version, arch = 'amd64', images = true, corrupt } = release
  const folder = join(dir, version)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await copyFile(join(here, 'install.sh'), join(folder, 'install.sh'))

  const files: Record<string, Buffer> = { [`rke2.linux-${arch}.tar.gz`]: await tarball(version) }
  const [tarballName = ''] = Object.keys(files)
  const imagesName = `rke2-images.linux-${arch}.tar.zst`
  if (images !== false) files[imagesName] = zstd(images === true ? 4096 : images)

  const sums = Object.entries(files)
    .filter(([name]) => !(corrupt === 'unlisted-tarball' && name === tarballName))
    .filter(([name]) => !(corrupt === 'unlisted-images' && name === imagesName))
    .map(([name, data]) => `${createHash('sha256').update(data).digest('hex')}  ${name}\n`)
  if (corrupt !== 'no-sums') await writeFile(join(folder, `sha256sum-${arch}.txt`), sums.join(''))
  for (const [name, data] of Object.entries(files)) {
    const spoilt = corrupt === (name === tarballName ? 'tarball' : 'images')
    if (corrupt === 'no-tarball' && name === tarballName) continue
    await writeFile(join(folder, name), spoilt ? Buffer.concat([data, Buffer.from('\n')]) : data)
  }
}

const recording = (name: string) => readFile(join(here, '../fixtures/rke2-1.35.0', name), 'utf8')

/** What the program `rke2` needs beside it. */
export const programs = [
  'access.py',
  'deploy.py',
  'vip.py',
  'kube.py',
  'protobuf.py',
  'recordings.py',
  'kubectl',
]

/** The tarball: the layout that RKE2's has, the stand-in's programs in it. */
async function tarball(version: string): Promise<Buffer> {
  const stage = await mkdtemp(join(tmpdir(), 'rke2-stand-in-'))
  try {
    const text = (name: string) => readFile(join(here, name), 'utf8')
    const put = (path: string, data: string, mode = 0o644) =>
      writeFile(join(stage, path), data, { mode })
    const [units, share] = ['lib/systemd/system', 'share/rke2']
    for (const folder of ['bin', units, `${share}/stand-in/recordings`])
      await mkdir(join(stage, folder), { recursive: true })
    const program = await text('rke2')
    await put('bin/rke2', program.replace(/^VERSION = '.*?'/m, `VERSION = '${version}'`), 0o755)
    for (const name of ['rke2-killall.sh', 'rke2-uninstall.sh'])
      await put(`bin/${name}`, await text(name), 0o755)
    for (const name of programs) await put(`${share}/stand-in/${name}`, await text(name))
    const players = (await text('recordings.py')) + program
    for (const name of new Set(players.match(/[\w.-]+\.(journal|txt)\b/g)))
      await put(`${share}/stand-in/recordings/${name}`, await recording(name))
    const unit = await text('rke2.service')
    for (const [role, other] of [
      ['server', 'agent'],
      ['agent', 'server'],
    ] as const) {
      const filled = unit.replaceAll('ROLE', role).replaceAll('OTHER', other)
      await put(`${units}/rke2-${role}.service`, filled)
      await put(`${units}/rke2-${role}.env`, 'HOME=/root\n')
    }
    await put(
      `${share}/rke2-cis-sysctl.conf`,
      'vm.panic_on_oom=0\nvm.overcommit_memory=1\nkernel.panic=10\nkernel.panic_on_oops=1\n',
    )
    await put(`${share}/LICENSE.txt`, 'A stand-in for tests. This is not RKE2.\n')
    // named folders, not '.': unpacked by root, '.' would change the mode of /usr/local itself
    const options = ['--owner=0', '--group=0', '--numeric-owner', '--mode=a+rX,go-w', '-C', stage]
    return execFileSync('tar', ['-cz', ...options, 'bin', 'lib', 'share'], { maxBuffer: 2 ** 26 })
  } finally {
    await rm(stage, { recursive: true })
  }
}

/** A valid zstd file of about this size that unpacks to nothing: one skippable frame. */
function zstd(size: number): Buffer {
  const frame = Buffer.alloc(Math.max(8, size))
  frame.writeUInt32LE(0x184d2a50, 0)
  frame.writeUInt32LE(frame.length - 8, 4)
  return frame
}
