/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`tests/text.test.ts > TAP > ssh reads the config as it was meant, also from a folder with odd characters > ssh_config 1`] = `
Host kubemaster
  HostName 192.0.2.30
  ControlMaster auto
  ControlPath "/home/me/rke2-kvm-lab/.lab/lab/nodes/kubemaster/ssh"
  ControlPersist 60
Host worker01
  HostName 192.0.2.31
  ControlMaster auto
  ControlPath "/home/me/rke2-kvm-lab/.lab/lab/nodes/worker01/ssh"
  ControlPersist 60
Host worker02
  HostName 192.0.2.32
  ControlMaster auto
  ControlPath "/home/me/rke2-kvm-lab/.lab/lab/nodes/worker02/ssh"
  ControlPersist 60
Host *
  User ubuntu
  IdentityFile "/home/me/rke2-kvm-lab/.lab/lab/id_ed25519"
  IdentitiesOnly yes
  UserKnownHostsFile "/home/me/rke2-kvm-lab/.lab/lab/known_hosts"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  HostKeyAlgorithms ssh-ed25519
  UpdateHostKeys no
  BatchMode yes
  ConnectTimeout 5
  ServerAliveInterval 5
  ServerAliveCountMax 6
  LogLevel ERROR

`

exports[`tests/text.test.ts > TAP > the address is given to the NIC with the MAC of the node > worker01 1`] = `
version: 2
ethernets:
  lan0:
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

exports[`tests/text.test.ts > TAP > the usage text names every option > usage 1`] = `
npx zx scripts/example.ts [NODE...] [options]

Does nothing.
Without NODE: every node of the lab that this is for.

  --lab FILE          the lab file (default lab.yaml)
  --timeout SECONDS   how long to wait (default 60)
  --force             by force
  --json              print the result as JSON
  --dry-run           change nothing; print the bash script that would do it
  --yes               answer yes to every question
  --verbose           show every command and its output
  --help              show this text

`

exports[`tests/text.test.ts > TAP > user-data without anything of the person, whole > kubemaster 1`] = `
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
