import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ended, failures, noon, session, state, states, wallets } from '../e2e/scenes'
import { Busy } from '../src/state/busy.svelte'
import { Desk } from '../src/state/desk.svelte'
import { Toasts } from '../src/state/toasts.svelte'
import { Stub } from './stub'

beforeEach(() => void vi.useFakeTimers({ now: noon + 3_600_000 }))
afterEach(() => void vi.useRealTimers())

describe('what is under way', () => {
  test('says nothing for 300 ms, then words, and from 5 s what to look for', async () => {
    const busy = new Busy()
    const done = busy.during(() => new Promise((end) => setTimeout(end, 6000)))
    expect([busy.on, busy.slow, busy.late]).toEqual([true, false, false])
    await vi.advanceTimersByTimeAsync(299)
    expect(busy.slow).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect([busy.slow, busy.late]).toEqual([true, false])
    await vi.advanceTimersByTimeAsync(4700)
    expect(busy.late).toBe(true)
    await vi.advanceTimersByTimeAsync(1000)
    await done
    expect([busy.on, busy.slow, busy.late]).toEqual([false, false, false])
  })

  test('lasts until the last of several is done, and survives a throw', async () => {
    const busy = new Busy()
    busy.begin()
    await expect(busy.during(async () => { throw new Error('no') })).rejects.toThrow('no')
    expect(busy.on).toBe(true)
    busy.end()
    expect(busy.on).toBe(false)
  })
})

describe('toasts', () => {
  test('go after four seconds, but not from under the pointer', async () => {
    const toasts = new Toasts()
    const id = toasts.show('done', 'Made')
    await vi.advanceTimersByTimeAsync(3900)
    toasts.hold(id)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(toasts.list).toHaveLength(1)
    toasts.release(id)
    await vi.advanceTimersByTimeAsync(4000)
    expect(toasts.list).toHaveLength(0)
  })

  test('are three at most, the newest', () => {
    const toasts = new Toasts()
    for (const text of ['a', 'b', 'c', 'd']) toasts.show('done', text)
    expect(toasts.list.map((toast) => toast.text)).toEqual(['b', 'c', 'd'])
  })

  test('say the same words twice so that they are heard twice', () => {
    const toasts = new Toasts()
    toasts.say('Copied')
    const first = toasts.said
    toasts.say('Copied')
    expect(toasts.said).not.toBe(first)
    expect(toasts.said.trim()).toBe('Copied')
  })
})

/** A desk that runs over a stub; stop it at the end. */
async function run(stub: Stub, latch = 0) {
  const desk = new Desk(stub, () => latch)
  const stop = desk.run()
  await vi.advanceTimersByTimeAsync(0)
  return { desk, stop }
}

