// EDGE. RKE2's files: once onto this host, checked by the release's checksums, and from here to each node.
import { createHash } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { downloadUnchecked, download } from '../download/fetch.ts'
import { LabError } from '../text/errors.ts'
import { cacheDir, withCacheLock } from '../download/cache.ts'
import { findDigest } from '../download/checksums.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { release, type Release } from './release.ts'
import { quote } from '../text/quote.ts'
import { ssh } from '../guest/ready.ts'
import { artifactsFolder as onNode } from './state.ts'
import { mode, query, readText, run } from '../shell/shell.ts'
import { sshFiles } from '../guest/ssh-files.ts'

/** The files of a release on this host. */
export interface Artifacts {
  folder: string
  /** Names, the installer first, then the checksums. */
  names: string[]
}

const namesOf = ({ installer, sums, archives }: Release) =>
  [installer, sums, ...archives].map(({ name }) => name)

/** Makes sure that every file of the lab's release is on this host and what its checksums say. */
export async function ensureArtifacts(lab: Lab): Promise<Artifacts> {
  const files = release(lab)
  const names = namesOf(files)
  if (lab.rke2.artifacts !== undefined) return checkedFolder(lab.rke2.artifacts, files)
  const origin = createHash('sha256').update(files.sums.url).digest('hex').slice(0, 8)
  const folder = join(cacheDir(), 'rke2', `${lab.rke2.version}-${origin}`)
  if (names.some((name) => !existsSync(join(folder, name))))
    await withCacheLock(() => fetchRelease(files, folder))
  return { folder, names }
}

async function fetchRelease(files: Release, folder: string): Promise<void> {
  const at = (name: string) => join(folder, name)
  for (const { name, url } of [files.sums, files.installer])
    if (!existsSync(at(name))) await downloadUnchecked(url, at(name))
  for (const { name, url } of files.archives)
    if (!existsSync(at(name))) {
      if (mode.dryRun) await downloadInScript(url, folder, name, files.sums.name)
      else await fetchChecked(url, at(name), at(files.sums.name))
    }
}

// The checksum file may be the wrong one of the two: the next run fetches it anew.
async function fetchChecked(url: string, file: string, sums: string): Promise<void> {
  try {
    await download(url, file, digestIn(sums, basename(file)))
  } catch (error) {
    rmSync(sums)
    throw error
  }
}

function digestIn(sums: string, name: string) {
  const digest = findDigest(readText(sums) ?? '', name)
  if (digest) return digest
  throw new LabError(`${sums} has no line for ${name}`, {
    details: ['install.sh would leave such a file out without a word'],
    hint: 'is rke2.version right, and does the release have this file?',
  })
}

// Before the checksum file is there, only the shell can look into it.
async function downloadInScript(
  url: string,
  folder: string,
  name: string,
  sums: string,
): Promise<void> {
  const line = ` ${name.replaceAll('.', '\\.')}$`
  const file = join(folder, name)
  await run`test -e ${file} || curl --fail --location --continue-at - --output ${file}.part ${url}`
  await run`test -e ${file} || { grep ${line} ${join(folder, sums)} | sed ${`s|${name}|${file}.part|`} | sha256sum --check - && mv ${file}.part ${file}; }`
}

async function checkedFolder(folder: string, files: Release): Promise<Artifacts> {
  const missing = namesOf(files).filter((name) => !existsSync(join(folder, name)))
  if (missing.length > 0)
    throw new LabError(`rke2.artifacts: ${folder} lacks ${missing.join(', ')}`, {
      hint: [files.installer, files.sums, ...files.archives]
        .filter(({ name }) => missing.includes(name))
        .map(({ name, url }) => `curl -fL -o ${quote(join(folder, name))} ${url}`),
    })
  for (const { name } of files.archives) {
    const wanted = digestIn(join(folder, files.sums.name), name)
    const { stdout } = await query`sha256sum ${join(folder, name)}`
    if (!stdout.includes(wanted.hex))
      throw new LabError(`rke2.artifacts: ${name} is not what the checksum file says`, {
        details: [`expected ${wanted.hex}`, `found    ${stdout.slice(0, 64)}`],
        hint: 'get the file anew',
      })
  }
  return { folder, names: namesOf(files) }
}

/** Brings the files to a node, has them checked there, and runs the real install.sh in artifact mode. */
export async function installOn(lab: Lab, node: Node, { folder, names }: Artifacts): Promise<void> {
  const [installer = '', sums = '', ...archives] = names
  const lines = archives.map((name) => ` ${name.replaceAll('.', '\\.')}$`).join('\\|')
  const check = `cd ${onNode} && grep '${lines}' ${sums} | sha256sum --check --quiet -`
  const install = `sudo INSTALL_RKE2_ARTIFACT_PATH="$PWD/${onNode}" sh ${onNode}/${installer}`
  await run`${ssh(lab, node)} mkdir -p ${onNode}`
  await run`scp -q -F ${sshFiles(lab).config} ${names.map((name) => join(folder, name))} ${node.name}:${onNode}/`
  await run`${ssh(lab, node)} ${check}`
  await run`${ssh(lab, node)} ${install}`.catch((error: unknown) => {
    throw installError(lab, error)
  })
  await run`${ssh(lab, node)} sudo /usr/local/bin/rke2 --version | grep -wF ${lab.rke2.version} >/dev/null`.catch(
    (error: unknown) => {
      throw new LabError(`what was installed is not RKE2 ${lab.rke2.version}`, {
        hint: [
          `${ssh(lab, node).join(' ')} rke2 --version`,
          lab.rke2.artifacts === undefined
            ? `rm -r ${quote(folder)}   # fetches the release anew; then run this again`
            : `# put the files of ${lab.rke2.version} into ${folder}, then run this again`,
        ],
        cause: error,
      })
    },
  )
  await run`${ssh(lab, node)} rm -r ${onNode}` // as long as it is there, the installation is not finished
}

function installError(lab: Lab, error: unknown): unknown {
  if (!(error instanceof LabError)) return error
  const said = [error.message, ...error.details].join('\n')
  const why = /sha256 does not match/.test(said)
    ? 'the files do not match their checksums'
    : /unsupported architecture/i.test(said)
      ? 'RKE2 is not made for the processor of this machine'
      : /using stable as release/.test(said)
        ? 'there is no access to update.rke2.io'
        : error.message
  return new LabError(`install.sh failed: ${why}`, {
    details: error.details,
    hint: [
      '# the installer, by hand: rke2/README.md',
      ...(lab.rke2.artifacts ? [`ls -l ${quote(lab.rke2.artifacts)}`] : []),
    ],
    cause: error,
  })
}
