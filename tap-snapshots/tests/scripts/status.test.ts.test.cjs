/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`tests/scripts/status.test.ts > TAP > before create there is nothing, and nothing is wrong with that > table 1`] = `
NODE        ROLE    ADDRESS     DOMAIN  SSH  INIT  SEED  DISK  RKE2  VERSION  KUBERNETES  ROLES
kubemaster  server  192.0.2.30  absent  -    -     -     -     -     -        -           -
worker01    agent   192.0.2.31  absent  -    -     -     -     -     -        -           -
worker02    agent   192.0.2.32  absent  -    -     -     -     -     -        -           -

`

exports[`tests/scripts/status.test.ts > TAP > status in all its fields > JSON 1`] = `
Object {
  "lab": "lab",
  "manifests": Array [],
  "nodes": Array [
    Object {
      "address": "192.0.2.30",
      "cloudInit": "done",
      "disk": Object {
        "size": 42949672960,
        "used": 2437120,
      },
      "domain": "running",
      "kubernetes": null,
      "name": "kubemaster",
      "remark": null,
      "rke2": null,
      "role": "server",
      "seed": "attached",
      "ssh": "ok",
    },
    Object {
      "address": "192.0.2.31",
      "cloudInit": null,
      "disk": Object {
        "size": 42949672960,
        "used": 2437120,
      },
      "domain": "running",
      "kubernetes": null,
      "name": "worker01",
      "remark": "SSH answers, but the login does not work yet",
      "rke2": null,
      "role": "agent",
      "seed": "attached",
      "ssh": "unreachable",
    },
    Object {
      "address": "192.0.2.32",
      "cloudInit": "running",
      "disk": Object {
        "size": 42949672960,
        "used": 2437120,
      },
      "domain": "running",
      "kubernetes": null,
      "name": "worker02",
      "remark": null,
      "rke2": null,
      "role": "agent",
      "seed": "attached",
      "ssh": "ok",
    },
  ],
}
`

exports[`tests/scripts/status.test.ts > TAP > status in all its fields > table 1`] = `
NODE        ROLE    ADDRESS     DOMAIN   SSH  INIT     SEED      DISK               RKE2  VERSION  KUBERNETES  ROLES
kubemaster  server  192.0.2.30  running  ok   done     attached  2.3 MiB of 40 GiB  -     -        -           -
worker01    agent   192.0.2.31  running  no   -        attached  2.3 MiB of 40 GiB  -     -        -           -
worker02    agent   192.0.2.32  running  ok   running  attached  2.3 MiB of 40 GiB  -     -        -           -
worker01: SSH answers, but the login does not work yet

`