describe('the desk', () => {
  test('asks at the start, and again when Go says that something changed', async () => {
    const stub = new Stub(states.ways)
    const { desk, stop } = await run(stub)
    expect(desk.state?.phase).toBe('ways')
    stub.become(states.code)
    await vi.advanceTimersByTimeAsync(0)
    expect(desk.state?.phase).toBe('code')
    stop()
  })

  test('makes one question of a storm of changes', async () => {
    const stub = new Stub(states.ways)
    const { stop } = await run(stub)
    const before = stub.calls('state').length
    const settle = stub.hold('state')
    for (let i = 0; i < 100; i++) stub.become(states.ways)
    stub.plainly('state')
    settle({ ok: true, value: states.ways })
    await vi.advanceTimersByTimeAsync(0)
    expect(stub.calls('state').length - before).toBe(2)
    stop()
  })

  test('stops listening and ticking', async () => {
    const stub = new Stub(states.ways)
    const { stop } = await run(stub)
    stop()
    const before = stub.calls('state').length
    stub.become(states.code)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(stub.calls('state')).toHaveLength(before)
  })

  test("keeps the service's time, not this computer's", async () => {
    const { desk, stop } = await run(new Stub(states.ways))
    expect(desk.now).toBe(noon)
    await vi.advanceTimersByTimeAsync(5000)
    expect(desk.now).toBe(noon + 5000)
    stop()
  })

  test('asks anew after a sleep: wall and monotonic clock have parted', async () => {
    const stub = new Stub(states.ways)
    const { stop } = await run(stub)
    const before = stub.calls('state').length
    vi.setSystemTime(Date.now() + 600_000)
    await vi.advanceTimersByTimeAsync(1000)
    expect(stub.calls('state').length).toBe(before + 1)
    await vi.advanceTimersByTimeAsync(5000)
    expect(stub.calls('state').length).toBe(before + 1)
    stop()
  })

  test('asks when the window is looked at again', async () => {
    const stub = new Stub(states.ways)
    const { stop } = await run(stub)
    const before = stub.calls('state').length
    window.dispatchEvent(new Event('focus'))
    await vi.advanceTimersByTimeAsync(0)
    expect(stub.calls('state').length).toBe(before + 1)
    stop()
  })

  test('tells why the state could not be asked for, and forgets it when it can', async () => {
    const stub = new Stub(states.ways)
    stub.refuse('state', failures.sandboxFailed)
    const { desk, stop } = await run(stub)
    expect(desk.failure?.code).toBe('sandbox.failed')
    stub.plainly('state')
    await desk.ask()
    expect(desk.failure).toBeNull()
    stop()
  })

  test('asks again after a refusal, which may have changed the state', async () => {
    const stub = new Stub(states.code)
    const { desk, stop } = await run(stub)
    stub.refuse('continueLogin', failures.wrong)
    stub.now = state({ ...states.code, attempt: { ...states.code.attempt!, triesLeft: 2 } })
    const result = await desk.do((gateway) => gateway.continueLogin('a1', '000000'))
    expect(result.ok).toBe(false)
    expect(desk.state?.attempt?.triesLeft).toBe(2)
    stop()
  })

  test('closes the latch before it opens the gate, when a session is stored', async () => {
    const stub = new Stub(states.code)
    const { desk, stop } = await run(stub, 280)
    stub.lead('continueLogin', states.in)
    await desk.do((gateway) => gateway.continueLogin('a1', '419220'))
    expect(desk.state?.phase).toBe('code')
    expect(desk.latching).toBe(states.in.session?.publicKey)
    stub.become(states.refreshing)
    await vi.advanceTimersByTimeAsync(279)
    expect(desk.state?.phase).toBe('code')
    await vi.advanceTimersByTimeAsync(1)
    expect(desk.state).toEqual(states.refreshing)
    expect(desk.latching).toBe('')
    stop()
  })

  test('remembers the address of the log-in before', async () => {
    const stub = new Stub(states.code)
    const { desk, stop } = await run(stub)
    stub.become(states.ways)
    await vi.advanceTimersByTimeAsync(0)
    expect(desk.contact).toBe('robin@example.org')
    stop()
  })
})

describe('wallets', () => {
  test('are read when a session begins, and again when the connection is back', async () => {
    const stub = new Stub(states.in, wallets)
    const { desk, stop } = await run(stub)
    expect(desk.wallets.list).toHaveLength(4)
    expect(desk.wallets.selected?.name).toBe('Everyday')
    expect(desk.wallets.asOf).toBe(noon)
    stub.become(states.offline)
    await vi.advanceTimersByTimeAsync(0)
    expect(stub.calls('wallets')).toHaveLength(1)
    stub.become(states.in)
    await vi.advanceTimersByTimeAsync(0)
    expect(stub.calls('wallets')).toHaveLength(2)
    stop()
  })

  test('stay as they were when reading fails', async () => {
    const stub = new Stub(states.in, wallets)
    const { desk, stop } = await run(stub)
    stub.refuse('wallets', failures.apiDown)
    await desk.wallets.load()
    expect(desk.wallets.list).toHaveLength(4)
    expect(desk.wallets.failure?.code).toBe('api.unreachable')
    stop()
  })

  test('stay after an ending, and are forgotten after a log-out', async () => {
    const stub = new Stub(states.in, wallets)
    const { desk, stop } = await run(stub)
    stub.become(states.endedRevoked)
    await vi.advanceTimersByTimeAsync(0)
    expect(desk.wallets.list).toHaveLength(4)
    stub.become(state({ phase: 'ended', ended: ended({ reason: 'loggedOut' }) }))
    await vi.advanceTimersByTimeAsync(0)
    expect(desk.wallets.list).toBeNull()
    stop()
  })

  test('of one person never show to another, even when their answer comes late', async () => {
    const stub = new Stub(states.in, wallets)
    const settle = stub.hold('wallets')
    const { desk, stop } = await run(stub)
    stub.plainly('wallets')
    stub.list = []
    stub.become(state({ ...states.in, session: session({ organizationId: 'another' }) }))
    await vi.advanceTimersByTimeAsync(0)
    settle({ ok: true, value: wallets })
    await vi.advanceTimersByTimeAsync(0)
    expect(desk.wallets.list).toEqual([])
    stop()
  })

  test('have the new one in the list at once, selected', async () => {
    const stub = new Stub(states.in, wallets)
    const { desk, stop } = await run(stub)
    await desk.wallets.create('Fifth', ['ethereum'])
    expect(desk.wallets.list?.map((wallet) => wallet.name).at(-1)).toBe('Fifth')
    expect(desk.wallets.selected?.name).toBe('Fifth')
    stop()
  })
})
