// The one file that knows Wails. Everything else speaks to a Gateway, so a test puts a stub in its place.
//
// Go keeps all state. The page asks for it, renders it, and asks again when it hears that it changed. No secret, key
// or session token passes here, save a code that a person types.

import { words } from './words'

/** The kinds of internal/fault, and "internal" for what has none. */
export const kinds = [
  'invalid', 'not found', 'conflict', 'denied', 'cancelled', 'expired', 'pending', 'limited', 'locked', 'unavailable',
  'corrupt', 'internal',
] as const
export type Kind = (typeof kinds)[number]

/** What went wrong, in words of Go's catalogue. retryAfterMs and triesLeft are 0 where they say nothing. */
export type Failure = {
  code: string
  kind: Kind
  title: string
  happened: string
  means: string
  next: string
  /** The label of the button that does the next step; empty where no button can. */
  action: string
  /** For a developer: the cause, without secrets. */
  detail: string
  retryAfterMs: number
  triesLeft: number
}

export type ProfileKind = 'sandbox' | 'development' | 'live'
/** The words of the ways in that Go can begin. */
export type WayIn = 'email' | 'phone' | 'emailLink' | 'provider' | 'passkey' | 'wallet'
export type Phase = 'loading' | 'firstRun' | 'failed' | 'ways' | 'code' | 'browser' | 'link' | 'in' | 'ended'
export type Connection = 'none' | 'connected' | 'offline'
export type StoreState = 'protected' | 'passphrase' | 'memory' | 'locked' | 'absent' | 'unknown'
export type EndReason = 'clock' | 'rejected' | 'revoked' | 'replaced' | 'startup' | 'loggedOut'

/** A place where keys can live, offered on the first run. */
export type StoreChoice = {
  backend: 'keychain' | 'memory'
  name: string
  state: string
  strength: 0 | 1 | 2 | 3 | 4
  /** The strength in a word: Fair, Good, Best. */
  word: string
  available: boolean
  /** Why it cannot be chosen, or what choosing it means; may be empty. */
  reason: string
  /** In full why it is locked or absent. */
  failure?: Failure | null
}

/** The ways in that the profile has. */
export type Ways = {
  email: boolean
  phone: boolean
  emailLink: boolean
  passkey: boolean
  /** A wallet in the browser. */
  wallet: boolean
  /** A wallet's key in a file, for development. */
  walletFile: boolean
  /** In the order in which they are shown. */
  providers: { id: string; name: string }[]
}

/** A log-in under way: it waits for a code, for the browser or for a link. */
export type Attempt = {
  id: string
  /** otp, mail, oauth, passkey, wallet-page. */
  method: string
  /** An address, a number, the name of a provider or of a passkey. */
  contact: string
  publicKey: string
  length: number
  alphanumeric: boolean
  triesLeft: number
  expiresAt: number
  resendAt: number
  /** The proof is here: what is left of the log-in needs none. */
  verified: boolean
  /** The host that the browser goes to. */
  site: string
  /** The number that the browser shows too; empty without one. */
  match: string
  /** The browser was opened for it since the window is open. */
  opened: boolean
  /** Why no browser could be opened. */
  unopened: Failure | null
  /** Why nobody waits for the browser any more. */
  failure: Failure | null
}

export type Session = {
  id: string
  label: string
  contact: string
  userName: string
  organizationId: string
  publicKey: string
  keyStore: string
  madeAt: number
  expiresAt: number
  refreshAt: number
  lengthSeconds: number
  refreshing: boolean
  /** When a failed refresh is tried again; 0 when none failed. */
  retryAt: number
}

/** How a session ended. kept: its key is still in a key store that could not be reached, and is deleted later. */
export type Ended = { reason: EndReason; at: number; contact: string; revoked: boolean; endsAt: number; kept: boolean }

/** One profile of the list. kind is empty where the settings name none that there is; failure says why it cannot be opened. */
export type Profile = {
  name: string
  kind: ProfileKind | ''
  backendUrl: string
  apiUrl: string
  organizationId: string
  inUse: boolean
  failure: Failure | null
}

/** What is tried about a profile before it is saved. */
export const checks = ['API', 'organization', 'backend', 'pinned keys', 'clock'] as const
export type CheckName = (typeof checks)[number]
export type Check = {
  what: CheckName
  state: 'ok' | 'failed' | 'skipped'
  says: string
  /** With failed: the one next step. */
  next: string
}

/** A new profile as it was typed. What is empty has a default. */
export type Draft = {
  kind: 'development' | 'live'
  name: string
  backendUrl: string
  apiUrl: string
  organizationId: string
  sessionLength: string
  /** Lines NAME=value, as a sandbox's environment file has them. */
  pins: string
}
export type SetUp = { checks: Check[]; saved: boolean }

