// The cut of a key: its shape from its compressed public key. An aid to the eye, never a proof: there are 4,096 shapes.

/** How many cuts a key has. */
export const cuts = 6

/** The depth, 0 to 3, of each cut: the six bytes after the first of the compressed public key, each modulo 4. */
export function depths(publicKey: string): number[] {
  return Array.from({ length: cuts }, (_, i) => {
    const byte = Number.parseInt(publicKey.slice(2 + 2 * i, 4 + 2 * i), 16)
    return Number.isNaN(byte) ? 0 : byte % 4
  })
}

/** The blade's outline in a drawing 60 wide and 16 high. Depths may be fractions, while the key is being cut. */
export function blade(depths: number[]): string {
  const y = (i: number) => (14 - 2.1 * (depths[i] ?? 0)).toFixed(1)
  // From the tip back to the bow: each cut is a flat 3.7 wide, and the slope to the next one 2.6.
  return `M11.5 3.2H55L58.6 6.6L55.1 ${y(5)}H51.4L48.8 ${y(4)}H45.1L42.5 ${y(3)}H38.8L36.2 ${y(2)}H32.5L29.9 ${y(1)}H26.2L23.6 ${y(0)}H19.9L17.6 14H11.5Z`
}

/** The depths while a blank is cut from the bow to the tip: progress runs from 0 to 1. */
export function cutting(to: number[], progress: number): number[] {
  return to.map((depth, i) => depth * Math.min(1, Math.max(0, progress * 2 - i / cuts)))
}

/** 027f6a…9014: stands beside every cut but the rail's. */
export function shortKey(publicKey: string): string {
  return publicKey.length > 12 ? `${publicKey.slice(0, 6)}…${publicKey.slice(-4)}` : publicKey
}
