package policy_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"latchkey/internal/sandbox/policy"
)

// example is the request of the dossier's examples: a Sepolia transfer of tokens, signed with a wallet's account by u1.
func example() *policy.Context {
	n := big.NewInt
	return &policy.Context{
		Approvers:   []policy.User{{ID: "u1", Tags: []string{"t1"}, Email: "u1@example.com", Alias: "one"}},
		Credentials: []policy.Credential{{ID: "c1", UserID: "u1", Type: "CREDENTIAL_TYPE_WEBAUTHN_AUTHENTICATOR", CredentialID: "b64", PublicKey: "02ab"}},
		Activity: policy.Activity{
			Type: "ACTIVITY_TYPE_SIGN_TRANSACTION_V2", Kind: "SIGN_TRANSACTION", Resource: "PRIVATE_KEY", Action: "SIGN",
			Params: policy.Params{"type": "TRANSACTION_TYPE_ETHEREUM"},
		},
		Wallet:        &policy.Wallet{ID: "w1", Label: "Main"},
		WalletAccount: &policy.WalletAccount{Address: "0x9858effd232b4033e47d90003d41ec34ecaeda94"},
		Eth: policy.Eth{Tx: &policy.EthereumTransaction{
			From: "0x9858effd232b4033e47d90003d41ec34ecaeda94", To: "0x78839f6054d7ed13918bae0473ba31b1ca9d7265",
			Data:  "0xa9059cbb00000000000000000000000078839f6054d7ed13918bae0473ba31b1ca9d72650000000000000000000000000000000000000000000000000000000000000001",
			Value: n(0), Gas: n(60000), GasPrice: n(30), ChainID: n(11155111), Nonce: n(9), MaxFeePerGas: n(30), MaxPriorityFeePerGas: n(2), Type: "TYPE_2",
		}},
		Time: policy.Time{Now: time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC)},
	}
}

const (
	yes = "true"
	no  = "false"
	bad = "error" // stored, but its evaluation is an error
	not = "refused"
)

// result compiles and evaluates one expression.
func result(t *testing.T, place policy.Place, source string, c *policy.Context) string {
	t.Helper()
	e, err := policy.Compile(place, source)
	if err != nil {
		return not
	}
	holds, err := e.Holds(c)
	switch {
	case err != nil:
		return bad
	case holds:
		return yes
	}
	return no
}

// The rows of the examples, one by one.
func TestR15_PolicyExamples(t *testing.T) {
	for _, c := range []struct {
		place  policy.Place
		source string
		want   string
	}{
		{policy.Condition, `activity.kind == 'SIGN_TRANSACTION' && activity.resource == 'PRIVATE_KEY' && activity.action == 'SIGN'`, yes},
		{policy.Condition, `eth.tx.chain_id == 11155111 && eth.tx.value == 0`, yes},
		{policy.Condition, `eth.tx.data[0..10] == '0xa9059cbb' && eth.tx.data[34..74] == '78839f6054d7ed13918bae0473ba31b1ca9d7265'`, yes},
		{policy.Condition, `eth.tx.to in ['0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265']`, yes},
		{policy.Condition, `eth.tx.type == 'TYPE_2' && eth.tx.gas_price == eth.tx.max_fee_per_gas`, yes},
		{policy.Condition, `wallet.id == 'w1' || private_key.id == 'k1'`, bad},
		{policy.Condition, `private_key.id == 'k1' || wallet.id == 'w1'`, bad},
		{policy.Condition, `solana.tx.transfers.count() == 0`, bad},
		{policy.Condition, `activity.params.type == 'TRANSACTION_TYPE_ETHEREUM'`, yes},
		{policy.Condition, `activity.params.hash_function == 'HASH_FUNCTION_NO_OP'`, bad},
		{policy.Condition, `eth.tx.function_name == 'transfer'`, bad},
		{policy.Condition, `wallet_account.path == 'm/44'`, not},
		{policy.Condition, `wallet_account.path_indexes[1] == 60`, bad},
		{policy.Consensus, `approvers.any(user, user.id == 'u1')`, yes},
		{policy.Consensus, `approvers.filter(user, user.tags.contains('t1')).count() >= 2`, no},
		{policy.Consensus, `credentials.any(c, c.type == 'CREDENTIAL_TYPE_WEBAUTHN_AUTHENTICATOR')`, yes},
		{policy.Condition, `[1,2,3][0..2].contains(3)`, no},
		{policy.Condition, `'abc'[0] == 'a' && 2 in [1,2,3]`, yes},
		{policy.Moment, `CronSpan('0 9 * * 1-5', '8h', 'America/New_York')`, yes},
		{policy.Moment, `time.now < Timestamp('2026-04-01T00:00:00+02:00')`, not},
		{policy.Moment, `time.now < Timestamp('2026-04-01T00:00:00Z')`, yes},
	} {
		if got := result(t, c.place, c.source, example()); got != c.want {
			t.Errorf("%s: %s, want %s", c.source, got, c.want)
		}
	}
	late := example()
	late.Time.Now = late.Time.Now.Add(8 * time.Hour)
	if got := result(t, policy.Moment, `CronSpan('0 9 * * 1-5', '8h', 'America/New_York')`, late); got != no {
		t.Errorf("a window holds at its end: %s", got)
	}
}

