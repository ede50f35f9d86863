package transaction

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/big"
	"unicode/utf8"

	"github.com/btcsuite/btcd/btcutil/base58"
	"google.golang.org/protobuf/encoding/protowire"

	"latchkey/internal/sandbox/policy"
)

// tron is the raw data of a transaction. The messages are those of Tron's protocol, core/Tron.proto and core/contract.
type tron struct {
	raw  []byte
	by   Signer
	told *policy.TronTransaction
}

func readTron(raw []byte, by Signer) (Transaction, error) {
	m, err := readProto(raw, map[protowire.Number]shape{1: octets, 4: octets, 8: varint, 10: octets, 11: repeated, 14: varint, 18: varint})
	if err != nil {
		return nil, bad("tron transaction: %v", err)
	}
	r := tronReader{}
	told := &policy.TronTransaction{
		RefBlockBytes: hex.EncodeToString(m.bytes(1)), RefBlockHash: hex.EncodeToString(m.bytes(4)), Data: hex.EncodeToString(m.bytes(10)),
		Expiration: r.amount(m, 8), Timestamp: r.amount(m, 14), FeeLimit: r.amount(m, 18),
	}
	if len(m.octets[11]) == 0 {
		return nil, bad("tron transaction: no contract")
	}
	for _, c := range m.octets[11] {
		told.Contract = append(told.Contract, r.contract(c))
	}
	if r.err != nil {
		return nil, bad("tron transaction: %v", r.err)
	}
	return tron{raw, by, told}, nil
}

func (t tron) Tell(c *policy.Context) { c.Tron.Tx = t.told }

// Sign returns the transaction message: the raw data and a signature of r, s and the recovery id, 0 or 1.
func (t tron) Sign() (string, error) {
	id := sha256.Sum256(t.raw)
	r, s, v, err := signECDSA(t.by.Key, id[:])
	if err != nil {
		return "", err
	}
	signed := protowire.AppendTag(nil, 1, protowire.BytesType)
	signed = protowire.AppendBytes(signed, t.raw)
	signed = protowire.AppendTag(signed, 2, protowire.BytesType)
	signed = protowire.AppendBytes(signed, append(append(r, s...), v))
	return hex.EncodeToString(signed), nil
}

// tronReader reads the values of contracts. The first failure stays; reading on after it yields zero values.
type tronReader struct{ err error }

func (r *tronReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = bad(format, args...)
	}
}

func (r *tronReader) message(raw []byte, schema map[protowire.Number]shape) message {
	m, err := readProto(raw, schema)
	if err != nil {
		r.fail("%v", err)
		return message{}
	}
	return m
}

// amount is a number that is never negative, although its type could be.
func (r *tronReader) amount(m message, field protowire.Number) *big.Int {
	n := m.numbers[field]
	if n > math.MaxInt64 {
		r.fail("a negative number")
	}
	return number(n)
}

// address spells an address of 21 bytes, the first of which is 41, in base58check.
func (r *tronReader) address(b []byte) string {
	if len(b) != 21 || b[0] != 0x41 {
		r.fail("an address that is not 41 and 20 bytes")
		return ""
	}
	return base58.CheckEncode(b[1:], b[0])
}

func (r *tronReader) choice(m message, field protowire.Number, names ...string) string {
	if n := m.numbers[field]; n < uint64(len(names)) {
		return names[n]
	}
	r.fail("a choice that does not exist")
	return ""
}

func (r *tronReader) resource(m message, field protowire.Number) *string {
	return new(r.choice(m, field, "BANDWIDTH", "ENERGY", "TRON_POWER"))
}

// contract reads a contract: its type, its parameters within an Any of that type's URL, and the permission it uses.
func (r *tronReader) contract(raw []byte) policy.TronContract {
	outer := r.message(raw, map[protowire.Number]shape{1: varint, 2: octets, 5: varint})
	parameter := r.message(outer.bytes(2), map[protowire.Number]shape{1: octets, 2: octets})
	kind, known := tronContracts()[outer.numbers[1]]
	if !known {
		r.fail("a contract of type %d, which is not supported", outer.numbers[1])
		return policy.TronContract{}
	}
	if string(parameter.bytes(1)) != "type.googleapis.com/protocol."+kind.name {
		r.fail("a contract whose parameters are not of its type")
	}
	m := r.message(parameter.bytes(2), kind.schema)
	told := policy.TronContract{Type: kind.name, PermissionID: r.amount(outer, 5), OwnerAddress: r.address(m.bytes(1))}
	kind.read(r, m, &told)
	return told
}

