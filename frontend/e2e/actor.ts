// A stand-in that behaves: enough of Go for a person to go from the first run to a wallet and out again. The codes,
// keys and times are its own; what is right about them is Go's to test.

import { attempt, ended, failures, key, robin, session, state, stores } from './scenes'
import { Rejection, Stage } from './stage'
import type { State, Wallet } from '../src/gateway'

const minute = 60_000
export const code = '419220'

/** A stage on which the whole way can be walked. */
export function actor(): Stage {
  const stage = new Stage(state({ phase: 'firstRun', stores }))
  const connected = (over: Partial<State>) => {
    stage.become(state({ connection: 'connected', now: Date.now(), ...over }))
    return stage.state
  }
  const entry = (over: Partial<typeof attempt> = {}) => {
    const now = Date.now()
    return { ...attempt, expiresAt: now + 5 * minute, resendAt: now + 30_000, ...over }
  }
  stage.answers = {
    State: () => ({ ...stage.state, now: Date.now() }),
    Start: () => connected({ phase: 'ways' }),
    BeginLogin: ([, contact]) => connected({ phase: 'code', attempt: entry({ contact: String(contact) }), pendingPublicKey: key }),
    SandboxCode: () => code,
    ContinueLogin: ([, typed]) => {
      if (typed !== code) {
        const left = (stage.state.attempt?.triesLeft ?? 1) - 1
        connected({ ...stage.state, attempt: entry({ triesLeft: left }) })
        throw new Rejection({ ...failures.wrong, triesLeft: left })
      }
      return connected({ phase: 'in', session: session({ contact: stage.state.attempt?.contact ?? robin, expiresAt: Date.now() + 15 * minute }) })
    },
    CreateWallet: ([name, chains]) => {
      const made: Wallet = {
        id: `wallet-${stage.wallets.length}`, name: String(name), createdAt: Date.now(), exported: false, imported: false,
        accounts: [...(chains ?? [])].map((chain) => ({
          id: `${name}-${chain}`, name: '', chain: { ethereum: 'ETH', solana: 'SOL', bitcoin: 'BTC' }[chain] ?? chain,
          address: '0x4db21956F3C1A8C2Bb5fA4B3F0C07fB7C5eB976c', path: "m/44'/60'/0'/0/0", publicKey: key,
        })),
      }
      stage.wallets = [...stage.wallets, made]
      return made
    },
    RefreshSession: () => connected({ phase: 'in', session: session({ expiresAt: Date.now() + 15 * minute }) }),
    LogOut: () => connected({ phase: 'ended', ended: ended({ reason: 'loggedOut', revoked: true, at: Date.now(), endsAt: Date.now() }) }),
    Acknowledge: () => connected({ phase: 'ways' }),
    CancelLogin: () => connected({ phase: 'ways' }),
  }
  return stage
}