// Every operator over every pair of operands of every type: those of the table work, all others are refused.
func TestR15_PolicyOperators(t *testing.T) {
	literals := []struct{ kind, small, large string }{
		{"bool", "false", "true"},
		{"number", "1", "2"},
		{"number", "3", "170141183460469231731687303715884105728"},
		{"string", "'a'", "'b'"},
		{"time", "Timestamp('2026-01-01T00:00:00Z')", "Timestamp('2026-01-02T00:00:00.5z')"},
		{"list", "[1]", "[2]"},
		{"struct", "time", "time"},
	}
	works := func(op, a, b string) bool {
		switch op {
		case "&&", "||":
			return a == "bool" && b == "bool"
		case "==", "!=":
			return a == b && a != "list" && a != "struct"
		case "in":
			return b == "list" && a == "number"
		}
		return a == b && (a == "number" || a == "time")
	}
	answers := map[string][2]string{ // of small op large, and of large op small
		"&&": {no, no}, "||": {yes, yes}, "==": {no, no}, "!=": {yes, yes}, "in": {no, no},
		"<": {yes, no}, "<=": {yes, no}, ">": {no, yes}, ">=": {no, yes},
	}
	cases := 0
	for op, answer := range answers {
		for _, a := range literals {
			for _, b := range literals {
				want := not
				if works(op, a.kind, b.kind) {
					want = ""
				}
				got := result(t, policy.Moment, a.small+" "+op+" "+b.large, example())
				if want == "" && a == b {
					want = answer[0]
					if op == "in" {
						want = no
					}
				}
				if cases++; want != "" && got != want || want == "" && got != yes && got != no {
					t.Errorf("%s %s %s: %s, want %s", a.small, op, b.large, got, want)
				}
				if a == b && works(op, a.kind, b.kind) {
					cases += 2
					if got := result(t, policy.Moment, a.large+op+b.small, example()); got != answer[1] {
						t.Errorf("%s %s %s: %s, want %s", a.large, op, b.small, got, answer[1])
					}
					reflexive := map[string]string{"==": yes, "!=": no, "<": no, "<=": yes, ">": no, ">=": yes}[op]
					if got := result(t, policy.Moment, a.large+op+a.large, example()); reflexive != "" && got != reflexive {
						t.Errorf("%s %s itself: %s, want %s", a.large, op, got, reflexive)
					}
				}
			}
		}
	}
	t.Logf("%d cases of operators", cases)
}

