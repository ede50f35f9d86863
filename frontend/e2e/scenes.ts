// The states that the window can be in, as Go would send them. View tests, the browser suite and the contact sheet
// share them, so that all three look at the same thing.

import type { Account, Attempt, Check, Ended, Failure, Profile, Session, State, StoreChoice, Wallet } from '../src/gateway'

/** Saturday 21 November 2026, 13:04:52 UTC: when every scene takes place. */
export const noon = Date.UTC(2026, 10, 21, 13, 4, 52)
const second = 1000
const minute = 60 * second

export const key = '022943bb78a3d8f6c5b1e09d7a4426fe1bc08a9b5d0c3f7e61a2948c5dd2f2ad'
export const robin = 'robin@example.org'

export const stores: StoreChoice[] = [
  { backend: 'keychain', name: 'GNOME Keyring', state: 'protected', strength: 3, word: 'Good', available: true, reason: '' },
  { backend: 'memory', name: 'Memory, until you quit', state: 'memory', strength: 1, word: 'Brief', available: true, reason: 'You log in again next time.' },
]

export function failure(over: Partial<Failure>): Failure {
  return {
    code: 'internal', kind: 'internal', title: '', happened: '', means: '', next: '', action: '', detail: '', retryAfterMs: 0, triesLeft: 0,
    ...over,
  }
}

