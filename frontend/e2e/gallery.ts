// Every state that a person can meet, and how to bring the window there: pictures and accessibility checks walk it.

import type { Page } from 'playwright-core'
import type { State, Wallet } from '../src/gateway'
import { badlyTried, failure, failures, key, noon, profiles, session, state, states, stores, wallets } from './scenes'
import { Rejection, type Answers, type Stage } from './stage'

export type Scene = {
  name: string
  state: State
  wallets?: Wallet[]
  answers?: Answers
  /** Brings the window from its first picture to the one that is meant. */
  act?: (page: Page, stage: Stage) => Promise<void>
}

const refuse = (what: keyof typeof failures) => () => {
  throw new Rejection(failures[what])
}

async function type(page: Page, code: string) {
  await page.getByLabel('Digit 1 of 6').waitFor()
  await page.keyboard.type(code)
}

const wide = (page: Page) => (page.viewportSize()?.width ?? 0) > 760
const settle = (page: Page) => page.getByRole('heading', { name: 'Wallets' }).waitFor()

const elsewhere = { name: 'acme', kind: 'development', backendUrl: 'http://127.0.0.1:3000' } as const

async function openProfiles(page: Page) {
  await page.getByRole('button', { name: /Profiles$/ }).click()
  await page.getByRole('heading', { name: 'Profiles' }).waitFor()
}

