import { screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, test } from 'vitest'
import { attempt, failures, key, noon, robin, state, states, wallets } from '../e2e/scenes'
import { openWindow } from './window'

const boxes = () => screen.getAllByRole<HTMLInputElement>('textbox', { name: /^Digit/ })
const typed = () => boxes().map((box) => box.value).join('')

describe('loading', () => {
  test('says nothing at once, and words after a while', async () => {
    await openWindow(states.loading)
    expect(screen.queryByText('Opening Latchkey…')).toBeNull()
    await screen.findByText('Opening Latchkey…')
  })

  test('that cannot even ask says why, and asks again', async () => {
    const { user, stub } = await openWindow(states.ways, [], (one) => one.refuse('state', failures.sandboxFailed))
    expect(screen.getByRole('heading', { name: failures.sandboxFailed.title })).toBeInstanceOf(HTMLElement)
    stub.plainly('state')
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    await screen.findByRole('heading', { name: 'Log in' })
  })
})

describe('the first run', () => {
  test('starts with the keychain that answers', async () => {
    const { user, stub } = await openWindow(states.firstRun)
    expect(screen.getByRole<HTMLInputElement>('radio', { name: /GNOME Keyring/ }).checked).toBe(true)
    const start = screen.getByRole('button', { name: 'Start in the sandbox' })
    expect(document.activeElement).toBe(start)
    stub.lead('start', states.ways)
    await user.click(start)
    expect(stub.calls('start')).toEqual([['keychain']])
    await screen.findByRole('heading', { name: 'Log in' })
  })

  test('never falls back to memory in silence', async () => {
    const { user, stub } = await openWindow(states.firstRunAbsent)
    const keychain = screen.getByRole<HTMLInputElement>('radio', { name: /Keychain/ })
    expect(keychain.disabled).toBe(true)
    expect(screen.getByText(/No keychain is running. Start GNOME Keyring/)).toBeInstanceOf(HTMLElement)
    const start = screen.getByRole('button', { name: 'Start in the sandbox' })
    expect(start.getAttribute('aria-disabled')).toBe('true')
    await user.click(start)
    expect(stub.calls('start')).toEqual([])
    await user.click(screen.getByRole('radio', { name: /Memory/ }))
    await user.click(start)
    expect(stub.calls('start')).toEqual([['memory']])
  })

  test('looks for keychains again', async () => {
    const { user, stub } = await openWindow(states.firstRunAbsent)
    stub.lead('checkStores', states.firstRun)
    await user.click(screen.getByRole('button', { name: 'Look again' }))
    await waitFor(() => expect(screen.getByRole<HTMLInputElement>('radio', { name: /GNOME Keyring/ }).checked).toBe(true))
  })

  test('starts once, however often the button is pressed', async () => {
    const { user, stub } = await openWindow(states.firstRun)
    stub.hold('start')
    const start = screen.getByRole('button', { name: /Start/ })
    await user.dblClick(start)
    expect(stub.calls('start')).toHaveLength(1)
    expect(start.getAttribute('aria-busy')).toBe('true')
    await screen.findByText('Waiting for GNOME Keyring…')
  })
})

describe('a failure of the whole window', () => {
  test('says what happened, what it means, and the next step, and does it', async () => {
    const { user, stub } = await openWindow(states.failedLocked)
    const what = failures.keychainLocked
    for (const words of [what.title, what.happened, what.means, what.next]) expect(screen.getByText(words)).toBeInstanceOf(HTMLElement)
    stub.lead('checkStores', states.ways)
    await user.click(screen.getByRole('button', { name: what.action }))
    await screen.findByRole('heading', { name: 'Log in' })
  })

  test('of a keychain offers another place for keys', async () => {
    const { user, stub } = await openWindow(states.failedAbsent)
    stub.lead('chooseStores', states.firstRunAbsent)
    await user.click(screen.getByRole('button', { name: 'Choose another place for keys' }))
    await screen.findByRole('radio', { name: /Memory/ })
  })

  test('of anything else does not', async () => {
    await openWindow(states.failedSandbox)
    expect(screen.queryByRole('button', { name: /another place/ })).toBeNull()
  })

  test('copies its details', async () => {
    const { user, stub } = await openWindow(states.failedSandbox)
    await user.click(screen.getByRole('button', { name: 'Copy details' }))
    expect(stub.calls('copy')[0]?.[0]).toContain('code: sandbox.failed\nkind: unavailable\ncause: sandbox.failed: open sandbox.db: timeout')
    await screen.findAllByText('Copied')
  })
})

