package transaction

import (
	"encoding/hex"
	"testing"

	"github.com/btcsuite/btcd/btcutil/base58"
	"google.golang.org/protobuf/encoding/protowire"

	"latchkey/internal/sandbox/policy"
)

// tronEnds are the lengths at which the vector is another transaction: a field that is absent is zero.
func tronEnds() []int {
	v := vectors()["tron"].unsigned
	return []int{len(v) - 2*7} // without its timestamp
}

// proto spells fields: a number, and a uint64, a text or a []byte.
func proto(fields ...any) []byte {
	var b []byte
	for i := 0; i < len(fields); i += 2 {
		n := protowire.Number(fields[i].(int))
		switch v := fields[i+1].(type) {
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), uint64(v))
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
		}
	}
	return b
}

func tronAddress(last byte) []byte {
	a := make([]byte, 21)
	a[0], a[20] = 0x41, last
	return a
}

func contract(number int, name string, value []byte) []byte {
	return proto(1, "\x01\x02", 4, "\x03", 8, 1000, 11, proto(1, number, 2, proto(1, "type.googleapis.com/protocol."+name, 2, value), 5, 2), 14, 999)
}

func tellTron(t *testing.T, raw []byte) (*policy.TronTransaction, error) {
	t.Helper()
	tx, err := Parse("TRANSACTION_TYPE_TRON", hex.EncodeToString(raw), signer(t, "TRON", "m/44'/195'/0'"))
	if err != nil {
		return nil, err
	}
	var c policy.Context
	tx.Tell(&c)
	return c.Tron.Tx, nil
}

func TestTronVectorIsTold(t *testing.T) {
	raw, _ := hex.DecodeString(vectors()["tron"].unsigned)
	got, err := tellTron(t, raw)
	if err != nil {
		t.Fatal(err)
	}
	c := got.Contract[0]
	to, version, err := base58.CheckDecode(*c.ToAddress)
	if err != nil || version != 0x41 || hex.EncodeToString(to) != "78839f6054d7ed13918bae0473ba31b1ca9d7265" {
		t.Errorf("to %s", *c.ToAddress)
	}
	if got.RefBlockBytes != "1a2b" || got.RefBlockHash != "0011223344556677" || c.Type != "TransferContract" || c.OwnerAddress != "TGrLpry8MNqMuMUTe2VXv5wYkRuFEsbKsE" ||
		c.Amount.Int64() != 1000000 || c.CallValue != nil || c.PermissionID.Sign() != 0 {
		t.Errorf("%+v %+v", got, c)
	}
}

