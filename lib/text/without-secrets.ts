// PURE. Text that anyone may read: what may be a secret is replaced, rather too much than too little.
const gone = '[removed]'
// For some of the patterns the time grows with the square of a line's length.
const longest = 5000

// Names that mark a secret, unless they say that the value is only a place or a setting.
const telling =
  'password|passwd|passphrase|secret|token|credential|(?:api|access|private|encryption)[-_]?key|key[-_]?data|dockerconfigjson|datastore-endpoint'
const name = String.raw`(?<![\w.-])(?:[\w.-]*(?:${telling})[\w.-]*\+?|auth|psk)`
const setting = /(?:file|path|dir|ttl|encryption|mode|names?)$/i
const isSwitch = (value: string) => /^["'\\]*(?:true|false|null|yes|no|)["'\\,;\]})]*$/i.test(value)

// A value in quotes, perhaps cut off, or in quotes of a text in quotes; else all up to a blank.
const quotes = String.raw`(?<mark>\\+["'])[^\n]*?(?<!\\)\k<mark>|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\n]|'')*'?`
const value = String.raw`(?:(?:${quotes})[^\s,;}\])]*|(?:\\.|\S)+)`

/** The text without secrets. */
export function withoutSecrets(text: string): string {
  const lines = withoutEnds(text.replace(privateKey, gone)).split('\n')
  const named = withoutYamlValues(lines.map(cut))
    .replace(pairs, (all, key: string, between: string, secret: string) =>
      setting.test(key) || isSwitch(secret) || secret.startsWith(gone)
        ? all
        : key + between + inQuotes(secret),
    )
    .replace(flags, (all, flag: string, blank: string, secret: string) =>
      setting.test(flag) ? all : flag + blank + inQuotes(secret),
    )
  return rules.reduce((so, [pattern, by]) => so.replace(pattern, by), named)
}

const cut = (line: string) =>
  line.length <= longest ? line : `${line.slice(0, longest)} [the rest of this line was removed]`

const inQuotes = (secret: string) => {
  const mark = /^\\*["']/.exec(secret)?.[0] ?? ''
  return mark + gone + mark
}

const pairs = new RegExp(
  String.raw`(${name})(\\*["']?[ \t]*[:=]{1,2}[ \t]*)((?<=(?:passw\w*|passphrase)[ \t]*:[ \t]+)[^\s"'\\[{].*|${value})`,
  'gi',
)
// --token VALUE, also as items of a list
const flags = new RegExp(
  String.raw`((?<![\w-])--?[\w.-]*(?:${telling})[\w.-]*)([ \t]+|\\*["'],[ \t]*|\n[ \t]*- )(?!-|value\b)(${value})`,
  'gi',
)

const privateKey =
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----[^]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|(?![^]))/g

const rules: [RegExp, string][] = [
  [/LS0tLS1CRUdJTi[\w+/=]*/g, gone], // -----BEGIN in base64
  [/K10[0-9a-f]{6,}(?:::\S*)?/gi, `K10${gone}`],
  [/\b[a-z0-9]{6}\.(?=[a-z]*\d)[a-z0-9]{16}\b/g, gone], // a bootstrap token
  [/eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g, gone], // a JWT
  [
    /(authorization\\*["']?[ \t]*[:=](?![ \t\\"']*\[)[ \t]*\\*["']?)[^"'\\\n]+(?:(?<=\w=)"[^"\n]*"[^"'\\\n]*)*/gi,
    `$1${gone}`,
  ],
  [/(bearer[ \t]+)(?!token\b)[^\s"'\\]+/gi, `$1${gone}`],
  [/(cookie:[ \t]*)[^\n]+/gi, `$1${gone}`],
  [/(:\/\/)[^\s"'<>]*@/g, `$1${gone}@`],
  [/(?<![\w.%+-])[\w.%+-]+:(?!\/\/)[^\s"']+@(?!sha\d+:)(?=[\w.-]+:\d|tcp\(|unix\()/g, `${gone}@`],
  [/\$(?:[1-7y]|2[abxy]|gy|sha1|argon2\w*)\$[^\s"',]{8,}/g, gone], // the hash of a password
  [/(Set the following 'random' passwords\n)(?:(?:.*\s)?[\w.-]+:\w{8,}(?:\n|$))+/g, `$1${gone}\n`],
  [/(\bCOMMAND=\S+) .*/g, `$1 ${gone}`], // sudo in the journal
  [/(\(command continued\)).*/g, `$1 ${gone}`],
  [/(\bproctitle=)\S+/g, `$1${gone}`],
  [/(?<=\b(?:rke2|k3s)\b.*)( -t )(?!\$\{|value\b)\S+/g, `$1${gone}`],
  [/(?<=\bcurl\b.*)( (?:-\w*[uU]|--user|--proxy-user)[ =]?)\S+/g, `$1${gone}`],
  [/(\bsshpass -p ?)\S+/g, `$1${gone}`],
  [/\b(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|AKIA|AGE-SECRET-KEY-)[\w-]{10,}/g, gone],
]

// Of a key whose beginning was cut off: the lines of its text.
function withoutEnds(text: string): string {
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    if (!/-----END [A-Z0-9 ]*PRIVATE KEY/.test(line)) continue
    let at = index
    do lines[at--] = gone
    while (/[\w+/=]{16}\s*$/.test(lines[at] ?? ''))
  }
  return lines.join('\n')
}

const yamlKey = new RegExp(String.raw`^(\s*(?:- +)*)((["']?)${name}\3[ \t]*:)(?:[ \t]+(.*))?$`, 'i')

// Values may go on in the lines below their key.
function withoutYamlValues(lines: string[]): string {
  const kept: string[] = []
  let column = Infinity // of the key whose value is being left out
  let isList = false
  for (const line of lines) {
    const indent = /^\s*/.exec(line)?.[0].length ?? 0
    const isBelow = indent > column || (isList && indent === column && /^\s*- /.test(line))
    if (column < Infinity && (isBelow || line.trim() === '')) continue
    column = Infinity
    const [, before = '', key, , secret = ''] = yamlKey.exec(line) ?? []
    if (key === undefined || setting.test(key.replace(/["']?\s*:$/, ''))) {
      kept.push(line)
      continue
    }
    const isOpen = isSwitch(secret)
    if (!isOpen || secret === '') column = before.length
    isList = secret === ''
    kept.push(isOpen ? line : `${before}${key} ${gone}${secret.endsWith(',') ? ',' : ''}`)
  }
  return kept.join('\n')
}
