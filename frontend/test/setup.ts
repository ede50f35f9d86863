import { cleanup, configure } from '@testing-library/svelte'
import { afterEach } from 'vitest'

// jsdom draws nothing: what it lacks of <dialog>, matchMedia and visibility stands here, just enough to be true.
HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
  this.setAttribute('open', '')
}
HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
  this.removeAttribute('open')
  this.dispatchEvent(new Event('close'))
}
window.matchMedia ??= (query: string) => ({
  matches: false, media: query, onchange: null, addEventListener() {}, removeEventListener() {}, addListener() {}, removeListener() {}, dispatchEvent: () => true,
})

// What is awaited comes at once or never; how long a busy machine takes for it says nothing.
configure({ asyncUtilTimeout: 15_000 })

afterEach(cleanup)
