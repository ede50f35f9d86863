import { screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, test } from 'vitest'
import { badlyTried, failures, profiles, state, states, stores, wallets } from '../e2e/scenes'
import { openWindow } from './window'

const openProfiles = async (user: Awaited<ReturnType<typeof openWindow>>['user']) => {
  await user.click(screen.getByRole('button', { name: /Profiles$/ }))
  await screen.findByRole('heading', { name: 'Profiles' })
}

const setUp = async (user: Awaited<ReturnType<typeof openWindow>>['user']) => {
  await openProfiles(user)
  await user.click(await screen.findByRole('button', { name: 'Set up a profile' }))
  await screen.findByRole('heading', { name: 'Set up a profile' })
}

const field = (name: string) => screen.getByRole<HTMLInputElement>('textbox', { name })

describe('profiles', () => {
  test('are listed with their kind, and one that cannot be opened says so', async () => {
    const { user } = await openWindow(states.in, wallets)
    await openProfiles(user)
    expect(await screen.findByText('acme')).toBeInstanceOf(HTMLElement)
    expect(screen.getAllByRole('listitem').map((row) => row.getAttribute('aria-current'))).toEqual(['true', null, null, null])
    const old = screen.getAllByRole('listitem')[3]
    expect(old && within(old).getByText('A setting is wrong')).toBeInstanceOf(HTMLElement)
    expect(old && within(old).queryByRole('button')).toBeNull()
  })

  test('are switched, and the window is the other one at once', async () => {
    const { user, stub } = await openWindow(states.in, wallets)
    await openProfiles(user)
    const other = state({ phase: 'firstRun', profile: { name: 'acme', kind: 'development', backendUrl: 'http://127.0.0.1:3000' }, stores })
    stub.lead('useProfile', other)
    await user.click(await screen.findByRole('button', { name: 'Open acme' }))
    expect(stub.calls('useProfile')).toEqual([['acme']])
    await screen.findByRole('heading', { name: 'Choose where keys will live' })
    expect(within(screen.getByRole('region', { name: 'Profile' })).getByText('acme · http://127.0.0.1:3000')).toBeInstanceOf(HTMLElement)
    expect(document.title).toBe('Latchkey')
    stub.lead('start', states.live)
    await user.click(screen.getByRole('button', { name: 'Open the profile' }))
    await screen.findByRole('heading', { name: 'Wallets' })
    expect(screen.queryByRole('region', { name: 'Profile' })).toBeNull()
  })

  test('that cannot be opened leave this one open, and say why', async () => {
    const { user, stub } = await openWindow(states.in, wallets)
    await openProfiles(user)
    stub.refuse('useProfile', failures.profileBad)
    await user.click(await screen.findByRole('button', { name: 'Open home' }))
    await screen.findByRole('alert')
    await user.keyboard('{Escape}')
    await screen.findByRole('heading', { name: 'Wallets' })
  })

  test('are reached from a failure, where no sandbox was claimed', async () => {
    const { user } = await openWindow(state({ phase: 'failed', profile: { name: '', kind: 'live', backendUrl: '' }, failure: failures.profileBad }))
    expect(screen.queryByText('SANDBOX')).toBeNull()
    expect(document.title).toBe('Latchkey')
    await user.click(screen.getByRole('button', { name: 'Profiles' }))
    await screen.findByRole('heading', { name: 'Profiles' })
  })

  test('are reached by Ctrl and the comma, and from the first run', async () => {
    const { user } = await openWindow(states.firstRun)
    await user.click(screen.getByRole('button', { name: 'Another profile' }))
    await screen.findByRole('heading', { name: 'Profiles' })
    await user.click(screen.getByRole('button', { name: 'Back' }))
    await screen.findByRole('heading', { name: 'Start in the sandbox' })
    await user.keyboard('{Control>},{/Control}')
    await screen.findByRole('heading', { name: 'Profiles' })
  })
})

