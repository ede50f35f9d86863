package hd

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"

	"github.com/mr-tron/base58"
)

func bitcoinAlphabet() *base58.Alphabet { return base58.BTCAlphabet }

func ripple() *base58.Alphabet {
	return base58.NewAlphabet("rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz")
}

// base58Check spells version, data and the first four bytes of their double SHA-256.
func base58Check(alphabet *base58.Alphabet, version byte, data []byte) string {
	raw := append([]byte{version}, data...)
	sum := sha256.Sum256(raw)
	sum = sha256.Sum256(sum[:])
	return base58.EncodeAlphabet(append(raw, sum[:4]...), alphabet)
}

// The constants that set bech32 and bech32m apart. Source: BIP-173, BIP-350.
const (
	bech32Const  = 1
	bech32mConst = 0x2bc830a3
)

// segwit spells a witness program; version 0 in bech32, later ones in bech32m.
func segwit(hrp string, version byte, program []byte) string {
	constant := uint32(bech32mConst)
	if version == 0 {
		constant = bech32Const
	}
	return bech32(hrp, constant, append([]byte{version}, regroup(program)...))
}

// bech32 spells groups of five bits after hrp, with the checksum of six groups.
func bech32(hrp string, constant uint32, groups []byte) string {
	const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	var expanded []byte
	for _, c := range []byte(hrp) {
		expanded = append(expanded, c>>5)
	}
	expanded = append(expanded, 0)
	for _, c := range []byte(hrp) {
		expanded = append(expanded, c&31)
	}
	sum := polymod(slices.Concat(expanded, groups, make([]byte, 6))) ^ constant
	for i := range 6 {
		groups = append(groups, byte(sum>>(5*(5-i)))&31)
	}
	var b strings.Builder
	b.WriteString(hrp + "1")
	for _, g := range groups {
		b.WriteByte(alphabet[g])
	}
	return b.String()
}

// polymod is the remainder of BIP-173's checksum code.
func polymod(groups []byte) uint32 {
	generator := [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}
	sum := uint32(1)
	for _, g := range groups {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(g)
		for i, term := range generator {
			if top>>i&1 == 1 {
				sum ^= term
			}
		}
	}
	return sum
}

// regroup cuts bytes into groups of five bits, the last filled with zeros.
func regroup(data []byte) []byte {
	var groups []byte
	var buffer uint32
	bits := 0
	for _, b := range data {
		buffer = buffer<<8 | uint32(b)
		for bits += 8; bits >= 5; {
			bits -= 5
			groups = append(groups, byte(buffer>>bits)&31)
		}
	}
	if bits > 0 {
		groups = append(groups, byte(buffer<<(5-bits))&31)
	}
	return groups
}

// stellar is a StrKey: the version of an account, the key and a CRC16, in base32. Source: SEP-0023.
func stellar(pub []byte) (string, error) {
	raw := append([]byte{6 << 3}, pub...)
	var crc uint16 // XMODEM: polynomial 0x1021, no reflection, starts with zero
	for _, b := range raw {
		crc ^= uint16(b) << 8
		for range 8 {
			carry := crc >> 15
			crc = crc<<1 ^ carry*0x1021
		}
	}
	return base32.StdEncoding.EncodeToString(append(raw, byte(crc), byte(crc>>8))), nil
}
