// rke2.vip on three servers that are Ready: who joined through it, who holds it, and what still works when that one is lost.
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

/** Leaves the lab as it was. */
export async function addressMoves(t: Test, section: Section): Promise<void> {
  const { host, work, run, nodes } = section
  const [first = '', next = '', ...others] = nodes

  await t.test('certificates, configurations and kubeconfig have it', async (t) => {
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
  })

  await t.test('the one that holds it loses its power', async (t) => {
    await host.run(['virsh', '-c', 'qemu:///system', 'destroy', first])
    const began = Date.now()
    let list = ''
    while (Date.now() - began < 120_000) {
      list = await run.kubectl('get', 'nodes', '--request-timeout=5s').catch(() => '')
      if (list) break
      await sleep(1000)
    }
    t.match(list, new RegExp(`${next} +Ready`), 'kubectl works without any change')
    t.comment(`after ${Math.round((Date.now() - began) / 1000)} s, with the stand-in`)
    t.match(await settled(section), { holders: [next], api: true, join: true, remark: null })
    for (const node of [next, ...others]) await work.ssh(node, 'sudo systemctl restart rke2-server') // by the address
  })

  await t.test('it comes back: one server has the address', async (t) => {
    await run.succeeds(t, 'start')
    const { holders, ...rest } = await settled(section)
    t.match(rest, { api: true, join: true, remark: null })
    t.equal(holders.length, 1)
    for (const script of ['install-rke2', 'join'])
      t.match((await run.succeeds(t, script)).stderr, 'nothing to do')
  })
}
