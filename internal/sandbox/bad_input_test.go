package sandbox

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	badSeed  = flag.Uint64("bad.seed", 1, "seed of the bad input")
	badCount = flag.Int("bad.count", 4000, "how many requests of bad input are sent")
)

// bad makes bad input: well-formed requests that are spoilt in one place or several, and plain nonsense.
type bad struct {
	*rand.Rand
	ids m
}

// values are what tends to break readers.
func (g bad) value() any {
	switch g.IntN(17) {
	case 0:
		return nil
	case 1:
		return ""
	case 2:
		return strings.Repeat("A", g.IntN(3000))
	case 3:
		return "\x00\u202e\ufffd\U0001F511<script>"
	case 4:
		return json.Number("1e999")
	case 5:
		return json.Number("-9223372036854775809")
	case 6:
		return json.Number(strconv.FormatInt(g.Int64()-g.Int64(), 10))
	case 7:
		return g.Float64() * 1e6
	case 8:
		return true
	case 9:
		return []any{}
	case 10:
		return []any{nil, "x", m{}, []any{m{}}}
	case 11:
		return m{}
	case 12:
		return m{"": nil, "a": m{"b": []any{1}}}
	case 13:
		return nowhere
	case 14:
		return strconv.FormatInt(g.Int64(), 10)
	case 15:
		return "m/44'/" + strconv.Itoa(g.IntN(1<<31)) + "'/" + strings.Repeat("0/", g.IntN(40)) + "0"
	default:
		names := []string{"userId", "walletId", "address", "apiKeyId", "activityId", "publicKey"}
		return g.ids[names[g.IntN(len(names))]]
	}
}

// spoil changes values, takes some away and adds some, anywhere in v.
func (g bad) spoil(v any) any {
	if g.IntN(12) == 0 {
		return g.value()
	}
	switch v := v.(type) {
	case m:
		out := m{}
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names) // so that a seed repeats a run
		for _, name := range names {
			if g.IntN(25) > 0 {
				out[name] = g.spoil(v[name])
			}
		}
		return out
	case []m:
		out := []any{}
		for _, item := range v {
			for range g.IntN(3) {
				out = append(out, g.spoil(item))
			}
		}
		return out
	}
	return v
}

func (g bad) body(w *who, path string, e endpoint) []byte {
	var whole any
	kinds, submits := e.(submitOf)
	switch {
	case g.IntN(20) == 0:
		raw := make([]byte, g.IntN(300))
		for i := range raw {
			raw[i] = byte(g.Uint32())
		}
		return raw
	case submits || strings.Contains(path, "/submit/"):
		names := []string{"ACTIVITY_TYPE_NONSENSE"}
		for name := range kinds {
			names = append(names, name, name, name)
		}
		slices.Sort(names)
		kind := names[g.IntN(len(names))]
		whole = m{"type": kind, "organizationId": w.org, "timestampMs": strconv.FormatInt(w.time.now().UnixMilli(), 10), "parameters": parametersFor(kind, g.ids)}
	default:
		q := m{"organizationId": w.org, "filterType": []any{"EMAIL", "NAME", "PUBLIC_KEY", "WALLET_ACCOUNT_ADDRESS", "", nil}[g.IntN(6)], "filterValue": "x",
			"paginationOptions": m{"limit": "3", "after": nowhere, "before": nowhere}, "includeWalletDetails": true}
		for name, v := range g.ids {
			q[name] = v
		}
		whole = q
	}
	raw := mustJSON(g.spoil(whole))
	if g.IntN(15) == 0 && len(raw) > 0 {
		raw[g.IntN(len(raw))] ^= byte(1 << g.IntN(8))
	}
	return raw
}