// What single expressions mean: precedence, slices, functions, case of hexadecimal strings.
func TestR15_PolicyMeaning(t *testing.T) {
	c := example()
	c.Eth.EIP712 = &policy.Eip712TypedData{
		PrimaryType: "PermitBatchTransferFrom",
		Domain:      policy.Eip712Domain{Name: "Permit2", ChainID: policy.Uint{Int: big.NewInt(1)}},
		Message: map[string]policy.Value{
			"permitted": []policy.Value{
				map[string]policy.Value{"token": "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "amount": policy.Uint{Int: big.NewInt(1000)}},
				map[string]policy.Value{"token": "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "amount": big.NewInt(5)},
			},
			"flag": true, "nothing": nil, "odd": 7, "tuple": []policy.Value{"0xAB", policy.Uint{}},
			"huge": policy.Uint{Int: new(big.Int).Lsh(big.NewInt(1), 256)},
		},
	}
	c.Activity.Params["transfer"] = policy.Params{"leaves": []policy.Value{policy.Params{"leaf_id": "l1"}}}
	for source, want := range map[string]string{
		// precedence
		`true || false && false`:              yes,
		`(true || false) && false`:            no,
		`false && true || true`:               yes,
		`!true || true`:                       yes,
		`!(true || true)`:                     no,
		`!false && !false`:                    yes,
		`!!true`:                              yes,
		`!1 == 2`:                             not,
		`!(1 == 2)`:                           yes,
		`1 == 1 == true`:                      not,
		`(1 == 1) == true`:                    yes,
		`1 < 2 && 2 < 3 || false`:             yes,
		`true`:                                yes,
		``:                                    yes,
		"  \t\n":                              yes,
		`1`:                                   not,
		`'a'`:                                 not,
		`eth.tx`:                              not,
		`wallet.imported`:                     no,
		`!wallet.imported`:                    yes,
		`activity.params.type`:                bad, // known only now: not a bool
		`!activity.params.type`:               bad,
		`eth.eip_712.message['flag']`:         yes,
		`eth.eip_712.message['flag'] == true`: yes,
		`eth.eip_712.message['flag'] && true`: yes,
		`eth.eip_712.message['flag'] == 1`:    bad,
		`eth.eip_712.message['nothing'] == 1`: bad,
		`eth.eip_712.message['odd'] == 7`:     bad, // no Value
		`eth.eip_712.message['missing'] == 1`: bad,
		`eth.eip_712.message['huge'] > 1`:     bad,
		`eth.eip_712.message.flag`:            not,
		`eth.eip_712.message[0] == 1`:         not,
		`eth.eip_712.message['tuple'][0] == '0xab'`:                                                                               yes,
		`eth.eip_712.message['tuple'][1] == 0`:                                                                                    yes,
		`eth.eip_712.message['tuple']['a'] == 0`:                                                                                  bad,
		`eth.eip_712.message['tuple'].a == 0`:                                                                                     bad,
		`eth.eip_712.message['permitted'][0]['token'] == '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48'`:                            yes,
		`eth.eip_712.message['permitted'].all(p, p['token'] == '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48')`:                     yes,
		`eth.eip_712.message['permitted'].any(p, p['amount'] < 100)`:                                                              yes,
		`eth.eip_712.message['permitted'].all(p, p['amount'] < 100)`:                                                              no,
		`eth.eip_712.message['permitted'].filter(p, p['amount'] >= 5).count() == 2`:                                               yes,
		`eth.eip_712.message['permitted'].count == 2`:                                                                             yes,
		`eth.eip_712.message['permitted'][0..1].count() == 1`:                                                                     yes,
		`eth.eip_712.message['permitted'].count() <= 2 && eth.eip_712.domain.name == 'Permit2' && eth.eip_712.domain.chain_id==1`: yes,
		`eth.eip_712.domain.chain_id == '1'`:                                                                                      not,
		`eth.tx.chain_id == '11155111'`:                                                                                           not,
		`activity.params.transfer.leaves.count() > 0 && activity.params.transfer.leaves.all(l, l.leaf_id in ['l0', 'l1'])`:        yes,
		`activity.params.transfer.leaves[0].owner == ''`:                                                                          bad,
		// lists and strings
		`[1,2,3].all(x, x > 0)`:                          yes,
		`[1,2,3].all(x, x > 1)`:                          no,
		`[1,2,3].any(x, x == 3)`:                         yes,
		`[].all(x, x == 1)`:                              yes,
		`[].any(x, x == 1)`:                              no,
		`[].count() == 0`:                                yes,
		`[].contains(1)`:                                 no,
		`1 in []`:                                        no,
		`[1,1,1].all(x, x == 1)`:                         yes,
		`[1,2,3].filter(x, x == 1).count() == 1`:         yes,
		`[1,2,3].filter(x, x == 1)[0] == 1`:              yes,
		`[1,2,3][2] == 3`:                                yes,
		`[1,2,3][3] == 3`:                                bad,
		`[1,2,3][0..0].count() == 0`:                     yes,
		`[1,2,3][0..4].count() == 4`:                     bad,
		`[1,2,3][2..1].count() == 0`:                     bad,
		`[1,2,3][99999999999999999999] == 1`:             bad,
		`[[1],[2]].count() == 2`:                         not,
		`[1,'a'].count() == 2`:                           not,
		`['a','b'].contains(1)`:                          not,
		`1 in ['a']`:                                     not,
		`[wallet].count() == 1`:                          yes,
		`wallet in [wallet]`:                             not,
		`'abc'[0..2] == 'ab'`:                            yes,
		`'abc'[3] == ''`:                                 bad,
		`'äöü'[1] == 'ö'`:                                yes,
		`'äöü'[1..3] == 'öü'`:                            yes,
		`'äöü'[1..4] == 'öü'`:                            bad,
		`'abc'['a'] == 'a'`:                              not,
		`'' == ''`:                                       yes,
		`'abc'.count() == 3`:                             not,
		`'a' < 'b'`:                                      not,
		`'||' != '&& [0]'`:                               yes,
		`[1].any(x, [2].any(y, x < y))`:                  yes,
		`[1].any(x, [2].any(x, x == 2))`:                 not, // shadows
		`[1].any(wallet, wallet == 1)`:                   not,
		`[1].any(true, true)`:                            not,
		`[1].any(x, x) == true`:                          not,
		`[1].any(x, y == 1)`:                             not,
		`[1].any(x == 1)`:                                not,
		`x == 1`:                                         not,
		`'a'.any(x, x == 'a')`:                           not,
		`wallet.any(x, true)`:                            not,
		`[1].contains()`:                                 not,
		`[1].contains(1, 2)`:                             not,
		`[1].count(1) == 1`:                              not,
		`[1].sum() == 1`:                                 not,
		`[1].count == 1`:                                 yes,
		`solana.tx.transfers.count == 1`:                 bad,
		`now() == 1`:                                     not,
		`approvers.count() == 1`:                         not, // not in a condition
		`time.now == time.now`:                           not,
		`Timestamp('2026-01-01T00:00:00Z') == eth.tx.to`: not,
		// case
		`'0xAB' == '0xab'`:          yes,
		`'0xAB' != '0xab'`:          no,
		`'0xab' in ['0xAB']`:        yes,
		`['0xAB'].contains('0xab')`: yes,
		`'0xAG' == '0xag'`:          no,
		`'AB' == 'ab'`:              no,
		`'0Xab' == '0xab'`:          no,
		`'0x' == '0X'`:              no,
		`wallet.label == 'main'`:    no,
		// numbers
		`170141183460469231731687303715884105727 < 170141183460469231731687303715884105728`:  yes,
		`115792089237316195423570985008687907853269984665640564039457584007913129639935 > 1`: yes,
		`115792089237316195423570985008687907853269984665640564039457584007913129639936 > 1`: not,
		`007 == 7`:   yes,
		`-1 < 0`:     not,
		`1 + 1 == 2`: not,
		`1.5 < 2`:    not,
		`0x10 == 16`: not,
		`2 in [1, 170141183460469231731687303715884105728]`: no,
	} {
		if got := result(t, policy.Condition, source, c); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}

// Where an error is, and what it says.
func TestR15_PolicyErrorsTellTheirPlace(t *testing.T) {
	for _, c := range []struct {
		place  policy.Place
		source string
		pos    int
		text   string
	}{
		{policy.Condition, `wallet_account.path == 'm/44'`, 15, "Expression cannot be evaluated: field does not exist: path"},
		{policy.Condition, `true && wallet.nme == 'x'`, 15, "Expression cannot be evaluated: field does not exist: nme"},
		{policy.Condition, `true && approvers.count() > 1`, 8, "Expression cannot be evaluated: keyword does not exist: approvers"},
		{policy.Consensus, `activity.type == 'x'`, 0, "Expression cannot be evaluated: keyword does not exist: activity"},
		{policy.Consensus, `CronSpan('* * * * *', '1h', 'UTC')`, 0, "Expression cannot be evaluated: CronSpan is for time alone"},
		{policy.Condition, `eth.tx.chain_id == '8453'`, 16, "Expression cannot be evaluated: cannot compare int == string"},
		{policy.Condition, `[1].sum()`, 4, "Expression cannot be evaluated: function does not exist: sum"},
		{policy.Moment, `CronSpan('* * * *', '1h', 'UTC')`, 0, "Expression cannot be evaluated: CronSpan: schedule has 4 fields, not 5"},
		{policy.Condition, `true &`, 5, "Expression cannot be parsed: unexpected character at position 5"},
		{policy.Condition, `true &&`, 7, "Expression cannot be parsed: unexpected end at position 7"},
		{policy.Condition, `true true`, 5, `Expression cannot be parsed: unexpected "true" at position 5`},
		{policy.Condition, `'ä' == 'x`, 8, "Expression cannot be parsed: string without end at position 8"},
		{policy.Condition, `"a" == 'a'`, 0, "Expression cannot be parsed: unexpected character at position 0"},
		{policy.Condition, `12a == 1`, 2, "Expression cannot be parsed: letter in a number at position 2"},
	} {
		_, err := policy.Compile(c.place, c.source)
		refused, ok := errors.AsType[*policy.Error](err)
		if !ok || refused.Pos != c.pos || refused.Error() != c.text {
			t.Errorf("%s: %v at %+v; want %q at %d", c.source, err, refused, c.text, c.pos)
		}
	}
	if got := (&policy.Error{Pos: 8}).Column(`'ä' == 'x`); got != 8 {
		t.Errorf("column %d of a text with an umlaut, want 8", got)
	}
}

// An expression may be large and deep, and not without end; what takes too long is an error.
func TestR15_PolicyBounds(t *testing.T) {
	c := example()
	for source, want := range map[string]string{
		strings.Repeat("(", 60) + "true" + strings.Repeat(")", 60):                                          yes,
		strings.Repeat("(", 100_0) + "true" + strings.Repeat(")", 100_0):                                    not,
		strings.Repeat("!", 60) + "true":                                                                    yes,
		strings.Repeat("!", 10_000) + "true":                                                                not,
		"true" + strings.Repeat(" && true", 5_000):                                                          yes,
		"true" + strings.Repeat(" && true", 50_000):                                                         not,
		"wallet" + strings.Repeat(".id", 1_000) + " == ''":                                                  not,
		"[1" + strings.Repeat(",1", 10_000) + "].all(x, x == 1)":                                            yes,
		"[1" + strings.Repeat(",1", 3_000) + "].all(x, [1" + strings.Repeat(",1", 3_000) + "].contains(x))": bad,
		strings.Repeat("9", 10_000) + " == 1":                                                               not,
	} {
		if got := result(t, policy.Condition, source, c); got != want {
			t.Errorf("%.20s… (%d bytes): %s, want %s", source, len(source), got, want)
		}
	}
}