// The words are Go's, from internal/fault.
export const failures = {
  keychainLocked: failure({
    code: 'keychain.prompt_dismissed', kind: 'locked', title: 'The keychain stayed locked',
    happened: 'The system asked for your keychain password, and the window was closed before an answer came.',
    means: 'Nothing was signed and nothing was sent.', next: 'Ask again and enter your keychain password.', action: 'Ask the keychain again',
    detail: "keychain.prompt_dismissed: failed to unlock correct collection '/org/freedesktop/secrets/collection/login'",
  }),
  keychainAbsent: failure({
    code: 'keychain.absent', kind: 'unavailable', title: 'No keychain is running', happened: 'The session bus answers, but no program keeps secrets on it.',
    means: 'Latchkey has nowhere safe to keep a key.', next: 'Start GNOME Keyring or KeePassXC, or keep keys in memory until you quit.', action: 'Try again',
    detail: 'The name org.freedesktop.secrets was not provided by any .service files',
  }),
  backendDown: failure({
    code: 'backend.unreachable', kind: 'unavailable', title: 'The backend did not answer', happened: 'The backend could not be reached.',
    means: 'Nothing was sent twice, and sessions stay as they are.', next: 'Check the network, then try again.', action: 'Try again',
    detail: 'Post "http://127.0.0.1:43117/otp/init": dial tcp 127.0.0.1:43117: connect: connection refused',
  }),
  apiDown: failure({
    code: 'api.unreachable', kind: 'unavailable', title: 'Turnkey did not answer', happened: "Turnkey's API could not be reached.",
    means: 'You are still logged in. What is shown may be old.', next: 'Check the network, then try again.', action: 'Try again',
    detail: 'Post "http://127.0.0.1:41233/public/v1/query/list_wallets": context deadline exceeded',
  }),
  sandboxFailed: failure({
    code: 'sandbox.failed', kind: 'unavailable', title: 'The sandbox did not start', happened: 'The sandbox inside Latchkey could not be started.',
    means: 'Nothing was lost.', next: 'Try again; the details name the reason.', action: 'Try again', detail: 'sandbox.failed: open sandbox.db: timeout',
  }),
  wrong: failure({
    code: 'otp.wrong', kind: 'denied', title: 'The code did not match', happened: 'The code did not match.', means: 'The newest message holds the right one.',
    next: 'Use the newest message.', triesLeft: 2, detail: 'otp.wrong',
  }),
  expired: failure({
    code: 'otp.expired', kind: 'expired', title: 'The code is no longer valid', happened: "The code's time is over, or a newer one was sent.",
    means: 'It cannot log anyone in.', next: 'Send a new code.', action: 'Send a new code', detail: 'otp.expired',
  }),
  tried: failure({
    code: 'otp.locked', kind: 'denied', title: 'Too many wrong codes', happened: 'This code was guessed wrong too often and is now dead.',
    means: 'It cannot log anyone in. Your address is not blocked.', next: 'Send a new code.', action: 'Send a new code', detail: 'otp.locked',
  }),
  limited: failure({
    code: 'otp.limited', kind: 'limited', title: 'Too many codes were asked for', happened: 'Too many codes were asked for in a short time.',
    means: 'The address is not blocked.', next: 'Wait, then ask again.', retryAfterMs: 250 * second, detail: 'otp.limited',
  }),
  contact: failure({
    code: 'contact.invalid', kind: 'invalid', title: 'That is not an e-mail address', happened: 'The address has no name, no @, or no domain.',
    means: 'Nothing was sent.', next: 'Correct the address.', detail: 'contact.invalid',
  }),
  phone: failure({
    code: 'phone.invalid', kind: 'invalid', title: 'That is not a phone number', happened: 'The number does not begin with + and its country, or is too short or too long.',
    means: 'Nothing was sent.', next: 'Type the whole number.', detail: 'phone.invalid',
  }),
  browserUnopened: failure({
    code: 'browser.unopened', kind: 'unavailable', title: 'No browser was opened', happened: 'No program that opens web pages could be started here.',
    means: 'The log-in waits. Nothing was lost.', next: 'Copy the link and open it in a browser on this computer.', action: 'Copy the link', detail: 'browser.unopened: start "xdg-open": not found',
  }),
  browserLate: failure({
    code: 'browser.late', kind: 'expired', title: 'The log-in page is too old', happened: 'A round through the browser may take five minutes and counts once. This one is over.',
    means: 'Nobody was logged in.', next: 'Open a new page and go on from there.', action: 'Open a new page', detail: 'browser.late',
  }),
  browserPasted: failure({
    code: 'browser.pasted', kind: 'invalid', title: 'That is not the address', happened: 'What was pasted is not where this log-in ended in the browser.',
    means: 'Nothing was sent. The log-in still waits.', next: 'Log in on the provider\'s page to the end, then copy the whole address of the page that could not be shown.', detail: 'browser.pasted',
  }),
  providerDenied: failure({
    code: 'oauth.denied', kind: 'denied', title: 'Nobody was logged in', happened: "The provider's page was left without a log-in, or the provider refused it.",
    means: 'Nothing was stored.', next: 'Open the page again if you want to log in.', action: 'Open a new page', detail: 'oauth.denied: "access_denied"',
  }),
  mailWrong: failure({
    code: 'mail.wrong', kind: 'invalid', title: 'That is not the key of the message', happened: 'What was pasted is no key, or not whole, or it belongs to an earlier message.',
    means: 'Nothing was sent. The newest message still counts.', next: 'Copy the whole key, or the link, from the newest message.', detail: 'mail.wrong',
  }),
  walletShared: failure({
    code: 'wallet.shared', kind: 'denied', title: 'Others may open this account', happened: "Your wallet's key is in an account that something else opens too.",
    means: 'Nothing was stored. Whoever made that account may hold its wallets too.', next: 'If the other ways in are yours, log in again with --shared. Else use another wallet.', detail: 'wallet.shared',
  }),
  walletFile: failure({
    code: 'wallet.file', kind: 'invalid', title: "The wallet's key file cannot be used", happened: 'It is not a key of Ethereum or Solana in a form that is known here, or others may read it.',
    means: 'Nothing was sent.', next: 'Correct what the details name, and try again.', detail: 'wallet.file: /home/robin/key: others may read it',
  }),
  profileBad: failure({
    code: 'profile.invalid', kind: 'invalid', title: 'A setting is wrong', happened: 'The profile has a setting that cannot be used.',
    means: 'Nothing was contacted.', next: 'Correct the setting named in the details.', detail: 'profile.invalid: /home/robin/.config/latchkey/config.toml:3: profil is no setting',
  }),
  profileWrong: failure({
    code: 'profile.invalid', kind: 'invalid', title: 'A setting is wrong', happened: 'The profile has a setting that cannot be used.',
    means: 'Nothing was contacted.', next: 'Correct the setting named in the details.', detail: 'profile.invalid: backend_url: backend address "http://login.example": want https; http is for loopback',
  }),
} as const

export const storesAbsent: StoreChoice[] = [
  {
    backend: 'keychain', name: 'Keychain', state: 'absent', strength: 0, word: '', available: false,
    reason: 'No keychain is running.', failure: failures.keychainAbsent,
  },
  { backend: 'memory', name: 'Memory, until you quit', state: 'memory', strength: 1, word: 'Brief', available: true, reason: 'You log in again next time.' },
]

