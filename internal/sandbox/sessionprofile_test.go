package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/token"
)

// profile makes a session profile in the parent and returns its id.
func (b *box) profile(name, scope string, more m) string {
	b.t.Helper()
	p := m{"sessionProfileName": name, "scope": scope}
	for k, v := range more {
		p[k] = v
	}
	return b.root.submit("CREATE_SESSION_PROFILE", p).result("createSessionProfileResult").text("sessionProfileId")
}

func TestSessionProfilesAreTheParentsAndSeenBelow(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	if got := jane.query("get_session_profiles", nil).ok().at("sessionProfiles").([]any); len(got) != 0 {
		t.Errorf("profiles at first: %v", got)
	}
	scope := "activity.resource == 'WALLET' && activity.action == 'CREATE'"
	id := b.profile("wallets", scope, m{"expirationSeconds": "300", "notes": "for agents"})
	b.profile("all", "true", nil)
	jane.submit("CREATE_SESSION_PROFILE", m{"sessionProfileName": "own", "scope": "true"}).refused(400, "INVALID_ACTIVITY_CALLER", "parent organization")
	seen := func(b *box, org string) {
		t.Helper()
		w := &who{box: b, org: org, key: jane.key}
		one := w.query("get_session_profile", m{"sessionProfileId": id}).ok()
		for name, want := range map[string]string{"sessionProfileName": "wallets", "scope": scope, "expirationSeconds": "300", "notes": "for agents", "sessionProfileId": id} {
			if got := one.text("sessionProfile", name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
		all := w.query("get_session_profiles", nil).ok()
		if all.text("sessionProfiles", "0", "sessionProfileId") != id || all.text("sessionProfiles", "1", "sessionProfileName") != "all" {
			t.Errorf("profiles %s", all.raw)
		}
		if all.at("sessionProfiles", "1").(m)["expirationSeconds"] != nil {
			t.Errorf("a profile without a life has one: %s", all.raw)
		}
	}
	seen(b, jane.org)
	if got := b.root.query("get_session_profiles", nil).ok().at("sessionProfiles").([]any); len(got) != 2 {
		t.Errorf("the parent sees %d", len(got))
	}
	b.Close()
	seen(newBox(t, Options{StateDir: dir, Now: b.time.now}), jane.org)
}

func TestWhatIsNoSessionProfile(t *testing.T) {
	b := newBox(t, Options{})
	b.profile("taken", "true", nil)
	for _, c := range []struct {
		name    string
		params  m
		message string
	}{
		{"a name that is taken", m{"sessionProfileName": "taken", "scope": "true"}, "session profile label must be unique"},
		{"no scope", m{"sessionProfileName": "x"}, "missing field `scope`"},
		{"a blank scope", m{"sessionProfileName": "x", "scope": " "}, "invalid session profile scope"},
		{"a scope that is none", m{"sessionProfileName": "x", "scope": "activity.colour == 'red'"}, "invalid session profile scope"},
		{"a scope about approvers", m{"sessionProfileName": "x", "scope": "approvers.count() == 1"}, "invalid session profile scope"},
		{"a scope that is not yes or no", m{"sessionProfileName": "x", "scope": "activity.type"}, "invalid session profile scope"},
		{"a scope that no token could carry", m{"sessionProfileName": "x", "scope": "activity.type == '" + strings.Repeat("x", 4000) + "'"}, "too long"},
		{"a life of nothing", m{"sessionProfileName": "x", "scope": "true", "expirationSeconds": "0"}, "invalid session profile expiration"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.root.submit("CREATE_SESSION_PROFILE", c.params).refused(400, "REQUEST_INVALID", c.message)
		})
	}
	b.root.query("get_session_profile", m{"sessionProfileId": nowhere}).refused(404, "REQUEST_INVALID", "no session profile found")
}

func TestASessionWithAProfileSaysSo(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	longest := "activity.type == '" + strings.Repeat("<", 300) + "'"
	short, open := b.profile("short", longest, m{"expirationSeconds": "300"}), b.profile("open", "true", nil)
	for _, c := range []struct {
		name    string
		profile string
		asked   string
		want    int64
	}{
		{"what the profile says", short, "", 300},
		{"less than the profile", short, "200", 200},
		{"more than the profile", short, "400", 300},
		{"the log-in alone", open, "2000", 2000},
		{"neither", open, "", 900},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := newKey()
			p := m{"publicKey": key.PublicKey(), "sessionProfileId": c.profile}
			if c.asked != "" {
				p["expirationSeconds"] = c.asked
			}
			b.time.advance(time.Second)
			says, err := token.ParseSession(jane.submit("STAMP_LOGIN", p).result("stampLoginResult").text("session"))
			if err != nil {
				t.Fatal(err)
			}
			name, scope := "short", longest
			if c.profile == open {
				name, scope = "open", "true"
			}
			if says.SessionType != name || says.SessionProfileID != c.profile || says.Scope != scope {
				t.Errorf("the token says %+v", says)
			}
			if got := says.Expires.Unix() - b.time.now().Unix(); got != c.want {
				t.Errorf("lasts %d seconds, want %d", got, c.want)
			}
			keys := jane.query("get_api_keys", nil).ok().at("apiKeys").([]any)
			newest := keys[len(keys)-1].(m)["credential"].(m)
			if newest["sessionProfileId"] != c.profile || newest["publicKey"] != key.PublicKey() {
				t.Errorf("the key is %v", newest)
			}
		})
	}
	jane.submit("STAMP_LOGIN", m{"publicKey": newKey().PublicKey(), "sessionProfileId": nowhere}).refused(404, "REQUEST_INVALID", "no session profile found")
	plain, err := token.ParseSession(jane.submit("STAMP_LOGIN", m{"publicKey": newKey().PublicKey()}).result("stampLoginResult").text("session"))
	if err != nil || plain.SessionProfileID != "" || plain.Scope != "" || plain.SessionType != "SESSION_TYPE_READ_WRITE" {
		t.Errorf("without a profile: %+v, %v", plain, err)
	}
}

