package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/stamp"
)

// The envelope holds what the caller sent, who voted with which bytes, and the times as the service writes them.
func TestTheActivityEnvelope(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	body := []byte(`{ "type":"ACTIVITY_TYPE_CREATE_WALLET", "timestampMs":` + strconv.FormatInt(b.time.now().UnixMilli(), 10) + `, "organizationId":"` + jane.org +
		`", "generateAppProofs":false, "parameters":{"walletName":"<w> & ü","accounts":[],"mnemonicLength":"12","generateAppProofs":false,"unknown":{"a":[1]}} }`)
	a := jane.send("submit/create_wallet", body).ok()
	if got := fmt.Sprint(a.at("activity", "intent")); got != "map[createWalletIntent:map[accounts:[] mnemonicLength:12 walletName:<w> & ü]]" {
		t.Errorf("intent %s", got)
	}
	seconds := strconv.FormatInt(b.time.now().Unix(), 10)
	for path, want := range map[string]string{
		"organizationId": jane.org, "status": "ACTIVITY_STATUS_COMPLETED", "type": "ACTIVITY_TYPE_CREATE_WALLET", "fingerprint": stamp.Fingerprint(body),
		"createdAt.seconds": seconds, "updatedAt.seconds": seconds, "createdAt.nanos": strconv.Itoa(b.time.now().Nanosecond()),
		"votes.0.userId": jane.user, "votes.0.user.userId": jane.user, "votes.0.message": string(body), "votes.0.publicKey": jane.key.PublicKey(),
		"votes.0.scheme": "SIGNATURE_SCHEME_TK_API_P256", "votes.0.selection": "VOTE_SELECTION_APPROVED", "votes.0.activityId": a.text("activity", "id"),
	} {
		if got := a.text(append([]string{"activity"}, strings.Split(path, ".")...)...); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if a.at("activity", "canApprove") != false || a.at("activity", "canReject") != false {
		t.Error("a completed activity can be voted on")
	}
	if !bytes.Contains(a.raw, []byte("<w> & ü")) {
		t.Error("characters are escaped that need no escape")
	}
	again := jane.query("get_activity", m{"activityId": a.text("activity", "id")}).ok()
	if !bytes.Equal(again.raw, a.raw) {
		t.Errorf("asked again it is\n%s\nand was\n%s", again.raw, a.raw)
	}
}

func TestTheSameBytesAreDoneOnce(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	body := jane.envelope("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}})
	first := jane.send("submit/create_wallet", body).ok()
	b.time.advance(time.Minute)
	second := jane.send("submit/create_wallet", body).ok() // another signature over the same bytes
	if !bytes.Equal(first.raw, second.raw) {
		t.Errorf("the same bytes gave\n%s\nand\n%s", first.raw, second.raw)
	}
	spaced := append([]byte(" "), body...)
	jane.send("submit/create_wallet", spaced).refused(400, "REQUEST_INVALID", "wallet label must be unique") // other bytes
	if got := len(jane.query("list_wallets", nil).ok().at("wallets").([]any)); got != 1 {
		t.Errorf("%d wallets", got)
	}
	b.time.advance(time.Hour)
	jane = jane.with(b.refreshed(jane))
	jane.send("submit/create_wallet", body).refused(400, "REQUEST_INVALID", "timestamp")
}

// Even when they come all at once.
func TestTheSameBytesAtOnceAreDoneOnce(t *testing.T) {
	b := newBox(t, Options{StateDir: t.TempDir()})
	body := b.root.envelope("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}})
	ids := make(chan string, 20)
	var wg sync.WaitGroup
	for range cap(ids) {
		wg.Go(func() { ids <- b.root.send("submit/create_wallet", body).ok().text("activity", "id") })
	}
	wg.Wait()
	close(ids)
	want := <-ids
	for id := range ids {
		if id != want {
			t.Errorf("activities %s and %s", id, want)
		}
	}
}

// A key that is deleted between the look at its stamp and the deed does nothing.
func TestAKeyThatIsDeletedMeanwhileDoesNothing(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	body := jane.envelope("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}})
	c := &call{s: b.Sandbox, state: b.state.Load(), now: b.time.now().UnixMilli(), body: body, seen: &seenRequest{},
		header: http.Header{"X-Stamp": {b.stampOf(jane.key, body)}}}
	if err := c.authenticate(jane.org, true); err != nil {
		t.Fatal(err)
	}
	key := jane.query("get_api_keys", nil).ok().text("apiKeys", "0", "apiKeyId")
	jane.submit("DELETE_API_KEYS", m{"userId": jane.user, "apiKeyIds": []string{key}}).result("deleteApiKeysResult")
	if _, err := c.execute("x", kind{}, &stampLogin{sessionWish: sessionWish{PublicKey: newKey().PublicKey()}}, print{}); err == nil {
		t.Error("it did")
	}
}

// A refused request leaves no activity, so the same bytes are tried again.
func TestARefusalIsNotRemembered(t *testing.T) {
	b := newBox(t, Options{})
	body := b.root.envelope("VERIFY_OTP", m{"otpId": nowhere, "otpCode": "x"})
	for range 2 {
		b.root.send("submit/verify_otp", body).refused(404, "REQUEST_INVALID", "no OTP found")
	}
	if got := len(b.root.query("list_activities", nil).ok().at("activities").([]any)); got != 0 {
		t.Errorf("%d activities", got)
	}
}

func TestActivitiesAreListedNewestFirst(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		t.Run(map[bool]string{true: "memory", false: "disk"}[dir == ""], func(t *testing.T) {
			b := newBox(t, Options{StateDir: dir})
			jane := b.logIn("jane@doe.test")
			var ids []string
			for i := range 12 {
				ids = append(ids, jane.submit("CREATE_WALLET", m{"walletName": fmt.Sprint(i), "accounts": []m{}}).ok().text("activity", "id"))
			}
			list := func(q m) []string {
				var got []string
				for _, a := range jane.query("list_activities", q).ok().at("activities").([]any) {
					got = append(got, a.(m)["id"].(string))
				}
				return got
			}
			newest := func(from, to int) []string {
				var want []string
				for i := from; i > to; i-- {
					want = append(want, ids[i])
				}
				return want
			}
			for name, c := range map[string]struct {
				q    m
				want []string
			}{
				"the default": {nil, newest(11, 1)},
				"after":       {m{"paginationOptions": m{"after": ids[5], "limit": "3"}}, newest(4, 1)},
				"before":      {m{"paginationOptions": m{"before": ids[5], "limit": "3"}}, newest(8, 5)},
				"by type":     {m{"filterByType": []string{"ACTIVITY_TYPE_CREATE_WALLET"}, "paginationOptions": m{"limit": "2"}}, newest(11, 9)},
				"by status":   {m{"filterByStatus": []string{"ACTIVITY_STATUS_FAILED"}}, nil},
			} {
				if got := list(c.q); fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Errorf("%s: %v, want %v", name, got, c.want)
				}
			}
			if got := list(m{"filterByType": []string{"ACTIVITY_TYPE_OTP_LOGIN_V2"}}); len(got) != 1 {
				t.Errorf("the log-in by the parent is not the sub-organization's: %v", got)
			}
			jane.query("get_activity", m{"activityId": nowhere}).refused(404, "REQUEST_INVALID", "no activity found")
			jane.query("get_activity", m{"activityId": "x"}).refused(400, "REQUEST_INVALID", "malformed activity ID")
		})
	}
}

// In memory the oldest activities give way; what is left is found, and the rest is not found by mistake.
func TestHistoryIsBounded(t *testing.T) {
	s := newState(newEnclave(1), 0, nil)
	s.found(0)
	var ids []*activity
	for i := range 3000 {
		a := &activity{ID: s.history.nextID(0, s.choices), Org: s.parent.id, Parameters: json.RawMessage(strings.Repeat(" ", 30_000)), Fingerprint: print{byte(i), byte(i >> 8)}}
		a.install(s)
		ids = append(ids, a)
	}
	if s.history.bytes > historyMax || len(s.history.byID) != len(s.history.queue) || len(s.history.byPrint) != len(s.history.queue) {
		t.Errorf("%d bytes, %d by id, %d by body, %d in line", s.history.bytes, len(s.history.byID), len(s.history.byPrint), len(s.history.queue))
	}
	if a, _ := s.history.find(s.parent.id, ids[0].ID); a != nil {
		t.Error("the oldest is still there")
	}
	if a, _ := s.history.byBody(s.parent.id, ids[2999].Fingerprint); a != ids[2999] {
		t.Error("the newest is not")
	}
	for i := range ids[1:] {
		if ids[i].ID.String() >= ids[i+1].ID.String() {
			t.Fatalf("ids %s and %s are out of order", ids[i].ID, ids[i+1].ID)
		}
	}
}

// refreshed logs w in again by a code, whatever became of its key.
func (b *box) refreshed(w *who) (key *keyOf) {
	b.t.Helper()
	key = newKey()
	u := b.root.in(w.org).query("get_user", m{"userId": w.user}).ok().text("user", "userEmail")
	id := b.root.plainOTP(m{"contact": u}).result("initOtpResult").text("otpId")
	jwt := b.root.plainGuess(id, b.newestCode(u)).result("verifyOtpResult").text("verificationToken")
	b.root.in(w.org).submit("OTP_LOGIN", m{"verificationToken": jwt, "publicKey": key.PublicKey()}).result("otpLoginResult")
	return key
}
