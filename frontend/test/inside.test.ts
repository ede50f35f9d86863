import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, test } from 'vitest'
import { failures, noon, session, state, states, wallets } from '../e2e/scenes'
import { openWindow } from './window'

const row = (name: RegExp) => screen.getByRole('button', { name })
const shown = () => screen.getAllByRole('button', { name: /account/ }).map((one) => one.querySelector('strong')?.textContent).filter(Boolean)

/** Opens the window on the list of wallets. */
async function inside(from = states.in, list = wallets) {
  const opened = await openWindow(from, list)
  await screen.findByRole('heading', { name: 'Everyday' })
  return opened
}

describe('the list of wallets', () => {
  test('shows the first one, and another when it is picked', async () => {
    const { user } = await inside()
    expect(row(/^Everyday/).getAttribute('aria-current')).toBe('true')
    await user.click(row(/^Savings/))
    expect(screen.getByRole('heading', { name: 'Savings' })).toBeInstanceOf(HTMLElement)
    expect(screen.getByText('Phrase was exported')).toBeInstanceOf(HTMLElement)
  })

  test('is one tab stop, moved in by arrows, Home and End', async () => {
    const { user } = await inside()
    row(/^Everyday/).focus()
    await user.keyboard('{ArrowDown}')
    expect(document.activeElement).toBe(row(/^Savings/))
    expect(screen.getByRole('heading', { name: 'Savings' })).toBeInstanceOf(HTMLElement)
    await user.keyboard('{End}')
    expect(document.activeElement).toBe(row(/^Team float/))
    await user.keyboard('{ArrowDown}')
    expect(document.activeElement).toBe(row(/^Team float/))
    await user.keyboard('{Home}')
    expect(document.activeElement).toBe(row(/^Everyday/))
    expect(screen.getAllByRole('button', { name: /account/ }).filter((one) => one.hasAttribute('data-row') && one.tabIndex === 0)).toHaveLength(1)
  })

  test.each([['sav', ['Savings']], ['0x32967', ['Imported 2021']], ['rainy', ['Savings']], ['btc', ['Everyday']]])('is searched by %j', async (what, want) => {
    const { user } = await inside()
    await user.type(screen.getByLabelText('Find a wallet or address'), what)
    expect(shown()).toEqual(want)
  })

  test('says when nothing is found, and shows all again', async () => {
    const { user } = await inside()
    await user.keyboard('/')
    const field = screen.getByLabelText<HTMLInputElement>('Find a wallet or address')
    expect(document.activeElement).toBe(field)
    await user.keyboard('zebra')
    expect(screen.getByText('No wallet or address has “zebra” in it.')).toBeInstanceOf(HTMLElement)
    await user.keyboard('{Escape}')
    expect(field.value).toBe('')
    expect(shown()).toHaveLength(4)
  })

  test('that is empty has one way on', async () => {
    const { user } = await openWindow(states.in, [])
    await screen.findByRole('heading', { name: 'No wallets yet' })
    expect(screen.getByText(/In the sandbox it holds nothing real/)).toBeInstanceOf(HTMLElement)
    await user.click(screen.getByRole('button', { name: 'New wallet' }))
    expect(screen.getByRole('dialog', { name: 'New wallet' })).toBeInstanceOf(HTMLElement)
  })

  test('that cannot be read says why, and is read again', async () => {
    const { user, stub } = await openWindow(states.in, wallets, (one) => one.refuse('wallets', failures.apiDown))
    await screen.findByRole('heading', { name: failures.apiDown.title })
    stub.plainly('wallets')
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    await screen.findByRole('heading', { name: 'Everyday' })
  })

  test('says that it is being read only after a while', async () => {
    await openWindow(states.in, wallets, (one) => void one.hold('wallets'))
    expect(screen.queryByText('Loading your wallets…')).toBeNull()
    await screen.findByText('Loading your wallets…')
  })
})

