import { render } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { onTestFinished } from 'vitest'
import App from '../src/App.svelte'
import type { State, Wallet } from '../src/gateway'
import { Desk } from '../src/state/desk.svelte'
import { Stub } from './stub'

/** The whole window over a stub, with a person before it. The latch is open at once unless said otherwise. */
export async function openWindow(state: State, wallets: Wallet[] = [], prepare: (stub: Stub) => void = () => {}, latch = 0) {
  const stub = new Stub(state, wallets)
  prepare(stub)
  const latchTime = () => latch
  const desk = new Desk(stub, latchTime)
  const stop = desk.run()
  onTestFinished(stop)
  await desk.ask()
  const view = render(App, { props: { desk, latchTime } })
  return { stub, desk, view, user: userEvent.setup() }
}
