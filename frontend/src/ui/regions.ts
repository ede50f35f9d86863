// F6 goes round the regions of the window, as in other desktop programs.

const focusable = 'a[href], button:not([tabindex="-1"]), input:not([disabled], [tabindex="-1"]), summary, [tabindex="0"]'

/** Moves the focus to the next region, or the previous one: to what is current in it, or its first control. */
export function nextRegion(backwards: boolean) {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')].filter((region) => region.checkVisibility?.() !== false && !region.closest('[inert]'))
  if (!regions.length) return
  const at = regions.findIndex((region) => region.contains(document.activeElement))
  const to = at < 0 ? (backwards ? regions.length - 1 : 0) : (at + (backwards ? regions.length - 1 : 1)) % regions.length
  const region = regions[to]
  const inside = [...(region?.querySelectorAll<HTMLElement>(focusable) ?? [])].filter((element) => element.checkVisibility?.() !== false)
  const target = inside.find((element) => element.hasAttribute('aria-current')) ?? inside[0] ?? region
  target?.focus()
}
