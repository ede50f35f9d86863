import type { Failure } from '../gateway'
import type { Desk } from '../state/desk.svelte'
import { timeOfDay } from '../state/time'
import { words } from '../words'

/** Refreshes the session now and says how it went. A refresh that is already under way is left to end. */
export async function refreshNow(desk: Desk): Promise<Failure | null> {
  if (desk.state?.session?.refreshing) return null
  const result = await desk.do((gateway) => gateway.refreshSession())
  if (!result.ok) return result.failure.kind === 'cancelled' ? null : result.failure
  const session = result.value.session
  if (session) desk.toasts.show('done', words.session.refreshed(timeOfDay(session.expiresAt, desk.now)))
  return null
}
