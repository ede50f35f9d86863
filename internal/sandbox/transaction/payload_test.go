package transaction

import (
	"strings"
	"testing"

	"latchkey/internal/sandbox/policy"
)

func TestTypedDataIsTold(t *testing.T) {
	const text = `{"types":{"Order":[{"name":"who","type":"address"},{"name":"amounts","type":"uint256[]"},{"name":"delta","type":"int8"},{"name":"ok","type":"bool"},
		{"name":"note","type":"string"},{"name":"salt","type":"bytes2"},{"name":"items","type":"Item[1]"}],"Item":[{"name":"n","type":"uint8"}]},
		"domain":{"name":"Shop","chainId":"0x2105","verifyingContract":"0xCCCCcccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"},"primaryType":"Order",
		"message":{"who":"0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826","amounts":["0xff",2,"300000000000000000000000000000000000000000"],"delta":-3,"ok":true,"note":"Hi",
		"salt":"0xABcd","items":[{"n":4}]}}`
	var c policy.Context
	if err := TellPayload(&c, `{}`, "PAYLOAD_ENCODING_EIP712"); err == nil || c.Eth.EIP712 != nil {
		t.Error("no error")
	}
	// The contract's address above has 41 digits.
	if err := TellPayload(&c, text, "PAYLOAD_ENCODING_EIP712"); err == nil || c.Eth.EIP712 != nil {
		t.Error("told although it has no digest")
	}
	if err := TellPayload(&c, strings.Replace(text, "0xCCCCcccccCCC", "0xCCCCccccCCC", 1), "PAYLOAD_ENCODING_EIP712"); err != nil {
		t.Fatal(err)
	}
	got := c.Eth.EIP712
	if got.PrimaryType != "Order" || got.Domain.Name != "Shop" || got.Domain.Version != "" || got.Domain.ChainID.Int.Int64() != 8453 ||
		got.Domain.VerifyingContract != "0xcccccccccccccccccccccccccccccccccccccccc" {
		t.Errorf("%+v", got.Domain)
	}
	m := got.Message
	amounts, ok := m["amounts"].([]policy.Value)
	if !ok || len(amounts) != 3 || amounts[0].(policy.Uint).Int.Int64() != 255 || amounts[2].(policy.Uint).Int.String() != "300000000000000000000000000000000000000000" {
		t.Errorf("%+v", m["amounts"])
	}
	if m["who"] != "0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826" || m["note"] != "Hi" || m["salt"] != "0xabcd" || m["ok"] != true {
		t.Errorf("%+v", m)
	}
	items, _ := m["items"].([]policy.Value)
	if item, ok := items[0].(map[string]policy.Value); !ok || item["n"].(policy.Uint).Int.Int64() != 4 {
		t.Errorf("%+v", m["items"])
	}
}

func TestAuthorizationIsTold(t *testing.T) {
	var c policy.Context
	const text = `{"address":"0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265","chainId":1,"nonce":7}`
	if err := TellPayload(&c, text, "PAYLOAD_ENCODING_EIP7702_AUTHORIZATION"); err != nil {
		t.Fatal(err)
	}
	if a := c.Eth.Authorization; a.Address != "0x78839f6054d7ed13918bae0473ba31b1ca9d7265" || a.ChainID.Int64() != 1 || a.Nonce.Int64() != 7 {
		t.Errorf("%+v", a)
	}
	if err := TellPayload(&c, "{", "PAYLOAD_ENCODING_EIP7702_AUTHORIZATION"); err == nil {
		t.Error("no error")
	}
	if err := TellPayload(&c, "{", "PAYLOAD_ENCODING_TEXT_UTF8"); err != nil {
		t.Error(err)
	}
}