describe('setting a profile up', () => {
  test('needs a name and a backend before Go is asked', async () => {
    const { user, stub } = await openWindow(states.ways)
    await setUp(user)
    await user.click(screen.getByRole('button', { name: 'Try and save' }))
    expect(screen.getByText('Give it a name.')).toBeInstanceOf(HTMLElement)
    expect(screen.getByText('Type the address of the backend.')).toBeInstanceOf(HTMLElement)
    expect(document.activeElement).toBe(field('Name'))
    expect(stub.calls('setUpProfile')).toEqual([])
  })

  test('says of each part that it is tried, saves, and goes back to the list', async () => {
    const { user, stub } = await openWindow(states.ways)
    await setUp(user)
    await user.type(field('Name'), ' acme ')
    await user.type(field('Backend'), 'http://127.0.0.1:3000/')
    const settle = stub.hold('setUpProfile')
    await user.dblClick(screen.getByRole('button', { name: 'Try and save' }))
    await waitFor(() => expect(screen.getAllByText('Trying…')).toHaveLength(5))
    expect(stub.calls('setUpProfile')).toEqual([[
      { kind: 'development', name: 'acme', backendUrl: 'http://127.0.0.1:3000', apiUrl: '', organizationId: '', sessionLength: '', pins: '' }, false,
    ]])
    settle({ ok: true, value: { checks: [], saved: true } })
    await screen.findByText('acme is set up')
    await screen.findByRole('heading', { name: 'Profiles' })
    expect(stub.calls('profiles')).toHaveLength(2)
  })

  test('that fails says where and what next, saves nothing, and is saved all the same when a person says so', async () => {
    const { user, stub } = await openWindow(states.ways)
    await setUp(user)
    await user.type(field('Name'), 'acme')
    await user.type(field('Backend'), 'http://127.0.0.1:3000')
    stub.answer('setUpProfile', { checks: badlyTried, saved: false })
    await user.click(screen.getByRole('button', { name: 'Try and save' }))
    await screen.findByText(/connection refused/)
    expect(screen.getByText('Check the network, then try again.')).toBeInstanceOf(HTMLElement)
    expect(document.activeElement).toBe(field('Backend'))
    stub.plainly('setUpProfile')
    await user.click(screen.getByRole('button', { name: 'Save all the same' }))
    expect(stub.calls('setUpProfile').map((args) => args[1])).toEqual([false, true])
    await screen.findByRole('heading', { name: 'Profiles' })
  })

  test('forgets what was tried when something else is typed', async () => {
    const { user, stub } = await openWindow(states.ways)
    await setUp(user)
    await user.type(field('Name'), 'acme')
    await user.type(field('Backend'), 'http://127.0.0.1:3000')
    stub.answer('setUpProfile', { checks: badlyTried, saved: false })
    await user.click(screen.getByRole('button', { name: 'Try and save' }))
    await screen.findByText(/connection refused/)
    await user.type(field('Backend'), '1')
    expect(screen.queryByText(/connection refused/)).toBeNull()
    expect(screen.queryByRole('button', { name: 'Save all the same' })).toBeNull()
  })

  test.each([
    [failures.profileWrong, 'Backend', 'Want https; http is for loopback.'],
    [{ code: 'profile.taken', kind: 'conflict' } as const, 'Name', 'There is a profile of this name.'],
    [{ code: 'profile.invalid', kind: 'invalid', detail: 'profile.invalid: notarizer: pinned key notarizer: public key "04ab": not hex' } as const, 'Pinned keys', 'Not hex.'],
  ])('shows what Go refuses beside its field: %#', async (refusal, name, want) => {
    const { user, stub } = await openWindow(states.ways)
    await setUp(user)
    await user.type(field('Name'), 'acme')
    await user.type(field('Backend'), 'http://login.example')
    stub.refuse('setUpProfile', refusal)
    await user.click(screen.getByRole('button', { name: 'Try and save' }))
    await screen.findByText(want)
    expect(field(name).getAttribute('aria-invalid')).toBe('true')
    expect(document.activeElement).toBe(field(name))
  })

  test('of Turnkey itself asks for no keys', async () => {
    const { user, stub } = await openWindow(states.ways)
    await setUp(user)
    await user.type(screen.getByRole('textbox', { name: 'Pinned keys' }), 'x')
    await user.click(screen.getByRole('radio', { name: /^Live/ }))
    expect(screen.queryByRole('textbox', { name: 'Pinned keys' })).toBeNull()
    await user.type(field('Name'), 'home')
    await user.type(field('Backend'), 'https://login.example')
    await user.click(screen.getByRole('button', { name: 'Try and save' }))
    expect(stub.calls('setUpProfile')[0]?.[0]).toMatchObject({ kind: 'live' })
  })
})

test('every profile of the list has its own way in, by name', async () => {
  const { user } = await openWindow(states.ways)
  await openProfiles(user)
  for (const one of profiles.filter((each) => !each.inUse && !each.failure)) expect(await screen.findByRole('button', { name: `Open ${one.name}` })).toBeInstanceOf(HTMLElement)
})
