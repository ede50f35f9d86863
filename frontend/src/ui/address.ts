// How an address is written: short in lists, whole and in groups wherever somebody decides by it.

/** The first 6 or 8 and the last 4 or 6: 0x4db219…eB976c, Bjd6se…3eCgze. */
export function shortAddress(address: string): string {
  const head = address.startsWith('0x') ? 8 : 6
  return address.length > head + 6 + 1 ? `${address.slice(0, head)}…${address.slice(-6)}` : address
}

/** What stands before the groups (0x, bc1), and the rest in groups of four. */
export function groups(address: string): { prefix: string; groups: string[] } {
  const prefix = /^(0x|bc1|tb1)/.exec(address)?.[0] ?? ''
  return { prefix, groups: address.slice(prefix.length).match(/.{1,4}/g) ?? [] }
}
