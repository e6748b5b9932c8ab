// The cloud image of the end-to-end tests: built once per recipe (build-image.sh), then cached.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { requireTools, systemEnv } from './tools.ts'

const recipe = join(import.meta.dirname, 'build-image.sh')
const freshRecipe = join(import.meta.dirname, 'build-fresh.sh')

/** Path of the cloud image, built first if it is not there. */
export function guestImage(): Promise<string> {
  return cached('guest', (output) => [recipe, output])
}

/** Path of the same image with cloud-init switched off in it. */
export async function imageWithoutCloudInit(): Promise<string> {
  const image = await guestImage()
  return cached('guest-without-cloud-init', (output) => [recipe, output, image])
}

/** Path of a tar with a Debian release as a person finds it after the installation. */
export function freshSystem(suite: string): Promise<string> {
  return cached(`fresh-${suite}`, (output) => [freshRecipe, output, suite], freshRecipe, 'tar')
}

// Two test runs may want the same image at the same time: $0, built by "$@" as $1.
const onlyOnce = 'output=$1; shift; test -e "$0" || { "$@" && mv "$output" "$0"; }'

async function cached(
  name: string,
  command: (output: string) => string[],
  from = recipe,
  ending = 'qcow2',
): Promise<string> {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rke2-kvm-lab-test')
  const hash = createHash('sha256').update(readFileSync(from)).digest('hex').slice(0, 12)
  const image = join(folder, `${name}-${hash}.${ending}`)
  if (existsSync(image)) return image

  requireTools(['debugfs', 'grub-mkimage', 'mke2fs', 'mmdebstrap', 'python3', 'qemu-img', 'sfdisk'])
  await mkdir(folder, { recursive: true })
  await removeLeftovers(folder)
  const scratch = await mkdtemp(join(folder, `build-${process.pid}-`))
  try {
    const output = join(scratch, `image.${ending}`)
    await runAlone([
      'flock',
      `${image}.lock`,
      'bash',
      '-c',
      onlyOnce,
      image,
      output,
      ...command(output),
    ])
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  return image
}

/** Scratch folders of builds that were killed. */
async function removeLeftovers(folder: string) {
  for (const name of readdirSync(folder)) {
    const pid = /^build-(\d+)-/.exec(name)?.[1]
    if (pid && !existsSync(`/proc/${pid}`))
      await rm(join(folder, name), { recursive: true, force: true })
  }
}

/** Runs a command so that neither a process nor a mount of it outlives it, or us. */
function runAlone(argv: string[]) {
  const dieWithUs = ['--pdeathsig', 'KILL', 'unshare']
  const options = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
  const child = spawn('setpriv', [...dieWithUs, ...options, ...argv], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: systemEnv,
  })
  return new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${argv.join(' ')} failed: exit status ${code}`))
    })
  })
}
