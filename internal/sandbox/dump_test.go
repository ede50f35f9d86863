package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sight is all that w can ask for.
func (w *who) sight() string {
	w.t.Helper()
	var all []string
	for _, q := range []string{"whoami", "list_users", "list_wallets", "list_wallet_accounts", "list_activities", "get_organization_configs"} {
		all = append(all, string(w.query(q, nil).ok().raw))
	}
	for _, q := range []string{"/inbox", "/clock"} {
		all = append(all, string(w.controlled("GET", q, nil).ok().raw))
	}
	return strings.Join(all, "\n")
}

// lived is a sandbox with something of everything in it.
func lived(t testing.TB, o Options) (b *box, jane *who) {
	b = newBox(t, o)
	jane = b.logIn("jane@doe.test")
	jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0), ethereum(1)}}).result("createWalletResult")
	b.team(2, 2)[0].submit("CREATE_WALLET", m{"walletName": "waits", "accounts": []m{}}).ok()
	b.root.initOTP("john@doe.test")
	b.faulty(m{"path": "create_wallet", "activityStatus": statusPending, "times": 1}).ok()
	jane.submit("CREATE_WALLET", m{"walletName": "held", "accounts": []m{}}).ok()
	b.controlled("POST", "/clock", m{"advanceSeconds": 30}).ok()
	return b, jane
}

// A dump is the whole sandbox, in memory and on disk alike: restored where all was changed, in another sandbox or in
// another kind of sandbox, the same keys stamp, and everything is what it was.
func TestADumpIsTheSandbox(t *testing.T) {
	for _, from := range []string{"memory", "disk"} {
		for _, to := range []string{"itself", "memory", "disk"} {
			t.Run(from+" to "+to, func(t *testing.T) {
				folder := func(kind string) string { return map[string]string{"disk": t.TempDir()}[kind] }
				dir := folder(from)
				b, jane := lived(t, Options{StateDir: dir})
				facts := b.Facts()
				dump := b.controlled("GET", "/state", nil).ok()
				before := jane.sight()
				if !strings.Contains(string(dump.raw), `"phrase"`) {
					t.Error("it has no phrases")
				}

				target := b
				if to != "itself" {
					dir = folder(to)
					target = newBox(t, Options{StateDir: dir, Seed: 77, Now: b.time.now})
					target.time = b.time
				} else {
					jane.submit("CREATE_WALLET", m{"walletName": "later", "accounts": []m{}}).ok()
				}
				other := target.logIn("other@doe.test")
				b.faulty(m{"path": "whoami", "status": 503}).ok()
				again := target.controlled("PUT", "/state", json.RawMessage(dump.raw)).ok()
				if target.Facts() != facts {
					t.Error("the facts are others")
				}
				jane = &who{box: target, org: jane.org, user: jane.user, key: jane.key}
				// What was held went on, since faults are not restored.
				held := strings.ReplaceAll(jane.sight(), statusPending, statusCompleted)
				if !strings.Contains(held, `"walletName":"held"`) || !strings.Contains(held, `"walletName":"waits"`) == strings.Contains(before, `"walletName":"waits"`) {
					t.Errorf("after it is\n%s", held)
				}
				for _, what := range []string{"jane@doe.test", `"walletName":"w"`} {
					if strings.Count(held, what) < strings.Count(before, what) {
						t.Errorf("%s is gone", what)
					}
				}
				if got := target.controlled("GET", "/clock", nil).ok().at("offsetSeconds"); got != 30.0 {
					t.Errorf("the clock is ahead by %v", got)
				}
				other.query("whoami", nil).refused(404, "ORGANIZATION_NOT_FOUND", "")
				jane.submit("STAMP_LOGIN", m{"publicKey": newKey().PublicKey()}).result("stampLoginResult")
				if len(again.at("records", "user").([]any)) != len(dump.at("records", "user").([]any)) {
					t.Error("the answer is not what was restored")
				}
				if dir == "" {
					return
				}
				last := jane.sight()
				if err := target.Close(); err != nil {
					t.Fatal(err)
				}
				third := newBox(t, Options{StateDir: dir, Now: b.time.now})
				third.time = b.time
				jane = &who{box: third, org: jane.org, user: jane.user, key: jane.key}
				if got := jane.sight(); got != last {
					t.Errorf("after a restart it is\n%s\nand was\n%s", got, last)
				}
			})
		}
	}
}

// What is restored is what was dumped: dumping it again gives the same records.
func TestADumpOfWhatWasRestoredIsTheSame(t *testing.T) {
	b, _ := lived(t, Options{})
	b.faulty().ok() // nothing is held
	first := b.controlled("GET", "/state", nil).ok()
	second := newBox(t, Options{Seed: 9, StateDir: t.TempDir(), Now: b.time.now}).controlled("PUT", "/state", json.RawMessage(first.raw)).ok()
	if first.at("starts") != 0.0 || second.at("starts") != 1.0 {
		t.Errorf("starts %v and %v", first.at("starts"), second.at("starts"))
	}
	second.body["starts"] = 0.0
	if one, two := mustJSON(first.body), mustJSON(second.body); !bytes.Equal(one, two) {
		t.Errorf("it was\n%s\nand is\n%s", one, two)
	}
}

