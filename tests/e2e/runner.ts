// Runs the scripts of a workspace and keeps all that they ever printed.
import type { Test } from 'tap'
import type { ExecResult, Host } from './host.ts'
import type { Workspace } from './workspace.ts'

export interface Runner {
  /** All that the scripts printed, to be searched for secrets at the end. */
  output: string[]
  script: (name: string, ...words: string[]) => Promise<ExecResult>
  /** Runs a script that must succeed. */
  succeeds: (t: Test, name: string, ...words: string[]) => Promise<ExecResult>
  /** kubectl of the host with the lab's kubeconfig; throws when it fails. */
  kubectl: (...words: string[]) => Promise<string>
}

export function runner(host: Host, work: Workspace, lab = 'lab'): Runner {
  const output: string[] = []

  async function script(name: string, ...words: string[]): Promise<ExecResult> {
    const result = await work.script(name, ...words)
    output.push(result.stdout, result.stderr)
    return result
  }
  return {
    output,
    script,
    async succeeds(t, name, ...words) {
      const result = await script(name, ...words)
      if (!t.equal(result.exitCode, 0, `${[name, ...words].join(' ')} succeeds`))
        t.comment(result.stderr)
      return result
    },
    kubectl: (...words) =>
      host.run(['kubectl', '--kubeconfig', `.lab/${lab}/kubeconfig`, ...words], work.options),
  }
}
