import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { noon } from './scenes'

export type Theme = 'light' | 'dark'
export const themes: Theme[] = ['light', 'dark']

/** The sizes that the window is made for: the usual one, the smallest one, and the usual one at 200 %. */
export const sizes = { usual: { width: 1120, height: 760 }, small: { width: 420, height: 640 }, zoomed: { width: 560, height: 380 } }

export type Window = { context: BrowserContext; page: Page; trouble: string[]; close(): Promise<void> }

export type Look = {
  theme?: Theme
  size?: { width: number; height: number }
  scale?: number
  reducedMotion?: boolean
  forcedColors?: boolean
  contrast?: boolean
  /** Stops the clock at noon; without it time runs. */
  frozen?: boolean
}

/** Debian's Chromium with a profile of its own. trouble collects what a person would not see: errors, refused policy. */
export async function openWindow(look: Look = {}): Promise<Window> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-browser-'))
  const context = await chromium.launchPersistentContext(dir, {
    executablePath: process.env.LATCHKEY_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    viewport: look.size ?? sizes.usual,
    deviceScaleFactor: look.scale ?? 1,
    colorScheme: look.theme ?? 'light',
    reducedMotion: look.reducedMotion ? 'reduce' : 'no-preference',
    forcedColors: look.forcedColors ? 'active' : 'none',
    contrast: look.contrast ? 'more' : 'no-preference',
    timezoneId: 'UTC',
    locale: 'en-GB',
  })
  const page = context.pages()[0] ?? (await context.newPage())
  const trouble: string[] = []
  page.on('pageerror', (error) => trouble.push(error.message))
  page.on('console', (message) => {
    // A rejected call is a 4xx of the bridge, which the browser reports by itself.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) trouble.push(message.text())
  })
  if (look.frozen) await page.clock.setFixedTime(noon)
  return {
    context, page, trouble,
    close: async () => {
      await context.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Waits until the page is still: faces loaded, animations over. */
export async function still(page: Page) {
  await page.evaluate(async () => {
    await document.fonts.ready
    await Promise.allSettled(document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity).map((one) => one.finished))
  })
}
