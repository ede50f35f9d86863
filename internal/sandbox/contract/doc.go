// Package contract reads what a transaction says to a contract, by the contract's interface: the ABI of an Ethereum
// contract, and the IDL of a Solana program in Anchor's format.
//
// It owns both formats and turns a call into values that policies compare (package policy). It neither stores interfaces
// nor knows which contract has which. Everything in it is a pure function, bounded in depth and in the number of values,
// and never panics on any input: what cannot be read by an interface to the last bit is not read at all.
//
// # Values
//
// Of an ABI: uintN is an uint, intN an int, addresses and bytes are 0x and lower-case hex, tuples are lists by position.
// Arguments without a name are left out.
//
// Of an IDL: numbers up to 64 bits are ints, those of 128 bits text; keys are base58, bytes hex without 0x; structs are
// maps by name, an enum is a map of its one variant. What policies have no value for, an empty option and a number with a
// fraction, is absent. Accounts that the IDL groups are not understood as groups. Generic types are refused.
package contract