describe('ways in', () => {
  test('sends a code to the address, without spaces around it', async () => {
    const { user, stub } = await openWindow(states.ways)
    const field = screen.getByLabelText('E-mail')
    expect(document.activeElement).toBe(field)
    stub.lead('beginLogin', states.code)
    await user.type(field, '  robin@example.org {Enter}')
    expect(stub.calls('beginLogin')).toEqual([['email', robin]])
    await screen.findByRole('heading', { name: 'Enter the code' })
  })

  test.each([['', 'Type the address first.'], ['robin', 'An address has a name, an @ and a domain.'], ['@example.org', 'An address has a name, an @ and a domain.']])('asks Go nothing for %j', async (text, want) => {
    const { user, stub } = await openWindow(states.ways)
    const field = screen.getByLabelText('E-mail')
    if (text) await user.type(field, text)
    await user.click(screen.getByRole('button', { name: 'Send a code' }))
    expect(screen.getByText(want)).toBeInstanceOf(HTMLElement)
    expect(field.getAttribute('aria-invalid')).toBe('true')
    expect(document.activeElement).toBe(field)
    expect(stub.calls('beginLogin')).toEqual([])
  })

  test('puts the refusal of an address under the field', async () => {
    const { user, stub } = await openWindow(states.ways)
    stub.refuse('beginLogin', failures.contact)
    await user.type(screen.getByLabelText('E-mail'), 'robin@localhost{Enter}')
    await screen.findByText('An address has a name, an @ and a domain.')
    expect(screen.queryByRole('alert')).toBeNull()
  })

  test('keeps the address when the backend is down', async () => {
    const { user, stub } = await openWindow(states.ways)
    stub.refuse('beginLogin', failures.backendDown)
    await user.type(screen.getByLabelText('E-mail'), `${robin}{Enter}`)
    expect((await screen.findByRole('alert')).textContent).toContain(failures.backendDown.title)
    expect(screen.getByLabelText<HTMLInputElement>('E-mail').value).toBe(robin)
    stub.lead('beginLogin', states.code)
    await user.click(screen.getByRole('button', { name: 'Send a code' }))
    await screen.findByRole('heading', { name: 'Enter the code' })
  })

  test('waits as long as it was told to', async () => {
    const { user, stub } = await openWindow(states.ways)
    stub.refuse('beginLogin', failures.limited)
    await user.type(screen.getByLabelText('E-mail'), `${robin}{Enter}`)
    const wait = await screen.findByRole('button', { name: /^Wait 4:(10|0\d)$/ })
    await user.click(wait)
    expect(stub.calls('beginLogin')).toHaveLength(1)
  })
})

