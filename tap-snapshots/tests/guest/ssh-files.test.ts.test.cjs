/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`tests/guest/ssh-files.test.ts > TAP > ssh reads the config as it was meant, also from a folder with odd characters > ssh_config 1`] = `
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
