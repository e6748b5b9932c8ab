/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`tests/cli/args.test.ts > TAP > the usage text names every option > usage 1`] = `
npx zx scripts/example.ts [NODE...] [options]

Does nothing.
Without NODE: every node of the lab that this applies to.

  --lab FILE          the lab file (default lab.yaml)
  --timeout SECONDS   how long to wait (default 60)
  --force             by force
  --json              print the result as JSON
  --dry-run           change nothing; print the bash script that would do it
  --yes               answer yes to every question
  --verbose           show every command and its output
  --help              show this text

`