/** All that the window shows but for wallets. Times are milliseconds of the service's clock. */
export type State = {
  /** name is empty before the settings were read; backendUrl is a development profile's. */
  profile: { name: string; kind: ProfileKind; backendUrl: string }
  version: string
  phase: Phase
  failure: Failure | null
  connection: Connection
  store: { backend: 'keychain' | 'tpm' | 'passphrase' | 'memory' | ''; name: string; state: StoreState; failure: Failure | null }
  stores: StoreChoice[]
  ways: Ways
  attempt: Attempt | null
  session: Session | null
  ended: Ended | null
  /** The key of a log-in that has begun; empty before. */
  pendingPublicKey: string
  now: number
  skewMs: number
}

export type Account = { id: string; name: string; chain: string; address: string; path: string; publicKey: string }
export type Wallet = {
  id: string
  name: string
  createdAt: number
  exported: boolean
  imported: boolean
  accounts: Account[]
}
export type Chain = 'ethereum' | 'solana' | 'bitcoin'

export type Result<T> = { ok: true; value: T } | { ok: false; failure: Failure }

/** What the window can ask of Go. Every call settles, and none throws. */
export type Gateway = {
  state(): Promise<Result<State>>
  checkStores(): Promise<Result<State>>
  /** Leaves the failure of a key store for the choice of another. */
  chooseStores(): Promise<Result<State>>
  start(backend: string): Promise<Result<State>>
  /** Begins a way in: a code or a link is sent, or the browser is opened. */
  beginLogin(way: WayIn, what: string): Promise<Result<State>>
  continueLogin(attemptId: string, code: string): Promise<Result<State>>
  resendLogin(attemptId: string): Promise<Result<State>>
  cancelLogin(attemptId: string): Promise<Result<State>>
  /** Opens the attempt's page in the browser once more. */
  openBrowser(attemptId: string): Promise<Result<State>>
  /** Puts the address of the attempt's page on the clipboard. */
  copyLink(attemptId: string): Promise<Result<void>>
  /** Lets the person choose a wallet's key file, outside the page, and logs in with it. */
  logInByWalletFile(all: '' | 'all'): Promise<Result<State>>
  /** The newest code, or sealed key, for the attempt's contact, from the sandbox's inbox. Refused in every other profile. */
  sandboxCode(attemptId: string): Promise<Result<string>>
  wallets(): Promise<Result<Wallet[]>>
  createWallet(name: string, chains: Chain[]): Promise<Result<Wallet>>
  refreshSession(): Promise<Result<State>>
  logOut(): Promise<Result<State>>
  /** Leaves the screen that says why a session ended. */
  acknowledge(): Promise<Result<State>>
  profiles(): Promise<Result<Profile[]>>
  /** Tries a profile, and saves it when nothing failed, or anyway. */
  setUpProfile(draft: Draft, anyway: boolean): Promise<Result<SetUp>>
  /** Opens another profile in place of this one, and at every start. */
  useProfile(name: string): Promise<Result<State>>
  copy(text: string): Promise<Result<void>>
  /** The window came to the front, or time was skipped: Go looks at clock, network and keychain anew. */
  focus(): Promise<Result<void>>
  /** Tells Go that the page is painted. */
  ready(): Promise<Result<void>>
  /** Calls heard whenever Go's state changed; the answer stops it. */
  onChanged(heard: () => void): () => void
}

type Nullable<T, K extends keyof T> = Omit<T, K> & { [P in K]: T[P] | null }
type WireState = Nullable<State, 'stores'>
type WireSetUp = Nullable<SetUp, 'checks'>
type WireWallet = Nullable<Wallet, 'accounts'>

/** The bound struct app.App, as Go writes it: an empty slice arrives as null. */
export interface Bound {
  State(): Promise<WireState>
  CheckStores(): Promise<WireState>
  ChooseStores(): Promise<WireState>
  Start(backend: string): Promise<WireState>
  BeginLogin(way: WayIn, what: string): Promise<WireState>
  ContinueLogin(attemptId: string, code: string): Promise<WireState>
  ResendLogin(attemptId: string): Promise<WireState>
  CancelLogin(attemptId: string): Promise<WireState>
  SandboxCode(attemptId: string): Promise<string>
  OpenBrowser(attemptId: string): Promise<WireState>
  CopyLink(attemptId: string): Promise<void>
  LogInByWalletFile(all: string): Promise<WireState>
  Wallets(): Promise<WireWallet[] | null>
  CreateWallet(name: string, chains: string[]): Promise<WireWallet>
  RefreshSession(): Promise<WireState>
  LogOut(): Promise<WireState>
  Acknowledge(): Promise<WireState>
  Profiles(): Promise<Profile[] | null>
  SetUpProfile(
    kind: string, name: string, backendUrl: string, apiUrl: string, organizationId: string, sessionLength: string, pins: string, save: string,
  ): Promise<WireSetUp>
  UseProfile(name: string): Promise<WireState>
  Copy(text: string): Promise<void>
  Focus(): Promise<void>
  Ready(): Promise<void>
}