// TestR15_BadInputIsRefusedAndNeverBreaksTheServer sends spoilt requests over every route of both handlers, most of
// them with a good stamp, so that they get past the door. Nothing but 501 may be above 499, nothing may panic, and the
// sandbox must work as before afterwards.
func TestR15_BadInputIsRefusedAndNeverBreaksTheServer(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	made := jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}})
	g := bad{rand.New(rand.NewPCG(*badSeed, 15)), m{"userId": jane.user, "walletId": made.result("createWalletResult").text("walletId"),
		"address": made.result("createWalletResult").text("addresses", "0"), "publicKey": jane.key.PublicKey(),
		"apiKeyId": jane.query("get_api_keys", nil).ok().text("apiKeys", "0", "apiKeyId"), "activityId": made.text("activity", "id")}}
	all := strings.Fields(paths)
	done := make([]string, 0, len(endpoints()))
	for path := range endpoints() {
		done = append(done, path)
	}
	slices.Sort(done)
	counted := map[int]int{}
	count := *badCount
	if os.Getenv("LATCHKEY_CAMPAIGN") == "R15" {
		count = max(count, 100_000)
	}
	for i := range count {
		path := all[i%len(all)]
		if i%5 != 0 {
			path = done[i%len(done)]
		}
		if i%20 == 0 && jane.query("whoami", nil).status != 200 { // a request ended her session, or time did
			b.time.advance(5 * time.Minute)
			jane = b.logIn(fmt.Sprintf("jane%d@doe.test", i))
		}
		w := []*who{jane, b.root, jane.in(b.root.org), b.root.in(jane.org)}[g.IntN(4)]
		if g.IntN(200) == 0 {
			b.time.advance(time.Duration(g.IntN(120)) * time.Second)
		}
		body := g.body(w, path, endpoints()[path])
		header := http.Header{"X-Stamp": {b.stampOf(w.key, body)}}
		switch g.IntN(12) {
		case 0:
			header = nil
		case 1:
			header.Set("X-Stamp", string(g.body(w, path, nil)))
		case 2:
			header = http.Header{[]string{"X-Stamp-Webauthn", "X-Stamp-Attested", "X-Session"}[g.IntN(3)]: {string(g.body(w, path, nil))}}
		}
		method := "POST"
		if g.IntN(40) == 0 {
			method = []string{"GET", "PUT", "DELETE", "HEAD", "PATCH"}[g.IntN(5)]
		}
		a := b.any(method, path, body, header)
		counted[a.status]++
		if a.status > 499 && a.status != 501 {
			t.Errorf("%s: %d: %s\nbody %.500q", path, a.status, a.raw, body)
		}
		if i%10 == 0 {
			control := []string{"GET /inbox", "GET /inbox?wait=0&after=" + strconv.Itoa(g.Int()), "GET /requests?limit=" + strconv.Itoa(g.IntN(1000)), "POST /clock", "GET /clock", "POST /nonsense", "GET /",
				"PUT /faults", "GET /faults", "PUT /state", "GET /organizations?limit=" + strconv.Itoa(g.IntN(1000))}[g.IntN(11)]
			method, path, _ := strings.Cut(control, " ")
			if a := b.controlled(method, path, g.value()); a.status > 499 {
				t.Errorf("control %s: %d: %s", path, a.status, a.raw)
			}
			b.clock.reset()
		}
	}
	if counted[200] == 0 || counted[400] == 0 || counted[501] == 0 {
		t.Errorf("the input is not bad in enough ways: %v", counted)
	}
	t.Logf("%d requests over %d paths, answers by status: %v", count, len(all), counted)
	b.root.query("whoami", nil).ok()
	b.logIn("after@doe.test")
}

// FuzzSubmit sends any parameters for any kind of activity, well stamped.
func FuzzSubmit(f *testing.F) {
	var kinds []string
	for _, e := range endpoints() {
		if s, ok := e.(submitOf); ok {
			for kind := range s {
				kinds = append(kinds, kind)
			}
		}
	}
	slices.Sort(kinds)
	ids := m{"userId": nowhere, "walletId": nowhere, "address": "0x", "apiKeyId": nowhere}
	for i, kind := range kinds {
		f.Add(uint8(i), string(mustJSON(parametersFor(kind, ids))))
	}
	b := newBox(f, Options{})
	f.Fuzz(func(t *testing.T, n uint8, parameters string) {
		kind := kinds[int(n)%len(kinds)]
		path := strings.ToLower(strings.TrimPrefix(kind, "ACTIVITY_TYPE_"))
		if at := strings.LastIndex(path, "_v"); at > 0 {
			path = path[:at]
		}
		body := []byte(`{"type":"` + kind + `","timestampMs":"` + strconv.FormatInt(b.time.now().UnixMilli(), 10) + `","organizationId":"` + b.root.org + `","parameters":` + parameters + `}`)
		here := *b
		here.t, here.http = t, clientOf(t, b.Sandbox)
		(&who{box: &here, org: b.root.org, key: b.root.key}).send("submit/"+path, body).served()
	})
}

// FuzzQuery sends any body to any query, well stamped.
func FuzzQuery(f *testing.F) {
	var queries []string
	for path, e := range endpoints() {
		if _, ok := e.(submitOf); !ok {
			queries = append(queries, strings.TrimPrefix(path, "/public/v1/"))
		}
	}
	slices.Sort(queries)
	b := newBox(f, Options{})
	for i := range queries {
		f.Add(uint8(i), `{"organizationId":"`+b.root.org+`","filterType":"EMAIL","filterValue":"x","userId":"`+nowhere+`","paginationOptions":{"limit":"3"}}`)
	}
	f.Fuzz(func(t *testing.T, n uint8, body string) {
		here := *b
		here.t, here.http = t, clientOf(t, b.Sandbox)
		(&who{box: &here, org: b.root.org, key: b.root.key}).send(queries[int(n)%len(queries)], []byte(body)).served()
	})
}

// FuzzStampHeaders sends any header of any of the kinds that carry proof.
func FuzzStampHeaders(f *testing.F) {
	b := newBox(f, Options{})
	body := []byte(`{"organizationId":"` + b.root.org + `"}`)
	f.Add("X-Stamp", b.stampOf(b.root.key, body))
	f.Add("X-Stamp-Webauthn", `{"credentialId":"Y3JlZA","authenticatorData":"AA","clientDataJson":"AA","signature":"AA"}`)
	f.Add("X-Stamp-Attested", "{}")
	f.Add("X-Session", "x")
	f.Fuzz(func(t *testing.T, name, value string) {
		here := *b
		here.t, here.http = t, clientOf(t, b.Sandbox)
		here.post("query/whoami", body, http.Header{name: {value}}).served()
	})
}

// served fails the test when the server broke.
func (a answer) served() {
	a.t.Helper()
	if a.status > 499 && a.status != 501 {
		a.t.Errorf("status %d: %s", a.status, a.raw)
	}
}