describe('an address', () => {
  test('is short in the row, whole and in groups when asked for, and copied whole', async () => {
    const { user, stub } = await inside()
    expect(screen.getByText('0x4db219…eB976c')).toBeInstanceOf(HTMLElement)
    const toggle = screen.getByRole('button', { name: 'Whole address of Main' })
    await user.click(toggle)
    expect(toggle.getAttribute('aria-expanded')).toBe('true')
    expect(screen.getByText('4db2').parentElement?.textContent?.replace(/\s/g, '')).toBe(wallets[0]?.accounts[0]?.address)
    await user.click(screen.getByRole('button', { name: 'Copy the address of Main' }))
    expect(stub.calls('copy')).toEqual([[wallets[0]?.accounts[0]?.address]])
    await screen.findByText('Copied')
    expect(screen.getByText('Address of Main copied')).toBeInstanceOf(HTMLElement)
    await waitFor(() => expect(screen.queryByText('Copied')).toBeNull(), { timeout: 20_000 })
  })

  test('is copied by Ctrl C on its row', async () => {
    const { stub } = await inside()
    screen.getByRole('button', { name: 'Whole address of Solana' }).focus()
    await fireEvent.keyDown(document.activeElement!, { key: 'c', ctrlKey: true })
    expect(stub.calls('copy')).toEqual([[wallets[0]?.accounts[1]?.address]])
  })

  test('that could not be copied says so', async () => {
    const { user, stub } = await inside()
    stub.refuse('copy', {})
    await user.click(screen.getByRole('button', { name: 'Copy the address of Main' }))
    expect((await screen.findAllByText('Not copied')).length).toBeGreaterThan(0)
  })
})

describe('a new wallet', () => {
  test('is made from a name that is there already and the chains that are ticked', async () => {
    const { user, stub } = await inside()
    await user.keyboard('{Control>}n{/Control}')
    const dialog = screen.getByRole('dialog', { name: 'New wallet' })
    const name = within(dialog).getByLabelText<HTMLInputElement>('Name')
    expect(name.value).toBe('Wallet 5')
    expect(document.activeElement).toBe(name)
    await user.click(within(dialog).getByRole('checkbox', { name: /Bitcoin/ }))
    await user.click(within(dialog).getByRole('button', { name: 'Make wallet' }))
    expect(stub.calls('createWallet')).toEqual([['Wallet 5', ['ethereum', 'solana']]])
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(screen.getAllByText('Made “Wallet 5”').length).toBeGreaterThan(0)
    await waitFor(() => expect(document.activeElement).toBe(row(/^Wallet 5/)))
  })

  test.each([['  ', 'Give it a name.'], ['Savings', 'You have a wallet with this name.'], ['ü'.repeat(60), 'Keep it shorter: 100 letters at most.']])('needs a good name, not %j', async (text, want) => {
    const { user, stub } = await inside()
    await user.click(screen.getByRole('button', { name: 'New wallet' }))
    const name = screen.getByLabelText('Name')
    await user.clear(name)
    await user.type(name, text)
    await user.click(screen.getByRole('button', { name: 'Make wallet' }))
    expect(screen.getByText(want)).toBeInstanceOf(HTMLElement)
    expect(stub.calls('createWallet')).toEqual([])
  })

  test('needs a chain', async () => {
    const { user, stub } = await inside()
    await user.click(screen.getByRole('button', { name: 'New wallet' }))
    for (const chain of screen.getAllByRole('checkbox')) await user.click(chain)
    await user.click(screen.getByRole('button', { name: 'Make wallet' }))
    expect(screen.getByText('Choose one chain at least.')).toBeInstanceOf(HTMLElement)
    expect(stub.calls('createWallet')).toEqual([])
  })

  test('that was refused leaves the dialog as it is', async () => {
    const { user, stub } = await inside()
    stub.refuse('createWallet', failures.apiDown)
    await user.click(screen.getByRole('button', { name: 'New wallet' }))
    await user.click(screen.getByRole('button', { name: 'Make wallet' }))
    expect((await screen.findByRole('alert')).textContent).toContain(failures.apiDown.title)
    expect(screen.getByLabelText<HTMLInputElement>('Name').value).toBe('Wallet 5')
  })

  test('is made once, and its dialog stays until that is done', async () => {
    const { user, stub } = await inside()
    stub.hold('createWallet')
    await user.click(screen.getByRole('button', { name: 'New wallet' }))
    await user.dblClick(screen.getByRole('button', { name: 'Make wallet' }))
    await user.click(screen.getByRole('button', { name: 'Cancel' }))
    await user.click(screen.getByRole('button', { name: 'Close' }))
    expect(stub.calls('createWallet')).toHaveLength(1)
    expect(screen.getByRole('dialog')).toBeInstanceOf(HTMLElement)
  })

  test('gives the focus back when it is given up', async () => {
    const { user } = await inside()
    const add = screen.getByRole('button', { name: 'New wallet' })
    await user.click(add)
    await user.click(screen.getByRole('button', { name: 'Cancel' }))
    expect(document.activeElement).toBe(add)
  })
})

