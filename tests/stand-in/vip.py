"""The stand-in's kube-vip: holds the address of the DaemonSet kube-vip on the server that leads, and nowhere else.

Like the real one it adds ADDRESS/32 to the interface of the node's own address and tells the network by gratuitous ARP, and
stays where it is when RKE2 stops. Unlike it, it has no lease: who leads the stand-in's datastore leads here, without delay.
"""
import json
import socket
import struct
import subprocess
import time


def ip(*words):
    return subprocess.run(['ip', *words], capture_output=True, text=True).stdout


def wanted(store):
    """The address in the DaemonSet."""
    found = store.get('apps/v1', 'daemonsets', 'kube-system', 'kube-vip')
    if not found:
        return None
    env = found['spec']['template']['spec']['containers'][0]['env']
    return next(one['value'] for one in env if one['name'] == 'address')


def interface_of(address):
    links = json.loads(ip('-json', '-4', 'address', 'show', 'to', address) or '[]')
    return next((link['ifname'] for link in links if link.get('addr_info')), None)


def announce(interface, address):
    """Tells all machines that this one has the address now."""
    with open(f'/sys/class/net/{interface}/address') as f:
        mac = bytes.fromhex(f.read().strip().replace(':', ''))
    number = socket.inet_aton(address)
    arp = struct.pack('!HHBBH', 1, 0x0800, 6, 4, 2) + mac + number + b'\xff' * 6 + number
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((interface, 0))
        s.send(b'\xff' * 6 + mac + b'\x08\x06' + arp)


def hold(store, node_ip, leads, log):
    """Never ends. `leads` says whether this server leads now."""
    held = None
    while True:
        address = wanted(store) if leads() else None
        if held != address:
            interface = interface_of(node_ip)
            if held:
                ip('address', 'delete', f'{held}/32', 'dev', interface)
                log('info', f'stand-in for kube-vip: gave {held} back')
            if address:
                ip('address', 'replace', f'{address}/32', 'dev', interface, 'preferred_lft', '0')
                log('info', f'stand-in for kube-vip: holds {address}')
            held = address
        if held:
            announce(interface_of(node_ip), held)
        elif (other := wanted(store)) and interface_of(other):  # from before this start
            ip('address', 'delete', f'{other}/32', 'dev', interface_of(other))
        time.sleep(1)
