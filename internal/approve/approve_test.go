package approve

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"latchkey/internal/chain"
	"latchkey/internal/fault"
	"latchkey/internal/need"
)

const (
	org       = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
	account   = "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"
	recipient = "0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265"

	// Source: the protocol dossier, sections 15.2 and 15.3.
	legacyTransfer = "eb808504a817c8008252089478839f6054d7ed13918bae0473ba31b1ca9d726587038d7ea4c6800080018080"
	tokenTransfer  = "02f87083aa36a709843b9aca008506fc23ac0082ea609478839f6054d7ed13918bae0473ba31b1ca9d726580b844a9059cbb00000000000000000000000078839f6054d7ed13918bae0473ba31b1ca9d72650000000000000000000000000000000000000000000000000000000000000001c0"
	solanaSend     = "010000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001000103f036276246a75b9de3349ed42b15e232f6518fc20f5fcd4f1d64e81f9bd258f7f8029acf5cbcbdd5ac46ec147f3b78a3df6e5022ef0411db2bab650d329a4cd40000000000000000000000000000000000000000000000000000000000000000395bf727f9aac5e80911591073fcf9c826f428804131ca089beba3869421749a01020200010c020000008813000000000000"
	solanaFrom     = "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk"
	etherMail      = `{"types":{"Person":[{"name":"name","type":"string"},{"name":"wallet","type":"address"}],"Mail":[{"name":"from","type":"Person"},{"name":"to","type":"Person"},{"name":"contents","type":"string"}],"EIP712Domain":[{"name":"name","type":"string"},{"name":"version","type":"string"},{"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"}]},"domain":{"name":"Ether Mail","version":"1","chainId":"0x1","verifyingContract":"0xcccccccccccccccccccccccccccccccccccccccc"},"primaryType":"Mail","message":{"from":{"name":"Cow","wallet":"0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826"},"to":{"name":"Bob","wallet":"0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},"contents":"Hello, Bob!"}}`
)

// bodyOf writes the request for an activity, and its path.
func bodyOf(kind string, parameters any) (path string, body []byte) {
	name, _ := nameOf(kind)
	raw, err := json.Marshal(map[string]any{"type": kind, "organizationId": org, "timestampMs": "1", "parameters": parameters, "generateAppProofs": false})
	if err != nil {
		panic(err)
	}
	return "/public/v1/submit/" + name, raw
}

func rawPayload(text, encoding, hash string) (path string, body []byte) {
	return bodyOf("ACTIVITY_TYPE_SIGN_RAW_PAYLOAD_V2", object{"signWith": account, "payload": text, "encoding": "PAYLOAD_ENCODING_" + encoding, "hashFunction": "HASH_FUNCTION_" + hash})
}

func transaction(kind, raw string) (path string, body []byte) {
	return bodyOf("ACTIVITY_TYPE_SIGN_TRANSACTION_V2", object{"signWith": account, "unsignedTransaction": raw, "type": "TRANSACTION_TYPE_" + kind})
}

func personalMessage(text string) (path string, body []byte) {
	return rawPayload(string(chain.PersonalMessage([]byte(text))), "TEXT_UTF8", "KECCAK256")
}

func described(t testing.TB, path string, body []byte) Summary {
	t.Helper()
	s, err := Describe(path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", path, body, err)
	}
	checkShown(t, s)
	return s
}

// checkShown holds what is shown against what every summary promises.
func checkShown(t testing.TB, s Summary) {
	t.Helper()
	lines := s.Shown()
	if len(lines) > MaxLines {
		t.Errorf("%d lines", len(lines))
	}
	for _, l := range lines {
		if len([]rune(l)) > maxLine+40 {
			t.Errorf("a line of %d characters", len([]rune(l)))
		}
		for _, r := range l {
			if !unicode.IsPrint(r) {
				t.Errorf("%U in %q", r, l)
			}
		}
	}
}