const base: State = {
  profile: { name: 'sandbox', kind: 'sandbox', backendUrl: '' },
  version: '0.1.0',
  phase: 'loading',
  failure: null,
  connection: 'none',
  store: { backend: 'keychain', name: 'GNOME Keyring', state: 'protected', failure: null },
  stores: [],
  ways: {
    email: true, phone: true, emailLink: true, passkey: true, wallet: true, walletFile: true,
    providers: [
      { id: 'google', name: 'Google' }, { id: 'apple', name: 'Apple' }, { id: 'facebook', name: 'Facebook' }, { id: 'discord', name: 'Discord' },
      { id: 'x', name: 'X' }, { id: 'oidc', name: '127.0.0.1:40213' },
    ],
  },
  attempt: null,
  session: null,
  ended: null,
  pendingPublicKey: '',
  now: noon,
  skewMs: 0,
}

/** A state of the given phase, complete, with what differs. */
export function state(over: Partial<State>): State {
  return { ...base, ...over }
}

export const attempt: Attempt = {
  id: 'a1', method: 'otp', contact: robin, publicKey: key, length: 6, alphanumeric: false, triesLeft: 3, verified: false,
  expiresAt: noon + 4 * minute + 38 * second, resendAt: noon + 22 * second,
  site: '', match: '', opened: false, unopened: null, failure: null,
}

/** A round through the browser, which was opened. */
export const trip: Attempt = {
  ...attempt, id: 'b1', method: 'oauth', contact: 'Google', length: 0, triesLeft: 0, expiresAt: noon + 4 * minute + 52 * second, resendAt: 0, site: 'accounts.google.com', opened: true,
}

export const letter: Attempt = { ...attempt, id: 'l1', method: 'mail', length: 0, triesLeft: 0, expiresAt: noon + 14 * minute }

export function session(over: Partial<Session> = {}): Session {
  const lengthSeconds = over.lengthSeconds ?? 900
  const expiresAt = over.expiresAt ?? noon + 11 * minute + 42 * second
  return {
    id: 's1', label: 'robin', contact: robin, userName: 'robin', organizationId: 'e82d52ac-6a2f-4aa9-a521-d4e0e41d3911', publicKey: key,
    keyStore: 'keychain', madeAt: expiresAt - lengthSeconds * second, expiresAt, refreshAt: expiresAt - lengthSeconds * 200, lengthSeconds,
    refreshing: false, retryAt: 0, ...over,
  }
}

export function ended(over: Partial<Ended> = {}): Ended {
  return { reason: 'revoked', at: noon, contact: robin, revoked: false, endsAt: noon, kept: false, ...over }
}