// A key that lasts is not narrowed, so a token that says it were would lie.
func TestALastingKeyTakesNoProfile(t *testing.T) {
	b := newBox(t, Options{})
	one := b.team(1, 1)[0]
	one.submit("STAMP_LOGIN", m{"publicKey": one.key.PublicKey(), "sessionProfileId": b.profile("p", "true", nil)}).
		refused(409, "REQUEST_INVALID", "public key already exists")
	one.submit("STAMP_LOGIN", m{"publicKey": one.key.PublicKey()}).result("stampLoginResult")
}

// Every log-in takes a profile.
func TestOTPLoginTakesAProfile(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	profile := b.profile("p", "true", nil)
	key := newKey()
	jwt := b.root.verifyOTP("jane@doe.test", key)
	says, err := token.ParseSession(b.root.in(jane.org).submit("OTP_LOGIN_V2", m{"verificationToken": jwt, "publicKey": key.PublicKey(),
		"clientSignature": b.signLogin(key, jwt, key.PublicKey()), "sessionProfileId": profile, "invalidateExisting": true}).result("otpLoginResult").text("session"))
	if err != nil || says.SessionProfileID != profile || says.SessionType != "p" {
		t.Errorf("the token says %+v, %v", says, err)
	}
	if got := jane.with(key).keyKinds(); !slices.Equal(got, []string{"CREDENTIAL_TYPE_LOGIN"}) {
		t.Errorf("keys %v", got)
	}
}

// A profile is in the dump, and so is what it means for the sessions that have it.
func TestADumpKeepsSessionProfiles(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	key := newKey()
	jane.submit("STAMP_LOGIN", m{"publicKey": key.PublicKey(), "sessionProfileId": b.profile("wallets", "activity.resource == 'WALLET'", nil)}).result("stampLoginResult")
	second := newBox(t, Options{Seed: 2, Now: b.time.now})
	second.time = b.time
	second.controlled("PUT", "/state", json.RawMessage(b.controlled("GET", "/state", nil).ok().raw)).ok()
	scoped := &who{box: second, org: jane.org, user: jane.user, key: key}
	if got := scoped.query("get_session_profiles", nil).ok().text("sessionProfiles", "0", "sessionProfileName"); got != "wallets" {
		t.Errorf("the profile is %s", got)
	}
	scoped.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).result("createWalletResult")
	if a := scoped.submit("CREATE_READ_ONLY_SESSION", m{}); a.status != 403 {
		t.Errorf("out of scope: %s", a.raw)
	}
}
