// The way of a person: from the first run to a wallet, out, and in again. The same steps run against the stand-in and,
// with LATCHKEY_BRIDGE_URL, against the real App.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { actor } from './actor'
import { openWindow, type Window } from './browser'
import type { Stage } from './stage'

const bridge = process.env.LATCHKEY_BRIDGE_URL

let stage: Stage | undefined
let url = bridge ?? ''
let window: Window
let page: Page

beforeAll(async () => {
  if (!bridge) {
    stage = actor()
    url = await stage.open()
  }
  window = await openWindow()
  page = window.page
  await page.goto(url)
})

afterAll(async () => {
  await window.close()
  await stage?.close()
})

/** What has the focus, by its accessible name. */
const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim() ?? '')

/** Presses Tab until the focus is on a control of that name. */
async function tabTo(name: RegExp) {
  for (let i = 0; i < 40; i++) {
    if (name.test(await focused())) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab never reached ${name}; the focus is on ${await focused()}`)
}

describe.sequential('by keyboard alone', () => {
  test('the sandbox is started', async () => {
    await page.getByRole('heading', { name: 'Start in the sandbox' }).waitFor()
    // Without a keychain nothing is chosen, and the focus waits on the choice.
    if (!/Start/.test(await focused())) {
      await page.keyboard.press('Space')
      await tabTo(/^Start in the sandbox/)
    }
    await page.keyboard.press('Enter')
    await page.getByLabel('E-mail').waitFor()
  })

  test('TestE4: a code is asked for, mistyped, filled in, and a session begins', async () => {
    await page.keyboard.type('robin@example.org')
    await page.keyboard.press('Enter')
    await page.getByLabel('Digit 1 of 6').waitFor()
    await expect.poll(focused).toBe('Digit 1 of 6')
    await page.keyboard.type('000000')
    await page.getByText('It did not match. Two tries are left.').waitFor()
    await expect.poll(focused).toBe('Digit 1 of 6')
    await tabTo(/^Fill it in$/)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'No wallets yet' }).waitFor()
    expect(await page.title()).toBe('Latchkey (SANDBOX)')
  })

  test('a wallet is made', async () => {
    await page.keyboard.press('Control+n')
    const dialog = page.getByRole('dialog', { name: 'New wallet' })
    await dialog.waitFor()
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('heading', { name: 'Wallet 1' }).waitFor()
    await expect.poll(focused).toMatch(/^Wallet 1/)
    for (const chain of ['Ethereum', 'Solana', 'Bitcoin']) expect(await page.getByText(chain, { exact: true }).count()).toBe(1)
  })

  test('its address is opened and copied', async () => {
    await page.keyboard.press('F6')
    await tabTo(/^Copy the address of Ethereum$/)
    await page.keyboard.press('Enter')
    await page.getByText('Copied', { exact: true }).waitFor()
    await tabTo(/^Whole address of Ethereum$/)
    await page.keyboard.press('Enter')
    await page.getByText('Public key').waitFor()
  })

  test('the session is refreshed', async () => {
    await page.keyboard.press('Control+r')
    await page.locator('.toast').getByText(/^Refreshed\. Good until/).waitFor()
  })

  test('one logs out, is told what that means, and logs in again to the same wallet', async () => {
    await tabTo(/^Log out$/)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Log out?' }).waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(focused).toBe('Log out')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'You are logged out' }).waitFor()
    await expect.poll(focused).toBe('Log in again')
    await page.keyboard.press('Enter')
    await page.getByLabel('E-mail').waitFor()
    expect(await page.getByLabel('E-mail').inputValue()).toBe('robin@example.org')
  })

  test('the same wallet is there after the next log-in, by pointer in five presses', async () => {
    await page.getByRole('button', { name: 'Send a code' }).click()
    await page.getByRole('button', { name: 'Fill it in' }).click()
    await page.getByRole('heading', { name: 'Wallet 1' }).waitFor()
    await page.getByRole('button', { name: /^Your session/ }).click()
    await page.getByRole('dialog', { name: 'Your session' }).getByText('robin@example.org').waitFor()
    await page.keyboard.press('Escape')
  })

  test('no error, refused policy or style reached the page', async () => {
    expect(window.trouble).toEqual([])
    expect(await page.locator('[style], style').count()).toBe(0)
  })
})
