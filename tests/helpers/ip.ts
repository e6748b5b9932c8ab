// What `ip -json -details address` prints.

/** One interface. */
export const address = (ifname: string, network?: string, kind?: string) => {
  const [local, prefix] = network?.split('/') ?? []
  return {
    ifname,
    link_type: 'ether',
    ...(kind ? { linkinfo: { info_kind: kind } } : {}),
    addr_info: local ? [{ family: 'inet', local, prefixlen: Number(prefix), scope: 'global' }] : [],
  }
}

export const ips = (...all: ReturnType<typeof address>[]) => JSON.stringify(all)
