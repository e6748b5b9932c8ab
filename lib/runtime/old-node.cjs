// What to say on a Node.js that is too old for the scripts. Any Node from 12 on must be able to read this file.
const { readFileSync } = require('fs')

/** One sentence, with how to get a newer Node.js here; undefined where this one is new enough. */
exports.tooOld = function tooOld(version, osRelease = readOsRelease()) {
  const [major, minor] = version.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return undefined
  return (
    'these scripts need Node.js 20.19 or newer, and this is ' +
    `${version}: ${newer(osRelease)}, then run the same command again`
  )
}

// Which release has which Node.js in its own packages.
function newer(osRelease) {
  const value = (key) => (new RegExp(`^${key}="?([^"\\n]*)`, 'm').exec(osRelease) || [])[1] || ''
  const family = [value('ID'), ...value('ID_LIKE').split(' ')]
  const release = Number.parseFloat(value('VERSION_ID'))
  const is = (name) => family.includes(name)
  if (is('ubuntu') && release >= 25.1) return 'sudo apt-get install nodejs npm'
  if (value('ID') === 'debian' && release >= 13) return 'sudo apt-get install nodejs npm'
  if (value('ID') === 'fedora') return 'sudo dnf install nodejs24 nodejs24-bin nodejs24-npm-bin'
  if (is('rhel') && release < 10) return 'sudo dnf module switch-to nodejs:24'
  if (is('rhel')) return 'sudo dnf install nodejs npm'
  if (is('suse') || is('opensuse')) return 'sudo zypper install nodejs24 npm24'
  if (is('arch')) return 'sudo pacman -Syu nodejs npm'
  return 'get version 24 from https://nodejs.org/en/download (the packages of this system have no newer one)'
}

function readOsRelease() {
  try {
    return readFileSync('/etc/os-release', 'utf8')
  } catch {
    return ''
  }
}
