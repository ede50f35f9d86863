// A code as it is typed and pasted.

/** Keeps what a code can hold: digits, or letters and digits. */
export function cleanCode(text: string, alphanumeric: boolean): string {
  return text.replace(alphanumeric ? /[^0-9a-z]/gi : /\D/g, '')
}

/** The code in a pasted text: with or without spaces and dashes, alone or within the message's own words. */
export function pastedCode(text: string, length: number, alphanumeric: boolean): string {
  const whole = cleanCode(text, alphanumeric)
  if (whole.length <= length) return whole
  // Parts joined by spaces or dashes, as codes are printed: the first run of them that has the right length.
  const parts = text.split(/[^0-9a-z]+/i).filter(Boolean)
  for (let from = 0; from < parts.length; from++) {
    let joined = ''
    for (let to = from; to < parts.length && joined.length < length; to++) {
      const part = parts[to] ?? ''
      if (cleanCode(part, alphanumeric) !== part || (alphanumeric && !/\d/.test(part) && part.length !== length)) break
      joined += part
      if (joined.length === length) return joined
    }
  }
  return whole.slice(0, length)
}

/** How many boxes stand before the gap: a code is shown in two groups. */
export function firstGroup(length: number): number {
  return Math.ceil(length / 2)
}
