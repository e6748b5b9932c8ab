// What is there on the stand-in host: compared before and after, it shows what a test left behind.
import type { Host } from './host.ts'

export interface Inventory {
  domains: string[]
  networks: string[]
  pools: string[]
  volumes: Record<string, string[]>
  /** Files of libvirt, and the folders (ending in a slash) that pools may have made. */
  files: string[]
  /** Network links, each with the bridge it hangs on. */
  links: string[]
  /** Firewall rules, without the frame that libvirt sets up once for all networks. */
  firewall: string[]
  /** Running QEMUs and dnsmasqs. */
  processes: string[]
}

export async function takeInventory(host: Host): Promise<Inventory> {
  const lines = async (...argv: string[]) =>
    (await host.run(argv))
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .sort()
  const virsh = (...argv: string[]) => lines('virsh', '--connect', 'qemu:///system', ...argv)

  const pools = await virsh('pool-list', '--all', '--name')
  const running = await virsh('pool-list', '--name')
  const volumes: Inventory['volumes'] = {}
  for (const pool of running) {
    await virsh('pool-refresh', pool)
    const rows = await virsh('vol-list', pool)
    volumes[pool] = rows
      .filter((row) => !/^-+$/.test(row) && !/^Name\s+Path$/.test(row))
      .map((row) => row.split(/\s+\//)[0] ?? row)
  }

  const find = (folders: string[], ...tests: string[]) => lines('find', ...folders, ...tests)
  // libvirt itself leaves the process ids of its dnsmasqs.
  const notPids = ['!', '-path', '/run/libvirt/network/*.pid']
  const notDaemons = [...notPids, '!', '-name', 'driver.pid', '!', '-type', 's', '!', '-type', 'd']
  const files = [
    ...(await find(['/etc/libvirt', '/var/lib/libvirt', '/run/libvirt'], ...notDaemons)),
    ...(await find(['/var/log/libvirt'], '!', '-type', 'd')),
    ...(await find(
      ['/var/lib/libvirt/images'],
      '-mindepth',
      '1',
      '-type',
      'd',
      '-printf',
      '%p/\n',
    )),
  ].sort()

  type Link = { ifname: string; master?: string }
  const links = (JSON.parse(await host.run(['ip', '-j', 'link'])) as Link[])
    .map(({ ifname, master }) => (master ? `${ifname} on ${master}` : ifname))
    .sort()

  const rules = await lines('iptables-save')
  return {
    domains: await virsh('list', '--all', '--name'),
    networks: await virsh('net-list', '--all', '--name'),
    pools,
    volumes,
    files,
    links,
    firewall: rules.filter((rule) => rule.startsWith('-A') && !/-j LIBVIRT_\w+$/.test(rule)),
    processes: (await lines('ps', '-e', '-o', 'comm=')).filter((name) =>
      /^(qemu|dnsmasq)/.test(name),
    ),
  }
}
