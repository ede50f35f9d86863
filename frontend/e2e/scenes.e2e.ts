// Every scene, in both themes and at every size: readable by everyone, within the window, and without a word to the
// console. Only the stand-in can show all of them.

import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWindow, sizes, still, themes, type Window } from './browser'
import { gallery } from './gallery'
import { Stage } from './stage'

/** In the page: what lies beyond the window's right edge, or is wider than its box without an ellipsis. */
function outside(): string[] {
  const label = (element: Element) => `${element.tagName}.${element.getAttribute('class') ?? ''} ${(element.textContent ?? '').trim().slice(0, 40)}`
  return [...document.querySelectorAll('body *')].flatMap((element) => {
    if (!element.checkVisibility({ visibilityProperty: true })) return []
    const style = getComputedStyle(element)
    if (style.clipPath !== 'none' || style.position === 'fixed') return []
    const box = element.getBoundingClientRect()
    if (box.width === 0 || box.height === 0) return []
    const past = box.right > innerWidth + 0.5 && !element.closest('.band')
    const over = element instanceof HTMLElement && style.overflowX === 'hidden' && style.textOverflow !== 'ellipsis' && element.scrollWidth > element.clientWidth + 1 && !element.closest('.band')
    return past || over ? [label(element)] : []
  })
}

describe.skipIf(process.env.LATCHKEY_BRIDGE_URL)('scenes', () => {
  let window: Window

  beforeAll(async () => {
    window = await openWindow({ frozen: true, reducedMotion: true })
  })
  afterAll(() => window.close())

  test.each(gallery)('TestE4: $name', async (scene) => {
    const { page } = window
    const stage = new Stage(scene.state, scene.wallets, scene.answers)
    const asked: string[] = []
    page.removeAllListeners('request')
    page.on('request', (request) => asked.push(request.url()))
    const url = await stage.open()
    window.trouble.length = 0
    try {
      await page.setViewportSize(sizes.usual)
      await page.goto(url)
      await page.locator('main h1, main [role="status"]').first().waitFor({ state: 'attached' })
      await scene.act?.(page, stage)
      await still(page)

      for (const theme of themes) {
        await page.emulateMedia({ colorScheme: theme })
        const { violations } = await new AxeBuilder({ page }).analyze()
        expect(violations.map((one) => `${theme}: ${one.id}: ${one.nodes.map((node) => node.html).join(' | ')}`)).toEqual([])
      }

      for (const [name, size] of Object.entries(sizes)) {
        await page.setViewportSize(size)
        expect(await page.evaluate(outside), name).toEqual([])
      }

      expect(window.trouble).toEqual([])
      expect(await page.locator('[style], style').count()).toBe(0)
      expect(asked.filter((one) => !one.startsWith(url) && one !== 'data:,')).toEqual([])
    } finally {
      await page.goto('about:blank')
      await stage.close()
    }
  })
})
