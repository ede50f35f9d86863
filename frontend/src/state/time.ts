// Times as a person reads them: clock times when the end is far, m:ss when it is near. All are milliseconds.

const second = 1000
const minute = 60 * second
const hour = 60 * minute

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dayAndMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const longDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })

/** A countdown: 4:38. Rounds up, so that 0:00 is shown only when the time is over. */
export function countdown(ms: number): string {
  const s = Math.max(0, Math.ceil(ms / second))
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`
}

/** A length of time: 8 h 14 min, 46 min, 11 min 42 s, and a countdown below ten minutes. */
export function length(ms: number): string {
  if (ms < 10 * minute) return countdown(ms)
  const s = Math.ceil(ms / second)
  if (ms < 20 * minute) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`
  if (ms < hour) return `${Math.floor(ms / minute)} min`
  return `${Math.floor(ms / hour)} h ${String(Math.floor((ms % hour) / minute)).padStart(2, '0')} min`
}

/** A wait, in words: 18 s, or a countdown from a minute on. */
export function wait(ms: number): string {
  return ms < minute ? `${Math.max(1, Math.ceil(ms / second))} s` : countdown(ms)
}

/** The time of day, with the day when it is not today's: 21:40, or 22 Nov, 09:11. */
export function timeOfDay(at: number, now: number): string {
  const time = clock.format(at)
  return new Date(at).toDateString() === new Date(now).toDateString() ? time : `${dayAndMonth.format(at)}, ${time}`
}

/** A moment in full: 3 March 2026, 18:22. */
export function moment(at: number): string {
  return `${longDay.format(at)}, ${clock.format(at)}`
}
