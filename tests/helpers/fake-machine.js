// Preloaded before a script, so that what it sees of the machine is the same on every machine.
// The ports of an address: $STAND_IN/network/ADDRESS holds "open", "refused" or "mute" (open, but says nothing); no file:
// silence. No packet is sent.
// The logs of consoles are those in $STAND_IN/files (fake-machine.sh has more). Pauses between looks are $HASTE times shorter.
// Stand-ins that are to kill the script find its process in $SCRIPT_PID. Scripts that it runs are run by $NODE.
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const standIn = process.env.STAND_IN

class FakeSocket extends EventEmitter {
  constructor(host) {
    super()
    setImmediate(() => this.answer(host))
  }
  answer(host) {
    let state = ''
    try {
      state = readFileSync(`${standIn}/network/${host}`, 'utf8').trim()
    } catch {
      // nobody there
    }
    if (state === 'open' || state === 'mute') this.emit('connect')
    else if (state === 'refused')
      this.emit('error', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
    else this.silence?.()
  }
  setTimeout(_milliseconds, silence) {
    this.silence = silence
  }
  destroy() {}
}

process.env.SCRIPT_PID = String(process.pid)
if (process.env.NODE) process.execPath = process.env.NODE

const script = process.argv.find((word) => /(^|\/)scripts\/[\w-]+\.ts$/.test(word))
if (script) {
  const inLib = (file) => new URL(`../lib/${file}`, pathToFileURL(resolve(script)))
  await import(inLib('runtime/register.cjs'))
  const { clock } = await import(inLib('shell/wait.ts'))
  const { sleep } = clock
  clock.sleep = (milliseconds) => sleep(milliseconds / Number(process.env.HASTE ?? 1))
  const { network } = await import(inLib('guest/ssh.ts'))
  network.connect = ({ host }) => new FakeSocket(host)
  const { logs } = await import(inLib('libvirt/console.ts'))
  logs.folder = `${standIn}/files${logs.folder}`
}