describe('the code', () => {
  test('is sent when it is full, typed digit by digit', async () => {
    const { user, stub } = await openWindow(states.code)
    expect(document.activeElement).toBe(boxes()[0])
    stub.lead('continueLogin', states.in)
    await user.keyboard('419220')
    expect(stub.calls('continueLogin')).toEqual([['a1', '419220']])
    await screen.findByRole('heading', { name: 'Wallets' })
  })

  test('takes nothing but digits', async () => {
    const { user } = await openWindow(states.code)
    await user.keyboard('4a-1 9')
    expect(typed()).toBe('419')
    expect(document.activeElement).toBe(boxes()[3])
  })

  test('is corrected with arrows and Backspace', async () => {
    const { user } = await openWindow(states.code)
    await user.keyboard('419')
    await user.keyboard('{Backspace}')
    expect(typed()).toBe('41')
    expect(document.activeElement).toBe(boxes()[2])
    await user.keyboard('{ArrowLeft}{ArrowLeft}7')
    expect(typed()).toBe('71')
    expect(document.activeElement).toBe(boxes()[1])
    await user.keyboard('{End}')
    expect(document.activeElement).toBe(boxes()[5])
    await user.keyboard('{Home}{Delete}')
    expect(boxes().map((box) => box.value)).toEqual(['', '1', '', '', '', ''])
  })

  test.each(['419 220', '419-220', 'Your code: 419220'])('is filled and sent by pasting %j', async (text) => {
    const { user, stub } = await openWindow(states.code)
    await user.click(boxes()[3]!)
    await user.paste(text)
    expect(stub.calls('continueLogin')).toEqual([['a1', '419220']])
  })

  test('that is wrong is cleared, says how many tries are left, and begins again', async () => {
    const { user, stub } = await openWindow(states.code)
    stub.refuse('continueLogin', failures.wrong)
    await user.keyboard('000000')
    expect(await screen.findByText(/It did not match. Two tries are left. Use the newest message./)).toBeInstanceOf(HTMLElement)
    expect(screen.getByText('2 tries left')).toBeInstanceOf(HTMLElement)
    expect(typed()).toBe('')
    await waitFor(() => expect(document.activeElement).toBe(boxes()[0]))
    expect(boxes()[0]?.getAttribute('aria-invalid')).toBe('true')
    expect(screen.getByRole('group', { name: 'Six-digit code' }).classList).toContain('shake')
    stub.lead('continueLogin', states.in)
    await user.keyboard('4')
    expect(screen.queryByText(/did not match/)).toBeNull()
    await user.keyboard('19220')
    await screen.findByRole('heading', { name: 'Wallets' })
  })

  test('is sent once while it is checked', async () => {
    const { user, stub } = await openWindow(states.code)
    stub.hold('continueLogin')
    await user.keyboard('419220')
    await user.keyboard('{Enter}5{Backspace}')
    expect(stub.calls('continueLogin')).toHaveLength(1)
    expect(typed()).toBe('419220')
    await screen.findByText('Checking the code…')
  })

  test('stays when the backend is down, and is tried again', async () => {
    const { user, stub } = await openWindow(states.code)
    stub.refuse('continueLogin', failures.backendDown)
    await user.keyboard('419220')
    const alert = await screen.findByRole('alert')
    expect(typed()).toBe('419220')
    stub.lead('continueLogin', states.in)
    await user.click(within(alert).getByRole('button', { name: 'Try again' }))
    await screen.findByRole('heading', { name: 'Wallets' })
  })

  test.each([['otp.expired', failures.expired, 'The code is no longer valid.'], ['otp.locked', failures.tried, 'Too many wrong codes.']])('that is over (%s) offers a new one', async (_, what, words) => {
    const { user, stub } = await openWindow(states.codeResend)
    stub.refuse('continueLogin', what)
    await user.keyboard('419220')
    expect(await screen.findByText(words)).toBeInstanceOf(HTMLElement)
    expect(boxes().every((box) => box.disabled)).toBe(true)
    const fresh = state({ ...states.code, attempt: { ...attempt, id: 'a2' } })
    stub.lead('resendLogin', fresh)
    await user.click(screen.getByRole('button', { name: 'Send a new code' }))
    expect(stub.calls('resendLogin')).toEqual([['a1']])
    await waitFor(() => expect(boxes().every((box) => !box.disabled)).toBe(true))
    expect(screen.queryByText(words)).toBeNull()
    await waitFor(() => expect(document.activeElement).toBe(boxes()[0]))
  })

  test('is over by the clock without asking', async () => {
    await openWindow(states.codeExpired)
    expect(screen.getByText('The code is no longer valid.')).toBeInstanceOf(HTMLElement)
    expect(screen.getByText('No longer valid')).toBeInstanceOf(HTMLElement)
  })

  test('is not asked for again once it was right, however late', async () => {
    const { user, stub } = await openWindow(states.codeVerified)
    expect(screen.queryByText('The code is no longer valid.')).toBeNull()
    await user.click(screen.getByRole('button', { name: 'Go on' }))
    expect(stub.calls('continueLogin')).toEqual([[attempt.id, '']])
  })

  test('cannot be sent again before its time, and says when', async () => {
    await openWindow(states.code)
    expect(screen.getByText(/^Resend in 0:(2[0-2]|1\d)$/)).toBeInstanceOf(HTMLElement)
    expect(screen.queryByRole('button', { name: 'Send a new code' })).toBeNull()
  })

  test('says how long to wait when too many were asked for', async () => {
    const { user, stub } = await openWindow(states.codeResend)
    stub.refuse('resendLogin', failures.limited)
    await user.click(screen.getByRole('button', { name: 'Send a new code' }))
    await screen.findByText(/^Wait 4:(10|0\d)$/)
    expect(boxes().every((box) => !box.disabled)).toBe(true)
  })

  test('is one press away in the sandbox', async () => {
    const { user, stub } = await openWindow(states.code)
    stub.lead('continueLogin', states.in)
    await user.click(screen.getByRole('button', { name: 'Fill it in' }))
    expect(stub.calls('sandboxCode')).toEqual([['a1']])
    expect(stub.calls('continueLogin')).toEqual([['a1', '419220']])
    await screen.findByRole('heading', { name: 'Wallets' })
  })

  test('is never one press away outside the sandbox', async () => {
    await openWindow(state({ ...states.code, profile: { name: 'home', kind: 'live', backendUrl: '' } }))
    expect(screen.queryByRole('button', { name: 'Fill it in' })).toBeNull()
  })

  test('can be given up for another address, which is kept', async () => {
    const { user, stub } = await openWindow(states.code)
    stub.lead('cancelLogin', states.ways)
    await user.click(screen.getByRole('button', { name: 'Change' }))
    expect(stub.calls('cancelLogin')).toEqual([['a1']])
    expect((await screen.findByLabelText<HTMLInputElement>('E-mail')).value).toBe(robin)
  })

  test('is given up by Esc', async () => {
    const { user, stub } = await openWindow(states.code)
    stub.lead('cancelLogin', states.ways)
    await user.keyboard('{Escape}')
    await screen.findByRole('heading', { name: 'Log in' })
  })

  test('keeps what is typed and where the focus is when the state is told anew', async () => {
    const { user, stub, desk } = await openWindow(states.code)
    await user.keyboard('419')
    const change = screen.getByRole('button', { name: 'Change' })
    change.focus()
    stub.become({ ...states.code, attempt: { ...attempt } })
    await desk.ask()
    expect(typed()).toBe('419')
    expect(document.activeElement).toBe(change)
  })

  test('of letters takes letters, in two groups', async () => {
    const { user, stub } = await openWindow(states.codeLetters)
    expect(screen.getByRole('group', { name: 'Nine-character code' })).toBeInstanceOf(HTMLElement)
    await user.paste('QPZ-RY9-X8G')
    expect(stub.calls('continueLogin')).toEqual([['a1', 'QPZRY9X8G']])
  })

  test('names its key for a screen reader', async () => {
    await openWindow(states.code)
    expect(screen.getByRole('img', { name: `key ${key.slice(0, 6)} to ${key.slice(-4)}` })).toBeInstanceOf(SVGElement)
  })

  test('closes the latch on the same page before the wallets are shown', async () => {
    const { user, stub } = await openWindow(states.code, wallets, undefined, 150)
    stub.lead('continueLogin', states.in)
    await user.keyboard('419220')
    expect((await screen.findAllByText('Session begun')).length).toBeGreaterThan(0)
    await screen.findByRole('heading', { name: 'Wallets' })
  })
})

