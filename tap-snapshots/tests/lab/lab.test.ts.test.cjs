/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`tests/lab/lab.test.ts > TAP > MAC and UUIDs are the same on every run, and differ by lab and node > a change here would disown every existing machine 1`] = `
Array [
  "kubemaster 52:54:00:9f:c4:b3 14ab7fab-a138-836d-8043-8e0592d36cb9",
  "worker01 52:54:00:04:da:49 31a65490-45f4-8ccd-916f-8d5a20bbfc2f",
  "worker02 52:54:00:b9:c3:c8 0dec5d99-10c9-8aa9-aeee-fb395b4c74e1",
]
`
