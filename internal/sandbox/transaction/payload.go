package transaction

import (
	"strings"

	"latchkey/internal/chain"
	"latchkey/internal/sandbox/policy"
)

// TellPayload writes into c what a payload of sign_raw_payload says, if its encoding is one that a policy can read:
// typed data (EIP-712) or an authorization (EIP-7702). A payload that cannot be read is an [*Error].
func TellPayload(c *policy.Context, payload, encoding string) error {
	switch encoding {
	case "PAYLOAD_ENCODING_EIP712":
		t, err := chain.ParseTypedData([]byte(payload))
		if err == nil {
			_, err = t.Digest() // which checks every value against its type
		}
		if err != nil {
			return bad("%s", reason(err))
		}
		c.Eth.EIP712 = tellTypedData(t)
	case "PAYLOAD_ENCODING_EIP7702_AUTHORIZATION":
		a, err := chain.ParseAuthorization([]byte(payload))
		if err != nil {
			return bad("%s", reason(err))
		}
		c.Eth.Authorization = &policy.Eip7702Authorization{Address: address(a.Address), ChainID: a.ChainID, Nonce: number(a.Nonce)}
	}
	return nil
}

// tellTypedData is for typed data that has a digest, so that every value is of its type.
func tellTypedData(t *chain.TypedData) *policy.Eip712TypedData {
	told := &policy.Eip712TypedData{PrimaryType: t.PrimaryType, Message: map[string]policy.Value{}}
	told.Domain.Name, _ = t.Domain["name"].(string)
	told.Domain.Version, _ = t.Domain["version"].(string)
	if n, err := chain.Integer(t.Domain["chainId"]); err == nil {
		told.Domain.ChainID.Int = n
	}
	contract, _ := t.Domain["verifyingContract"].(string)
	told.Domain.VerifyingContract = strings.ToLower(contract)
	if len(t.Message) > 0 { // empty where the domain itself is the message
		told.Message = tellStruct(t, t.PrimaryType, t.Message)
	}
	return told
}

func tellStruct(t *chain.TypedData, name string, members map[string]any) map[string]policy.Value {
	told := make(map[string]policy.Value, len(members))
	for _, f := range t.Types[name] {
		told[f.Name] = tellValue(t, f.Type, members[f.Name])
	}
	return told
}

// tellValue spells addresses and bytes in lower case, and unsigned numbers as such. Its depth is that of the JSON.
func tellValue(t *chain.TypedData, kind string, v any) policy.Value {
	if list, ok := v.([]any); ok && strings.HasSuffix(kind, "]") {
		element := kind[:strings.LastIndexByte(kind, '[')]
		told := make([]policy.Value, len(list))
		for i, item := range list {
			told[i] = tellValue(t, element, item)
		}
		return told
	}
	if members, ok := v.(map[string]any); ok {
		return tellStruct(t, kind, members)
	}
	text, isText := v.(string)
	switch {
	case kind == "string":
		return text
	case kind == "bool":
		return v
	case isText && (kind == "address" || strings.HasPrefix(kind, "bytes")):
		return strings.ToLower(text)
	}
	n, err := chain.Integer(v)
	if err != nil {
		return nil
	}
	if strings.HasPrefix(kind, "uint") {
		return policy.Uint{Int: n}
	}
	return n
}
