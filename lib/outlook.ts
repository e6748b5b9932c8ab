// EDGE. What `npm start` finds before it does anything: what will be done, and what stands in the way.
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { examine } from './doctor/examine.ts'
import { lookAtSetup, packageBytes } from './doctor/host-setup.ts'
import { fixesOf } from './doctor/report.ts'
import type { Setup } from './doctor/setup.ts'
import { cacheDir } from './download/fetch.ts'
import { findImage, isCached } from './download/image.ts'
import type { Lab } from './lab/lab.ts'
import { isAllHere } from './libvirt/host-names.ts'
import { lookAtHosts, pairAll, type Seen } from './libvirt/hosts.ts'
import { observe } from './libvirt/observe.ts'
import { obstacleTo, type Download, type Outlook } from './outlook-rows.ts'
import { query } from './shell/bash.ts'
import type { Shell } from './shell/carry-out.ts'
import type { Step } from './shell/steps.ts'
import type { Finding } from './text/findings.ts'

export interface Ahead extends Outlook {
  findings: Finding[]
  /** Why the lab cannot run here, one sentence. */
  obstacle: string | undefined
}

/** Everything that can be known before the question. */
export async function lookAhead(
  lab: Lab,
  insteadOfBridge: string | undefined,
  shell: Shell,
  planRelease: PlanRelease,
): Promise<Ahead> {
  const asked = lookAtSetup(lab)
  const [setup, findings, seen] = await Promise.all([
    asked,
    examine(lab, lab.nodes, shell, asked),
    lookAtHosts(lab, observe), // a finding says which host does not answer
  ])
  const made = pairAll(seen, lab.nodes).flatMap(({ node, domain }) => (domain ? node : []))
  const fresh = lab.nodes.filter((node) => !made.includes(node))
  const [bytes, downloads, diskFree] = await Promise.all([
    packageBytes(setup),
    findDownloads(lab, shell, fresh.length > 0, setup, planRelease),
    freeFor(seen, lab),
  ])
  const isEmulated = !worksWithKvm(lab, findings, setup)
  const isOnline = downloads.every(({ isReached }) => isReached)
  return {
    lab,
    setup,
    packageBytes: bytes,
    fixes: fixesOf(findings.filter(({ level }) => level === 'failure' || fresh.length > 0)),
    insteadOfBridge,
    downloads,
    cache: cacheDir(),
    fresh,
    diskFree,
    isEmulated,
    findings,
    obstacle: obstacleTo({
      lab,
      setup,
      findings,
      isEmulated,
      isOnline,
      isCi: Boolean(process.env.CI),
    }),
  }
}

function worksWithKvm(lab: Lab, findings: Finding[], { hasKvm, missing }: Setup): boolean {
  if (lab.domainType !== 'auto') return lab.domainType === 'kvm'
  if (!isAllHere(lab)) return true
  const isTried = !missing.includes('qemu-system-x86_64')
  return (
    hasKvm && !(isTried && findings.some(({ check, level }) => check === 'KVM' && level !== 'ok'))
  )
}

/** The steps that copy what will be installed in the machines. */
export type PlanRelease = (lab: Lab) => Promise<Step[]>

type Reached = Download & { isReached: boolean }

async function findDownloads(
  lab: Lab,
  shell: Shell,
  needsImage: boolean,
  { missing }: Setup,
  planRelease: PlanRelease,
): Promise<Reached[]> {
  const hasCurl = !missing.includes('curl')
  const image = async () => {
    const { url, file } = lab.image
    if (!needsImage || file !== undefined || url === undefined) return []
    const known = hasCurl && (await findImage(lab, shell.remember).catch(() => undefined)) // the doctor says why
    return known && isCached(known) ? [] : [await download(basename(url), url, hasCurl)]
  }
  const release = async () => {
    const steps = await planRelease(lab).catch(() => []) // install-rke2 says why
    const urls = steps.flatMap((step) => (step.do === 'run' && step.grows ? [step.grows.url] : []))
    return Promise.all(
      urls.map((url) => download(`RKE2 ${lab.rke2.version} ${basename(url)}`, url, hasCurl)),
    )
  }
  return (await Promise.all([image(), release()])).flat()
}

async function download(what: string, url: string, hasCurl: boolean): Promise<Reached> {
  const { isReached, length } = await (hasCurl ? headByCurl(url) : headByNode(url))
  return { what, bytes: length ? Number(length) : undefined, isReached }
}

async function headByCurl(url: string) {
  const { code, stdout } =
    await query`curl --silent --location --head --connect-timeout 5 --max-time 10 ${url}`
  const length = [...stdout.matchAll(/^content-length: (\d+)/gim)].at(-1)?.[1]
  return { isReached: code === 0, length }
}

// Without the user's proxy: behind one nothing can be concluded from a failure.
async function headByNode(url: string) {
  try {
    const { headers } = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(10_000) })
    return { isReached: true, length: headers.get('content-length') }
  } catch {
    const { env } = process
    const hasProxy = env.https_proxy ?? env.HTTPS_PROXY ?? env.http_proxy ?? env.ALL_PROXY
    return { isReached: hasProxy !== undefined, length: undefined }
  }
}

// Of several hosts each has its own; the doctor has looked at them.
async function freeFor({ sites: [site] }: Seen, lab: Lab): Promise<number | undefined> {
  if (Object.keys(lab.hosts).length > 0) return undefined
  return site?.host.pool?.available ?? (isAllHere(lab) ? freeIn(lab.pool.path) : undefined)
}

async function freeIn(path: string): Promise<number | undefined> {
  let folder = path
  while (!existsSync(folder) && folder !== '/') folder = folder.replace(/\/[^/]*$/, '') || '/'
  const { code, stdout } = await query`df --output=avail --block-size=1 ${folder}`
  const [, bytes] = /(\d+)\s*$/.exec(stdout) ?? []
  return code === 0 && bytes ? Number(bytes) : undefined
}
