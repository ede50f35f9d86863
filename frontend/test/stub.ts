// A Gateway of canned answers, with the type of the real one. It notes what was asked, and can be told to refuse.

import type { Draft, Failure, Gateway, Result, State, Wallet } from '../src/gateway'
import { failure, profiles, wellTried } from '../e2e/scenes'

type Method = Exclude<keyof Gateway, 'onChanged'>
type Answer<M extends Method> = Awaited<ReturnType<Gateway[M]>>

export class Stub implements Gateway {
  now: State
  list: Wallet[]
  readonly asked: { method: Method; args: unknown[] }[] = []
  #answers = new Map<Method, () => Promise<Result<unknown>>>()
  #heard = new Set<() => void>()

  constructor(state: State, list: Wallet[] = []) {
    this.now = state
    this.list = list
  }

  /** Changes the state and tells the page, as Go does. */
  become(state: State) {
    this.now = state
    this.#heard.forEach((heard) => heard())
  }

  /** The next calls of method are refused. */
  refuse(method: Method, what: Partial<Failure>) {
    this.#answers.set(method, async () => ({ ok: false, failure: failure(what) }))
  }

  /** The next calls of method answer so; before answering, then may change the state. */
  answer<M extends Method>(method: M, value: Answer<M> extends Result<infer T> ? T : never, then?: () => void) {
    this.#answers.set(method, async () => {
      then?.()
      return { ok: true, value }
    })
  }

  /** The next calls of method answer with the state that then leaves behind. */
  lead(method: Method, to: State) {
    this.#answers.set(method, async () => {
      this.now = to
      return { ok: true, value: to }
    })
  }

  /** The next calls of method wait until the answer is called. */
  hold(method: Method): (result: Result<unknown>) => void {
    let settle: (result: Result<unknown>) => void = () => {}
    const result = new Promise<Result<unknown>>((resolve) => (settle = resolve))
    this.#answers.set(method, () => result)
    return settle
  }

  plainly(method: Method) {
    this.#answers.delete(method)
  }

  /** What method was asked with, each time. */
  calls(method: Method): unknown[][] {
    return this.asked.filter((call) => call.method === method).map((call) => call.args)
  }

  async #ask<M extends Method>(method: M, args: unknown[], plain: Answer<M>): Promise<Answer<M>> {
    this.asked.push({ method, args })
    const answer = this.#answers.get(method)
    return answer ? ((await answer()) as Answer<M>) : plain
  }

  #state<M extends Method>(method: M, args: unknown[] = []) {
    return this.#ask(method, args, { ok: true, value: this.now } as Answer<M>)
  }

  state = () => this.#state('state')
  checkStores = () => this.#state('checkStores')
  chooseStores = () => this.#state('chooseStores')
  start = (backend: string) => this.#state('start', [backend])
  beginLogin = (way: string, what: string) => this.#state('beginLogin', [way, what])
  continueLogin = (id: string, code: string) => this.#state('continueLogin', [id, code])
  resendLogin = (id: string) => this.#state('resendLogin', [id])
  cancelLogin = (id: string) => this.#state('cancelLogin', [id])
  openBrowser = (id: string) => this.#state('openBrowser', [id])
  copyLink = (id: string) => this.#ask('copyLink', [id], { ok: true, value: undefined })
  logInByWalletFile = (all: string) => this.#state('logInByWalletFile', [all])
  sandboxCode = (id: string) => this.#ask('sandboxCode', [id], { ok: true, value: '419220' })
  wallets = () => this.#ask('wallets', [], { ok: true, value: this.list })
  createWallet = (name: string, chains: string[]) => {
    const made: Wallet = { id: `w-${name}`, name, createdAt: this.now.now, exported: false, imported: false, accounts: [] }
    return this.#ask('createWallet', [name, chains], { ok: true, value: made })
  }
  refreshSession = () => this.#state('refreshSession')
  logOut = () => this.#state('logOut')
  acknowledge = () => this.#state('acknowledge')
  profiles = () => this.#ask('profiles', [], { ok: true, value: profiles })
  setUpProfile = (draft: Draft, anyway: boolean) => this.#ask('setUpProfile', [draft, anyway], { ok: true, value: { checks: anyway ? [] : wellTried, saved: true } })
  useProfile = (name: string) => this.#state('useProfile', [name])
  copy = (text: string) => this.#ask('copy', [text], { ok: true, value: undefined })
  focus = () => this.#ask('focus', [], { ok: true, value: undefined })
  ready = () => this.#ask('ready', [], { ok: true, value: undefined })
  onChanged = (heard: () => void) => {
    this.#heard.add(heard)
    return () => this.#heard.delete(heard)
  }
}
