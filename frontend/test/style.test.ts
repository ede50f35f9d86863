// What the visual language demands and a program can check: one file of tokens, and no style of anybody's own.

import { describe, expect, test } from 'vitest'

const sources = import.meta.glob('../src/**/*.{svelte,css,ts}', { eager: true, query: '?raw', import: 'default' }) as Record<string, string>
const page = Object.values(import.meta.glob('../index.html', { eager: true, query: '?raw', import: 'default' }) as Record<string, string>)[0] ?? ''
const tokens = sources['../src/ui/tokens.css'] ?? ''
const named = (test: (path: string) => boolean) => Object.entries(sources).filter(([path]) => test(path)).map(([path, text]) => [path.slice('../src/'.length), text] as const)
const components = named((path) => path.endsWith('.svelte'))
const uncommented = (css: string) => css.replace(/\/\*[\s\S]*?\*\//g, '')

/** The declarations of a block of tokens.css, in order. */
function block(selector: string): string[] {
  const from = tokens.indexOf(`${selector} {`)
  expect(from, selector).toBeGreaterThan(-1)
  const body = tokens.slice(tokens.indexOf('{', from) + 1, tokens.indexOf('}', from))
  return body.split(';').map((line) => line.trim()).filter(Boolean)
}

/** The style of a component, and the whole of a style sheet. */
function style([path, text]: readonly [string, string]): string {
  if (path.endsWith('.css')) return uncommented(text)
  return uncommented(/<style>([\s\S]*)<\/style>/.exec(text)?.[1] ?? '')
}

test('the dark values stand twice, and are the same', () => {
  expect(block(':root[data-theme="dark"]')).toEqual(block(':root:not([data-theme="light"])'))
  expect(block(':root[data-theme="dark"]').length).toBeGreaterThan(30)
})

test('every colour of the light theme has a dark one', () => {
  const colours = (lines: string[]) => lines.map((line) => line.split(':')[0] ?? '').filter((name) => name.startsWith('--'))
  const dark = colours(block(':root[data-theme="dark"]'))
  const light = [...(tokens.split('@media')[0] ?? '').matchAll(/(--[\w-]+):\s*(?:#|rgb|0 1px|0 2px)/g)].map((match) => match[1])
  expect(dark).toEqual(expect.arrayContaining(light))
})

test('every token that is used exists', () => {
  const known = new Set([...tokens.matchAll(/(--[\w-]+):/g)].map((match) => match[1]))
  for (const [path, text] of named((path) => path.endsWith('.svelte') || path.endsWith('.css'))) {
    for (const [, name] of text.matchAll(/var\((--[\w-]+)/g)) expect(known, `${path} uses ${name}`).toContain(name)
  }
})

test('every token is used', () => {
  const used = new Set(Object.values(sources).flatMap((text) => [...text.matchAll(/var\((--[\w-]+)|'(--[\w-]+)'/g)].map((match) => match[1] ?? match[2])))
  // The inspector, the review slip and the rest of the window will use these; they belong to the language all the same.
  const later = ['--accent-hover', '--on-accent', '--on-bad', '--syn-key', '--syn-str', '--syn-num', '--row', '--measure', '--shadow-1', '--space-5']
  const unused = [...new Set([...tokens.matchAll(/(--[\w-]+):/g)].map((match) => match[1] ?? ''))].filter((name) => !used.has(name) && !later.includes(name))
  expect(unused).toEqual([])
})

describe.each(named((path) => (path.endsWith('.svelte') || path.endsWith('.css')) && !path.endsWith('tokens.css') && !path.endsWith('fonts.css')))('%s', (path, text) => {
  const css = style([path, text])
    // The one width at which the window changes, which a custom property cannot hold.
    .replaceAll('@media (max-width: 47.5rem)', '@media')
    // Units of a drawing, not of the page.
    .replaceAll('font-size: 3.1px', '')

  test('has no colour of its own', () => {
    expect(css).not.toMatch(/#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch|lab)a?\(/i)
  })
  test('has no length of its own', () => {
    expect(css).not.toMatch(/(?<![\w.-])\d*\.?\d+(px|rem|pt|cm)\b/)
  })
  test('has no duration of its own', () => {
    expect(css).not.toMatch(/(?<![\w.-])\d*\.?\d+m?s\b/)
  })
  test('writes no style into the page', () => {
    expect(text.replace(/<style>[\s\S]*<\/style>/, '')).not.toMatch(/\bstyle(:[\w-]+)?=|\.cssText|insertRule/)
  })
})

test.each(components)('%s takes its words from the catalogue', (_, text) => {
  const markup = text
    .replace(/<script[\s\S]*?<\/script>/g, '')
    .replace(/<style>[\s\S]*<\/style>/, '')
    .replace(/<!--[\s\S]*?-->/g, '')
  // Blocks and expressions out, innermost first; then every tag; what is left is what a person reads.
  let bare = markup
  for (let before = ''; before !== bare; ) {
    before = bare
    bare = bare.replace(/\{[^{}]*\}/g, '')
  }
  bare = bare.replace(/<[^<>]*>/g, ' ').replace(/&\w+;/g, ' ')
  // Names of keys on a keyboard are marks, not words.
  expect(bare.replace(/\bCtrl\b|\bN\b/g, '').match(/[A-Za-z]{2,}/g) ?? []).toEqual([])
  for (const [, name, value] of markup.matchAll(/\b(aria-label|title|placeholder|alt)="([^"{}]+)"/g)) expect.fail(`${name}="${value}"`)
})

test('Wails is known to gateway.ts alone', () => {
  for (const [path, text] of named((path) => !path.endsWith('gateway.ts'))) expect(text, path).not.toMatch(/window\.(go|runtime)\b|wailsjs|@wailsapp/)
})

test('the page has the policy', () => {
  const policy = /Content-Security-Policy"\s+content="([^"]+)"/.exec(page)?.[1]
  expect(policy).toBe(
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'none'",
  )
  expect(page).not.toMatch(/\sstyle=|<style|<script>/)
})
