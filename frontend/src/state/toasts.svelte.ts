// Toasts, and the one polite live region that says them too.

const shownFor = 4000

export type ToastKind = 'done' | 'warn' | 'bad'
export type Toast = {
  id: number
  kind: ToastKind
  /** What it says; a function for what counts down. */
  text: string | (() => string)
  action?: { label: string; run: () => void }
}

export class Toasts {
  list = $state.raw<Toast[]>([])
  /** What the live region holds. */
  said = $state('')

  #next = 0
  #timers = new Map<number, ReturnType<typeof setTimeout>>()

  show(kind: ToastKind, text: Toast['text'], action?: Toast['action']): number {
    const toast: Toast = { id: ++this.#next, kind, text, ...(action ? { action } : {}) }
    // The newest three: a heap of old news hides the page.
    this.list = [...this.list, toast].slice(-3)
    this.say(typeof text === 'string' ? text : text())
    this.release(toast.id)
    return toast.id
  }

  /** Says text to a screen reader without showing it. The same words twice are heard twice. */
  say(text: string) {
    this.said = this.said === text ? `${text}\u00a0` : text
  }

  drop(id: number) {
    this.hold(id)
    this.list = this.list.filter((toast) => toast.id !== id)
  }

  /** Keeps a toast while the pointer or the focus is on it. */
  hold(id: number) {
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
  }

  /** Starts its four seconds again. */
  release(id: number) {
    this.hold(id)
    this.#timers.set(id, setTimeout(() => this.drop(id), shownFor))
  }
}
