// The page of ceremonies: it shows what is to be done, has the browser do it, and leads on to the device. What it shows and
// asks comes from the backend, by the ceremony in the fragment, which can be opened once.
'use strict'

const by = (id) => document.getElementById(id)
const words = {
  late: ['This page is over', 'It was opened before, or five minutes have passed. Go back to Latchkey and open a new one there.'],
  away: ['Nothing was done', 'Go back to Latchkey. You can close this page.'],
  done: ['Done', 'Going back to Latchkey. You can close this page.'],
  none: ['No passkeys in this browser', 'This browser cannot use passkeys here. Open the page in another one: copy the link in Latchkey again.'],
  lost: ['Latchkey’s backend did not answer', 'Check the network, then try again.'],
}
const verbs = { 'passkey-create': 'Create the passkey', 'passkey-stamp': 'Use your passkey' }
const waits = 'Follow your browser’s own window.'
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
  by('say').textContent = waits
  try {
    let made
    try {
      made = await kinds[shown.kind](shown.options)
    } catch (error) {
      stay(retry[error.name] ?? `The browser refused: ${error.name}. Try again, or cancel.`)
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
  if (!window.PublicKeyCredential) return end(words.none)
  let opened
  try {
    opened = await post('/ceremony/open', { ceremony })
  } catch {
    return end(words.lost)
  }
  if (opened.status !== 200) return end(opened.body.reason === 'browser.late' ? words.late : ['This page cannot be used', opened.body.message ?? words.lost[1]])
  shown = opened.body
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
}

void begin()
