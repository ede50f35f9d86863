// How long something has been under way, in the three steps that a person notices: nothing changes for 300 ms, then
// words appear, and from 5 s on the words say what to look for.

export const wordsAfter = 300
export const hintAfter = 5000

/** One thing that may be under way. */
export class Busy {
  /** Under way, however short. */
  on = $state(false)
  /** Under way for 300 ms or more: say so. */
  slow = $state(false)
  /** Under way for 5 s or more: say what to look for. */
  late = $state(false)

  #running = 0
  #timers: ReturnType<typeof setTimeout>[] = []

  /** Runs work and shows it as under way until it settles. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.begin()
    try {
      return await work()
    } finally {
      this.end()
    }
  }

  begin() {
    if (this.#running++ > 0) return
    this.on = true
    this.#timers = [
      setTimeout(() => (this.slow = true), wordsAfter),
      setTimeout(() => (this.late = true), hintAfter),
    ]
  }

  end() {
    if (--this.#running > 0) return
    this.#timers.forEach(clearTimeout)
    this.on = this.slow = this.late = false
  }
}