// tronContract is one kind of contract. Field 1 is the owner's address in all of them.
type tronContract struct {
	name   string
	schema map[protowire.Number]shape
	read   func(*tronReader, message, *policy.TronContract)
}

// tronContracts are the kinds that the policy language knows, by the number of their type.
func tronContracts() map[uint64]tronContract {
	return map[uint64]tronContract{
		1: {"TransferContract", map[protowire.Number]shape{1: octets, 2: octets, 3: varint}, func(r *tronReader, m message, c *policy.TronContract) {
			c.ToAddress, c.Amount = new(r.address(m.bytes(2))), r.amount(m, 3)
		}},
		31: {"TriggerSmartContract", map[protowire.Number]shape{1: octets, 2: octets, 3: varint, 4: octets, 5: varint, 6: varint}, func(r *tronReader, m message, c *policy.TronContract) {
			c.ContractAddress, c.Data = new(r.address(m.bytes(2))), new(hex.EncodeToString(m.bytes(4)))
			c.CallValue, c.CallTokenValue, c.TokenID = r.amount(m, 3), r.amount(m, 5), r.amount(m, 6)
		}},
		46: {"AccountPermissionUpdateContract", map[protowire.Number]shape{1: octets, 2: octets, 3: octets, 4: repeated}, func(r *tronReader, m message, c *policy.TronContract) {
			c.Actives = []policy.TronPermission{}
			for _, raw := range m.octets[4] {
				c.Actives = append(c.Actives, r.permission(raw))
			}
			if m.octets[2] != nil {
				c.Owner = new(r.permission(m.bytes(2)))
			}
			if m.octets[3] != nil {
				c.Witness = new(r.permission(m.bytes(3)))
			}
		}},
		54: {"FreezeBalanceV2Contract", map[protowire.Number]shape{1: octets, 2: varint, 3: varint}, func(r *tronReader, m message, c *policy.TronContract) {
			c.FrozenBalance, c.Resource = r.amount(m, 2), r.resource(m, 3)
		}},
		55: {"UnfreezeBalanceV2Contract", map[protowire.Number]shape{1: octets, 2: varint, 3: varint}, func(r *tronReader, m message, c *policy.TronContract) {
			c.UnfreezeBalance, c.Resource = r.amount(m, 2), r.resource(m, 3)
		}},
		57: {"DelegateResourceContract", map[protowire.Number]shape{1: octets, 2: varint, 3: varint, 4: octets, 5: varint, 6: varint}, func(r *tronReader, m message, c *policy.TronContract) {
			c.Resource, c.Balance, c.ReceiverAddress = r.resource(m, 2), r.amount(m, 3), new(r.address(m.bytes(4)))
			c.Lock, c.LockPeriod = new(r.choice(m, 5, "false", "true") == "true"), r.amount(m, 6)
		}},
		58: {"UnDelegateResourceContract", map[protowire.Number]shape{1: octets, 2: varint, 3: varint, 4: octets}, func(r *tronReader, m message, c *policy.TronContract) {
			c.Resource, c.Balance, c.ReceiverAddress = r.resource(m, 2), r.amount(m, 3), new(r.address(m.bytes(4)))
		}},
	}
}

// permission reads who may act for an account.
func (r *tronReader) permission(raw []byte) policy.TronPermission {
	m := r.message(raw, map[protowire.Number]shape{1: varint, 2: varint, 3: octets, 4: varint, 5: varint, 6: octets, 7: repeated})
	p := policy.TronPermission{
		Type: r.choice(m, 1, "Owner", "Witness", "Active"), ID: r.amount(m, 2), PermissionName: string(m.bytes(3)),
		Threshold: r.amount(m, 4), ParentID: r.amount(m, 5), Operations: hex.EncodeToString(m.bytes(6)),
	}
	if !utf8.ValidString(p.PermissionName) {
		r.fail("a name that is not UTF-8")
	}
	for _, k := range m.octets[7] {
		key := r.message(k, map[protowire.Number]shape{1: octets, 2: varint})
		p.Keys = append(p.Keys, policy.TronKey{Address: r.address(key.bytes(1)), Weight: r.amount(key, 2)})
	}
	return p
}
