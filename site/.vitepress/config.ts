// The site over the pages of this project, where they lie: `npm run site`.
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { defineConfig, type MarkdownOptions } from 'vitepress'
import { chapterFiles, pageFiles, readPage, slug } from '../../tests/docs/pages.ts'
import { top } from '../../tests/helpers/fixtures.ts'

/** The folder of a web server that the site will be in, such as /rke2-kvm-lab/. */
const base = (process.env.SITE_BASE || '/').replace(/([^/])$/, '$1/')

/** Files of the project that pages link to: they are put beside the pages, as text. */
const linked = new Set<string>()

const title = (file: string) => /^# (.*)$/m.exec(readPage(file))?.[1]?.replaceAll('`', '') ?? file
const address = (file: string) => `/${file.replace(/README\.md$/, '').replace(/\.md$/, '.html')}`
const links = (files: string[]) => files.map((file) => ({ text: title(file), link: address(file) }))

const parts: [string, from: number, to: number][] = [
  ['Build the lab', 0, 8],
  ['What everybody uses', 9, 15],
  ['Fit for use', 16, 22],
  ['Keep it alive', 23, 31],
  ['Practice', 32, 99],
]
const chapters = chapterFiles()

const markdown: MarkdownOptions = {
  anchor: { slugify: slug },
  config(md) {
    md.core.ruler.push('links-to-files', ({ tokens, env }) => {
      const folder = dirname(env.realPath ?? env.path)
      for (const token of tokens.flatMap(({ children }) => children ?? [])) {
        const href = token.type === 'link_open' ? (token.attrGet('href') ?? '') : ''
        if (!href || /^(\w+:|#)/.test(href)) continue
        const file = relative(top, join(folder, href))
        if (/\.md(#|$)/.test(href)) token.attrSet('href', href.replace('README.md', 'index.md'))
        else if (existsSync(join(top, file))) {
          linked.add(file)
          token.attrSet('href', `${base}${file}.txt`)
          token.attrSet('target', '_blank')
        }
      }
    })
    const { fence } = md.renderer.rules
    md.renderer.rules.fence = (tokens, index, ...rest) => {
      const { info, content } = tokens[index]!
      return info.trim() === 'mermaid'
        ? `<Mermaid code="${encodeURIComponent(content)}" />`
        : fence!(tokens, index, ...rest)
    }
  },
}

export default defineConfig({
  base,
  title: 'rke2-kvm-lab',
  description: 'A Linux host with KVM becomes a Kubernetes cluster to learn on',
  srcDir: '..',
  srcExclude: ['!(docs|tutorials|rke2)/**/*'],
  ignoreDeadLinks: 'localhostLinks',
  rewrites: { 'README.md': 'index.md', ':folder/README.md': ':folder/index.md' },
  outDir: 'dist',
  markdown,
  vite: { build: { chunkSizeWarningLimit: 3000 } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    docFooter: { prev: false, next: false }, // the pages have their own
    nav: [
      { text: 'Tutorials', link: '/tutorials/' },
      { text: 'Scripts', link: '/docs/scripts.html' },
      { text: 'Lab file', link: '/docs/lab-file.html' },
    ],
    sidebar: [
      { text: 'Start', items: links(['README.md', 'tutorials/README.md', 'tutorials/notes.md']) },
      ...parts.map(([text, from, to]) => ({
        text,
        items: links(
          chapters.filter((file) => {
            const number = Number(/\d+/.exec(file)?.[0])
            return number >= from && number <= to
          }),
        ),
      })),
      {
        text: 'Look up',
        items: links([
          ...pageFiles().filter((file) => file.startsWith('docs/')),
          'rke2/README.md',
          'CONTRIBUTING.md',
        ]),
      },
    ],
  },
  buildEnd({ outDir }) {
    for (const file of linked) {
      mkdirSync(join(outDir, dirname(file)), { recursive: true })
      cpSync(join(top, file), join(outDir, `${file}.txt`))
    }
  },
})