func TestEveryActivityOfTheServiceHasAClass(t *testing.T) {
	raw, err := os.ReadFile(need.Shared(t, "turnkey", "public_api.swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Definitions map[string]struct {
			Enum       []string
			Properties map[string]struct{ Enum []string }
		}
		Paths map[string]struct {
			Post struct {
				Parameters []struct {
					Schema struct {
						Ref string `json:"$ref"`
					}
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &api); err != nil {
		t.Fatal(err)
	}
	types := api.Definitions["v1ActivityType"].Enum
	if len(types) < 162 {
		t.Fatalf("%d types", len(types))
	}
	counted, versions := map[Class]int{}, map[string]int{}
	for _, kind := range types {
		name, version := nameOf(kind)
		a, ok := activities[name]
		if !ok {
			t.Errorf("%s has no class", kind)
		}
		counted[a.class]++
		versions[name] = max(versions[name], version)
	}
	for name := range activities {
		if max(1, newest[name]) != versions[name] {
			t.Errorf("the newest version of %s is %d, not %d", name, versions[name], newest[name])
		}
	}
	for path, p := range api.Paths {
		if !strings.Contains(path, "/submit/") {
			continue
		}
		request := api.Definitions[strings.TrimPrefix(p.Post.Parameters[0].Schema.Ref, "#/definitions/")]
		for _, kind := range request.Properties["type"].Enum {
			if name, _ := nameOf(kind); "/public/v1/submit/"+name != path {
				t.Errorf("%s goes to %s", kind, path)
			}
		}
	}
	if counted[Free] != 2 {
		t.Errorf("%d types are free", counted[Free])
	}
	t.Logf("%d types: %v", len(types), counted)
}

func TestWhatGivesRightsOrSecretsAwayIsAskedAlways(t *testing.T) {
	for _, kind := range []string{
		"EXPORT_WALLET", "EXPORT_WALLET_ACCOUNT", "EXPORT_PRIVATE_KEY", "DELETE_WALLETS", "DELETE_PRIVATE_KEYS", "DELETE_SUB_ORGANIZATION",
		"CREATE_API_KEYS", "CREATE_API_KEYS_V2", "CREATE_AUTHENTICATORS_V2", "CREATE_OAUTH_PROVIDERS", "CREATE_USERS_V4", "DELETE_API_KEYS",
		"CREATE_POLICY_V3", "UPDATE_POLICY_V2", "UPDATE_ROOT_QUORUM", "UPDATE_USER_EMAIL", "IMPORT_WALLET", "STAMP_LOGIN", "APPROVE_ACTIVITY",
		"CREATE_WALLET_V2", "SIGN_RAW_PAYLOAD_V3", "SIGN_TRANSACTION_V9", "TAKE_EVERYTHING", "CREATE_USER_TAG",
	} {
		path, body := bodyOf("ACTIVITY_TYPE_"+kind, object{"a": "b"})
		if s := described(t, path, body); s.Class != Always {
			t.Errorf("%s is of class %s", kind, s.Class)
		}
	}
	for kind, want := range map[string]Class{"CREATE_WALLET": Free, "CREATE_WALLET_ACCOUNTS": Free, "UPDATE_WALLET": Ask} {
		path, body := bodyOf("ACTIVITY_TYPE_"+kind, object{"a": "b"})
		if s := described(t, path, body); s.Class != want {
			t.Errorf("%s is of class %s", kind, s.Class)
		}
	}
}

// A version is spelt in one way. Another spelling would be of the class of one that is known, and be read as none.
func TestAVersionSpeltOtherwiseIsNone(t *testing.T) {
	for _, version := range []string{"_V0", "_V1", "_V02", "_V002", "_V0002"} {
		_, body := bodyOf("ACTIVITY_TYPE_SIGN_RAW_PAYLOAD"+version, object{"a": "b"})
		if s, err := Describe("/public/v1/submit/sign_raw_payload", body); fault.CodeOf(err) != fault.ApprovalUnclear {
			t.Errorf("%s is taken for %q, of class %s", version, s.Title, s.Class)
		}
		if s, err := Describe("/public/v1/submit/sign_raw_payload"+strings.ToLower(version), body); err != nil || s.Class != Always {
			t.Errorf("%s by a path of its own: %q, of class %s, %v", version, s.Title, s.Class, err)
		}
	}
}

func TestRequestsInWords(t *testing.T) {
	type request struct {
		path string
		body []byte
	}
	of := func(path string, body []byte) request { return request{path, body} }
	hello := hex.EncodeToString(chain.PersonalMessage([]byte("hello")))
	for _, c := range []struct {
		request
		title string
		want  []string
		blind bool
	}{
		{of(transaction("ETHEREUM", legacyTransfer)), "Send 0.001 ETH", []string{"with: " + account, "to: " + recipient, "network: Ethereum (chain id 1)", "fee: at most 0.00042 ETH", "signed: 97d58b242c1ac46414b273b4f4463e4f4d4aa27c12f478ca128c231e35041aeb", "organization: " + org}, false},
		{of(transaction("ETHEREUM", "0x"+tokenTransfer)), "Send tokens", []string{"recipient: " + recipient, "Sepolia (chain id 11155111)"}, false},
		{of(transaction("SOLANA", solanaSend)), "Send 0.000005 SOL", []string{"step 1: send 0.000005 SOL from " + solanaFrom}, false},
		{of(transaction("TRON", "0a02")), "Sign what nobody can read", []string{"warning: cannot be read: blind signature", "2 bytes, of type TRANSACTION_TYPE_TRON"}, true},
		{of(transaction("BITCOIN", "70736274ff")), "Sign what nobody can read", nil, true},
		{of(rawPayload("hello", "TEXT_UTF8", "SHA256")), "Sign a message", []string{"text: “hello”", "signed: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}, false},
		{of(personalMessage("hello")), "Sign a personal message (Ethereum)", []string{"text: “hello”", "length: 5 bytes"}, false},
		{of(rawPayload(hello, "HEXADECIMAL", "KECCAK256")), "Sign a personal message (Ethereum)", []string{"text: “hello”"}, false},
		{of(personalMessage("\xff\x00 32 bytes of a digest")), "", nil, true},
		{of(rawPayload(strings.Repeat("ab", 32), "HEXADECIMAL", "NO_OP")), "Sign what nobody can read", []string{"a bare digest of 32 bytes", "signed: " + strings.Repeat("ab", 32)}, true},
		{of(rawPayload("1901"+strings.Repeat("ab", 64), "HEXADECIMAL", "KECCAK256")), "Sign what nobody can read", nil, true},
		// A transaction by another door is a transaction all the same.
		{of(rawPayload(legacyTransfer, "HEXADECIMAL", "KECCAK256")), "Send 0.001 ETH", []string{"to: " + recipient, "signed: 97d58b24"}, false},
		{of(rawPayload("0x"+solanaSend[130:], "HEXADECIMAL", "NOT_APPLICABLE")), "Send 0.000005 SOL", []string{"fee: at most 0.000005 SOL"}, false},
		{of(rawPayload("gm", "TEXT_UTF8", "NOT_APPLICABLE")), "Sign a message", []string{"text: “gm”", "signed: 676d"}, false},
		{of(rawPayload(etherMail, "EIP712", "NO_OP")), "Sign typed data: Mail", []string{"domain: “Ether Mail”", "contents: “Hello, Bob!”", "signed: be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"}, false},
		{of(rawPayload(`{"address":"`+recipient+`","chainId":1,"nonce":7}`, "EIP7702_AUTHORIZATION", "NO_OP")), "Let code of others act for your account", []string{"code at: " + recipient, "signed: 28fcf8e0a0cbbf965bb8ddef0c7a36b24844a3a02cf2a1c9b60f8cafca668059"}, false},
		{of(bodyOf("ACTIVITY_TYPE_SIGN_RAW_PAYLOADS", object{"signWith": account, "payloads": []string{"6869", "00"}, "encoding": "PAYLOAD_ENCODING_HEXADECIMAL", "hashFunction": "HASH_FUNCTION_SHA256"})),
			"Sign 2 payloads", []string{"payload 1: Sign a message; text “hi”", "payload 2: Sign what nobody can read"}, true},
		{of(bodyOf("ACTIVITY_TYPE_ETH_SEND_TRANSACTION_V2", object{"from": account, "caip2": "eip155:8453", "calls": []object{{"to": recipient, "value": "1500000000000000000"}, {"to": recipient, "value": "0", "data": "0xdeadbeef"}}})),
			"Send a transaction of 2 calls", []string{"call 1: Send 1.5 ETH; to " + recipient, "call 2: Call a contract", "network: Base (chain id 8453)"}, false},
		{of(bodyOf("ACTIVITY_TYPE_ETH_SEND_TRANSACTION", object{"from": account, "caip2": "eip155:1", "to": recipient, "value": "1", "sponsor": true})),
			"Send 0.000000000000000001 ETH", []string{"fee: somebody else pays"}, false},
		{of(bodyOf("ACTIVITY_TYPE_SOL_SEND_TRANSACTION_V2", object{"unsignedTransaction": solanaSend, "signWiths": []string{solanaFrom}, "caip2": "solana:mainnet"})),
			"Send 0.000005 SOL", []string{"with: " + solanaFrom, "sent to: solana:mainnet"}, false},
		{of(bodyOf("ACTIVITY_TYPE_EXPORT_WALLET", object{"walletId": "w", "targetPublicKey": "04"})), "EXPORT A WALLET: its phrase leaves Turnkey", []string{"walletId: “w”", "targetPublicKey: “04”"}, false},
		{of(bodyOf("ACTIVITY_TYPE_CREATE_API_KEYS_V2", object{"userId": "u", "apiKeys": []object{{"apiKeyName": "x\u202ey", "publicKey": "02"}}})), "ADD API KEYS: whoever has them can stamp requests", []string{`apiKeys[0].apiKeyName: “x\u202ey”`}, false},
		{of(bodyOf("ACTIVITY_TYPE_APPROVE_ACTIVITY", object{"fingerprint": "sha256:00"})), "", []string{"fingerprint: “sha256:00”"}, true},
	} {
		s := described(t, c.path, c.body)
		text := strings.Join(s.Shown(), "\n")
		if c.title != "" && s.Title != c.title || s.Blind != c.blind {
			t.Errorf("%.200s: blind %v, %q, want %q", c.body, s.Blind, s.Title, c.title)
		}
		for _, w := range append(c.want, "request: sha256 "+s.Digest) {
			if !strings.Contains(text, w) {
				t.Errorf("no %q in\n%s", w, text)
			}
		}
	}
}

func TestWhatCouldBeReadInTwoWaysIsRefused(t *testing.T) {
	const (
		sign   = "/public/v1/submit/sign_raw_payload"
		params = `"organizationId":"o","timestampMs":"1","parameters":{"signWith":"a","payload":"00","encoding":"PAYLOAD_ENCODING_HEXADECIMAL","hashFunction":"HASH_FUNCTION_SHA256"}`
		kind   = `"type":"ACTIVITY_TYPE_SIGN_RAW_PAYLOAD_V2"`
	)
	if _, err := Describe(sign, []byte(`{`+kind+`,`+params+`}`)); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string][2]string{
		"a name twice":                  {sign, `{` + kind + `,` + kind + `,` + params + `}`},
		"a name escaped":                {sign, `{` + kind + `,"\u0074ype":"ACTIVITY_TYPE_EXPORT_WALLET",` + params + `}`},
		"a name in another case":        {sign, `{` + kind + `,"Type":"ACTIVITY_TYPE_EXPORT_WALLET",` + params + `}`},
		"a name with underscores":       {sign, strings.Replace(`{`+kind+`,`+params+`}`, `"signWith":"a"`, `"signWith":"a","sign_with":"b"`, 1)},
		"two spellings of any name":     {"/public/v1/submit/update_wallet", `{"type":"ACTIVITY_TYPE_UPDATE_WALLET","parameters":{"walletId":"a","wallet_id":"b"}}`},
		"only the other spelling":       {sign, strings.Replace(`{`+kind+`,`+params+`}`, `"signWith"`, `"sign_with"`, 1)},
		"the type in another spelling":  {"/public/v1/query/whoami", `{"TYPE":"ACTIVITY_TYPE_EXPORT_WALLET"}`},
		"a name with a foreign s":       {"/public/v1/query/whoami", `{"organizationId":"o","time\u017ftampMs":"1"}`},
		"text after it":                 {sign, `{` + kind + `,` + params + `} {}`},
		"broken UTF-8":                  {sign, strings.Replace(`{`+kind+`,`+params+`}`, `"a"`, "\"\xff\"", 1)},
		"half a character":              {sign, strings.Replace(`{`+kind+`,`+params+`}`, `"a"`, `"\ud800"`, 1)},
		"another activity's path":       {"/public/v1/submit/create_wallet", `{` + kind + `,` + params + `}`},
		"a query's path":                {"/public/v1/query/whoami", `{` + kind + `,` + params + `}`},
		"a query with parameters":       {"/public/v1/query/whoami", `{"organizationId":"o","parameters":{}}`},
		"no type":                       {sign, `{` + params + `}`},
		"a type that is none":           {sign, `{"type":"SIGN",` + params + `}`},
		"a type that is no text":        {sign, `{"type":7,` + params + `}`},
		"an unknown member":             {sign, `{` + kind + `,"more":1,` + params + `}`},
		"an unknown parameter":          {sign, strings.Replace(`{`+kind+`,`+params+`}`, `"signWith"`, `"privateKeyId":"b","signWith"`, 1)},
		"a parameter of another kind":   {sign, strings.Replace(`{`+kind+`,`+params+`}`, `"a"`, `["a"]`, 1)},
		"no parameters":                 {sign, `{` + kind + `,"organizationId":"o"}`},
		"a list":                        {"/public/v1/query/whoami", `[]`},
		"nothing":                       {"/public/v1/query/whoami", ``},
		"a path upwards":                {"/public/v1/query/../submit/export_wallet", `{}`},
		"a path of another kind":        {"/tkhq/api/v1/noop-codegen-anchor", `{}`},
		"an encoding that is none":      {sign, strings.Replace(`{`+kind+`,`+params+`}`, "HEXADECIMAL", "ROT13", 1)},
		"a hash that is none":           {sign, strings.Replace(`{`+kind+`,`+params+`}`, "SHA256", "MD5", 1)},
		"payload and hash do not match": {sign, strings.Replace(strings.Replace(`{`+kind+`,`+params+`}`, "HEXADECIMAL", "EIP712", 1), `"00"`, strconv.Quote(etherMail), 1)},
		"no hex":                        {sign, strings.Replace(`{`+kind+`,`+params+`}`, `"00"`, `"0x0"`, 1)},
		"deeper than anybody reads":     {"/public/v1/query/whoami", `{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`},
	} {
		if s, err := Describe(c[0], []byte(c[1])); fault.CodeOf(err) != fault.ApprovalUnclear {
			t.Errorf("%s: %v, %q", what, err, s.Shown())
		}
		if v := Decide(Request{Path: c[0], Body: []byte(c[1])}, nil, time.Time{}); v.Outcome != Refused || v.Err == nil {
			t.Errorf("%s: %s", what, v.Outcome)
		}
	}
	for _, kind := range []string{"ETHEREUM", "SOLANA", "TEMPO"} {
		if _, err := Describe(transaction(kind, "00ff")); fault.CodeOf(err) != fault.ApprovalUnclear {
			t.Errorf("%s that cannot be parsed: %v", kind, err)
		}
	}
}

// Each version is read by the members that it has: what a later one calls signWith, the first passes over.
func TestAVersionIsReadByItsOwnMembers(t *testing.T) {
	both := object{"signWith": "shown", "privateKeyId": "used", "payload": "00", "encoding": "PAYLOAD_ENCODING_HEXADECIMAL", "hashFunction": "HASH_FUNCTION_SHA256"}
	for _, kind := range []string{"ACTIVITY_TYPE_SIGN_RAW_PAYLOAD", "ACTIVITY_TYPE_SIGN_RAW_PAYLOAD_V2"} {
		if s, err := Describe(bodyOf(kind, both)); err == nil {
			t.Errorf("%s: %q", kind, s.Shown())
		}
	}
	delete(both, "signWith")
	if s := described(t, "/public/v1/submit/sign_raw_payload", second(bodyOf("ACTIVITY_TYPE_SIGN_RAW_PAYLOAD", both))); s.Lines[0].Text != "used" {
		t.Errorf("%q", s.Shown())
	}
	calls := object{"from": account, "caip2": "eip155:1", "to": recipient, "value": "1", "calls": []object{{"to": account, "value": "9"}}}
	for _, kind := range []string{"ACTIVITY_TYPE_ETH_SEND_TRANSACTION", "ACTIVITY_TYPE_ETH_SEND_TRANSACTION_V2"} {
		if s, err := Describe(bodyOf(kind, calls)); err == nil {
			t.Errorf("%s: %q", kind, s.Shown())
		}
	}
}

func second(_ string, body []byte) []byte { return body }

func TestHostileTextsAreTamed(t *testing.T) {
	for _, text := range []string{"100% %s%n%x", "pay 1\u202e000 \u2066now\u2069", strings.Repeat("a", 10_000), strings.Repeat("\u202e", 10_000), "line\nrequest: sha256 00", strings.Repeat("e\u0301", 3000)} {
		s := described(t, "/public/v1/submit/sign_raw_payload", second(personalMessage(text)))
		shown := strings.Join(s.Shown(), "\n")
		if strings.ContainsAny(shown, "\u202e\u2066") || strings.Count(shown, "\nrequest: ") != 1 {
			t.Errorf("%q", shown)
		}
		if len(text) > 1000 && !strings.Contains(shown, "more ") {
			t.Errorf("nothing says that text is missing: %q", shown)
		}
	}
	if s := described(t, "/public/v1/submit/sign_raw_payload", second(personalMessage("100% %s%n%x"))); s.Lines[1].Text != "“100% %s%n%x”" {
		t.Errorf("%q", s.Lines)
	}
	many := object{}
	for i := range 40 {
		many[fmt.Sprintf("m%02d", i)] = "x"
	}
	s := described(t, "/public/v1/submit/update_wallet", second(bodyOf("ACTIVITY_TYPE_UPDATE_WALLET", many)))
	if shown := s.Shown(); len(shown) != MaxLines || !strings.Contains(strings.Join(shown, "\n"), "warning: 29 more facts do not fit here") {
		t.Errorf("%q", shown)
	}
}

var now = time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)

func transferRule(upTo string) Rule {
	return Rule{ID: "r-1", Kind: Transfers, Network: "eip155:1", To: strings.ToLower(recipient), UpTo: upTo, Expires: now.Add(time.Hour).UnixMilli()}
}

func TestRulesAllowWhatTheySayAndNoMore(t *testing.T) {
	total := new(big.Int).Add(big.NewInt(1_000_000_000_000_000), big.NewInt(21000*20_000_000_000)) // value and fee of legacyTransfer
	enough, short := total.String(), new(big.Int).Sub(total, big.NewInt(1)).String()
	change := func(r Rule, f func(*Rule)) Rule { f(&r); return r }
	messages := Rule{ID: "r-2", Kind: Messages, Account: strings.ToLower(account)}
	rename := Rule{ID: "r-3", Kind: Activity, Name: "update_wallet"}
	send, _ := transaction("ETHEREUM", legacyTransfer)
	type asked struct {
		path string
		body []byte
	}
	of := func(path string, body []byte) asked { return asked{path, body} }
	for _, c := range []struct {
		what string
		rule Rule
		asked
		want Outcome
	}{
		{"the transfer", transferRule(enough), of(transaction("ETHEREUM", legacyTransfer)), ByRule},
		{"the transfer, signed raw", transferRule(enough), of(rawPayload(legacyTransfer, "HEXADECIMAL", "KECCAK256")), ByRule},
		{"a wei too much, fee included", transferRule(short), of(transaction("ETHEREUM", legacyTransfer)), MustAsk},
		{"another network", change(transferRule(enough), func(r *Rule) { r.Network = "eip155:10" }), of(transaction("ETHEREUM", legacyTransfer)), MustAsk},
		{"another address", change(transferRule(enough), func(r *Rule) { r.To = account }), of(transaction("ETHEREUM", legacyTransfer)), MustAsk},
		{"the account", change(transferRule(enough), func(r *Rule) { r.Account = strings.ToLower(account) }), of(transaction("ETHEREUM", legacyTransfer)), ByRule},
		{"another account", change(transferRule(enough), func(r *Rule) { r.Account = recipient }), of(transaction("ETHEREUM", legacyTransfer)), MustAsk},
		{"its organization", change(transferRule(enough), func(r *Rule) { r.Organization = org }), of(transaction("ETHEREUM", legacyTransfer)), ByRule},
		{"another organization", change(transferRule(enough), func(r *Rule) { r.Organization = "other" }), of(transaction("ETHEREUM", legacyTransfer)), MustAsk},
		{"its session", change(transferRule(enough), func(r *Rule) { r.Session = "s" }), of(transaction("ETHEREUM", legacyTransfer)), ByRule},
		{"another session", change(transferRule(enough), func(r *Rule) { r.Session = "t" }), of(transaction("ETHEREUM", legacyTransfer)), MustAsk},
		{"over", change(transferRule(enough), func(r *Rule) { r.Expires = now.UnixMilli() }), of(transaction("ETHEREUM", legacyTransfer)), MustAsk},
		{"a call", transferRule(enough + "000"), of(transaction("ETHEREUM", tokenTransfer)), MustAsk},
		{"no limit", transferRule(""), of(transaction("ETHEREUM", legacyTransfer)), MustAsk},
		{"SOL", Rule{ID: "r", Kind: Transfers, Network: "solana", To: solanaTo(t), UpTo: "10000"}, of(transaction("SOLANA", solanaSend)), ByRule},
		{"SOL, a lamport too much", Rule{ID: "r", Kind: Transfers, Network: "solana", To: solanaTo(t), UpTo: "9999"}, of(transaction("SOLANA", solanaSend)), MustAsk},
		{"a message", messages, of(personalMessage("hello")), ByRule},
		{"a message of another account", change(messages, func(r *Rule) { r.Account = recipient }), of(personalMessage("hello")), MustAsk},
		{"a digest", messages, of(rawPayload(strings.Repeat("ab", 32), "HEXADECIMAL", "NO_OP")), MustAsk},
		{"a digest as a message", messages, of(personalMessage("\x01\x02")), MustAsk},
		{"a transaction as a message", messages, of(rawPayload(legacyTransfer, "HEXADECIMAL", "KECCAK256")), MustAsk},
		{"a SOL transaction as a message", messages, of(rawPayload(solanaSend[130:], "HEXADECIMAL", "NOT_APPLICABLE")), MustAsk},
		{"typed data", messages, of(rawPayload(etherMail, "EIP712", "NO_OP")), MustAsk},
		{"text under a bare hash", messages, of(rawPayload(`{"chain_id":"cosmoshub-4"}`, "TEXT_UTF8", "SHA256")), MustAsk},
		{"several messages", messages, of(bodyOf("ACTIVITY_TYPE_SIGN_RAW_PAYLOADS", object{"signWith": account, "payloads": []string{"a", "b"}, "encoding": "PAYLOAD_ENCODING_TEXT_UTF8", "hashFunction": "HASH_FUNCTION_NOT_APPLICABLE"})), MustAsk},
		{"a harmless activity", rename, of(bodyOf("ACTIVITY_TYPE_UPDATE_WALLET", object{"walletId": "w"})), ByRule},
		{"another activity", rename, of(bodyOf("ACTIVITY_TYPE_CREATE_PRIVATE_KEYS_V2", object{})), MustAsk},
		{"a later version", rename, of(bodyOf("ACTIVITY_TYPE_UPDATE_WALLET_V2", object{"walletId": "w"})), MustAsk},
		{"export", Rule{ID: "r", Kind: Activity, Name: "export_wallet"}, of(bodyOf("ACTIVITY_TYPE_EXPORT_WALLET", object{})), MustAsk},
		{"a query", Rule{}, asked{"/public/v1/query/whoami", []byte(`{"organizationId":"o"}`)}, Allowed},
		{"a wallet", Rule{}, of(bodyOf("ACTIVITY_TYPE_CREATE_WALLET", object{})), Allowed},
	} {
		v := Decide(Request{Path: c.path, Body: c.body, Session: "s"}, []Rule{{ID: "none"}, c.rule}, now)
		if v.Outcome != c.want || (v.Outcome == ByRule) != (v.Rule == c.rule.ID && v.Rule != "") {
			t.Errorf("%s: %s by %q, want %s (%s)", c.what, v.Outcome, v.Rule, c.want, c.rule.Words())
		}
	}
	if send != "/public/v1/submit/sign_transaction" {
		t.Error(send)
	}
}

// solanaTo is the recipient of solanaSend.
func solanaTo(t *testing.T) string {
	t.Helper()
	s := described(t, "/public/v1/submit/sign_transaction", second(transaction("SOLANA", solanaSend)))
	return s.limits.to
}

func TestWhatIsNoRuleIsSaid(t *testing.T) {
	good := transferRule("1")
	for what, spoil := range map[string]func(*Rule){
		"kind": func(r *Rule) { r.Kind = "all" }, "no kind": func(r *Rule) { r.Kind = "" }, "id": func(r *Rule) { r.ID = "a b" }, "limit": func(r *Rule) { r.UpTo = "" },
		"zero": func(r *Rule) { r.UpTo = "0" }, "fraction": func(r *Rule) { r.UpTo = "0.1" }, "negative": func(r *Rule) { r.UpTo = "-1" },
		"network": func(r *Rule) { r.Network = "" }, "chain zero": func(r *Rule) { r.Network = "eip155:0" }, "address": func(r *Rule) { r.To = "" },
		"address of the other": func(r *Rule) { r.Network = "solana" }, "a disguised address": func(r *Rule) { r.To = recipient + "\u202e" },
		"what it has not": func(r *Rule) { r.Name = "update_wallet" }, "expires": func(r *Rule) { r.Expires = -1 },
		"message without account": func(r *Rule) { *r = Rule{ID: "r", Kind: Messages} },
	} {
		r := good
		spoil(&r)
		if err := r.Check(); fault.CodeOf(err) != fault.RuleInvalid {
			t.Errorf("%s: %v", what, err)
		}
		_ = r.Words()
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, a := range activities {
		err := Rule{ID: "r", Kind: Activity, Name: name}.Check()
		if (err == nil) != a.rule || a.rule && a.class != Ask {
			t.Errorf("%s, %s: %v", name, a.class, err)
		}
	}
}

func TestARuleStatesItself(t *testing.T) {
	r := transferRule("100000000000000000")
	r.Account = account
	for want, r := range map[string]Rule{
		"Without asking: transfers to " + strings.ToLower(recipient) + " on Ethereum (chain id 1), each of at most 0.1 ETH with its gas, with " + account + ", in every session of this profile, until 2026-11-05 10:00 UTC.": r,
		"Without asking: transfers of SOL to abc, each of at most 0.000000007 SOL with its fee, in session s, for ever.":                                                                                                      {Kind: Transfers, Network: "solana", To: "abc", UpTo: "7", Session: "s"},
		"Without asking: signing any text that a person can read, and nothing else, with a, in organization o, for ever.":                                                                                                     {Kind: Messages, Account: "a", Organization: "o"},
		"Without asking: “Rename a wallet”, in every session of this profile, for ever.":                                                                                                                                      {Kind: Activity, Name: "update_wallet"},
		"Not a rule.": {},
	} {
		if got := r.Words(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func TestAnAnswerCountsForItsRequestAlone(t *testing.T) {
	q := Question{Summary: Summary{Digest: "aa", Class: Ask}, Asked: now}
	yes := Answer{Yes: true, By: Typed, Digest: "aa"}
	for what, c := range map[string]struct {
		class     Class
		a         Answer
		after     time.Duration
		yes, late bool
	}{
		"yes": {Ask, yes, time.Second, true, false}, "at the end": {Ask, yes, Patience, true, false}, "late": {Ask, yes, Patience + 1, false, true},
		"before it was asked": {Ask, yes, -1, false, true}, "no": {Ask, Answer{By: Typed, Digest: "aa"}, 0, false, false},
		"for another": {Ask, Answer{true, Typed, "bb"}, 0, false, false}, "for none": {Ask, Answer{true, Typed, ""}, 0, false, false},
		"by a way that is none": {Ask, Answer{true, "", "aa"}, 0, false, false}, "by the flag": {Ask, Answer{true, Flag, "aa"}, 0, true, false},
		"by the flag, what is asked always": {Always, Answer{true, Flag, "aa"}, 0, false, false}, "typed, what is asked always": {Always, yes, 0, true, false},
	} {
		q.Summary.Class = c.class
		if yes, late := q.Counts(c.a, now.Add(c.after)); yes != c.yes || late != c.late {
			t.Errorf("%s: %v, %v", what, yes, late)
		}
	}
}

// Two walls: what is blind or asked always has no limits that a rule could fit, and if it had, no rule would be looked at.
func TestNoRuleIsLookedAtForWhatIsAskedAlways(t *testing.T) {
	rules := []Rule{{ID: "r", Kind: Activity, Name: "update_wallet"}}
	for _, c := range []struct {
		s    Summary
		want Outcome
	}{
		{Summary{Class: Ask}, ByRule}, {Summary{Class: Ask, Blind: true}, MustAsk}, {Summary{Class: Always}, MustAsk}, {Summary{}, MustAsk},
	} {
		c.s.limits.name = "update_wallet"
		if v := judge(Request{}, c.s, rules, now); v.Outcome != c.want {
			t.Errorf("%+v: %s", c.s, v.Outcome)
		}
	}
}

// Whatever rules there are: what is asked always is asked, what is signed blindly is asked, nothing that cannot be read
// passes, and the same question gets the same answer.
func TestNoRuleGoesBeyondItsClass(t *testing.T) {
	var names []string
	for name := range activities {
		names = append(names, name)
	}
	names = append(names, "no_such_activity")
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "name")
		kind := "ACTIVITY_TYPE_" + strings.ToUpper(name)
		if v := rapid.IntRange(1, 9).Draw(t, "version"); v > 1 {
			kind += "_V" + strconv.Itoa(v)
		}
		path, body := bodyOf(kind, object{"a": rapid.String().Draw(t, "a")})
		switch rapid.IntRange(0, 3).Draw(t, "form") {
		case 0:
			path, body = rawPayload(hex.EncodeToString(rapid.SliceOfN(rapid.Byte(), 1, 80).Draw(t, "bytes")), "HEXADECIMAL",
				rapid.SampledFrom([]string{"NO_OP", "KECCAK256", "SHA256", "NOT_APPLICABLE"}).Draw(t, "hash"))
		case 1:
			path, body = transaction(rapid.SampledFrom([]string{"ETHEREUM", "SOLANA", "TRON"}).Draw(t, "chain"), rapid.SampledFrom([]string{legacyTransfer, tokenTransfer, solanaSend}).Draw(t, "raw"))
		}
		rules := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Rule {
			return Rule{
				ID: "r", Kind: rapid.SampledFrom([]Kind{Transfers, Messages, Activity, ""}).Draw(t, "kind"),
				Account: rapid.SampledFrom([]string{"", account}).Draw(t, "account"), Network: rapid.SampledFrom([]string{"", "eip155:1", "solana"}).Draw(t, "network"),
				To: rapid.SampledFrom([]string{"", recipient}).Draw(t, "to"), UpTo: rapid.SampledFrom([]string{"", "1", "9999999999999999999999"}).Draw(t, "upTo"),
				Name: rapid.SampledFrom(names).Draw(t, "name"),
			}
		})).Draw(t, "rules")
		q := Request{Path: path, Body: body}
		v := Decide(q, rules, now)
		if again := Decide(q, rules, now); again.Outcome != v.Outcome || again.Rule != v.Rule {
			t.Fatal("two answers to one question")
		}
		switch s := v.Summary; {
		case v.Outcome == ByRule && (s.Class != Ask || s.Blind), v.Outcome == Allowed && s.Class != Free, (v.Outcome == Refused) != (v.Err != nil):
			t.Fatalf("%s for %s of class %s, blind %v", v.Outcome, body, s.Class, s.Blind)
		case v.Outcome == MustAsk && Decide(q, nil, now).Outcome != MustAsk:
			t.Fatal("a rule took consent away")
		}
	})
}

func FuzzDescribe(f *testing.F) {
	add := func(path string, body []byte) { f.Add(path, body) }
	add(transaction("ETHEREUM", legacyTransfer))
	add(transaction("SOLANA", solanaSend))
	add(rawPayload(etherMail, "EIP712", "NO_OP"))
	add(personalMessage("a\u202eb"))
	add(bodyOf("ACTIVITY_TYPE_ETH_SEND_TRANSACTION_V2", object{"from": account, "caip2": "eip155:1", "calls": []object{{"to": recipient}}}))
	add("/public/v1/query/whoami", []byte(`{"organizationId":"o"}`))
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		s, err := Describe(path, body)
		if err != nil {
			if fault.CodeOf(err) != fault.ApprovalUnclear {
				t.Errorf("%v", err)
			}
			return
		}
		checkShown(t, s)
		if !json.Valid(body) || s.Class == "" || s.Title == "" || s.Class == Free && s.Blind {
			t.Errorf("%q is %+v", body, s)
		}
		var says struct{ Type string }
		if json.Unmarshal(body, &says) != nil || says.Type != s.Type {
			t.Errorf("another reader sees %q, not %q", says.Type, s.Type)
		}
	})
}
