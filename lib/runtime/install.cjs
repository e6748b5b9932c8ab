// `npm start` and `npm test` run this first: it installs the project's packages where they are missing or out of date.
// `install.cjs dev`: those for development too; `install.cjs dev site`: those of the site. Plain Node: there may be no package yet.
const { spawnSync } = require('child_process')
const { readFileSync } = require('fs')
const { join } = require('path')

const project = join(__dirname, '../..', process.argv[3] || '')
const wantsDev = process.argv[2] === 'dev'
const packagesIn = (file) => JSON.parse(readFileSync(join(project, file), 'utf8')).packages

/** Whether node_modules has every package of package-lock.json, in its version (npm keeps a list of them in there). */
function isComplete() {
  let there
  try {
    there = packagesIn('node_modules/.package-lock.json')
  } catch {
    return false
  }
  return Object.entries(packagesIn('package-lock.json')).every(
    ([name, { version, dev, optional, devOptional }]) =>
      name === '' ||
      optional ||
      devOptional ||
      (dev && !wantsDev) ||
      (there[name] && there[name].version === version),
  )
}

if (!isComplete()) {
  process.stderr.write('Installing the packages of this project: npm ci\n')
  const { npm_execpath: npm } = process.env
  const [program, ...words] = npm && /\.c?js$/.test(npm) ? [process.execPath, npm] : ['npm']
  const { status, error } = spawnSync(
    program,
    [...words, 'ci', '--include=dev', '--no-audit', '--no-fund'],
    {
      cwd: project,
      stdio: ['ignore', 2, 'inherit'],
    },
  )
  if (status !== 0) {
    process.stderr.write(
      '\u2717 npm ci failed' +
        (error ? ': ' + error.message : '; it says above why') +
        '\n' +
        '    try: npm ping   # does the registry answer? behind a proxy: npm config set proxy http://HOST:PORT\n',
    )
    process.exit(1)
  }
}
