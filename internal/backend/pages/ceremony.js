// The page of ceremonies: it shows what is to be done, has the browser do it, and leads on to the device. What it shows and
// asks comes from the backend, by the ceremony in the fragment, which can be opened once.
'use strict'

const by = (id) => document.getElementById(id)
const words = {
  late: ['This page is over', 'It was opened before, or five minutes have passed. Go back to Latchkey and open a new one there.'],
  away: ['Nothing was done', 'Go back to Latchkey. You can close this page.'],
  done: ['Done', 'Going back to Latchkey. You can close this page.'],
  noWallet: ['No wallet in this browser', 'No extension here offers a wallet of Ethereum or Solana. Open a new page in Latchkey, and copy its link to the browser that has yours.'],
  none: ['No passkeys in this browser', 'This browser cannot use passkeys here. Open a new page in Latchkey, and copy its link to another browser.'],
  lost: ['Latchkey’s backend did not answer', 'Check the network, then try again.'],
}
const verbs = { 'passkey-create': 'Create the passkey', 'passkey-stamp': 'Use your passkey', 'wallet-stamp': 'Sign with the wallet' }
const waits = (kind) => (kind === 'wallet-stamp' ? 'Follow the window of your wallet.' : 'Follow your browser’s own window.')
const retry = {
  NotAllowedError: 'Nothing was chosen, or it took too long. Try again, or cancel.',
  InvalidStateError: 'This authenticator has a passkey for you already. Log in with it, or choose another.',
  SecurityError: 'The browser does not allow passkeys on this address. Open the page as Latchkey gave it.',
}

let shown = null
let busy = false

function say([title, text], bad = false) {
  by('title').textContent = title
  by('say').textContent = text
  by('say').classList.toggle('bad', bad)
  document.title = `${title} – Latchkey`
}

/** Ends the page with these words. */
function end(what) {
  for (const id of ['facts', 'match-box', 'actions']) by(id).hidden = true
  say(what)
  by('title').focus()
}

/** Tells why it has not worked, and leaves the way to try again. */
function stay(text) {
  by('say').textContent = text
  by('say').classList.add('bad')
}

async function post(path, body) {
  const response = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
  return { status: response.status, body: await response.json() }
}

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')

const kinds = {
  async 'passkey-create'(options) {
    const made = await navigator.credentials.create({
      publicKey: { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) } },
    })
    return {
      id: made.id, rawId: text(made.rawId), type: made.type,
      response: {
        clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject),
        transports: made.response.getTransports?.() ?? [],
      },
    }
  },
  async 'passkey-stamp'(options) {
    const got = await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge) } })
    const answer = {
      id: got.id, rawId: text(got.rawId), type: got.type,
      response: {
        clientDataJSON: text(got.response.clientDataJSON), authenticatorData: text(got.response.authenticatorData), signature: text(got.response.signature),
      },
    }
    if (got.response.userHandle) answer.response.userHandle = text(got.response.userHandle)
    return answer
  },
}

// --- wallets ---

const hex = (data) => Array.from(new Uint8Array(data), (b) => b.toString(16).padStart(2, '0')).join('')

/** Every wallet that announced itself: what the page calls it, and how it signs. */
const wallets = new Map()

/** A wallet's name is its own claim: short, and only letters that can be seen. */
const nameOf = (text) => String(text ?? '').replace(/[^\p{L}\p{N} ._()+-]/gu, '').trim().slice(0, 40) || 'Wallet'

function ethereum(provider) {
  return async (message) => {
    const [address] = await provider.request({ method: 'eth_requestAccounts' })
    if (!address) throw new Error('no account')
    const signature = await provider.request({ method: 'personal_sign', params: [`0x${hex(new TextEncoder().encode(message))}`, address] })
    return { chain: 'ethereum', address, signature }
  }
}

/** By the Wallet Standard. */
function solana(wallet) {
  return async (message) => {
    const connected = await wallet.features['standard:connect'].connect()
    const account = (connected?.accounts ?? wallet.accounts).find((one) => one.chains.some((chain) => chain.startsWith('solana:')))
    if (!account) throw new Error('no account')
    const [signed] = await wallet.features['solana:signMessage'].signMessage({ account, message: new TextEncoder().encode(message) })
    return { chain: 'solana', publicKey: hex(account.publicKey), signature: hex(signed.signature) }
  }
}

/** As wallets did before there was a standard. */
function oldSolana(provider) {
  return async (message) => {
    const { publicKey } = await provider.connect()
    const { signature } = await provider.signMessage(new TextEncoder().encode(message), 'utf8')
    return { chain: 'solana', publicKey: hex((publicKey ?? provider.publicKey).toBytes()), signature: hex(signature) }
  }
}

function announce(key, name, chain, sign) {
  if (wallets.has(key) || wallets.size >= 20) return
  wallets.set(key, { name: `${nameOf(name)}, ${chain}`, sign })
  list()
}

