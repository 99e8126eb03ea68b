
'use strict'
// The page is complete without this: it adds a cursor through all lanes, zoom, a filter,
// folds details, and unfolds what a link leads to and what is printed.
const make = (tag, attributes, ...inner) => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...inner)
  return element
}
const button = (text, label, pressed) => {
  const b = make('button', { type: 'button', 'aria-label': label, title: label }, text)
  b.addEventListener('click', pressed)
  return b
}
// The columns of a lane, of which equal ones in a row are written as one: "a*3|b".
const columns = (text) => text.split('|').flatMap((part) => {
  const [, value, times] = part.match(/^(.*?)(?:\*(\d+))?$/s)
  return Array(+(times ?? 1)).fill(value)
})

for (const svg of document.querySelectorAll('svg.lanes')) {
  const started = +svg.dataset.started, length = +svg.dataset.length
  const lanes = [...svg.querySelectorAll('[data-values]')].map((t) => ({ name: t.dataset.lane, values: columns(t.dataset.values) }))
  const cursor = make('div', { class: 'cursor', hidden: '' })
  const told = make('div', { class: 'told', role: 'status', hidden: '' })
  const inner = make('div', { class: 'inner' })
  const view = make('div', { class: 'view', tabindex: '0', role: 'group', 'aria-label': 'The run over time: arrow keys move the cursor, + and - zoom, 0 shows all, Escape removes the cursor' })
  svg.before(view)
  inner.append(svg, cursor)
  view.append(inner)
  view.before(told)
  let at = null, zoom = 1
  const show = (share) => {
    at = share === null ? null : Math.min(1, Math.max(0, share))
    cursor.hidden = told.hidden = at === null
    if (at === null) return
    cursor.style.left = 100 * at + '%'
    const seconds = at * length
    const wall = new Date(started + 1000 * seconds).toISOString().slice(11, 21)
    told.replaceChildren(make('b', {}, `${wall} UTC, +${seconds.toFixed(length < 100 ? 2 : 1)}s`))
    for (const { name, values } of lanes) {
      told.append(make('div', {}, `${name}: ${values[Math.min(values.length - 1, Math.floor(at * values.length))]}`))
    }
    const x = at * inner.clientWidth - view.scrollLeft
    const right = x > view.clientWidth / 2
    told.style.left = right ? '' : `${x + 14}px`
    told.style.right = right ? `${view.clientWidth - x + 14}px` : ''
  }
  const scale = (by) => {
    const share = at ?? (view.scrollLeft + view.clientWidth / 2) / inner.clientWidth
    const seen = share * inner.clientWidth - view.scrollLeft
    zoom = by ? Math.min(64, Math.max(1, zoom * by)) : 1
    inner.style.width = 100 * zoom + '%'
    view.scrollLeft = share * inner.clientWidth - seen
    if (at !== null) show(at)
  }
  const reveal = () => {
    const x = at * inner.clientWidth
    if (x < view.scrollLeft || x > view.scrollLeft + view.clientWidth) view.scrollLeft = x - view.clientWidth / 2
  }
  view.addEventListener('pointermove', (e) => show((e.clientX - inner.getBoundingClientRect().left) / inner.clientWidth))
  view.addEventListener('pointerleave', () => document.activeElement === view || show(null))
  view.addEventListener('dblclick', () => scale(2))
  view.addEventListener('wheel', (e) => {
    if (!e.ctrlKey) return
    e.preventDefault()
    scale(e.deltaY > 0 ? 1 / 1.25 : 1.25)
  }, { passive: false })
  view.addEventListener('keydown', (e) => {
    const step = (e.shiftKey ? 20 : 2) / inner.clientWidth
    const middle = (view.scrollLeft + view.clientWidth / 2) / inner.clientWidth
    const act = {
      ArrowLeft: () => show((at ?? middle) - step), ArrowRight: () => show((at ?? middle) + step),
      Home: () => show(0), End: () => show(1), Escape: () => show(null),
      '+': () => scale(2), '=': () => scale(2), '-': () => scale(0.5), 0: () => scale(0),
    }[e.key]
    if (!act || e.ctrlKey || e.metaKey || e.altKey) return
    e.preventDefault()
    act()
    if (at !== null) reveal()
  })
  view.before(make('div', { class: 'tools' }, button('+', '+: zoom in', () => scale(2)), button('−', '−: zoom out', () => scale(0.5)), button('all', 'Show all of the run', () => scale(0))))
}

// Without this script nothing is folded: what is closed is not printed.
for (const e of document.querySelectorAll('details')) e.open = false

// A link leads into what is folded. One with a = is of the filter.
const unfold = () => {
  if (location.hash.includes('=')) return
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (!target) return
  const run = target.closest('.run')
  if (run) run.hidden = false // by the filter
  for (let e = target; e; e = e.parentElement) if (e.localName === 'details') e.open = true
  for (const e of target.querySelectorAll(':scope > details')) if (e.querySelector('h1, h2')) e.open = true
  target.scrollIntoView()
}
addEventListener('hashchange', unfold)
unfold()

// What is folded is printed, too.
let folded = []
addEventListener('beforeprint', () => {
  folded = [...document.querySelectorAll('details:not([open])')]
  for (const e of folded) e.open = true
})
addEventListener('afterprint', () => {
  for (const e of folded) e.open = false
})

// Many runs can be filtered by their verdict, and by words; the address says how.
const rows = [...document.querySelectorAll('.overview tr[data-verdict]')]
if (rows.length > 1) {
  const words = make('input', { type: 'search', 'aria-label': 'Filter runs by words', placeholder: 'filter' })
  const counted = make('span', { role: 'status' })
  const off = new Set(), buttons = new Map()
  const filter = () => {
    for (const [v, b] of buttons) b.setAttribute('aria-pressed', !off.has(v))
    let n = 0
    const wanted = words.value.toLowerCase().split(/\s+/)
    for (const row of rows) {
      row.hidden = off.has(row.dataset.verdict) || !wanted.every((w) => row.textContent.toLowerCase().includes(w))
      const run = document.getElementById(row.querySelector('a').hash.slice(1))
      run.hidden = row.hidden
      n += row.hidden ? 0 : 1
    }
    counted.textContent = `${n} of ${rows.length} runs`
    const held = document.querySelector('details.held')
    if (held && words.value) held.open = true
  }
  const filtered = () => {
    filter()
    const state = new URLSearchParams()
    if (words.value) state.set('words', words.value)
    if (off.size) state.set('without', [...off].join(' '))
    const text = state.toString()
    history.replaceState(null, '', location.href.split('#')[0] + (text && '#' + text))
  }
  const fromAddress = () => {
    if (!location.hash.includes('=')) return
    const state = new URLSearchParams(location.hash.slice(1))
    words.value = state.get('words') ?? ''
    off.clear()
    for (const v of (state.get('without') ?? '').split(' ')) if (buttons.has(v)) off.add(v)
    filter()
  }
  for (const v of ['broken', 'unknown', 'held'].filter((v) => rows.some((r) => r.dataset.verdict === v))) {
    buttons.set(v, button(v, `Show ${v} runs`, () => {
      off.has(v) ? off.delete(v) : off.add(v)
      filtered()
    }))
  }
  words.addEventListener('input', filtered)
  addEventListener('hashchange', fromAddress)
  document.querySelector('h1').after(make('div', { class: 'tools', role: 'search' }, words, ...buttons.values(), counted))
  filter()
  fromAddress()
}
