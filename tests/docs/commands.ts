// Which commands of the pages are well formed, and that what they name exists.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from '../../lib/cli/args.ts'
import { parseLab, type Lab } from '../../lib/lab/lab.ts'
import { registriesFile } from '../../lib/rke2/registries.ts'
import { top } from '../helpers/fixtures.ts'
import { scripts } from './blocks.ts'
import { commands } from './typed.ts'
import { parseKubectl } from './kubectl.ts'

const readLab = (file: string) => parseLab(readFileSync(join(top, file), 'utf8'), file)
const labs = ['lab.yaml', ...readdirSync(join(top, 'labs')).map((name) => `labs/${name}`)].map(
  readLab,
)

/** What pages call a node that a reader adds or has to fill in. */
const freeNodes = ['worker03', 'NODE', 'NAME']

/** Programs of the host that need no look at their words. */
const free =
  'adduser apt-get base64 cat cd chmod cp curl cut date echo eval exit export grep ip kill ls mkdir netplan nginx nmcli ping podman ps ' +
  'printenv rm sed seq sleep sudo sysctl systemctl tar test umask unset'

/** Throws what is wrong with a command; `loose` for one that a text only names. */
export function checkCommand(line: string, loose = false): void {
  for (const words of commands(line)) checkWords(words, loose)
  for (const [path = ''] of line.matchAll(/\b(tutorials|labs|scripts|rke2)\/[\w./-]+\b/g))
    if (!line.includes(`/${path}`) && path !== registriesFile && !existsSync(join(top, path)))
      throw new Error(`there is no ${path}`)
}

function checkWords([program = '', ...words]: string[], loose: boolean): void {
  const check = checks[program]
  if (check) return check(words, loose)
  if (/^[A-Z_]+=/.test(program) || free.split(' ').includes(program)) return
  throw new Error(`the program ${program} is not one that these pages use`)
}

const checks: Record<string, (words: string[], loose: boolean) => void> = {
  npx: ([program, ...words]) => {
    if (program === 'tsc') return
    const script = /^scripts\/(.*)\.ts$/.exec(words[0] ?? '')?.[1]
    if (program !== 'zx' || !script) throw new Error(`npx ${program} ${words[0]}?`)
    checkScript(script, words.slice(1))
  },
  npm: ([verb, ...words]) => {
    const script = verb === 'run' ? words.shift() : verb
    if (script === 'ci' || script === 'install') return
    const { scripts } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    if (!script || !scripts[script]) throw new Error(`package.json has no script ${script}`)
    if (script === 'start') checkScript('up', words[0] === '--' ? words.slice(1) : words)
  },
  kubectl: (words, loose) => {
    for (const file of parseKubectl(words, loose).files)
      if (!/^(https:|[A-Z]|-$)/.test(file) && !existsSync(join(top, file)))
        throw new Error(`there is no ${file}`)
  },
  virsh: (words, loose) => {
    if (words[0] !== '-c' && !loose) throw new Error('virsh without -c URI')
    const verb = words[words[0] === '-c' ? 2 : 0] ?? ''
    if (!virshVerbs.split(' ').includes(verb)) throw new Error(`virsh has no command ${verb}`)
    for (const word of words.slice(3)) if (word.startsWith('lab-')) checkVolume(word)
  },
  ssh: (words) => {
    const [option, config = '', node = '', ...command] = words
    const lab = labs.find(({ dir }) => config === `${dir}/ssh_config`)
    if (option !== '-F' || !lab) throw new Error(`ssh without -F .lab/NAME/ssh_config`)
    checkNode(lab, node)
    if (command.length > 0) checkRemote(command.join(' '))
  },
  scp: (words) => {
    if (!words.includes('-F')) throw new Error('scp without -F')
  },
}

function checkScript(script: string, words: string[]): void {
  const usage = scripts.find((one) => one.script === script)
  if (!usage) throw new Error(`no script is called ${script}`)
  const options = parseArgs(words, usage)
  if (options.command.length > 0) checkRemote(options.command.join(' '))
  if (!existsSync(join(top, `scripts/${script}.ts`))) throw new Error(`no scripts/${script}.ts`)
  const isOfThisProject = options.lab === 'lab.yaml' || options.lab.startsWith('labs/')
  if (isOfThisProject) for (const name of options.nodes) checkNode(readLab(options.lab), name)
}

function checkNode(lab: Lab, name: string): void {
  if (!freeNodes.includes(name) && !lab.nodes.some((node) => node.name === name))
    throw new Error(`lab ${lab.name} has no node ${name}`)
}

function checkVolume(name: string): void {
  if (
    !labs.some(({ nodes }) => nodes.some((node) => [node.volume, node.seedVolume].includes(name)))
  )
    throw new Error(`no lab has a volume ${name}`)
}

const virshVerbs =
  'list start destroy shutdown undefine define console domblklist domiflist domif-setlink dominfo ' +
  'autostart resume change-media vol-info vol-list vol-delete pool-list pool-edit net-list dumpxml snapshot-list snapshot-info snapshot-create-as domstate'

const remotePrograms =
  'cat cloud-init cut date exit ip journalctl ls ps grep rke2-uninstall.sh rm systemctl tar timedatectl ' +
  'apt-get update-grub sed cp mkdir mv curl useradd df sh stat uptime sysctl find tail sync tc rke2-killall.sh /usr/local/bin/rke2-killall.sh'

/** What is run on a node, mostly with sudo. */
function checkRemote(line: string): void {
  for (const words of commands(line)) {
    const from = words[0] === 'sudo' ? words.slice(1) : words
    const [program = '', ...rest] = from.filter((word) => !/^[A-Z0-9_]+=/.test(word))
    if (/^(\/usr\/local\/bin\/)?rke2$/.test(program)) checkRke2(rest.join(' '))
    else if (/(^|\/)kubectl$/.test(program)) parseKubectl(rest)
    else if (!remotePrograms.split(' ').includes(program))
      throw new Error(`the program ${program} is not one that these pages use on a node`)
  }
}

const rke2Calls = [
  /^etcd-snapshot save --name [\w-]+$/,
  /^etcd-snapshot ls$/,
  /^secrets-encrypt status$/,
  /^certificate (rotate|check --output table)$/, // docs.rke2.io/security/certificates
  /^server --cluster-reset --cluster-reset-restore-path=\/\S+$/,
  /^--version$/,
]

function checkRke2(words: string): void {
  if (!rke2Calls.some((call) => call.test(words))) throw new Error(`rke2 ${words}?`)
}