function discover() {
  addEventListener('eip6963:announceProvider', ({ detail }) => {
    if (detail?.info?.uuid && detail.provider?.request) announce(`eip6963:${detail.info.uuid}`, detail.info.name, 'Ethereum', ethereum(detail.provider))
  })
  dispatchEvent(new Event('eip6963:requestProvider'))
  const register = (...some) => {
    for (const wallet of some) {
      if (wallet?.features?.['solana:signMessage'] && wallet.features['standard:connect'] && wallet.chains?.some((chain) => chain.startsWith('solana:'))) {
        announce(`standard:${wallet.name}`, wallet.name, 'Solana', solana(wallet))
      }
    }
    return () => {}
  }
  addEventListener('wallet-standard:register-wallet', ({ detail }) => typeof detail === 'function' && detail({ register }))
  dispatchEvent(new CustomEvent('wallet-standard:app-ready', { detail: { register } }))
  setTimeout(() => {
    const of = (chain) => [...wallets.values()].some((one) => one.name.endsWith(chain))
    if (window.ethereum?.request && !of('Ethereum')) announce('ethereum', 'Browser wallet', 'Ethereum', ethereum(window.ethereum))
    if (window.solana?.signMessage && !of('Solana')) announce('solana', 'Browser wallet', 'Solana', oldSolana(window.solana))
    if (wallets.size === 0) stay(words.noWallet[1])
  }, 300) // what announces itself has done so by then
}

function list() {
  const box = by('wallets')
  const chosen = box.querySelector('input:checked')?.value
  box.replaceChildren(...[...wallets].map(([key, one], i) => {
    const label = document.createElement('label')
    const input = document.createElement('input')
    input.type = 'radio'
    input.name = 'wallet'
    input.value = key
    input.checked = chosen ? key === chosen : i === 0
    label.append(input, one.name)
    return label
  }))
  box.hidden = false
  by('say').classList.remove('bad')
  by('say').textContent = ''
}

kinds['wallet-stamp'] = async ({ message }) => {
  const chosen = wallets.get(by('wallets').querySelector('input:checked')?.value)
  if (!chosen) throw new Error('no wallet')
  return chosen.sign(message)
}

/** Says what a wallet refused with. Its own words are not shown. */
function ofWallet(error) {
  if (wallets.size === 0) return words.noWallet[1]
  if (error?.code === 4001) return 'You turned away in the wallet. Try again, or cancel.'
  if (error?.code === -32002) return 'The wallet waits for you already: look for its window.'
  if (error?.message === 'no account') return 'The wallet gave no account. Unlock it, choose one, and try again.'
  return 'The wallet did not sign. Unlock it and try again, or cancel.'
}

/** Sends what came of it, and leads on. It reports whether the page is over with that. */
async function answer(body) {
  const { status, body: said } = await post('/ceremony/answer', { page: shown.page, ...body })
  if (status === 200) {
    end(body.refused ? words.away : words.done)
    location.replace(said.onward)
    return true
  }
  if (said.reason === 'browser.late') {
    end(words.late)
    return true
  }
  stay(said.reason === 'account.unknown' ? 'No account has this passkey. Choose another, or cancel and sign up.' : (said.message ?? words.lost[1]))
  return false
}

function wait(on) {
  busy = on
  by('go').setAttribute('aria-disabled', String(on))
  by('main').setAttribute('aria-busy', String(on))
}

async function go() {
  if (busy) return
  wait(true)
  by('say').classList.remove('bad')
  by('say').textContent = waits(shown.kind)
  try {
    let made
    try {
      made = await kinds[shown.kind](shown.options)
    } catch (error) {
      stay(shown.kind === 'wallet-stamp' ? ofWallet(error) : (retry[error.name] ?? `The browser refused: ${error.name}. Try again, or cancel.`))
      return
    }
    await answer({ answer: made })
  } catch {
    stay(words.lost.join('. '))
  } finally {
    wait(false)
  }
}

async function cancel() {
  if (busy) return
  wait(true)
  try {
    await answer({ refused: true })
  } catch {
    stay(words.lost.join('. '))
  } finally {
    wait(false)
  }
}

async function begin() {
  const ceremony = location.hash.slice(1)
  history.replaceState(null, '', location.pathname) // it is used up now, and need not stand in the history
  if (!ceremony) return end(words.late)
  let opened
  try {
    opened = await post('/ceremony/open', { ceremony })
  } catch {
    return end(words.lost)
  }
  if (opened.status !== 200) return end(opened.body.reason === 'browser.late' ? words.late : ['This page cannot be used', opened.body.message ?? words.lost[1]])
  shown = opened.body
  if (shown.kind !== 'wallet-stamp' && !window.PublicKeyCredential) return end(words.none)
  by('app').textContent = shown.app
  say([shown.title, ''])
  for (const fact of shown.facts) {
    const name = document.createElement('dt')
    const value = document.createElement('dd')
    name.textContent = fact.name
    value.textContent = fact.value
    by('facts').append(name, value)
  }
  by('match').textContent = shown.match
  by('go').textContent = verbs[shown.kind]
  for (const id of ['facts', 'match-box', 'actions']) by(id).hidden = false
  by('go').addEventListener('click', () => void go())
  by('no').addEventListener('click', () => void cancel())
  by('go').focus()
  if (shown.kind === 'wallet-stamp') discover()
}

void begin()