// New ids after a restore are new, and the same dump continues in the same way.
func TestARestoredSandboxGoesOnWithOtherIds(t *testing.T) {
	b := newBox(t, Options{})
	dump := json.RawMessage(b.controlled("GET", "/state", nil).ok().raw)
	made := func() (ids []string) {
		for i := range 20 {
			a := b.root.submit("CREATE_WALLET", m{"walletName": fmt.Sprint(i), "accounts": []m{}})
			ids = append(ids, a.result("createWalletResult").text("walletId"), a.text("activity", "votes", "0", "id"))
		}
		return ids
	}
	first := made()
	b.controlled("PUT", "/state", dump).ok()
	second := made()
	b.controlled("PUT", "/state", dump).ok()
	third := made()
	if slices.ContainsFunc(second, func(id string) bool { return slices.Contains(first, id) }) || !slices.Equal(second, third) {
		t.Errorf("%v, %v, %v", first, second, third)
	}
}

func TestADumpThatIsNotWholeChangesNothing(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		b, jane := lived(t, Options{StateDir: dir})
		dump := b.controlled("GET", "/state", nil).ok()
		before := jane.sight()
		change := func(f func(d m)) []byte {
			var d m
			if err := json.Unmarshal(dump.raw, &d); err != nil {
				t.Fatal(err)
			}
			f(d)
			return mustJSON(d)
		}
		row := func(d m, kind string, i int) m { return d["records"].(m)[kind].([]any)[i].(m) }
		for name, bad := range map[string][]byte{
			"nothing":                {},
			"a list":                 []byte("[]"),
			"no JSON":                []byte("dump"),
			"half":                   dump.raw[:len(dump.raw)/2],
			"two":                    append(bytes.Clone(dump.raw), dump.raw...),
			"an empty object":        []byte("{}"),
			"another format":         change(func(d m) { d["format"] = diskFormat + 1 }),
			"no seed":                change(func(d m) { d["seed"] = "0" }),
			"another seed":           change(func(d m) { d["seed"] = "2" }),
			"an impossible clock":    change(func(d m) { d["clock"] = m{"offsetMs": 1 << 60} }),
			"a clock frozen in 1970": change(func(d m) { d["clock"] = m{"frozen": true, "atMs": 1} }),
			"an unknown kind":        change(func(d m) { d["records"].(m)["nonsense"] = []any{} }),
			"an unknown field":       change(func(d m) { d["nonsense"] = 1 }),
			"no organizations":       change(func(d m) { delete(d["records"].(m), "org") }),
			"no users":               change(func(d m) { delete(d["records"].(m), "user") }),
			"no parent":              change(func(d m) { d["records"].(m)["org"] = d["records"].(m)["org"].([]any)[1:] }),
			"a record twice": change(func(d m) {
				d["records"].(m)["user"] = append(d["records"].(m)["user"].([]any), row(d, "user", 0))
			}),
			"a wallet of nobody":      change(func(d m) { row(d, "wallet", 0)["value"].(m)["org"] = nowhere }),
			"a key that is none":      change(func(d m) { row(d, "user", 0)["key"] = "x" }),
			"a record that is none":   change(func(d m) { row(d, "user", 0)["value"] = 7 }),
			"a record without value":  change(func(d m) { delete(row(d, "user", 0), "value") }),
			"no quorum":               change(func(d m) { row(d, "org", 0)["value"].(m)["threshold"] = 0 }),
			"a stranger as root user": change(func(d m) { row(d, "org", 0)["value"].(m)["root"] = []any{nowhere} }),
			"a public key off the curve": change(func(d m) {
				row(d, "user", 0)["value"].(m)["keys"].([]any)[0].(m)["public"] = "02" + strings.Repeat("f", 64)
			}),
			"activities out of order": change(func(d m) {
				a := d["activities"].([]any)
				a[0], a[1] = a[1], a[0]
			}),
			"an activity without votes": change(func(d m) { d["activities"].([]any)[0].(m)["votes"] = []any{} }),
		} {
			a := b.controlled("PUT", "/state", json.RawMessage(nil), func(r *http.Request) {
				body(r, bad)
			})
			if a.status != 400 {
				t.Errorf("%s: %d %s", name, a.status, a.raw)
			}
			if got := jane.sight(); got != before {
				t.Fatalf("%s changed something:\n%s\nwas\n%s", name, got, before)
			}
		}
		if a := b.controlled("PUT", "/state", nil, func(r *http.Request) { r.ContentLength = dumpMax + 1 }); a.status != 413 {
			t.Errorf("a huge one: %d", a.status)
		}
	}
}

