// The one store. It asks Go for the state, asks again when it hears of a change, and keeps a clock that runs on the
// service's time, so that every countdown agrees with Go.

import { createContext } from 'svelte'
import type { Failure, Gateway, Result, State } from '../gateway'
import { Toasts } from './toasts.svelte'
import { Wallets } from './wallets.svelte'

/** How far wall and monotonic clock may part in one tick before we ask again: the computer slept, or its clock was set. */
const driftAllowed = 2000

export class Desk {
  readonly gateway: Gateway
  readonly toasts = new Toasts()
  readonly wallets: Wallets

  /** What is shown; null before the first answer. */
  state = $state.raw<State | null>(null)
  /** Why the state could not be asked for. */
  failure = $state.raw<Failure | null>(null)
  /** The service's time, moved on once a second. */
  now = $state(0)
  /** The key that is being latched: a session was stored, and its gate is about to open. */
  latching = $state('')
  /** The address or number of the log-in before, so that it need not be typed again. */
  contact = $state('')

  #received = { wall: 0, mono: 0 }
  #asking: Promise<void> | null = null
  #again = false
  #next: State | null = null
  #latchTime: () => number
  #stop: (() => void)[] = []

  /** latchTime tells how long the latch takes to close, in ms; 0 with reduced motion. */
  constructor(gateway: Gateway, latchTime: () => number = () => 0) {
    this.gateway = gateway
    this.wallets = new Wallets(gateway, () => this.serviceTime())
    this.#latchTime = latchTime
  }

  /** Begins to listen and to tick, and asks for the first state. The answer stops it. */
  run(): () => void {
    const ask = () => void this.ask()
    const back = () => {
      void this.gateway.focus()
      ask()
    }
    const seen = () => document.visibilityState === 'visible' && back()
    const tick = setInterval(() => this.#tick(), 1000)
    document.addEventListener('visibilitychange', seen)
    window.addEventListener('focus', back)
    this.#stop.push(
      this.gateway.onChanged(ask),
      () => clearInterval(tick),
      () => document.removeEventListener('visibilitychange', seen),
      () => window.removeEventListener('focus', back),
    )
    ask()
    return () => this.#stop.splice(0).forEach((stop) => stop())
  }

  /** Asks for the state. Calls that come while one is under way lead to one more, not to many. */
  ask(): Promise<void> {
    if (this.#asking) {
      this.#again = true
      return this.#asking
    }
    this.#asking = (async () => {
      try {
        do {
          this.#again = false
          this.take(await this.gateway.state())
        } while (this.#again)
      } finally {
        this.#asking = null
      }
    })()
    return this.#asking
  }

  /** Runs a call that answers with the state, and shows it. */
  async do(call: (gateway: Gateway) => Promise<Result<State>>): Promise<Result<State>> {
    const result = await call(this.gateway)
    if (result.ok) this.take(result)
    // A refusal may have changed the state as well: tries left, the connection, the end of the session.
    else await this.ask()
    return result
  }

  take(result: Result<State>) {
    if (!result.ok) {
      this.failure = result.failure
      return
    }
    this.failure = null
    const next = result.value
    if (next.attempt && next.phase !== 'browser') this.contact = next.attempt.contact
    if (this.latching) {
      this.#next = next
      return
    }
    const wait = this.state?.attempt && next.phase === 'in' ? this.#latchTime() : 0
    if (wait > 0) {
      this.latching = next.session?.publicKey ?? ''
      this.#next = next
      setTimeout(() => this.#open(), wait)
      return
    }
    this.#show(next)
  }

  #open() {
    this.latching = ''
    const next = this.#next
    this.#next = null
    if (next) this.#show(next)
  }

  #show(next: State) {
    const before = this.state
    this.#received = { wall: Date.now(), mono: performance.now() }
    this.state = next
    this.now = next.now
    this.#follow(before, next)
  }

  /** Wallets follow the session: read when it begins and when the connection is back, forgotten when it is left. */
  #follow(before: State | null, next: State) {
    switch (next.phase) {
      case 'in': {
        const other = this.#owner !== '' && this.#owner !== next.session?.organizationId
        if (other) this.wallets.forget()
        this.#owner = next.session?.organizationId ?? ''
        const began = before?.phase !== 'in' || other
        const back = before?.connection === 'offline' && next.connection === 'connected'
        if (began || back) void this.wallets.load()
        return
      }
      case 'ended':
        if (next.ended?.reason === 'loggedOut') this.wallets.forget()
        return
      default:
        this.wallets.forget()
        this.#owner = ''
    }
  }
  #owner = ''

  /** The service's time now. */
  serviceTime(): number {
    return this.state ? this.state.now + Math.max(0, Date.now() - this.#received.wall) : 0
  }

  #tick() {
    if (!this.state) return
    const wall = Date.now() - this.#received.wall
    const mono = performance.now() - this.#received.mono
    this.now = this.serviceTime()
    if (Math.abs(wall - mono) > driftAllowed) {
      this.#received = { wall: Date.now() - Math.max(0, wall), mono: performance.now() - Math.max(0, wall) }
      void this.gateway.focus()
      void this.ask()
    }
  }
}

export const [useDesk, provideDesk] = createContext<Desk>()
