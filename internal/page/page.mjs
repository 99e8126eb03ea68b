// Shows the pages that "go run ./internal/page" wrote into a folder (argument 2) to
// Chromium, and fails if one is not what it must be: the same words with and without
// script and style, those of the terminal, as wide as the window, nothing serious by
// axe-core, small and fast for an hour of requests. The screenshots stay in the folder.
// Argument 1 is where npm installed puppeteer-core and axe-core. "make page" runs it.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

const [installed, dir] = process.argv.slice(2).map((path) => resolve(path))
const load = createRequire(join(installed, 'package.json'))
const puppeteer = load('puppeteer-core')
const axe = readFileSync(load.resolve('axe-core/axe.min.js'), 'utf8')
const ends = ['held', 'broken', 'unknown', 'interrupted', 'left-behind']
const shots = join(dir, 'shots')
mkdirSync(shots, { recursive: true })

// What Jenkins sends with files of a build, by default.
const jenkins = "sandbox; default-src 'none'; img-src 'self'; style-src 'self';"
const server = createServer((request, response) => {
  const [, policy, name] = request.url.split('/')
  const file = join(dir, `${name}.html`)
  if (!ends.concat('many', 'long').includes(name) || !existsSync(file)) return response.writeHead(404).end()
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', ...(policy === 'jenkins' && { 'Content-Security-Policy': jenkins }) })
  response.end(readFileSync(file))
}).listen(0, '127.0.0.1')
await new Promise((listening) => server.on('listening', listening))
const url = (policy, name) => `http://127.0.0.1:${server.address().port}/${policy}/${name}`

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].map((name) => {
  try { return execFileSync('which', [name], { encoding: 'utf8' }).trim() } catch { return '' }
}).find(Boolean)
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? chromium, args: ['--no-sandbox'] })

let wrong = 0
const check = (right, ...what) => {
  if (!right) wrong++
  if (!right || process.env.VERBOSE) console.log(right ? 'ok   ' : 'WRONG', ...what)
}
const open = async (policy, name, { width = 1440, scheme = 'light', script = true, media = null } = {}, hash = '') => {
  const page = await browser.newPage()
  page.on('pageerror', (e) => check(false, name, policy, e.message))
  await page.setJavaScriptEnabled(script)
  await page.setViewport({ width, height: 900 })
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
  if (media) await page.emulateMediaType(media)
  await page.goto(url(policy, name) + hash)
  return page
}
const closed = (page) => page.$$eval('details', (list) => list.filter((e) => !e.open).length)
const unfolded = (page) => page.$$eval('details', (list) => list.filter((e) => e.open).length)
// All words of a page but those that its script added.
const words = (page) => page.evaluate(() => {
  const main = document.querySelector('main').cloneNode(true)
  for (const e of main.querySelectorAll('.tools, .told, .cursor')) e.remove()
  return main.textContent.replace(/\s+/g, ' ')
})

// The lanes of a page as they were written: what each has in each column, of which equal ones
// in a row are one, "a*3|b".
const lanesOf = (page) => page.$eval('svg.lanes', (svg) => ({
  started: +svg.dataset.started,
  length: +svg.dataset.length,
  lanes: [...svg.querySelectorAll('[data-values]')].map((text) => {
    const values = []
    for (const run of text.dataset.values.split('|')) {
      const [value, times = '1'] = run.split('*')
      for (let n = +times; n > 0; n--) values.push(value)
    }
    return { name: text.dataset.lane, values }
  }),
}))

