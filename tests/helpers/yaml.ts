// The programs that read the YAML that is made here, where the machine has them: PyYAML (cloud-init) and kubectl.
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

const works = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0

export const noPython =
  !works('python3', '-c', 'import yaml') && 'python3 with PyYAML is not installed'
export const noKubectl = !works('kubectl', 'version', '--client') && 'kubectl is not installed'

const python = `
import json, sys, yaml
def read(text):
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        return "refused: " + str(error).split("\\n")[0]
print(json.dumps([read(text) for text in json.load(sys.stdin)], default=str))
`

/** What PyYAML makes of each text, in one process; 'refused: ...' where it does not. A date comes as text. */
export const pyYamlAll = (texts: string[]): unknown[] =>
  JSON.parse(
    execFileSync('python3', ['-c', python], { input: JSON.stringify(texts), encoding: 'utf8' }),
  ) as unknown[]
export const pyYaml = (text: string): unknown => pyYamlAll([text])[0]

export interface Kubeconfig {
  clusters: { name: string; cluster: Record<string, unknown> }[] | null
  contexts: { name: string; context: Record<string, unknown> }[] | null
  users: { name: string; user: Record<string, unknown> }[] | null
  'current-context': string
}

/** What kubectl makes of a kubeconfig, or its words where it refuses it. */
export function kubectlReads(file: string, text: string): Kubeconfig | string {
  writeFileSync(file, text)
  const args = ['--kubeconfig', file, 'config', 'view', '--raw', '-o', 'json']
  const { status, stdout, stderr } = spawnSync('kubectl', args, { encoding: 'utf8' })
  return status === 0 ? (JSON.parse(stdout) as Kubeconfig) : stderr
}

/** What yaml.v2, which RKE2 and kubectl read with, makes of a text: in the one place of a kubeconfig that takes any value. */
export function yamlV2(file: string, text: string): unknown {
  const value = text.trimEnd().replaceAll('\n', '\n      ')
  const extension = `apiVersion: v1\n    kind: Any\n    value:\n      ${value}`
  const config = kubectlReads(file, `extensions:\n- name: any\n  extension:\n    ${extension}\n`)
  if (typeof config === 'string') return `refused: ${config}`
  return (config as unknown as { extensions: { extension: { value: unknown } }[] }).extensions[0]
    ?.extension.value
}
