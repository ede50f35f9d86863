import { describe, expect, test } from 'vitest'
import { countdown, length, moment, timeOfDay, wait } from '../src/state/time'
import { groups, shortAddress } from '../src/ui/address'
import { cleanCode, firstGroup, pastedCode } from '../src/ui/code'
import { blade, cutting, depths, shortKey } from '../src/ui/keycut'

const minute = 60_000
const hour = 60 * minute

describe('times', () => {
  test.each([[278_000, '4:38'], [277_001, '4:38'], [15_000, '0:15'], [1, '0:01'], [0, '0:00'], [-5_000, '0:00'], [600_000, '10:00']])('a countdown of %i ms is %s', (ms, want) => {
    expect(countdown(ms)).toBe(want)
  })
  test.each([[118_000, '1:58'], [11 * minute + 42_000, '11 min 42 s'], [46 * minute, '46 min'], [8 * hour + 14 * minute, '8 h 14 min'], [8 * hour + 2 * minute, '8 h 02 min']])('a length of %i ms is %s', (ms, want) => {
    expect(length(ms)).toBe(want)
  })
  test.each([[18_000, '18 s'], [400, '1 s'], [250_000, '4:10']])('a wait of %i ms is %s', (ms, want) => {
    expect(wait(ms)).toBe(want)
  })
  test('a time of day has its day when that is not today', () => {
    const now = new Date(2026, 10, 21, 13, 4).getTime()
    expect(timeOfDay(new Date(2026, 10, 21, 21, 40).getTime(), now)).toBe('21:40')
    expect(timeOfDay(new Date(2026, 10, 22, 9, 11).getTime(), now)).toBe('22 Nov, 09:11')
    expect(moment(new Date(2026, 2, 3, 18, 22).getTime())).toBe('3 March 2026, 18:22')
  })
})

describe('the cut of a key', () => {
  const key = '022943bb78a3d8f6c5b1e09d7a4426fe1bc08a9b5d0c3f7e61a2948c5dd2f2ad'
  test('is the six bytes after the first, each modulo 4', () => {
    expect(depths(key)).toEqual([0x29 % 4, 0x43 % 4, 0xbb % 4, 0x78 % 4, 0xa3 % 4, 0xd8 % 4])
  })
  test('draws each depth 2.1 higher than the one before', () => {
    // The depths 1 3 3 0 0 3 of the mock-ups.
    expect(blade([1, 3, 3, 0, 0, 3])).toBe('M11.5 3.2H55L58.6 6.6L55.1 7.7H51.4L48.8 14.0H45.1L42.5 14.0H38.8L36.2 7.7H32.5L29.9 7.7H26.2L23.6 11.9H19.9L17.6 14H11.5Z')
  })
  test('begins as a flat blade and ends as the key', () => {
    expect(cutting([1, 3, 3, 0, 0, 3], 0)).toEqual([0, 0, 0, 0, 0, 0])
    expect(cutting([1, 3, 3, 0, 0, 3], 1)).toEqual([1, 3, 3, 0, 0, 3])
  })
  test('of what is not a key is a flat blade', () => {
    expect(depths('')).toEqual([0, 0, 0, 0, 0, 0])
    expect(depths('zz')).toEqual([0, 0, 0, 0, 0, 0])
  })
  test('stands beside a short name', () => {
    expect(shortKey(key)).toBe('022943…f2ad')
    expect(shortKey('02')).toBe('02')
  })
})

describe('an address', () => {
  test.each([
    ['0x4db21956F3C1A8C2Bb5fA4B3F0C07fB7C5eB976c', '0x4db219…eB976c'],
    ['Bjd6seqNyJXqEhPHKVFGnHcVJ3RxVJYBPr9oXk3eCgze', 'Bjd6se…3eCgze'],
    ['short', 'short'],
  ])('%s is short as %s', (address, want) => {
    expect(shortAddress(address)).toBe(want)
  })
  test('falls into groups of four that join to the whole', () => {
    const address = '0x4db21956F3C1A8C2Bb5fA4B3F0C07fB7C5eB976c'
    const { prefix, groups: parts } = groups(address)
    expect(prefix).toBe('0x')
    expect(parts).toHaveLength(10)
    expect(prefix + parts.join('')).toBe(address)
    expect(groups('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4').prefix).toBe('bc1')
    expect(groups('').groups).toEqual([])
  })
})

describe('a pasted code', () => {
  test.each([
    ['419220', '419220'],
    [' 419 220 ', '419220'],
    ['419-220', '419220'],
    ['419\u2013220\n', '419220'],
    ['Your Latchkey code is 419220.', '419220'],
    ['Code 419 220, valid for 5 minutes', '419220'],
    ['4192', '4192'],
    ['41922012', '419220'],
    ['no digits', ''],
  ])('%j gives %j', (text, want) => {
    expect(pastedCode(text, 6, false)).toBe(want)
  })
  test.each([
    ['QPZ-RY9-X8G', 'QPZRY9X8G'],
    ['qpzry9x8g', 'qpzry9x8g'],
    ['Your code is QPZRY9X8G', 'QPZRY9X8G'],
  ])('with letters, %j gives %j', (text, want) => {
    expect(pastedCode(text, 9, true)).toBe(want)
  })
  test('keeps only what a code can hold', () => {
    expect(cleanCode('4a1 9', false)).toBe('419')
    expect(cleanCode('4a-é', true)).toBe('4a')
  })
  test.each([[6, 3], [8, 4], [9, 5]])('of %i boxes has its gap after %i', (n, want) => {
    expect(firstGroup(n)).toBe(want)
  })
})