for (const name of ends.concat('many')) {
  for (const width of [400, 1440, 2560]) {
    for (const [as, how] of Object.entries({ light: {}, dark: { scheme: 'dark' }, print: { media: 'print' } })) {
      const page = await open('plain', name, { width, ...how })
      if (as === 'print') await page.evaluate(() => dispatchEvent(new Event('beforeprint')))
      const wide = await page.evaluate(() => document.scrollingElement.scrollWidth)
      check(wide <= width || (as === 'print' && width < 800), `${name} ${width} ${as}: the page is ${wide} wide`)
      const over = await page.$$eval('.limits td', (list) => list.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.innerText))
      check(over.length === 0, `${name} ${width} ${as}: what is wider than its column:`, over)
      await page.screenshot({ path: join(shots, `${name}-${width}-${as}.png`), fullPage: name !== 'many' })
      await page.close()
    }
  }
  const page = await open('plain', name)
  await page.pdf({ path: join(shots, `${name}.pdf`), format: 'A4' })
  const all = await words(page)
  check(await unfolded(page) === 0, `${name}: something is not folded`)
  await page.close()

  const bare = await open('plain', name, { script: false })
  check((await words(bare)) === all, `${name}: without script it says something else`)
  check(await closed(bare) === 0, `${name}: without script something is folded, and so not printed`)
  await bare.close()

  const strict = await open('jenkins', name, { width: 1440 })
  check((await words(strict)) === all, `${name}: without script and style it says something else`)
  check(await closed(strict) === 0, `${name}: without script and style something is folded, and so not printed`)
  check(await strict.evaluate(() => !document.querySelector('.tools') && getComputedStyle(document.querySelector('.verdict')).whiteSpace === 'normal'), `${name}: Jenkins' policy took nothing`)
  for (const [width, scheme] of [[400, 'light'], [1440, 'light'], [1440, 'dark']]) {
    await strict.setViewport({ width, height: 900 })
    await strict.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
    await strict.screenshot({ path: join(shots, `${name}-${width}-${scheme}-jenkins.png`), fullPage: name !== 'many' })
  }
  await strict.close()

  // What the terminal says is on the page: its lines, put together again.
  const lines = []
  for (const line of readFileSync(join(dir, `${name}.txt`), 'utf8').split('\n')) {
    if (/^ {9,}\S/.test(line) && lines.length) lines[lines.length - 1] += ' ' + line.trim()
    else if (line.trim()) lines.push(line.trimEnd())
  }
  const labels = []
  for (const line of lines) {
    const [, label, text] = line.match(/^ {2}([A-Z][a-z]+|p95|!) +(.*)$/) ?? []
    if (!label || ['Page', 'Again', 'More'].includes(label)) continue
    labels.push(label)
    // The terminal tells at once what an interruption left unproven, and the page each.
    const parts = text.startsWith('so there is no proof that ') ? text.replace('so there is no proof that ', '').split(', nor that ').map((of) => 'no proof that ' + of) : [text]
    for (const part of parts) if (!/^and \d+ more$/.test(part)) check(all.replaceAll(' ', '').includes(part.replace(/ in the report: .*$/, '').replace(/( \(more in the report\)|…)$/, '').replace(/ remove it with:.*/, '').replace(/\s+/g, '')), `${name}: the page does not say ${part}`)
  }
  if (name === 'broken') for (const label of ['What', 'Why', 'Mend']) check(labels.includes(label), `${name}: the terminal has no ${label}`)
}

const serious = async (name, how) => {
  const page = await open('plain', name, how)
  for (const folded of [true, false]) {
    if (!folded) await page.evaluate(() => document.querySelectorAll('details').forEach((e) => { e.open = true }))
    const found = await page.evaluate(`${axe}; axe.run()`)
    const bad = found.violations.filter((v) => ['serious', 'critical'].includes(v.impact))
    check(bad.length === 0, `${name} ${JSON.stringify(how)} by axe:`, ...bad.map((v) => `\n  ${v.impact} ${v.id}: ${v.nodes.length} of ${v.nodes[0].html.slice(0, 200)}`))
    console.log(`axe ${name} ${JSON.stringify(how)}: ${found.passes.length} rules passed, ${found.violations.map((v) => `${v.id} (${v.impact})`).join(', ') || 'none violated'}`)
  }
  await page.close()
}
for (const name of ends.concat('many')) {
  await serious(name, {})
  await serious(name, { scheme: 'dark' })
  await serious(name, { width: 400 })
}