// body gives a request these bytes.
func body(r *http.Request, text []byte) {
	r.Body = http.NoBody
	if len(text) > 0 {
		r.Body = readCloser{bytes.NewReader(text)}
	}
	r.ContentLength = int64(len(text))
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// A state that a dump cannot hold is not dumped by halves.
func TestAStateThatIsTooLargeForADumpIsRefused(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		b := newBox(t, Options{StateDir: dir})
		st := b.state.Load()
		st.mu.Lock()
		st.commit([]record{&message{ID: "1", To: "a@doe.test", Text: strings.Repeat("x", dumpMax)}})
		st.mu.Unlock()
		if a := b.controlled("GET", "/state", nil); a.status != 413 || !strings.Contains(a.text("message"), "--state") {
			t.Errorf("%d %.200s", a.status, a.raw)
		}
	}
}

// While dumps are taken and restored, requests are answered, or told that the state was replaced.
func TestRequestsGoOnWhileTheStateIsReplaced(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		b := newBox(t, Options{StateDir: dir})
		b.logIn("jane@doe.test")
		var all sync.WaitGroup
		for i := range 3 {
			key := newKey()
			all.Go(func() {
				for n := range 10 {
					body := b.root.envelope("CREATE_WALLET", m{"walletName": strings.Repeat("w", 1+i*100+n), "accounts": []m{}})
					if a := b.root.send("submit/create_wallet", body); a.status != 200 && a.status != 409 {
						t.Errorf("%d: %s", a.status, a.raw)
					}
					if a := b.root.with(key).query("whoami", nil); a.status != 401 {
						t.Errorf("%d: %s", a.status, a.raw)
					}
				}
			})
		}
		all.Go(func() {
			for range 5 {
				dump := b.controlled("GET", "/state", nil).ok()
				b.controlled("PUT", "/state", json.RawMessage(dump.raw)).ok()
			}
		})
		all.Wait()
	}
}

// Whatever is restored, or refused, the sandbox answers afterwards: dumps with values changed, taken away and put in the
// place of others.
func FuzzR15_ARestoreTakesAnyDump(f *testing.F) {
	b, jane := lived(f, Options{})
	jane.submit("CREATE_POLICY_V3", m{"policyName": "p", "effect": "EFFECT_ALLOW", "consensus": "true", "condition": "true", "notes": ""}).ok()
	jane.submit("CREATE_PRIVATE_KEYS_V2", m{"privateKeys": []m{{"privateKeyName": "k", "curve": "CURVE_SECP256K1", "privateKeyTags": []string{}, "addressFormats": []string{"ADDRESS_FORMAT_ETHEREUM"}}}}).ok()
	dump := b.controlled("GET", "/state", nil).ok().raw
	for seed := range uint64(40) {
		f.Add(seed, byte(seed%4))
	}
	f.Fuzz(func(t *testing.T, seed uint64, changes byte) {
		random := rand.New(rand.NewPCG(seed, 1))
		var d any
		if err := json.Unmarshal(dump, &d); err != nil {
			t.Fatal(err)
		}
		for range 1 + changes%4 {
			d = spoilt(random, d)
		}
		b := newBox(t, Options{Now: time.Now})
		b.http = &http.Client{Transport: handlerTransport{t, b.API(), false}} // whoever writes nonsense into a dump reads it again
		a := b.controlled("PUT", "/state", nil, func(r *http.Request) { body(r, mustJSON(d)) })
		if a.status != 200 && a.status != 400 {
			t.Fatalf("%d: %s", a.status, a.raw)
		}
		for _, w := range []*who{b.root, b.root.in(jane.org), {box: b, org: jane.org, key: jane.key}} {
			for _, q := range []string{"whoami", "list_users", "list_wallets", "list_wallet_accounts", "list_activities", "list_policies", "list_private_keys", "list_suborgs"} {
				if a := w.query(q, nil); a.status == 500 {
					t.Errorf("%s: %s", q, a.raw)
				}
			}
		}
		for _, path := range []string{"/state", "/inbox", "/organizations?q=x", "/clock"} {
			if a := b.controlled("GET", path, nil); a.status != 200 {
				t.Errorf("%s: %d %s", path, a.status, a.raw)
			}
		}
	})
}

// spoilt is v with one value somewhere in it changed.
func spoilt(random *rand.Rand, v any) any {
	others := []any{nil, 0, -1, 1 << 62, true, "", "x", nowhere, []any{}, []any{nil}, m{}, m{"x": 1}, strings.Repeat("0", 300)}
	switch v := v.(type) {
	case m:
		names := slices.Sorted(maps.Keys(v))
		if len(names) == 0 {
			break
		}
		name := names[random.IntN(len(names))]
		switch random.IntN(12) {
		case 0:
			delete(v, name)
		case 1:
			v[name] = v[names[random.IntN(len(names))]]
		default:
			v[name] = spoilt(random, v[name])
		}
		return v
	case []any:
		if len(v) == 0 {
			break
		}
		at := random.IntN(len(v))
		switch random.IntN(8) {
		case 0:
			return slices.Delete(v, at, at+1)
		case 1:
			return slices.Insert(v, at, v[random.IntN(len(v))])
		default:
			v[at] = spoilt(random, v[at])
		}
		return v
	}
	return others[random.IntN(len(others))]
}
