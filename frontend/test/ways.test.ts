import { screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { failures, robin, states, wallets } from '../e2e/scenes'
import { openWindow } from './window'

describe('other ways in', () => {
  test('a code by text message goes to a number with its country', async () => {
    const { user, stub } = await openWindow(states.ways)
    await user.click(screen.getByRole('button', { name: 'Use a phone number' }))
    const field = screen.getByLabelText<HTMLInputElement>('Phone number')
    expect(document.activeElement).toBe(field)
    await user.selectOptions(screen.getByLabelText('Country'), 'CH')
    expect(field.value).toBe('+41 ')
    await user.type(field, '79 123 45 67')
    await user.selectOptions(screen.getByLabelText('Country'), 'DE')
    expect(field.value).toBe('+49 791234567')
    await user.type(field, '{Enter}')
    expect(stub.calls('beginLogin')).toEqual([['phone', '+49 791234567']])
  })

  test.each(['c', '', 'en', 'de-CH', 'zh-Hant-TW', 'en-US-posix'])('a system of the language %j has the ways in', async (language) => {
    vi.spyOn(navigator, 'language', 'get').mockReturnValue(language)
    onTestFinished(() => void vi.restoreAllMocks())
    const { user } = await openWindow(states.ways)
    await user.click(screen.getByRole('button', { name: 'Use a phone number' }))
    const want: Record<string, string> = { 'de-CH': '+41 ', 'zh-Hant-TW': '+886 ', 'en-US-posix': '+1 ' }
    expect(screen.getByLabelText<HTMLInputElement>('Phone number').value).toBe(want[language] ?? '')
  })

  test('the country follows what is typed, and stays the one chosen of those that share a code', async () => {
    const { user } = await openWindow(states.ways)
    await user.click(screen.getByRole('button', { name: 'Use a phone number' }))
    const field = screen.getByLabelText<HTMLInputElement>('Phone number')
    const country = () => screen.getByLabelText<HTMLSelectElement>('Country').value
    await user.clear(field)
    await user.type(field, '0041 79')
    expect(country()).toBe('CH')
    await user.selectOptions(screen.getByLabelText('Country'), 'CA')
    await user.type(field, '1')
    expect(country()).toBe('CA')
  })

  test.each([['', 'Type the number first.'], ['079 123 45 67', 'A number is +'], ['+41 12', 'A number is +']])('asks Go nothing for the number %j', async (text, want) => {
    const { user, stub } = await openWindow(states.ways)
    await user.click(screen.getByRole('button', { name: 'Use a phone number' }))
    const field = screen.getByLabelText<HTMLInputElement>('Phone number')
    await user.clear(field)
    if (text) await user.type(field, text)
    await user.click(screen.getByRole('button', { name: 'Send a code' }))
    expect(screen.getByText((words) => words.startsWith(want))).toBeInstanceOf(HTMLElement)
    expect(stub.calls('beginLogin')).toEqual([])
  })

  test('a number that Go refuses is told at the field', async () => {
    const { user } = await openWindow(states.ways, [], (stub) => stub.refuse('beginLogin', failures.phone))
    await user.click(screen.getByRole('button', { name: 'Use a phone number' }))
    const field = screen.getByLabelText<HTMLInputElement>('Phone number')
    await user.clear(field)
    await user.type(field, '+999 12345678{Enter}')
    await waitFor(() => expect(field.getAttribute('aria-invalid')).toBe('true'))
  })

  test('a link by e-mail keeps the address that was typed', async () => {
    const { user, stub } = await openWindow(states.ways)
    await user.type(screen.getByLabelText('E-mail'), robin)
    await user.click(screen.getByRole('button', { name: 'Get a link by e-mail' }))
    expect(screen.getByText(/Who is new takes a code first/)).toBeInstanceOf(HTMLElement)
    stub.lead('beginLogin', states.link)
    await user.click(screen.getByRole('button', { name: 'Send a link' }))
    expect(stub.calls('beginLogin')).toEqual([['emailLink', robin]])
    await screen.findByRole('heading', { name: 'Paste the link' })
  })

  test('providers are shown by name, those that there are', async () => {
    const { user, stub } = await openWindow(states.ways)
    const names = within(screen.getByRole('group', { name: 'Log in by a provider' })).getAllByRole('button').map((one) => one.textContent.trim())
    expect(names).toEqual(['Google', 'Apple', 'Facebook', 'Discord', 'X', '127.0.0.1:40213'])
    stub.lead('beginLogin', states.trip)
    await user.click(screen.getByRole('button', { name: 'Log in by Google' }))
    expect(stub.calls('beginLogin')).toEqual([['provider', 'google']])
    await screen.findByRole('heading', { name: 'Go on in your browser' })
  })

  test('what the profile does not offer is not shown', async () => {
    await openWindow(states.waysLive)
    for (const name of ['Use a phone number', 'Get a link by e-mail', 'Use a passkey', 'Make a passkey', 'Use a wallet’s key file', 'Log in by Apple']) expect(screen.queryByRole('button', { name }), name).toBeNull()
    expect(screen.getByRole('button', { name: 'Log in by Google' })).toBeInstanceOf(HTMLElement)
  })

  test('a passkey that is there needs nothing typed, and a new one a name', async () => {
    const { user, stub } = await openWindow(states.ways)
    await user.click(screen.getByRole('button', { name: 'Use a passkey' }))
    expect(stub.calls('beginLogin')).toEqual([['passkey', '']])
    await user.click(screen.getByRole('button', { name: 'Make a passkey' }))
    const field = screen.getByLabelText<HTMLInputElement>('Name of the passkey')
    await user.clear(field)
    await user.type(field, '{Enter}')
    expect(screen.getByText('Give it a name.')).toBeInstanceOf(HTMLElement)
    await user.type(field, 'Laptop{Enter}')
    expect(stub.calls('beginLogin')[1]).toEqual(['passkey', 'Laptop'])
  })

  test('a wallet whose account others may open is entered only if the person says that all of it is theirs', async () => {
    const { user, stub } = await openWindow(states.ways, [], (one) => one.refuse('logInByWalletFile', failures.walletShared))
    await user.click(screen.getByRole('button', { name: 'Use a wallet’s key file' }))
    await screen.findByText(`${failures.walletShared.title}.`)
    stub.lead('logInByWalletFile', states.in)
    await user.click(screen.getByRole('button', { name: 'The other ways in are mine' }))
    expect(stub.calls('logInByWalletFile')).toEqual([[''], ['all']])
  })

  test('a wallet in the browser is begun there, and again when all of its account is said to be theirs', async () => {
    const { user, stub } = await openWindow(states.ways)
    stub.lead('beginLogin', states.tripShared)
    await user.click(screen.getByRole('button', { name: 'Use a wallet' }))
    await user.click(await screen.findByRole('button', { name: 'The other ways in are mine' }))
    expect(stub.calls('beginLogin')).toEqual([['wallet', ''], ['wallet', 'all']])
  })

  test('turning away from the choice of a file shows nothing', async () => {
    const { user } = await openWindow(states.ways, [], (stub) => stub.refuse('logInByWalletFile', { code: 'cancelled', kind: 'cancelled' }))
    await user.click(screen.getByRole('button', { name: 'Use a wallet’s key file' }))
    expect(screen.queryByRole('alert')).toBeNull()
  })
})

describe('the browser', () => {
  test('is opened again, and its link copied', async () => {
    const { user, stub } = await openWindow(states.trip)
    expect(document.activeElement).toBe(screen.getByRole('heading', { name: 'Go on in your browser' }))
    expect(screen.getByText('accounts.google.com')).toBeInstanceOf(HTMLElement)
    await user.click(screen.getByRole('button', { name: 'Open it again' }))
    expect(stub.calls('openBrowser')).toEqual([['b1']])
    await user.click(screen.getByRole('button', { name: 'Copy the link' }))
    expect(stub.calls('copyLink')).toEqual([['b1']])
    await screen.findAllByText('Link copied')
  })

  test('that did not open says so, and offers the link', async () => {
    const { user, stub } = await openWindow(states.tripUnopened)
    await user.click(within(screen.getByRole('alert')).getByRole('button', { name: 'Copy the link' }))
    expect(stub.calls('copyLink')).toEqual([['b1']])
    stub.refuse('openBrowser', failures.browserUnopened)
    await user.click(screen.getByRole('button', { name: 'Open the browser' }))
    expect(screen.getAllByRole('alert')).toHaveLength(1)
  })

  test('shows the number to compare', async () => {
    await openWindow(states.tripMatch)
    expect(screen.getByText('47')).toBeInstanceOf(HTMLElement)
    expect(screen.getByText(/Your passkey is asked for there/)).toBeInstanceOf(HTMLElement)
  })

  test.each([['tripLate', 'The log-in page is too old.'], ['tripDenied', 'Nobody was logged in.']] as const)('%s: a new page is offered', async (name, want) => {
    const { user, stub } = await openWindow(states[name])
    expect(screen.getByText(want)).toBeInstanceOf(HTMLElement)
    stub.lead('resendLogin', states.trip)
    await user.click(screen.getByRole('button', { name: 'Open a new page' }))
    expect(stub.calls('resendLogin')).toEqual([['b1']])
    await screen.findByRole('button', { name: 'Open it again' })
  })

  test('the address of the last page can be pasted', async () => {
    const { user, stub } = await openWindow(states.trip, [], (one) => one.refuse('continueLogin', failures.browserPasted))
    await user.click(screen.getByRole('button', { name: 'The browser did not come back?' }))
    const field = screen.getByLabelText('Address of the last page')
    expect(document.activeElement).toBe(field)
    await user.type(field, ' http://127.0.0.1:1/oauth {Enter}')
    expect(stub.calls('continueLogin')).toEqual([['b1', 'http://127.0.0.1:1/oauth']])
    await waitFor(() => expect(field.getAttribute('aria-invalid')).toBe('true'))
    stub.lead('continueLogin', states.in)
    await user.type(field, '{Enter}')
    await screen.findByRole('heading', { name: 'Wallets' })
  })

  test('after it nothing is asked for twice', async () => {
    const { user, stub } = await openWindow(states.tripVerified)
    expect(screen.getByText(/Google has said who you are/)).toBeInstanceOf(HTMLElement)
    stub.lead('continueLogin', states.in)
    await user.click(screen.getByRole('button', { name: 'Go on' }))
    expect(stub.calls('continueLogin')).toEqual([['b1', '']])
    await screen.findByRole('heading', { name: 'Wallets' })
  })

  test('Escape leaves it for another way', async () => {
    const { user, stub } = await openWindow(states.trip)
    stub.lead('cancelLogin', states.ways)
    await user.keyboard('{Escape}')
    expect(stub.calls('cancelLogin')).toEqual([['b1']])
    await screen.findByRole('heading', { name: 'Log in' })
  })

  test('coming back while the screen is shown latches the key', async () => {
    const { stub } = await openWindow(states.trip, wallets, () => {}, 50)
    stub.become(states.in)
    await screen.findByText('Session begun', { selector: 'p' })
    await screen.findByRole('heading', { name: 'Wallets' })
  })
})

describe('the link by e-mail', () => {
  test('is pasted', async () => {
    const { user, stub } = await openWindow(states.link, [], (one) => one.refuse('continueLogin', failures.mailWrong))
    const field = screen.getByLabelText('Link or key from the message')
    expect(document.activeElement).toBe(field)
    await user.click(screen.getByRole('button', { name: 'Log in' }))
    expect(stub.calls('continueLogin')).toEqual([])
    expect(screen.getByText('Paste it first.')).toBeInstanceOf(HTMLElement)
    await user.type(field, ' https://x.example/?bundle=abc {Enter}')
    expect(stub.calls('continueLogin')).toEqual([['l1', 'https://x.example/?bundle=abc']])
    await screen.findByText(`${failures.mailWrong.title}.`)
    stub.lead('continueLogin', states.in)
    await user.type(field, 'def{Enter}')
    await screen.findByRole('heading', { name: 'Wallets' })
  })

  test('is filled in from the sandbox, and nowhere else', async () => {
    const { user, stub, desk } = await openWindow(states.link)
    stub.lead('continueLogin', states.in)
    await user.click(screen.getByRole('button', { name: 'Fill it in' }))
    expect(stub.calls('sandboxCode')).toEqual([['l1']])
    expect(stub.calls('continueLogin')).toEqual([['l1', '419220']])
    stub.become({ ...states.link, profile: states.waysLive.profile })
    await desk.ask()
    await screen.findByRole('heading', { name: 'Paste the link' })
    expect(screen.queryByRole('button', { name: 'Fill it in' })).toBeNull()
  })

  test('is sent anew when its time is over', async () => {
    const { user, stub } = await openWindow(states.linkExpired)
    expect(screen.queryByLabelText('Link or key from the message')).toBeNull()
    stub.lead('resendLogin', states.link)
    await user.click(screen.getByRole('button', { name: 'Send a new message' }))
    expect(stub.calls('resendLogin')).toEqual([['l1']])
    await screen.findByLabelText('Link or key from the message')
  })
})