declare global {
  interface Window {
    go?: { app?: { App?: Bound } }
    runtime?: { EventsOn(name: string, heard: () => void): () => void }
  }
}

/** The one event, without data, that Go sends. */
export const changed = 'latchkey:changed'

/** Turns whatever a call was rejected with into a Failure. What is not one of Go's becomes internal. */
export function toFailure(reason: unknown): Failure {
  const text = reason instanceof Error ? reason.message : typeof reason === 'string' ? reason : String(reason)
  try {
    const read: unknown = JSON.parse(text)
    if (isFailure(read)) return { ...blank, ...read, kind: kinds.includes(read.kind) ? read.kind : 'internal' }
  } catch {
    // Not JSON: a fault of the bridge itself.
  }
  return { ...internal, detail: text.slice(0, 2000) }
}

function isFailure(read: unknown): read is Pick<Failure, 'code' | 'kind' | 'title'> {
  if (typeof read !== 'object' || read === null) return false
  return 'code' in read && typeof read.code === 'string' && 'kind' in read && typeof read.kind === 'string'
    && 'title' in read && typeof read.title === 'string'
}

const blank: Failure = {
  code: '', kind: 'internal', title: '', happened: '', means: '', next: '', action: '', detail: '', retryAfterMs: 0,
  triesLeft: 0,
}

// The one failure that Go cannot put into words itself.
const internal: Failure = { ...blank, code: 'internal', ...words.internal }

async function call<T>(bound: (app: Bound) => Promise<T>): Promise<Result<T>> {
  try {
    const app = window.go?.app?.App
    if (!app) throw new Error('window.go.app.App is not there: the page was opened outside Latchkey')
    return { ok: true, value: await bound(app) }
  } catch (reason) {
    return { ok: false, failure: toFailure(reason) }
  }
}

function map<T, U>(result: Result<T>, to: (value: T) => U): Result<U> {
  return result.ok ? { ok: true, value: to(result.value) } : result
}

const state = (read: WireState): State => ({ ...read, stores: read.stores ?? [] })
const wallet = (read: WireWallet): Wallet => ({ ...read, accounts: read.accounts ?? [] })

/** Go, by way of Wails. */
export const wails: Gateway = {
  state: async () => map(await call((app) => app.State()), state),
  checkStores: async () => map(await call((app) => app.CheckStores()), state),
  chooseStores: async () => map(await call((app) => app.ChooseStores()), state),
  start: async (backend) => map(await call((app) => app.Start(backend)), state),
  beginLogin: async (way, what) => map(await call((app) => app.BeginLogin(way, what)), state),
  continueLogin: async (id, code) => map(await call((app) => app.ContinueLogin(id, code)), state),
  resendLogin: async (id) => map(await call((app) => app.ResendLogin(id)), state),
  cancelLogin: async (id) => map(await call((app) => app.CancelLogin(id)), state),
  openBrowser: async (id) => map(await call((app) => app.OpenBrowser(id)), state),
  copyLink: (id) => call((app) => app.CopyLink(id)),
  logInByWalletFile: async (all) => map(await call((app) => app.LogInByWalletFile(all)), state),
  sandboxCode: (id) => call((app) => app.SandboxCode(id)),
  wallets: async () => map(await call((app) => app.Wallets()), (list) => (list ?? []).map(wallet)),
  createWallet: async (name, chains) => map(await call((app) => app.CreateWallet(name, chains)), wallet),
  refreshSession: async () => map(await call((app) => app.RefreshSession()), state),
  logOut: async () => map(await call((app) => app.LogOut()), state),
  acknowledge: async () => map(await call((app) => app.Acknowledge()), state),
  profiles: async () => map(await call((app) => app.Profiles()), (list) => list ?? []),
  setUpProfile: async (d, anyway) =>
    map(
      await call((app) => app.SetUpProfile(d.kind, d.name, d.backendUrl, d.apiUrl, d.organizationId, d.sessionLength, d.pins, anyway ? 'anyway' : '')),
      (read) => ({ ...read, checks: read.checks ?? [] }),
    ),
  useProfile: async (name) => map(await call((app) => app.UseProfile(name)), state),
  copy: (text) => call((app) => app.Copy(text)),
  focus: () => call((app) => app.Focus()),
  ready: () => call((app) => app.Ready()),
  onChanged: (heard) => window.runtime?.EventsOn(changed, () => heard()) ?? (() => {}),
}

/** The end of a switch over a union: does not compile while a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`)
}