describe('offline', () => {
  test('keeps the content with its age, and says why nothing can be made', async () => {
    const { user, stub } = await inside()
    stub.become(states.offline)
    await screen.findByText('Offline, again in 18 s')
    expect(shown()).toHaveLength(4)
    expect(screen.getByText(/Wallets are as of/)).toBeInstanceOf(HTMLElement)
    const add = screen.getByRole('button', { name: 'New wallet' })
    expect(add.getAttribute('aria-disabled')).toBe('true')
    expect(document.getElementById(add.getAttribute('aria-describedby') ?? '')?.textContent).toBe('Waits for the connection')
    await user.click(add)
    await user.keyboard('{Control>}n{/Control}')
    expect(screen.queryByRole('dialog')).toBeNull()
  })

  test('tells before a log-out what it will not do', async () => {
    const { user } = await inside(states.offline)
    await user.click(screen.getByRole('button', { name: 'Log out' }))
    expect(screen.getByRole('dialog').textContent).toMatch(/cannot be told while you are offline: the session ends there by itself at/)
  })
})

describe('the session', () => {
  test('is refreshed by Ctrl R, and says how long it is good', async () => {
    const { user, stub } = await inside()
    await user.keyboard('{Control>}r{/Control}')
    expect(stub.calls('refreshSession')).toHaveLength(1)
    expect((await screen.findAllByText(/^Refreshed. Good until/)).length).toBeGreaterThan(0)
  })

  test('that cannot be refreshed says why', async () => {
    const { user, stub } = await inside()
    stub.refuse('refreshSession', failures.apiDown)
    await user.keyboard('{Control>}r{/Control}')
    expect((await screen.findAllByText(/Turnkey did not answer. Check the network/)).length).toBeGreaterThan(0)
  })

  test('is told in its own dialog, with its key', async () => {
    const { user } = await inside()
    await user.click(screen.getByRole('button', { name: /^Your session/ }))
    const dialog = screen.getByRole('dialog', { name: 'Your session' })
    for (const text of ['robin@example.org', '022943…f2ad', 'GNOME Keyring', 'e82d52ac-6a2f-4aa9-a521-d4e0e41d3911']) expect(within(dialog).getByText(text)).toBeInstanceOf(HTMLElement)
  })

  test('is left after a question that says what happens', async () => {
    const { user, stub } = await inside()
    await user.click(screen.getByRole('button', { name: /^Your session/ }))
    await user.click(screen.getByRole('button', { name: 'Log out…' }))
    const dialog = screen.getByRole('dialog', { name: 'Log out?' })
    expect(dialog.textContent).toMatch(/The key 022943…f2ad is deleted from GNOME Keyring. The service is told to refuse it at once./)
    stub.lead('logOut', states.loggedOut)
    await user.click(within(dialog).getByRole('button', { name: 'Log out' }))
    await screen.findByRole('heading', { name: 'You are logged out' })
    expect(screen.queryByText('Savings')).toBeNull()
  })

  test('is not left when one stays', async () => {
    const { user, stub } = await inside()
    await user.click(screen.getByRole('button', { name: 'Log out' }))
    await user.click(screen.getByRole('button', { name: 'Stay logged in' }))
    expect(stub.calls('logOut')).toEqual([])
    expect(screen.queryByRole('dialog')).toBeNull()
  })

  test('warns of its end only when a refresh failed', async () => {
    const { stub, desk, user } = await inside(state({ ...states.in, session: session({ expiresAt: noon + 50_000 }) }))
    expect(screen.queryByRole('button', { name: 'Stay' })).toBeNull()
    stub.become(state({ ...states.in, session: session({ expiresAt: noon + 50_000, retryAt: noon + 4000 }) }))
    await desk.ask()
    await user.click(await screen.findByRole('button', { name: 'Stay' }))
    expect(stub.calls('refreshSession')).toHaveLength(1)
  })
})

