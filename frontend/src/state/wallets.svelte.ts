// The wallets as they were last read, with the time of reading: content stays while it is read again, while the
// connection is gone, and after a session ended.

import type { Chain, Failure, Gateway, Result, Wallet } from '../gateway'
import { Busy } from './busy.svelte'

export class Wallets {
  /** null until they were read once. */
  list = $state.raw<Wallet[] | null>(null)
  /** Why the last reading failed. */
  failure = $state.raw<Failure | null>(null)
  /** When the list was read, in the service's time. */
  asOf = $state(0)
  selectedId = $state('')
  loading = new Busy()

  selected = $derived(this.list?.find((wallet) => wallet.id === this.selectedId) ?? null)

  readonly #gateway: Gateway
  readonly #now: () => number
  /** Counts the owners: an answer to a former one is thrown away. */
  #owner = 0

  constructor(gateway: Gateway, now: () => number) {
    this.#gateway = gateway
    this.#now = now
  }

  async load(): Promise<void> {
    const owner = this.#owner
    const read = await this.loading.during(() => this.#gateway.wallets())
    if (owner !== this.#owner) return
    if (!read.ok) {
      this.failure = read.failure
      return
    }
    this.failure = null
    this.list = read.value
    this.asOf = this.#now()
    if (!this.selected) this.selectedId = read.value[0]?.id ?? ''
  }

  /** Makes a wallet, puts it into the list and selects it. */
  async create(name: string, chains: Chain[]): Promise<Result<Wallet>> {
    const owner = this.#owner
    const made = await this.#gateway.createWallet(name, chains)
    if (!made.ok || owner !== this.#owner) return made
    this.list = [...(this.list ?? []).filter((wallet) => wallet.id !== made.value.id), made.value]
    this.selectedId = made.value.id
    return made
  }

  /** Forgets everything: they belong to somebody who is no longer here. */
  forget() {
    this.#owner++
    this.list = null
    this.failure = null
    this.asOf = 0
    this.selectedId = ''
  }
}