export const states = {
  loading: state({ phase: 'loading', store: { backend: '', name: '', state: 'unknown', failure: null } }),
  firstRun: state({ phase: 'firstRun', stores, store: { backend: 'keychain', name: 'GNOME Keyring', state: 'protected', failure: null } }),
  firstRunAbsent: state({ phase: 'firstRun', stores: storesAbsent, store: { backend: '', name: '', state: 'absent', failure: failures.keychainAbsent } }),
  ways: state({ phase: 'ways', connection: 'connected' }),
  waysAgain: state({ phase: 'ways', connection: 'connected', pendingPublicKey: key }),
  waysLocked: state({ phase: 'ways', connection: 'connected', store: { backend: 'keychain', name: 'GNOME Keyring', state: 'locked', failure: failures.keychainLocked } }),
  code: state({ phase: 'code', connection: 'connected', attempt, pendingPublicKey: key }),
  codeResend: state({ phase: 'code', connection: 'connected', attempt: { ...attempt, resendAt: noon }, pendingPublicKey: key }),
  codeLetters: state({ phase: 'code', connection: 'connected', attempt: { ...attempt, length: 9, alphanumeric: true }, pendingPublicKey: key }),
  codeVerified: state({ phase: 'code', connection: 'connected', attempt: { ...attempt, verified: true, expiresAt: noon - second }, pendingPublicKey: key }),
  codeExpired: state({ phase: 'code', connection: 'connected', attempt: { ...attempt, expiresAt: noon - second, resendAt: noon - minute }, pendingPublicKey: key }),
  trip: state({ phase: 'browser', connection: 'connected', attempt: trip, pendingPublicKey: key }),
  tripAgain: state({ phase: 'browser', connection: 'connected', attempt: { ...trip, opened: false }, pendingPublicKey: key }),
  tripMatch: state({ phase: 'browser', connection: 'connected', attempt: { ...trip, method: 'passkey', contact: 'a passkey', site: 'login.example.com', match: '47' }, pendingPublicKey: key }),
  tripUnopened: state({ phase: 'browser', connection: 'connected', attempt: { ...trip, opened: false, unopened: failures.browserUnopened }, pendingPublicKey: key }),
  tripLate: state({ phase: 'browser', connection: 'connected', attempt: { ...trip, expiresAt: noon - second, failure: failures.browserLate }, pendingPublicKey: key }),
  tripDenied: state({ phase: 'browser', connection: 'connected', attempt: { ...trip, failure: failures.providerDenied }, pendingPublicKey: key }),
  tripShared: state({ phase: 'browser', connection: 'connected', attempt: { ...trip, method: 'wallet-page', contact: 'a wallet', failure: failures.walletShared }, pendingPublicKey: key }),
  tripVerified: state({ phase: 'browser', connection: 'offline', attempt: { ...trip, verified: true, site: '', failure: failures.backendDown }, pendingPublicKey: key }),
  link: state({ phase: 'link', connection: 'connected', attempt: letter, pendingPublicKey: key }),
  linkResend: state({ phase: 'link', connection: 'connected', attempt: { ...letter, resendAt: noon }, pendingPublicKey: key }),
  linkExpired: state({ phase: 'link', connection: 'connected', attempt: { ...letter, expiresAt: noon - second, resendAt: noon }, pendingPublicKey: key }),
  waysLive: state({
    phase: 'ways', connection: 'connected', profile: { name: 'home', kind: 'live', backendUrl: 'https://login.example.com' },
    ways: { email: true, phone: false, emailLink: false, passkey: false, wallet: false, walletFile: false, providers: [{ id: 'google', name: 'Google' }] },
  }),
  failedLocked: state({ phase: 'failed', failure: failures.keychainLocked, store: { backend: 'keychain', name: 'GNOME Keyring', state: 'locked', failure: failures.keychainLocked } }),
  failedAbsent: state({ phase: 'failed', failure: failures.keychainAbsent, store: { backend: 'keychain', name: '', state: 'absent', failure: failures.keychainAbsent } }),
  failedSandbox: state({ phase: 'failed', failure: failures.sandboxFailed }),
  in: state({ phase: 'in', connection: 'connected', session: session() }),
  refreshing: state({ phase: 'in', connection: 'connected', session: session({ refreshing: true, expiresAt: noon + 2 * minute }) }),
  retrying: state({ phase: 'in', connection: 'connected', session: session({ expiresAt: noon + 118 * second, retryAt: noon + 18 * second }) }),
  ending: state({ phase: 'in', connection: 'connected', session: session({ expiresAt: noon + 15 * second, retryAt: noon + 4 * second }) }),
  offline: state({ phase: 'in', connection: 'offline', session: session({ retryAt: noon + 18 * second }) }),
  long: state({ phase: 'in', connection: 'connected', session: session({ lengthSeconds: 43200, expiresAt: noon + 494 * minute }) }),
  live: state({
    phase: 'in', profile: { name: 'home', kind: 'live', backendUrl: '' }, connection: 'connected', session: session({ lengthSeconds: 43200, expiresAt: noon + 494 * minute }),
  }),
  endedRevoked: state({ phase: 'ended', connection: 'connected', ended: ended() }),
  endedStartup: state({ phase: 'ended', connection: 'connected', ended: ended({ reason: 'startup', at: noon - 60 * minute }) }),
  loggedOut: state({ phase: 'ended', connection: 'connected', ended: ended({ reason: 'loggedOut', revoked: true, endsAt: noon + 11 * minute }) }),
  loggedOutLocked: state({ phase: 'ended', connection: 'connected', ended: ended({ reason: 'loggedOut', revoked: false, endsAt: noon + 11 * minute, kept: true }) }),
  loggedOutOffline: state({ phase: 'ended', connection: 'offline', ended: ended({ reason: 'loggedOut', revoked: false, endsAt: noon + 11 * minute }) }),
}

const account = (over: Partial<Account> & Pick<Account, 'name' | 'chain' | 'address' | 'path'>): Account => ({
  id: over.address, publicKey: '027f6ac25c1d0be6c8b8f5d0d3f7c1a5e9b4427a6c90d1e82f35ab4c08ca9014ab', ...over,
})

