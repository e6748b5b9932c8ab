// EDGE. RKE2's release files: downloaded once to this host, checked against the checksum file, copied to each node.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, withCacheLock } from '../download/fetch.ts'
import { findDigest } from '../download/checksums.ts'
import { fetchListed, fetchUnchecked } from '../download/listed.ts'
import { copyToNode, onNode } from '../guest/on-node.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { query, readText } from '../shell/bash.ts'
import type { Shell } from '../shell/carry-out.ts'
import { inOrder, sh, type Step } from '../shell/steps.ts'
import { LabError, type CommandError } from '../text/errors.ts'
import { commandText, quote } from '../text/quote.ts'
import { release, type Release, type ReleaseFile } from './release.ts'
import { rememberImports } from './service.ts'
import { artifactsFolder as there } from './state.ts'

const allOf = ({ installer, sums, archives }: Release) => [installer, sums, ...archives]

/** The folder of the release's files on this host. */
function folderOf(lab: Lab, { sums }: Release): string {
  const origin = createHash('sha256').update(sums.url).digest('hex').slice(0, 8)
  return lab.rke2.artifacts ?? join(cacheDir(), 'rke2', `${lab.rke2.version}-${origin}`)
}

/** Brings what is missing of the lab's release onto this host; nobody else may do so meanwhile. */
export async function bringRelease(lab: Lab, shell: Shell, ingress: string[]): Promise<void> {
  const title = `RKE2 ${lab.rke2.version} onto this host`
  const plan = () => planRelease(lab, ingress)
  if ((await plan()).length === 0) return void (await shell.apply(inOrder(title, [])))
  await withCacheLock(shell, async () => shell.apply(inOrder(title, await plan())))
}

/** The steps that download the missing files of the lab's release. Throws when `rke2.artifacts` is incomplete or wrong. */
export async function planRelease(lab: Lab, ingress: string[] = []): Promise<Step[]> {
  const files = release(lab, ingress)
  const folder = folderOf(lab, files)
  const at = ({ name }: ReleaseFile) => join(folder, name)
  const isMissing = (file: ReleaseFile) => !existsSync(at(file))
  if (lab.rke2.artifacts !== undefined) await checkFolder(folder, files, isMissing)
  return [
    ...(allOf(files).some(isMissing) ? [sh`mkdir -p ${folder}`] : []),
    ...[files.sums, files.installer]
      .filter(isMissing)
      .flatMap((file) => fetchUnchecked(file.url, at(file))),
    ...files.archives
      .filter(isMissing)
      .flatMap((file) => fetchListed(file.url, at(file), file.name, at(files.sums))),
  ]
}

async function checkFolder(
  folder: string,
  files: Release,
  isMissing: (file: ReleaseFile) => boolean,
): Promise<void> {
  const missing = allOf(files).filter(isMissing)
  if (missing.length > 0)
    throw new LabError(
      `rke2.artifacts: ${folder} lacks ${missing.map(({ name }) => name).join(', ')}`,
      {
        hint: missing.map(({ name, url }) => commandText`curl -fL -o ${join(folder, name)} ${url}`),
      },
    )
  for (const { name } of files.archives) {
    const wanted = digestIn(join(folder, files.sums.name), name)
    const { stdout } = await query`sha256sum ${join(folder, name)}`
    if (!stdout.includes(wanted))
      throw new LabError(`rke2.artifacts: ${name} does not match the checksum file`, {
        details: [`expected ${wanted}`, `found    ${stdout.slice(0, 64)}`],
        hint: '# download the file again',
      })
  }
}

function digestIn(sums: string, name: string): string {
  const digest = findDigest(readText(sums) ?? '', name)
  if (digest) return digest.hex
  throw new LabError(`${sums} has no line for ${name}`, {
    details: ['install.sh would skip this file without a message'],
    hint: '# check rke2.version, and whether the release has this file',
  })
}

/** The steps that copy the files to a node, check them there, and run the real install.sh in artifact mode. */
export function planInstallOn(lab: Lab, node: Node, ingress: string[]): Step[] {
  const files = release(lab, ingress)
  const folder = folderOf(lab, files)
  const here = allOf(files).map(({ name }) => join(folder, name))
  const listed = files.archives.map(({ name }) => ` ${name.replaceAll('.', '\\.')}$`).join('\\|')
  // install.sh copies everything to a temporary folder first, and /tmp may be in memory.
  const tmp = lab.rke2.images ? 'TMPDIR=/var/tmp ' : ''
  return [
    onNode(node, `mkdir -p ${there}`, { state: 'installing' }),
    copyToNode(node, here, there),
    onNode(
      node,
      `cd ${there} && grep '${listed}' ${files.sums.name} | sha256sum --check --quiet -`,
    ),
    onNode(
      node,
      `sudo ${tmp}INSTALL_RKE2_ARTIFACT_PATH="$PWD/${there}" sh ${there}/${files.installer.name}`,
      { explain: (error) => installError(lab, error) },
    ),
    onNode(node, `/usr/local/bin/rke2 --version | grep -wF ${lab.rke2.version} >/dev/null`, {
      explain: (error) => versionError(lab, node, folder, error),
    }),
    ...(lab.rke2.images ? [rememberImports(node)] : []),
    onNode(node, `rm -r ${there}`), // while it exists, the installation is unfinished
  ]
}

function versionError(lab: Lab, node: Node, folder: string, cause: CommandError): LabError {
  const { version, artifacts } = lab.rke2
  return new LabError(`the installed RKE2 is not ${version}`, {
    hint: [
      typedOn(node, 'rke2 --version'),
      artifacts === undefined
        ? `rm -r ${quote(folder)}   # then run this again; it downloads the release again`
        : `# put the files of ${version} into ${folder}, then run this again`,
    ],
    cause,
  })
}

const reasons: [RegExp, string][] = [
  [/sha256 does not match/, 'the files do not match their checksums'],
  [/unsupported architecture/i, "RKE2 has no build for this machine's processor"],
  [/using stable as release/, 'update.rke2.io cannot be reached'],
]

function installError(lab: Lab, cause: CommandError): LabError {
  const { stderr } = cause.failed
  const [, why = cause.message] = reasons.find(([said]) => said.test(stderr)) ?? []
  return new LabError(`install.sh failed: ${why}`, {
    details: stderr.split('\n'),
    hint: [
      '# to run the installer by hand: rke2/README.md',
      ...(lab.rke2.artifacts ? [`ls -l ${quote(lab.rke2.artifacts)}`] : []),
    ],
    cause,
  })
}
