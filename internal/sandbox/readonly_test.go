package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// read asks with a read-only session.
func (w *who) read(session, name string, fields m) answer {
	w.t.Helper()
	body := m{"organizationId": w.org}
	for k, v := range fields {
		body[k] = v
	}
	return w.post("query/"+name, mustJSON(body), http.Header{"X-Session": {session}})
}

func TestAReadOnlySessionReadsForAnHour(t *testing.T) {
	b := newBox(t, Options{})
	jane, joe := b.logIn("jane@doe.test"), b.logIn("joe@doe.test")
	r := jane.submit("CREATE_READ_ONLY_SESSION", m{}).result("createReadOnlySessionResult")
	for name, want := range map[string]string{"organizationId": jane.org, "userId": jane.user, "username": "jane@doe.test",
		"sessionExpiry": strconv.FormatInt(b.time.now().Unix()+3600, 10)} {
		if got := r.text(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	session := r.text("session")
	for _, w := range []*who{jane, jane.in(b.root.org)} {
		if got := w.read(session, "whoami", nil).ok().text("userId"); got != jane.user {
			t.Errorf("whoami in %s: %s", w.org, got)
		}
	}
	jane.read(session, "list_wallets", nil).ok()
	joe.read(session, "list_wallets", nil).refused(401, "UNAUTHENTICATED", "read only session")
	waiting := jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok().text("activity", "fingerprint")
	for kind, params := range map[string]m{
		"CREATE_WALLET": {"walletName": "v", "accounts": []m{}}, "STAMP_LOGIN": {"publicKey": newKey().PublicKey()},
		"CREATE_READ_ONLY_SESSION": {}, "APPROVE_ACTIVITY": {"fingerprint": waiting},
	} {
		jane.post("submit/"+strings.ToLower(kind), jane.envelope(kind, params), http.Header{"X-Session": {session}}).refused(401, "SIGNATURE_MISSING", "without a stamp")
	}

	b.time.advance(time.Hour)
	jane.read(session, "whoami", nil).refused(401, "UNAUTHENTICATED", "read only session has expired")
}

func TestAReadOnlySessionCannotBeMadeUp(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	session := jane.submit("CREATE_READ_ONLY_SESSION", m{}).result("createReadOnlySessionResult").text("session")
	for i := range session { // every character counts
		spoilt := []byte(session)
		spoilt[i] = 'A' + (spoilt[i]-'A'+1)%26
		if a := jane.read(string(spoilt), "whoami", nil); a.status != 401 {
			t.Fatalf("character %d changed: %s", i, a.raw)
		}
	}
	for _, made := range []string{"", "x", session + "A", session[:len(session)-4]} {
		jane.read(made, "whoami", nil).refused(401, "UNAUTHENTICATED", "could not verify read only session")
	}
	jane.post("query/whoami", []byte(`{"organizationId":"`+jane.org+`"}`), http.Header{"X-Session": {session, session}}).refused(401, "UNAUTHENTICATED", "read only")
	forged := readOnlySession{org: mustID(t, jane.org), user: mustID(t, jane.user), expires: b.time.now().Unix() + 60}
	jane.read(forged.seal(newEnclave(2)), "whoami", nil).refused(401, "UNAUTHENTICATED", "could not verify read only session")
	jane.read(forged.seal(b.state.Load().enclave), "whoami", nil).ok()
}

func TestAReadOnlySessionOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	session := jane.submit("CREATE_READ_ONLY_SESSION", m{}).result("createReadOnlySessionResult").text("session")
	b.Close()
	again := newBox(t, Options{StateDir: dir, Now: b.time.now})
	if got := (&who{box: again, org: jane.org}).read(session, "whoami", nil).ok().text("userId"); got != jane.user {
		t.Errorf("whoami: %s", got)
	}
}
