// What npm and npx load first: a sentence on a Node.js that is too old, and the project's packages where they are missing.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { top } from '../helpers/fixtures.ts'

const { tooOld } = createRequire(import.meta.url)('../../lib/runtime/old-node.cjs') as {
  tooOld: (version: string, osRelease?: string) => string | undefined
}

await t.test('a Node.js that is too old: one sentence with how to get a newer one', async (t) => {
  for (const version of ['20.19.0', '20.20.2', '22.0.0', '24.21.0', '26.10.0'])
    t.equal(tooOld(version, ''), undefined, version)
  for (const [osRelease, how] of [
    ['ID=debian\nVERSION_ID="12"', 'get version 24 from https://nodejs.org/en/download'],
    ['ID=debian\nVERSION_ID="13"', 'sudo apt-get install nodejs npm'],
    ['ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"', 'get version 24 from'],
    ['ID=ubuntu\nID_LIKE=debian\nVERSION_ID="26.04"', 'sudo apt-get install nodejs npm'],
    ['ID=fedora\nVERSION_ID=44', 'sudo dnf install nodejs24 '],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.7"', 'sudo dnf module switch-to'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="10.1"', 'sudo dnf install nodejs npm'],
    ['ID="opensuse-leap"\nID_LIKE="suse opensuse"', 'sudo zypper install nodejs24 npm24'],
    ['ID=manjaro\nID_LIKE=arch', 'sudo pacman -Syu nodejs npm'],
    ['', 'get version 24 from https://nodejs.org/en/download'],
  ] as const)
    for (const version of ['12.22.12', '18.20.4', '20.18.3']) {
      const said = tooOld(version, osRelease) ?? ''
      t.ok(said.startsWith(`these scripts need Node.js 20.19 or newer, and this is ${version}: `))
      t.match(said, how)
      t.notMatch(said, '\n')
    }
})

const preload = /^node-options=(.*)$/m.exec(readFileSync(join(top, '.npmrc'), 'utf8'))?.[1]

/** A clone without packages, and an npm that brings two of them. */
function freshClone(t: Test, machine?: 'old' | 'mac') {
  const dir = t.testdir({
    'npm.cjs': `const { mkdirSync, writeFileSync } = require('fs')
console.log(process.argv.slice(2).join(' '))
if (process.env.BROKEN) process.exit(1)
mkdirSync('node_modules/zx', { recursive: true })
writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/zx': { version: '1.0.0' } } }))`,
    'package-lock.json': JSON.stringify({
      packages: {
        '': {},
        'node_modules/zx': { version: '1.0.0' },
        'node_modules/tap': { version: '2.0.0', dev: true },
        'node_modules/for-another-system': { version: '3.0.0', optional: true },
      },
    }),
    'mac.cjs': `Object.defineProperty(process, 'platform', { value: 'darwin' })`,
    'old.cjs': `Object.defineProperty(process.versions, 'node', { value: '18.20.4' })`,
  })
  cpSync(join(top, 'lib/runtime'), join(dir, 'lib/runtime'), { recursive: true })
  cpSync(join(top, 'package.json'), join(dir, 'package.json'))
  writeFileSync(join(dir, 'hello.cjs'), 'console.log("hello")')
  const run = (words: string[], env: Record<string, string> = {}) =>
    spawnSync(process.execPath, words, {
      cwd: dir,
      encoding: 'utf8',
      timeout: 20_000,
      env: {
        PATH: process.env.PATH ?? '',
        npm_execpath: join(dir, 'npm.cjs'),
        NODE_OPTIONS: `${machine ? `--require=${join(dir, `${machine}.cjs`)} ` : ''}${preload}`,
        ...env,
      },
    })
  return { dir, run }
}

await t.test('npm start installs what is missing, once', async (t) => {
  const { dir, run } = freshClone(t)
  const install = 'lib/runtime/install.cjs'
  const first = run([install])
  t.strictSame([first.status, first.stdout], [0, ''], 'stdout is for results')
  t.match(first.stderr, /^Installing .*npm ci\n.*ci --include=dev/)
  t.strictSame([run([install]).stderr, run(['hello.cjs']).stdout], ['', 'hello\n'])
  t.match(run([install, 'dev']).stderr, 'npm ci', 'the tests need more')

  const lock = readFileSync(join(dir, 'package-lock.json'), 'utf8')
  writeFileSync(join(dir, 'package-lock.json'), lock.replace('1.0.0', '1.0.1'))
  t.match(run([install]).stderr, 'npm ci', 'another version is wanted now')
  mkdirSync(join(dir, 'site'))
  writeFileSync(join(dir, 'site/package-lock.json'), lock)
  t.match(run([install, 'dev', 'site']).stderr, 'npm ci', 'the site has its own packages')
  const broken = run([install], { BROKEN: 'yes' })
  t.equal(broken.status, 1)
  t.match(broken.stderr, '✗ npm ci failed; it says above why\n    try: npm ping')
})

await t.test('other scripts say that the packages are missing', async (t) => {
  const { dir, run } = freshClone(t)
  const { status, stdout, stderr } = run(['hello.cjs'])
  t.strictSame([status, stdout], [1, ''])
  t.match(stderr, /^✗ the packages of this project are not installed: npm ci .*\n$/)
  mkdirSync(join(dir, 'node_modules'))
  symlinkSync(join(top, 'node_modules/zx'), join(dir, 'node_modules/zx'))
  t.equal(run(['hello.cjs']).stdout, 'hello\n')
})

await t.test('on an old Node.js nothing else is run', async (t) => {
  const { run } = freshClone(t, 'old')
  for (const script of ['lib/runtime/install.cjs', 'hello.cjs']) {
    const { status, stdout, stderr } = run([script])
    t.strictSame([status, stdout], [1, ''])
    t.match(stderr, /^✗ these scripts need Node\.js 20\.19 or newer, and this is 18\.20\.4: .*\n$/)
  }
})

await t.test(
  'on another system than Linux the scripts say so, tools for development run',
  async (t) => {
    const { dir, run } = freshClone(t, 'mac')
    const { status, stdout, stderr } = run(['lib/runtime/install.cjs'])
    t.strictSame([status, stdout], [1, ''])
    t.match(stderr, /^✗ these scripts need Linux with KVM, and this is darwin: take a Linux .*\n$/)
    mkdirSync(join(dir, 'node_modules'))
    symlinkSync(join(top, 'node_modules/zx'), join(dir, 'node_modules/zx'))
    t.equal(run(['hello.cjs', 'scripts/up.ts']).status, 1)
    t.equal(run(['hello.cjs', 'tests/all.ts']).stdout, 'hello\n')
  },
)