async function setUp(page: Page) {
  await openProfiles(page)
  await page.getByRole('button', { name: 'Set up a profile' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill('acme')
  await page.getByRole('textbox', { name: 'Backend' }).fill('http://127.0.0.1:3000')
  await page.getByRole('textbox', { name: 'Turnkey’s API' }).fill('http://127.0.0.1:4000')
}

export const gallery: Scene[] = [
  { name: 'loading', state: states.loading, act: (page) => page.getByText('Opening Latchkey').waitFor() },
  { name: 'first-run', state: states.firstRun },
  { name: 'first-run-absent', state: states.firstRunAbsent },
  { name: 'first-run-starting', state: states.firstRun, answers: { Start: null }, act: async (page) => {
    await page.getByRole('button', { name: 'Start in the sandbox' }).click()
    await page.getByText('Waiting for GNOME Keyring').waitFor()
  } },
  { name: 'ways-in', state: states.ways, act: async (page) => { await page.getByLabel('E-mail').fill('robin@example.org') } },
  { name: 'ways-in-malformed', state: states.ways, act: async (page) => {
    await page.getByLabel('E-mail').fill('robin')
    await page.keyboard.press('Enter')
    await page.getByText('An address has').waitFor()
  } },
  { name: 'ways-in-key', state: states.waysAgain },
  { name: 'ways-in-locked', state: states.waysLocked },
  { name: 'ways-in-backend-down', state: states.ways, answers: { BeginLogin: refuse('backendDown') }, act: async (page) => {
    await page.getByLabel('E-mail').fill('robin@example.org')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
  } },
  { name: 'ways-in-limited', state: states.ways, answers: { BeginLogin: refuse('limited') }, act: async (page) => {
    await page.getByLabel('E-mail').fill('robin@example.org')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
  } },
  { name: 'ways-in-phone', state: states.ways, act: async (page) => {
    await page.getByRole('button', { name: 'Use a phone number' }).click()
    await page.getByLabel('Country').selectOption('CH')
    await page.getByLabel('Phone number').fill('+41 79 123 45 67')
  } },
  { name: 'ways-in-phone-wrong', state: states.ways, act: async (page) => {
    await page.getByRole('button', { name: 'Use a phone number' }).click()
    await page.getByLabel('Phone number').fill('079 123 45 67')
    await page.keyboard.press('Enter')
    await page.getByText('A number is').waitFor()
  } },
  { name: 'ways-in-link', state: states.ways, act: async (page) => {
    await page.getByLabel('E-mail').fill('robin@example.org')
    await page.getByRole('button', { name: 'Get a link by e-mail' }).click()
  } },
  { name: 'ways-in-passkey', state: states.ways, act: async (page) => {
    await page.getByRole('button', { name: 'Make a passkey' }).click()
    await page.getByLabel('Name of the passkey').waitFor()
  } },
  { name: 'ways-in-opening', state: states.ways, answers: { BeginLogin: null }, act: async (page) => {
    await page.getByRole('button', { name: 'Log in by Google' }).click()
    await page.getByText('Opening').waitFor()
  } },
  { name: 'ways-in-wallet-shared', state: states.ways, answers: { LogInByWalletFile: refuse('walletShared') }, act: async (page) => {
    await page.getByRole('button', { name: 'Use a wallet’s key file' }).click()
    await page.getByRole('alert').waitFor()
  } },
  { name: 'ways-in-wallet-file', state: states.ways, answers: { LogInByWalletFile: refuse('walletFile') }, act: async (page) => {
    await page.getByRole('button', { name: 'Use a wallet’s key file' }).click()
    await page.getByRole('alert').waitFor()
  } },
  { name: 'ways-in-live', state: states.waysLive },
  { name: 'browser', state: states.trip },
  { name: 'browser-paste', state: states.trip, act: async (page) => {
    await page.getByRole('button', { name: 'The browser did not come back?' }).click()
    await page.getByLabel('Address of the last page').waitFor()
  } },
  { name: 'browser-paste-wrong', state: states.trip, answers: { ContinueLogin: refuse('browserPasted') }, act: async (page) => {
    await page.getByRole('button', { name: 'The browser did not come back?' }).click()
    await page.getByLabel('Address of the last page').fill('http://127.0.0.1:1/nowhere')
    await page.keyboard.press('Enter')
    await page.getByText('That is not the address').waitFor()
  } },
  { name: 'browser-match', state: states.tripMatch },
  { name: 'browser-again', state: states.tripAgain },
  { name: 'browser-unopened', state: states.tripUnopened },
  { name: 'browser-late', state: states.tripLate },
  { name: 'browser-denied', state: states.tripDenied },
  { name: 'browser-wallet-shared', state: states.tripShared },
  { name: 'browser-verified', state: states.tripVerified },
  { name: 'link', state: states.link },
  { name: 'link-wrong', state: states.link, answers: { ContinueLogin: refuse('mailWrong') }, act: async (page) => {
    await page.getByLabel('Link or key').fill('https://app.example.org/login?bundle=2mFv')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
  } },
  { name: 'link-expired', state: states.linkExpired },
  { name: 'code', state: states.code, act: (page) => type(page, '419') },
  { name: 'code-checking', state: states.code, answers: { ContinueLogin: null }, act: async (page) => {
    await type(page, '419220')
    await page.getByText('Checking the code').waitFor()
  } },
  { name: 'code-wrong', state: states.code, answers: { ContinueLogin: refuse('wrong') }, act: async (page) => {
    await type(page, '419221')
    await page.getByText('did not match').waitFor()
  } },
  { name: 'code-expired', state: states.codeExpired },
  { name: 'code-locked', state: states.codeResend, answers: { ContinueLogin: refuse('tried') }, act: async (page) => {
    await type(page, '419221')
    await page.getByText('Too many wrong codes').waitFor()
  } },
  { name: 'code-limited', state: states.codeResend, answers: { ResendLogin: refuse('limited') }, act: async (page) => {
    await page.getByRole('button', { name: 'Send a new code' }).click()
    await page.getByRole('alert').waitFor()
  } },
  { name: 'code-backend-down', state: states.code, answers: { ContinueLogin: refuse('backendDown') }, act: async (page) => {
    await type(page, '419220')
    await page.getByRole('alert').waitFor()
  } },
  { name: 'code-letters', state: states.codeLetters },
  { name: 'failed-locked', state: states.failedLocked },
  { name: 'failed-absent', state: states.failedAbsent, act: (page) => page.getByText('For a developer').click() },
  { name: 'failed-sandbox', state: states.failedSandbox },
  { name: 'wallets-loading', state: states.in, answers: { Wallets: null }, act: (page) => page.getByText('Loading your wallets').waitFor() },
  { name: 'wallets-empty', state: states.in, wallets: [] },
  { name: 'wallets', state: states.in, wallets, act: settle },
  { name: 'wallets-live', state: states.live, wallets, act: settle },
  { name: 'wallet-detail', state: states.in, wallets, act: async (page) => {
    if (!wide(page)) await page.getByRole('button', { name: /^Everyday/ }).click()
    await page.getByRole('button', { name: 'Whole address of Main' }).click()
    await page.getByRole('button', { name: 'Copy the address of Main' }).click()
    await page.getByText('Copied', { exact: true }).waitFor()
  } },
  { name: 'wallets-no-match', state: states.in, wallets, act: async (page) => {
    await page.getByLabel('Find a wallet').fill('zebra')
    await page.getByText('No wallet or address').waitFor()
  } },
  { name: 'wallets-failed', state: states.in, answers: { Wallets: refuse('apiDown') }, act: (page) => page.getByText('Turnkey did not answer').waitFor() },
  { name: 'wallets-stale', state: states.in, wallets, act: async (page, stage) => {
    await settle(page)
    stage.become(states.offline)
    await page.getByText('Offline, again').waitFor()
    stage.answers = { Wallets: refuse('apiDown') }
    stage.become(states.in)
    await page.getByRole('alert').waitFor()
  } },
  { name: 'create', state: states.in, wallets, act: async (page) => {
    await settle(page)
    await page.keyboard.press('Control+n')
    await page.getByRole('dialog').waitFor()
  } },
  { name: 'create-failed', state: states.in, wallets, answers: { CreateWallet: refuse('apiDown') }, act: async (page) => {
    await settle(page)
    await page.keyboard.press('Control+n')
    await page.getByRole('button', { name: 'Make wallet' }).click()
    await page.getByRole('alert').waitFor()
  } },
  { name: 'offline', state: states.offline, wallets, act: settle },
  { name: 'refreshing', state: states.refreshing, wallets, act: settle },
  { name: 'retrying', state: states.retrying, wallets, act: settle },
  { name: 'ending', state: states.ending, wallets, act: (page) => page.getByRole('button', { name: 'Stay' }).waitFor() },
  { name: 'session', state: states.in, wallets, act: async (page) => {
    await page.getByRole('button', { name: /^Your session/ }).click()
    await page.getByRole('dialog').waitFor()
  } },
  { name: 'log-out', state: states.in, wallets, act: async (page) => {
    await page.getByRole('button', { name: /^Your session/ }).click()
    await page.getByRole('button', { name: 'Log out…' }).click()
    await page.getByRole('dialog', { name: 'Log out?' }).waitFor()
  } },
  { name: 'shortcuts', state: states.in, wallets, act: async (page) => {
    await settle(page)
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
  } },
  { name: 'ended', state: states.in, wallets, act: async (page, stage) => {
    await settle(page)
    stage.become(states.endedRevoked)
    await page.getByRole('button', { name: 'Log in again' }).waitFor()
  } },
  { name: 'first-run-elsewhere', state: state({ phase: 'firstRun', profile: elsewhere, stores }) },
  { name: 'failed-profile', state: state({ phase: 'failed', profile: { name: '', kind: 'live', backendUrl: '' }, failure: failures.profileBad }) },
  { name: 'profiles', state: states.in, wallets, answers: { Profiles: () => profiles }, act: openProfiles },
  { name: 'set-up', state: states.ways, answers: { Profiles: () => profiles }, act: setUp },
  { name: 'set-up-live', state: states.ways, answers: { Profiles: () => profiles }, act: async (page) => {
    await setUp(page)
    await page.getByRole('radio', { name: 'Live' }).check()
  } },
  { name: 'set-up-trying', state: states.ways, answers: { Profiles: () => profiles, SetUpProfile: null }, act: async (page) => {
    await setUp(page)
    await page.getByRole('button', { name: 'Try and save' }).click()
    await page.getByText('Trying…').first().waitFor()
  } },
  { name: 'set-up-failed', state: states.ways, answers: { Profiles: () => profiles, SetUpProfile: () => ({ checks: badlyTried, saved: false }) }, act: async (page) => {
    await setUp(page)
    await page.getByRole('button', { name: 'Try and save' }).click()
    await page.getByText('No answer').waitFor()
  } },
  { name: 'set-up-wrong', state: states.ways, answers: { Profiles: () => profiles, SetUpProfile: refuse('profileWrong') }, act: async (page) => {
    await setUp(page)
    await page.getByRole('button', { name: 'Try and save' }).click()
    await page.getByText('Want https').waitFor()
  } },
  { name: 'ended-startup', state: states.endedStartup },
  { name: 'logged-out', state: states.loggedOut },
  { name: 'logged-out-offline', state: states.loggedOutOffline },
  { name: 'development', state: state({ phase: 'in', profile: { name: 'staging', kind: 'development', backendUrl: 'https://login.staging.example.com' }, connection: 'connected', session: session(), skewMs: 94_000 }), wallets, act: settle },
]

export { failure, key, noon }
