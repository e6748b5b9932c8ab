// rke2.vip on three servers that are Ready: who joined through it, and who holds it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Section } from '../day-two/off-and-on.ts'

export const vip = '192.168.1.29'
export const withVip = ({ rke2 }: { rke2: object }) => ({ ...rke2, vip })

interface Status {
  vip: { holders: string[]; api: boolean; join: boolean; remark: string | null }
}

/** What status says of it; a server that is too busy to answer is waited for. */
export async function settled({ run }: Section): Promise<Status['vip']> {
  const state = async () => {
    const { stdout } = await run.script('status', '--json')
    return (JSON.parse(stdout) as Status).vip
  }
  let last = await state()
  for (let tries = 0; tries < 30 && last.remark !== null; tries++) {
    await sleep(2000)
    last = await state()
  }
  return last
}

/** Certificates, configurations and kubeconfig have the address, and the first server holds it. */
export async function addressIsUsed(t: Test, section: Section): Promise<void> {
  const { work, run, nodes } = section
  const [first = ''] = nodes
  for (const node of nodes) {
    const read = 'openssl s_client -connect 127.0.0.1:9345 </dev/null 2>/dev/null'
    const names = await work.ssh(node, `${read} | openssl x509 -noout -ext subjectAltName`)
    t.match(names, `IP Address:${vip}`, node)
    const config = await work.ssh(node, 'sudo cat /etc/rancher/rke2/config.yaml')
    const joins = `server: https://${vip}:9345`
    if (node === first) t.notMatch(config, 'server:', 'the first one joined nobody')
    else t.match(config, joins, node)
  }
  t.match(await run.kubectl('config', 'view', '--minify'), `server: https://${vip}:6443`)
  t.match(await settled(section), { holders: [first], api: true, join: true, remark: null })
}

/** What kubectl says of the nodes once the API answers at the address, after the one that held it was lost. */
export async function nodesByAddress(t: Test, { run }: Section): Promise<string> {
  const began = Date.now()
  let list = ''
  while (!list && Date.now() - began < 60_000) {
    list = await run.kubectl('get', 'nodes', '--request-timeout=5s').catch(() => '')
    if (!list) await sleep(1000)
  }
  t.comment(`after ${Math.round((Date.now() - began) / 1000)} s, with the stand-in`)
  return list
}