func TestTronContractsAreTold(t *testing.T) {
	owner, other := tronAddress(1), tronAddress(2)
	permission := func(kind int, keys ...[]byte) []byte {
		b := proto(1, kind, 2, kind, 3, "name", 4, 2, 6, "\xff\x00")
		for _, k := range keys {
			b = append(b, proto(7, proto(1, k, 2, 1))...)
		}
		return b
	}
	for _, c := range []struct {
		number int
		name   string
		value  []byte
		check  func(policy.TronContract) bool
	}{
		{1, "TransferContract", proto(1, owner, 2, other, 3, 5), func(c policy.TronContract) bool { return c.Amount.Int64() == 5 && *c.ToAddress != c.OwnerAddress }},
		{31, "TriggerSmartContract", proto(1, owner, 2, other, 3, 5, 4, "\xa9\x05\x9c\xbb", 5, 6, 6, 7), func(c policy.TronContract) bool {
			return *c.Data == "a9059cbb" && c.CallValue.Int64() == 5 && c.CallTokenValue.Int64() == 6 && c.TokenID.Int64() == 7 && c.Amount == nil
		}},
		{54, "FreezeBalanceV2Contract", proto(1, owner, 2, 9, 3, 1), func(c policy.TronContract) bool { return c.FrozenBalance.Int64() == 9 && *c.Resource == "ENERGY" }},
		{55, "UnfreezeBalanceV2Contract", proto(1, owner, 2, 9), func(c policy.TronContract) bool {
			return c.UnfreezeBalance.Int64() == 9 && *c.Resource == "BANDWIDTH" && c.FrozenBalance == nil
		}},
		{57, "DelegateResourceContract", proto(1, owner, 2, 1, 3, 8, 4, other, 5, 1, 6, 100), func(c policy.TronContract) bool {
			return *c.Resource == "ENERGY" && c.Balance.Int64() == 8 && *c.Lock && c.LockPeriod.Int64() == 100 && len(*c.ReceiverAddress) == 34
		}},
		{58, "UnDelegateResourceContract", proto(1, owner, 3, 8, 4, other), func(c policy.TronContract) bool {
			return *c.Resource == "BANDWIDTH" && c.Balance.Int64() == 8 && c.Lock == nil
		}},
		{46, "AccountPermissionUpdateContract", proto(1, owner, 2, permission(0, owner), 4, permission(2, owner, other), 4, permission(2, other)), func(c policy.TronContract) bool {
			return c.Owner.Type == "Owner" && c.Witness == nil && len(c.Actives) == 2 && c.Actives[0].Type == "Active" && len(c.Actives[0].Keys) == 2 &&
				c.Actives[0].Operations == "ff00" && c.Actives[0].Threshold.Int64() == 2 && c.Actives[0].PermissionName == "name"
		}},
	} {
		got, err := tellTron(t, contract(c.number, c.name, c.value))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if one := got.Contract[0]; one.Type != c.name || one.PermissionID.Int64() != 2 || !c.check(one) || got.Expiration.Int64() != 1000 {
			t.Errorf("%s: %+v", c.name, one)
		}
		if _, err := tellTron(t, contract(c.number, "TransferAssetContract", c.value)); err == nil {
			t.Errorf("%s is taken under another type's name", c.name)
		}
	}
}

func TestBadTronTransactions(t *testing.T) {
	owner, other := tronAddress(1), tronAddress(2)
	transfer := proto(1, owner, 2, other, 3, 5)
	good := contract(1, "TransferContract", transfer)
	if _, err := tellTron(t, good); err != nil {
		t.Fatal(err)
	}
	short := append([]byte{}, other[:20]...)
	for name, raw := range map[string][]byte{
		"no contract":           proto(1, "\x01\x02", 8, 5),
		"unknown field":         append(proto(99, 1), good...),
		"doubled number":        append(proto(8, 1), good...),
		"doubled bytes":         append(proto(4, "x"), good...),
		"a number for bytes":    append(proto(10, 1), good...),
		"bytes for a number":    append(proto(18, "x"), good...),
		"a fixed number":        append(protowire.AppendFixed64(protowire.AppendTag(nil, 18, protowire.Fixed64Type), 1), good...),
		"a group":               append(protowire.AppendTag(protowire.AppendTag(nil, 18, protowire.StartGroupType), 18, protowire.EndGroupType), good...),
		"a long varint":         append([]byte{18 << 3 & 0xff, 1, 0x81, 0}, good...),
		"a negative fee limit":  append(protowire.AppendVarint(protowire.AppendTag(nil, 18, protowire.VarintType), 1<<63), good...),
		"another contract":      contract(2, "TransferAssetContract", transfer),
		"field zero":            append([]byte{0, 0}, good...),
		"a short address":       contract(1, "TransferContract", proto(1, owner, 2, short, 3, 5)),
		"no receiver":           contract(1, "TransferContract", proto(1, owner, 3, 5)),
		"an unknown field deep": contract(1, "TransferContract", append(proto(9, 1), transfer...)),
		"an unknown resource":   contract(54, "FreezeBalanceV2Contract", proto(1, owner, 2, 9, 3, 7)),
		"a huge length":         {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f},
	} {
		if _, err := tellTron(t, raw); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