export const wallets: Wallet[] = [
  {
    id: '5ba48b6d-69ec-4dbc-a352-b9aa3c36449a', name: 'Everyday', createdAt: Date.UTC(2026, 2, 3, 18, 22), exported: false, imported: false,
    accounts: [
      account({ name: 'Main', chain: 'ETH', address: '0x4db21956F3C1A8C2Bb5fA4B3F0C07fB7C5eB976c', path: "m/44'/60'/0'/0/0" }),
      account({ name: '', chain: 'SOL', address: 'Bjd6seqNyJXqEhPHKVFGnHcVJ3RxVJYBPr9oXk3eCgze', path: "m/44'/501'/0'/0'" }),
      account({ name: '', chain: 'BTC', address: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', path: "m/84'/0'/0'/0/0" }),
    ],
  },
  {
    id: '8f1cc6b2-3a77-4d86-9d0a-1cc0a2a8a1f2', name: 'Savings', createdAt: Date.UTC(2026, 4, 11, 8, 1), exported: true, imported: false,
    accounts: [account({ name: 'Rainy days', chain: 'ETH', address: '0x878D1B2fA44f30E91D00e1A1d09Fb1De9017a308', path: "m/44'/60'/0'/0/0" })],
  },
  {
    id: '0b6c9a52-93b5-4b5c-8a8e-7a1f5f1c2d3e', name: 'Imported 2021', createdAt: Date.UTC(2026, 5, 1, 12, 0), exported: false, imported: true,
    accounts: [account({ name: 'Old one', chain: 'ETH', address: '0x32967DeAe2fD423672Dc6714E441d1147A980D1D', path: "m/44'/60'/0'/0/0" })],
  },
  {
    id: 'c2a1f0de-1111-4c55-9a57-2b3a55aa9f10', name: 'Team float for the long autumn offsite in Lisbon', createdAt: Date.UTC(2026, 8, 20, 9, 11), exported: false, imported: false,
    accounts: [
      account({ name: 'Main', chain: 'ETH', address: '0xD0417C54a1f1dA4D8C7b93dC5a9f6D1c2eF0dA4D', path: "m/44'/60'/0'/0/0" }),
      account({ name: 'Second', chain: 'ETH', address: '0x1F0417C54a1f1dA4D8C7b93dC5a9f6D1c2eF0dA4', path: "m/44'/60'/0'/0/1" }),
      account({ name: '', chain: 'SOL', address: '9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin', path: "m/44'/501'/0'/0'" }),
      account({ name: '', chain: 'SOL', address: '7UX2i7SucgLMQcfZ75s3VXmZZY4YRUyJN9X1RgfMoDUi', path: "m/44'/501'/1'/0'" }),
    ],
  },
]

export const profiles: Profile[] = [
  { name: 'sandbox', kind: 'sandbox', backendUrl: '', apiUrl: '', organizationId: '', inUse: true, failure: null },
  { name: 'acme', kind: 'development', backendUrl: 'http://127.0.0.1:3000', apiUrl: 'http://127.0.0.1:4000', organizationId: '', inUse: false, failure: null },
  { name: 'home', kind: 'live', backendUrl: 'https://login.example.com', apiUrl: 'https://api.turnkey.com', organizationId: '', inUse: false, failure: null },
  {
    name: 'old', kind: 'development', backendUrl: '', apiUrl: '', organizationId: '', inUse: false,
    failure: failure({ code: 'profile.invalid', kind: 'invalid', title: 'A setting is wrong' }),
  },
]

// The words are Go's, from internal/client and internal/fault.
export const wellTried: Check[] = [
  { what: 'API', state: 'ok', says: "Turnkey's API answers.", next: '' },
  { what: 'organization', state: 'ok', says: 'The API knows it.', next: '' },
  { what: 'backend', state: 'ok', says: 'A log-in backend answers.', next: '' },
  { what: 'pinned keys', state: 'ok', says: 'Five keys, well formed. The first log-in shows whether the API signs with them.', next: '' },
  { what: 'clock', state: 'ok', says: "It agrees with the service's.", next: '' },
]
export const badlyTried: Check[] = [
  { what: 'API', state: 'ok', says: "Turnkey's API answers.", next: '' },
  { what: 'organization', state: 'skipped', says: 'None is named: log-ins of any organization of the backend count.', next: '' },
  { what: 'backend', state: 'failed', says: 'No answer: connection refused.', next: 'Check the network, then try again.' },
  {
    what: 'pinned keys', state: 'failed', says: 'The profile trusts the keys of production, with which no other API can sign.',
    next: "Give the profile the keys of its API: production's for Turnkey itself, else those that the sandbox's ready line names.",
  },
  { what: 'clock', state: 'ok', says: 'It is 20s fast, which is corrected.', next: '' },
]
