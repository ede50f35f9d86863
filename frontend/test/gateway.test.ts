import { afterEach, describe, expect, test } from 'vitest'
import { failures, states } from '../e2e/scenes'
import { changed, kinds, toFailure, wails, type Bound } from '../src/gateway'

function bind(app: Partial<Bound>) {
  window.go = { app: { App: app as Bound } }
}

afterEach(() => {
  delete window.go
  delete window.runtime
})

describe('a rejection', () => {
  test('is the failure that Go wrote', () => {
    expect(toFailure(JSON.stringify(failures.wrong))).toEqual(failures.wrong)
  })

  test('may come wrapped in an Error', () => {
    expect(toFailure(new Error(JSON.stringify(failures.limited)))).toEqual(failures.limited)
  })

  test.each([
    ['a plain string', 'the sky fell', 'the sky fell'],
    ['an Error', new TypeError('x is not a function'), 'x is not a function'],
    ['JSON of something else', '{"message":"no"}', '{"message":"no"}'],
    ['JSON null', 'null', 'null'],
    ['JSON with wrong types', '{"code":1,"kind":2,"title":3}', '{"code":1,"kind":2,"title":3}'],
    ['nothing', undefined, 'undefined'],
  ])('that is %s becomes internal', (_, reason, detail) => {
    expect(toFailure(reason)).toMatchObject({ kind: 'internal', code: 'internal', detail, action: 'Try again' })
  })

  test('of an unknown kind is internal, with its words', () => {
    const read = toFailure(JSON.stringify({ ...failures.wrong, kind: 'novel' }))
    expect(read.kind).toBe('internal')
    expect(read.title).toBe(failures.wrong.title)
  })

  test('that leaves fields out still has every field', () => {
    const read = toFailure('{"code":"x","kind":"denied","title":"No"}')
    expect(read).toEqual({ code: 'x', kind: 'denied', title: 'No', happened: '', means: '', next: '', action: '', detail: '', retryAfterMs: 0, triesLeft: 0 })
  })

  test('keeps a huge detail short', () => {
    expect(toFailure('x'.repeat(1e6)).detail).toHaveLength(2000)
  })

  test('knows every kind of internal/fault', () => {
    expect(kinds).toHaveLength(12)
  })
})

describe('a call', () => {
  test('answers with the value', async () => {
    bind({ State: async () => states.ways })
    expect(await wails.state()).toEqual({ ok: true, value: states.ways })
  })

  test('answers with the failure, and never throws', async () => {
    bind({ ContinueLogin: async () => { throw JSON.stringify(failures.wrong) } })
    expect(await wails.continueLogin('a1', '000000')).toEqual({ ok: false, failure: failures.wrong })
  })

  test('passes its arguments on', async () => {
    const seen: unknown[] = []
    bind({ CreateWallet: async (...args) => { seen.push(...args); return { id: 'w', name: 'n', createdAt: 0, exported: false, imported: false, accounts: null } } })
    await wails.createWallet('n', ['solana'])
    expect(seen).toEqual(['n', ['solana']])
  })

  test('takes null for a list as an empty one', async () => {
    bind({ State: async () => ({ ...states.ways, stores: null }), Wallets: async () => null })
    expect(await wails.state()).toMatchObject({ value: { stores: [] } })
    expect(await wails.wallets()).toEqual({ ok: true, value: [] })
  })

  test('outside Latchkey fails as internal', async () => {
    expect(await wails.state()).toMatchObject({ ok: false, failure: { kind: 'internal' } })
  })
})

test('the event of Go is heard until it is stopped', () => {
  const listeners = new Map<string, () => void>()
  window.runtime = { EventsOn: (name, heard) => { listeners.set(name, heard); return () => listeners.delete(name) } }
  let times = 0
  const stop = wails.onChanged(() => times++)
  listeners.get(changed)?.()
  expect(times).toBe(1)
  stop()
  expect(listeners.size).toBe(0)
})
