// tap requires this in each test file's process (.taprc). On Node 20 it would load all of TypeScript to strip types, which
// takes longer than most tests: the project's own hook does that.
process.env.TAP_TYPE_STRIP_ONLY = '1'
require('../../lib/runtime/register.cjs')
