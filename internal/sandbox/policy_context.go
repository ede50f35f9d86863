package sandbox

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/sandbox/policy"
)

// context is what policies may look at of an activity, but for who approves it. The caller holds the lock.
func (c *call) context(name string, k kind, in params) policy.Context {
	kind, resource, action := described(name)
	if k.rights&quorumOnly != 0 {
		kind = "" // such activities have none
	}
	out := policy.Context{
		Activity: policy.Activity{Type: name, Kind: kind, Resource: resource, Action: action},
		Time:     policy.Time{Now: time.UnixMilli(c.now).UTC()},
	}
	tells, ok := in.(telling)
	if !ok {
		return out
	}
	m := tells.matter(c)
	if a := m.account; a != nil {
		out.WalletAccount = &policy.WalletAccount{Address: sameAddress(a.address)}
		if kind == "EXPORT_WALLET_ACCOUNT" {
			out.WalletAccount.PathIndexes, out.WalletAccount.PathHardened = steps(a.path)
		}
		m.wallet = a.wallet
	}
	if m.wallet != nil {
		w := m.wallet.told()
		out.Wallet = &w
	}
	if m.wallets != nil {
		out.Wallets = make([]policy.Wallet, len(m.wallets))
		for i, w := range m.wallets {
			out.Wallets[i] = w.told()
		}
	}
	if key := m.key; key != nil {
		out.PrivateKey = &policy.PrivateKey{ID: key.id.String(), Tags: texts(key.tags), Imported: key.imported, Exported: key.exported, Label: key.name}
	}
	for name, v := range m.params {
		if out.Activity.Params == nil {
			out.Activity.Params = policy.Params{}
		}
		out.Activity.Params[name] = told(v)
	}
	for keyword, v := range m.values {
		tell(&out, keyword, v)
	}
	c.org.readCalls(&out)
	return out
}

// told is w as policies see it.
func (w *wallet) told() policy.Wallet {
	return policy.Wallet{ID: w.id.String(), Imported: w.imported, Exported: w.exported, Label: w.name}
}

// tell sets one of the keywords of chains.
func tell(c *policy.Context, keyword string, v any) {
	ok := false
	switch keyword {
	case "eth.tx":
		ok = set(&c.Eth.Tx, v)
	case "eth.eip_712":
		ok = set(&c.Eth.EIP712, v)
	case "eth.eip_7702_authorization":
		ok = set(&c.Eth.Authorization, v)
	case "solana.tx":
		ok = set(&c.Solana.Tx, v)
	case "tron.tx":
		ok = set(&c.Tron.Tx, v)
	case "bitcoin.tx":
		ok = set(&c.Bitcoin.Tx, v)
	case "tempo.tx":
		ok = set(&c.Tempo.Tx, v)
	case "secret":
		ok = set(&c.Secret, v)
	}
	if !ok {
		panic(fmt.Sprintf("sandbox: no keyword %s of type %T", keyword, v))
	}
}

// set takes a struct or a pointer to it.
func set[T any](to **T, v any) bool {
	switch v := v.(type) {
	case T:
		*to = &v
	case *T:
		*to = v
	default:
		return false
	}
	return true
}

// told turns what parameters hold into what expressions know.
func told(v any) policy.Value {
	switch v := v.(type) {
	case []string:
		list := make([]policy.Value, len(v))
		for i, s := range v {
			list[i] = s
		}
		return list
	case int:
		return big.NewInt(int64(v))
	case int32:
		return big.NewInt(int64(v))
	case int64:
		return big.NewInt(v)
	case integer:
		return big.NewInt(int64(v))
	case uuid.UUID:
		return v.String()
	}
	return v
}

func texts(ids []uuid.UUID) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = id.String()
	}
	return list
}

// steps are the numbers of a derivation path, and which of them are hardened.
func steps(path string) (indexes []*big.Int, hardened []bool) {
	indexes, hardened = []*big.Int{}, []bool{}
	for step := range strings.SplitSeq(strings.TrimPrefix(path, "m/"), "/") {
		digits := strings.TrimSuffix(step, "'")
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil {
			continue // "m" alone has no steps, and no other path is stored that has no number
		}
		indexes = append(indexes, new(big.Int).SetUint64(n))
		hardened = append(hardened, digits != step)
	}
	return indexes, hardened
}

// voter is who approved, with the credentials that stamped it.
func (a approval) voter() policy.Voter {
	v := policy.Voter{User: a.user.told()}
	for _, vote := range a.votes {
		v.Credentials = append(v.Credentials, policy.Credential{
			ID: idText(vote.Credential), UserID: a.user.id.String(), Type: vote.Kind, CredentialID: vote.CredentialID, PublicKey: vote.PublicKey,
		})
	}
	return v
}

// voter is u with every credential that could stamp a vote.
func (u *user) voter() policy.Voter {
	v := policy.Voter{User: u.told()}
	for _, k := range u.keys {
		v.Credentials = append(v.Credentials, policy.Credential{ID: k.id.String(), UserID: u.id.String(), Type: k.kind.String(), PublicKey: k.public.String()})
	}
	for _, a := range u.authenticators {
		v.Credentials = append(v.Credentials, policy.Credential{
			ID: a.ID.String(), UserID: u.id.String(), Type: credentialWebAuthn.String(), CredentialID: a.CredentialID,
			PublicKey: base64.RawURLEncoding.EncodeToString(a.PublicKey)}) // as its votes spell it
	}
	return v
}

// told is u as policies see it.
func (u *user) told() policy.User {
	return policy.User{ID: u.id.String(), Tags: texts(u.tags), Email: u.email, Alias: u.name}
}

func idText(id uuid.UUID) string {
	if id == (uuid.UUID{}) {
		return ""
	}
	return id.String()
}