describe('the status bar', () => {
  test.each([
    ['running', states.in, /Session 11 min 42 s left/],
    ['long', states.long, /Session 8 h 14 min left/],
    ['near its end', states.ending, /Session 0:15 left/],
    ['being refreshed', states.refreshing, /^Refreshing$/],
    ['waiting for another try', states.retrying, /^Refresh failed, again in 18 s$/],
    ['of unknown length', state({ ...states.in, session: session({ lengthSeconds: 0 }) }), /end unknown/],
  ])('tells of a session that is %s', async (_, from, want) => {
    await inside(from)
    const bar = screen.getByRole('contentinfo', { name: 'Status' })
    expect([...bar.querySelectorAll('span')].some((one) => want.test((one.textContent ?? '').trim()))).toBe(true)
  })

  test.each([
    [states.firstRun, ['No profile yet', 'Nothing contacted yet', 'Not logged in']],
    [states.waysLocked, ['SANDBOX', 'Connected', 'GNOME Keyring, locked']],
    [states.failedAbsent, ['No key store']],
  ])('tells what is known before a session', async (from, want) => {
    await openWindow(from)
    const bar = screen.getByRole('contentinfo', { name: 'Status' })
    for (const text of want) expect(within(bar).getByText(text)).toBeInstanceOf(HTMLElement)
  })

  test('tells of a clock that is wrong', async () => {
    await inside(state({ ...states.in, skewMs: 94_000 }))
    expect(screen.getByText('Clock 1:34 slow')).toBeInstanceOf(HTMLElement)
  })
})

describe('the keyboard', () => {
  test('has a table of its shortcuts', async () => {
    const { user } = await inside()
    await user.keyboard('?')
    expect(within(screen.getByRole('dialog', { name: 'Keyboard' })).getByText('new wallet')).toBeInstanceOf(HTMLElement)
  })

  test('goes round the regions with F6', async () => {
    const { user } = await inside()
    document.body.focus()
    const names: (string | null | undefined)[] = []
    for (let i = 0; i < 5; i++) {
      await user.keyboard('{F6}')
      names.push(document.activeElement?.closest('[data-region]')?.getAttribute('aria-label'))
    }
    expect(new Set(names)).toEqual(new Set(['Screens', 'Wallets, actions', 'Wallet list', 'Wallet', 'Status']))
    await user.keyboard('{Shift>}{F6}{/Shift}')
    expect(document.activeElement?.closest('[data-region]')?.getAttribute('aria-label')).toBe(names[3])
  })

  test('leaves shortcuts alone while somebody types', async () => {
    const { user } = await inside()
    const field = screen.getByLabelText<HTMLInputElement>('Find a wallet or address')
    await user.type(field, '?/')
    expect(field.value).toBe('?/')
    expect(screen.queryByRole('dialog')).toBeNull()
  })

  test('skips to the content', async () => {
    const { user } = await inside()
    await user.click(screen.getByRole('link', { name: 'Skip to content' }))
    expect(document.activeElement).toBe(screen.getByRole('heading', { name: 'Wallets' }))
  })
})
