// Package contract reads what a transaction says to a contract, by the contract's interface: the ABI of an Ethereum
// contract, and the IDL of a Solana program in Anchor's format.
//
// It owns both formats and turns a call into values that policies compare (package policy). It neither stores interfaces
// nor knows which contract has which. Everything in it is a pure function, bounded in depth and in the number of values,
// and never panics on any input: what cannot be read by an interface to the last bit is not read at all.
package contract
