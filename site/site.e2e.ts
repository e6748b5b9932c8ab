// npm run test:site: the site, built for a folder of a web server and opened in Chromium, on a desktop and on a phone.
// SHOTS=DIR keeps what it looked like.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { chromium, devices, type Browser, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { fences } from '../tests/docs/typed.ts'
import { pageFiles, readPage } from '../tests/docs/pages.ts'

t.setTimeout(1_200_000)
const base = '/some/where/'
const folder = t.testdir()

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
}

/** The page that the site has for a file. */
const built = (file: string) => file.replace(/README\.md$/, 'index.md').replace(/\.md$/, '.html')
const pages = pageFiles().map((file) => ({ file, html: built(file), text: readPage(file) }))

await t.test('it is built, with no dead link', (t) => {
  const vitepress = join(import.meta.dirname, 'node_modules/vitepress/bin/vitepress.js')
  const words = [vitepress, 'build', import.meta.dirname, '--outDir', folder]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    env: { ...process.env, SITE_BASE: base },
  })
  if (!t.equal(status, 0)) t.comment(stdout, stderr)
  t.strictSame(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.html') && name !== '404.html')
      .sort(),
    pages.map(({ html }) => html).sort(),
    'every page of the project, and no other',
  )
  t.end()
})

await t.test('every link and anchor within it leads somewhere, and it loads nothing else', (t) => {
  const texts = new Map(pages.map(({ html }) => [html, readFileSync(join(folder, html), 'utf8')]))
  for (const [html, text] of texts) {
    const wrong = [...text.matchAll(/<(\w+)[^>]*? (?:href|src)="([^"]*)"/g)].filter(
      ([, tag = '', target = '']) => {
        const url = new URL(target.replaceAll('&amp;', '&'), `http://here${base}${html}`)
        if (url.protocol === 'data:') return false
        if (url.host !== 'here') return tag !== 'a'
        const path = url.pathname.slice(base.length).replace(/(^|\/)$/, '$1index.html')
        const anchor = decodeURIComponent(url.hash.slice(1))
        return (
          !url.pathname.startsWith(base) ||
          !existsSync(join(folder, path)) ||
          (anchor !== '' && !texts.get(path)?.includes(`id="${anchor}"`))
        )
      },
    )
    t.strictSame(
      wrong.map(([, , target]) => target),
      [],
      html,
    )
  }
  t.end()
})

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const skip = existsSync(executablePath) ? false : `there is no ${executablePath}`
const kinds = {
  desktop: { viewport: { width: 1366, height: 900 } },
  phone: devices['Pixel 5']!,
}

for (const [kind, device] of Object.entries(kinds))
  await t.test(`on a ${kind}`, { skip }, async (t) => {
    const site = await serve(t)
    const browser = await start(t)
    const context = await browser.newContext({
      ...device,
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    context.setDefaultTimeout(120_000) // a second by itself
    const page = await context.newPage()
    const troubles: string[] = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) troubles.push(message.text())
    })
    page.on('pageerror', (error) => troubles.push(String(error)))
    page.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(site))
        troubles.push(`asks for ${request.url()}`)
    })
    const shot = async (name: string) =>
      process.env.SHOTS &&
      (await page.screenshot({ path: join(process.env.SHOTS, `${kind}-${name}.png`) }))

    await t.test(
      'every page comes without complaint, its pictures are drawn, and it fits',
      async (t) => {
        for (const { file, html, text } of pages) {
          await page.goto(site + html)
          await page.waitForFunction(() => '__vue_app__' in document.querySelector('#app')!)
          const pictures = fences(text).filter(({ info }) => info === 'mermaid').length
          const drawn = page.locator('.mermaid-picture > svg:not([aria-roledescription="error"])')
          if (pictures) await drawn.nth(pictures - 1).waitFor()
          t.equal(await drawn.count(), pictures, `${file}: ${pictures} pictures`)
          const beyond = await page.evaluate(
            () => document.documentElement.scrollWidth - window.innerWidth,
          )
          t.ok(beyond <= 0, `${file}: ${beyond} pixels too wide`)
          await shot(html.replaceAll('/', '-').replace('.html', ''))
          t.strictSame(troubles.splice(0), [], file)
        }
      },
    )

    await t.test('the search finds "drain"', async (t) => {
      await page.goto(site)
      await page.locator('#local-search button').click()
      await page.locator('#localsearch-input').fill('drain')
      const results = page.locator('.VPLocalSearchBox .result')
      await results.first().waitFor()
      t.match(await results.allInnerTexts(), [/drain|Empty a node/i])
      await shot('search')
      await results.first().click()
      await page.waitForURL((url) => url.pathname !== base)
    })

    await t.test('every page is in the menu', async (t) => {
      await page.goto(site)
      if (kind === 'phone') {
        t.equal(await page.locator('.VPSidebar.open').count(), 0, 'it is out of the way')
        await page.locator('.VPLocalNav .menu').click()
        await page.locator('.VPSidebar.open').waitFor()
      }
      const menu = page.locator('.VPSidebar')
      await shot('menu')
      t.equal(await menu.locator('a').count(), pages.length)
      await menu.getByText('19 · Where pods run').click()
      await page.locator('h1', { hasText: '19 · Where pods run' }).waitFor()
      if (kind === 'phone') {
        await page.locator('.VPNavBarHamburger').click()
        await page.locator('.VPNavScreen').getByText('Tutorials').click()
        await page.locator('h1', { hasText: 'Tutorials' }).waitFor()
      }
    })

    await t.test('a copy button copies what runs', async (t) => {
      await page.goto(`${site}tutorials/11-deployments.html`)
      const block = page.locator('.language-bash').first()
      await block.hover()
      await block.locator('button.copy').click()
      await block.locator('button.copied').waitFor()
      const [first] = fences(readPage('tutorials/11-deployments.md'))
      t.equal((await copied(page)).trim(), first?.text)
    })

    await t.test('light and dark, pictures too', async () => {
      await page.goto(`${site}tutorials/14-volumes.html`)
      const picture = page.locator('.mermaid-picture > svg')
      await picture.waitFor()
      const before = await picture.innerHTML()
      if (kind === 'phone') await page.locator('.VPNavBarHamburger').click()
      await page.locator('.VPSwitchAppearance:visible').click()
      await page.locator('html.dark').waitFor()
      if (kind === 'phone') await page.locator('.VPNavBarHamburger').click()
      await page.waitForFunction(
        (before) => document.querySelector('.mermaid-picture > svg')?.innerHTML !== before,
        before,
      )
      await picture.scrollIntoViewIfNeeded()
      await shot('dark')
    })
    t.strictSame(troubles, [], 'without complaint')
  })

function copied(page: Page): Promise<string> {
  return page.evaluate(() => navigator.clipboard.readText())
}

async function start(t: Test): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  })
  t.teardown(() => browser.close())
  return browser
}

/** Serves the site under its base on the loopback; its address. */
async function serve(t: Test): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://here')
    if (pathname === '/favicon.ico') return void response.writeHead(204).end()
    const path = join(folder, decodeURIComponent(pathname.slice(base.length)))
    const file = pathname.endsWith('/') ? join(path, 'index.html') : path
    if (!pathname.startsWith(base) || !existsSync(file) || !statSync(file).isFile())
      return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' })
    response.end(readFileSync(file))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`
}