// The script: a cursor through all lanes by mouse and keys, zoom, filter, links.
{
  const page = await open('plain', 'broken')
  const view = await page.$('.view')
  await view.scrollIntoView()
  const box = await view.boundingBox()
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  const told = await page.$eval('.told', (e) => e.innerText)
  const { started, length, lanes } = await lanesOf(page)
  const [, clock, offset] = told.match(/^(\d\d:\d\d:\d\d\.\d) UTC, \+(\d+\.\d+)s\n/) ?? []
  check(Math.abs(offset - length / 2) <= 2 * length / box.width + 0.1, `the cursor is in the middle of ${length} s, and tells:`, told)
  const apart = Math.abs(Date.parse(`1970-01-01T${clock}Z`) / 1000 - (started / 1000 + +offset) % 86400)
  check(Math.min(apart, 86400 - apart) <= 0.2, `the run began at ${new Date(started).toISOString()}, and the cursor tells:`, told)
  const lines = told.split('\n').slice(1).map((line) => line.trim())
  check(lanes.length > 1 && lines.length === lanes.length, `there are ${lanes.length} lanes, and the cursor tells:`, told)
  for (const [i, { name, values }] of lanes.entries()) {
    const middle = Math.floor(values.length / 2) // or beside it, by the width of a pixel
    const wanted = values.slice(Math.max(0, middle - 1), middle + 2).map((value) => `${name}: ${value}`.replace(/\s+/g, ' ').trim())
    check(wanted.includes(lines[i]), `the cursor tells "${lines[i]}", want one of`, wanted)
  }
  await page.screenshot({ path: join(shots, 'cursor.png') })
  await view.focus()
  await page.keyboard.press('Home')
  check((await page.$eval('.told', (e) => e.innerText)).match(/\+0\.0+s/), 'Home is not the begin')
  await page.keyboard.press('+')
  check(await page.$eval('.view', (e) => e.scrollWidth >= 2 * e.clientWidth), '+ does not zoom')
  await page.screenshot({ path: join(shots, 'zoom.png') })
  await page.keyboard.press('0')
  check(await page.$eval('.view', (e) => e.scrollWidth === e.clientWidth), '0 does not show all')
  await page.close()

  const many = await open('plain', 'many')
  await many.type('input[type=search]', 'broken')
  const left = await many.$$eval('.overview tr[data-verdict]:not([hidden])', (list) => list.map((e) => e.dataset.verdict))
  check(left.length > 0 && left.every((v) => v !== 'held'), 'the filter leaves', left)
  const linked = await open('plain', 'many', {}, await many.evaluate(() => location.hash))
  const again = await linked.$$eval('.overview tr[data-verdict]:not([hidden])', (list) => list.map((e) => e.dataset.verdict))
  check(again.join() === left.join(), 'a link to what was filtered leaves', again)
  await linked.close()
  const first = (of) => many.$$eval(`section.run[data-verdict=held]${of}`, (list) => list[0]?.id) // records of one's own may have none
  const held = await first('')
  if (held) {
    await many.goto(url('plain', 'many') + '#' + held)
    check(await many.$eval(`#${held} > details`, (e) => e.open), 'a link does not unfold a run that held')
  }
  const deep = await first(' tr[id*=-outage-]')
  if (deep) {
    await many.goto(url('plain', 'many') + '#' + deep)
    check(await many.$eval(`#${deep}`, (e) => e.checkVisibility() && e.getBoundingClientRect().top < innerHeight), 'a link does not lead to an outage')
  }
  await many.close()
}

// An hour of a thousand requests per second.
if (existsSync(join(dir, 'long.html'))) {
  const size = readFileSync(join(dir, 'long.html')).length
  const paints = []
  for (let i = 0; i < 5; i++) {
    const page = await open('plain', 'long')
    paints.push(await page.evaluate(() => new Promise((seen) => new PerformanceObserver((list) => seen(list.getEntries().at(-1).startTime)).observe({ type: 'largest-contentful-paint', buffered: true }))))
    if (i === 0) {
      check((await page.$$eval('rect.maybe', (list) => list.length)) === 3, 'not all three outages are drawn')
      await page.screenshot({ path: join(shots, 'long.png'), fullPage: true })
    }
    await page.close()
  }
  paints.sort((a, b) => a - b)
  console.log(`long: ${size} bytes, largest paint after ${paints.map((t) => Math.round(t)).join(', ')} ms`)
  check(size <= 1_000_000, `the page has ${size} bytes`)
  check(paints[2] <= 1000, `the median paint is after ${paints[2]} ms`)
}
for (const name of ends.concat('many')) console.log(`${name}: ${readFileSync(join(dir, `${name}.html`)).length} bytes`)
await browser.close()
server.close()
console.log(wrong ? `${wrong} wrong` : `all right; look at ${shots}`)
writeFileSync(join(shots, 'README'), 'Written by "make page".\n')
process.exit(wrong ? 1 : 0)
