// What only a real browser shows: the latch, the two pages of a narrow window, dialogs that keep the focus, the policy.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openWindow, sizes, type Look, type Window } from './browser'
import { states, wallets } from './scenes'
import { Stage } from './stage'
import { actor } from './actor'

let window: Window | undefined
let stage: Stage | undefined

async function open(on: Stage, look: Look = {}) {
  stage = on
  window = await openWindow(look)
  const url = await on.open()
  await window.page.goto(url)
  return window.page
}

afterEach(async () => {
  await window?.close()
  await stage?.close()
})

describe.skipIf(process.env.LATCHKEY_BRIDGE_URL)('in the browser', () => {
  test('the latch cuts the blank in 280 ms, and only then the gate opens', async () => {
    const play = actor()
    const page = await open(play)
    await page.getByRole('button', { name: 'Start in the sandbox' }).click()
    await page.getByLabel('E-mail').fill('robin@example.org')
    await page.keyboard.press('Enter')
    await page.getByLabel('Digit 1 of 6').waitFor()
    const blade = () => page.evaluate(() => document.querySelector('.plate .keycut > path')?.getAttribute('d'))
    const cut = await blade()
    const shapes = await page.evaluate(async () => {
      const seen = new Set<string>()
      const began = performance.now()
      document.querySelector<HTMLButtonElement>('.callout .link')?.click()
      while (document.querySelector('.plate') && performance.now() - began < 5000) {
        const path = document.querySelector('.plate .keycut > path')?.getAttribute('d')
        if (path) seen.add(path)
        await new Promise((next) => requestAnimationFrame(next))
      }
      return [...seen]
    })
    expect(shapes.length).toBeGreaterThan(2)
    expect(shapes[0]).toBe(cut)
    await page.getByRole('heading', { name: 'No wallets yet' }).waitFor()
  })

  test('with reduced motion nothing moves: the gate opens at once, and nothing shakes', async () => {
    const play = actor()
    const page = await open(play, { reducedMotion: true })
    await page.getByRole('button', { name: 'Start in the sandbox' }).click()
    await page.getByLabel('E-mail').fill('robin@example.org')
    await page.keyboard.press('Enter')
    await page.getByLabel('Digit 1 of 6').waitFor()
    await page.keyboard.type('000000')
    await page.getByText('did not match').waitFor()
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0)
  })

  test('a dialog keeps the focus, closes on Esc and on a press beside it, and gives the focus back', async () => {
    const page = await open(new Stage(states.in, wallets))
    const add = page.getByRole('button', { name: 'New wallet' })
    await add.click()
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab')
      expect(await page.evaluate(() => document.activeElement === document.body || document.querySelector('dialog')?.contains(document.activeElement))).toBe(true)
    }
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('New wallet')
    await add.click()
    await page.mouse.click(10, 400)
    await dialog.waitFor({ state: 'detached' })
  })

  test('in a narrow window list and detail are two pages, and the focus goes with them', async () => {
    const page = await open(new Stage(states.in, wallets), { size: sizes.small })
    await page.getByRole('button', { name: /^Savings/ }).click()
    await page.getByRole('heading', { name: 'Savings' }).waitFor()
    expect(await page.getByRole('button', { name: /^Everyday/ }).isVisible()).toBe(false)
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Back to the list')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^Everyday/ }).waitFor()
    expect(await page.evaluate(() => document.activeElement?.getAttribute('data-row'))).toBe(wallets[1]?.id)
  })

  test('the code is whole on the smallest window, without scrolling', async () => {
    const page = await open(new Stage(states.code), { size: sizes.small })
    await page.getByLabel('Digit 1 of 6').waitFor()
    expect(await page.locator('.door').evaluate((door) => door.scrollHeight <= door.clientHeight)).toBe(true)
  })

  test('selecting part of an address copies the whole', async () => {
    const page = await open(new Stage(states.in, wallets))
    const short = page.getByText('0x4db219…eB976c')
    await short.waitFor()
    const copied = await short.evaluate((element) => {
      getSelection()?.selectAllChildren(element)
      const data = new DataTransfer()
      element.dispatchEvent(new ClipboardEvent('copy', { clipboardData: data, bubbles: true, cancelable: true }))
      return data.getData('text/plain')
    })
    expect(copied).toBe(wallets[0]?.accounts[0]?.address)
  })

  test('pointer targets are 28 px high and wide at least', async () => {
    const page = await open(new Stage(states.in, wallets))
    await page.getByRole('heading', { name: 'Everyday' }).waitFor()
    const small = await page.evaluate(() => [...document.querySelectorAll('button:not(.link), a[href]:not(.skip)')].filter((one) => one.checkVisibility()).map((one) => ({ name: one.textContent?.trim(), box: one.getBoundingClientRect() })).filter(({ box }) => box.height < 28 || box.width < 28).map(({ name }) => name))
    expect(small).toEqual([])
  })

  test('eval, inline script, inline style, a frame and a foreign request are refused', async () => {
    const page = await open(new Stage(states.in, wallets))
    await page.getByRole('heading', { name: 'Everyday' }).waitFor()
    const refused = await page.evaluate(async () => {
      const seen: string[] = []
      document.addEventListener('securitypolicyviolation', (event) => seen.push(event.effectiveDirective))
      // Not eval itself: the tool that runs this function is allowed to.
      setTimeout('1')
      const add = (tag: string, set: (element: HTMLElement) => void) => {
        const element = document.createElement(tag)
        set(element)
        document.body.append(element)
      }
      add('script', (one) => { one.textContent = '1' })
      add('style', (one) => { one.textContent = 'body{}' })
      add('div', (one) => { one.setAttribute('style', 'color:red') })
      add('iframe', (one) => { (one as HTMLIFrameElement).src = 'http://127.0.0.1:9/' })
      add('img', (one) => { (one as HTMLImageElement).src = 'http://127.0.0.1:9/x.png' })
      await fetch('http://127.0.0.1:9/').catch(() => {})
      await new Promise((done) => setTimeout(done, 200))
      return seen
    })
    expect(new Set(refused)).toEqual(new Set(['script-src', 'script-src-elem', 'style-src-elem', 'style-src-attr', 'frame-src', 'img-src', 'connect-src']))
  })
})

beforeEach(() => {
  window = stage = undefined
})