test('a key kept in memory is said to be in memory', async () => {
  await openWindow(state({ ...states.code, store: { backend: 'memory', name: 'Memory, until you quit', state: 'memory', failure: null } }))
  expect(screen.getByText(/in memory$/)).toBeInstanceOf(HTMLElement)
  expect(within(screen.getByRole('contentinfo')).getByText('Memory, until you quit')).toBeInstanceOf(HTMLElement)
})

describe('an ended session', () => {
  test.each([
    [states.endedStartup, 'Your session ended while Latchkey was closed', /untouched/],
    [states.loggedOut, 'You are logged out', /gone from this computer. The service refuses it/],
    [states.loggedOutLocked, 'You are logged out', /could not be reached: it is deleted there as soon as it can be/],
    [states.loggedOutOffline, 'You are logged out', /could not be told. It ends there by itself at/],
  ])('says why', async (from, title, say) => {
    const { user, stub } = await openWindow(from)
    expect(screen.getByRole('heading', { name: title })).toBeInstanceOf(HTMLElement)
    expect(screen.getAllByText(say).length).toBeGreaterThan(0)
    stub.lead('acknowledge', states.ways)
    await user.click(screen.getByRole('button', { name: 'Log in again' }))
    await screen.findByRole('heading', { name: 'Log in' })
  })

  test('keeps the wallets in sight, out of reach', async () => {
    const { stub } = await openWindow(states.in, wallets)
    await screen.findByText('Savings')
    stub.become(states.endedRevoked)
    await screen.findByRole('heading', { name: 'Your session was revoked' })
    // jsdom knows inert as a property alone.
    let above: HTMLElement | null = screen.getByText('Savings')
    while (above && !above.inert) above = above.parentElement
    expect(above).not.toBeNull()
    expect(screen.getByText('Session ended: revoked')).toBeInstanceOf(HTMLElement)
    expect(document.activeElement?.textContent).toContain('Log in again')
  })
})

test('the window says in its title that it is the sandbox', async () => {
  await openWindow(states.ways)
  expect(document.title).toBe('Latchkey (SANDBOX)')
})

test('the window is silent about what is not the sandbox', async () => {
  await openWindow(state({ ...states.ways, profile: { name: 'home', kind: 'live', backendUrl: '' }, now: noon }))
  expect(document.title).toBe('Latchkey')
  expect(screen.queryByText('SANDBOX')).toBeNull()
})
