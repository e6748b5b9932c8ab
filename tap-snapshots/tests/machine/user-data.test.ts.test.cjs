/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`tests/machine/user-data.test.ts > TAP > the address is given to the NIC with the MAC of the node > worker01 1`] = `
version: 2
ethernets:
  enp1s0:
    match:
      macaddress: 52:54:00:04:da:49
    dhcp4: false
    addresses:
      - 192.0.2.31/24
    routes:
      - to: 0.0.0.0/0
        via: 192.0.2.1
    nameservers:
      addresses:
        - 1.1.1.1
        - 8.8.8.8

`

exports[`tests/machine/user-data.test.ts > TAP > user-data without settings of the user, whole > kubemaster 1`] = `
#cloud-config
hostname: kubemaster
manage_etc_hosts: localhost
ssh_pwauth: false
disable_root: true
ssh_deletekeys: true
users:
  - name: ubuntu
    gecos: rke2-kvm-lab
    shell: /bin/bash
    sudo: ALL=(ALL) NOPASSWD:ALL
    lock_passwd: true
    ssh_authorized_keys:
      - "@LAB_PUBLIC_KEY@"

`
