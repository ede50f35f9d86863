package backend_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// Whatever client an attacker uses to sign the victim's address up first, and whatever client the victim comes with:
// he gets an organization in which the attacker's key is refused, and the same one the next time.
func TestR22_NoFamilySendsTheVictimIntoATrap(t *testing.T) {
	attempts, successes := map[string]int{}, 0
	for _, attacks := range kits {
		for _, comes := range kits {
			t.Run(attacks.name+", then "+comes.name, func(t *testing.T) {
				w := newWorld(t)
				attacker, key, next := newKey(), newKey(), newKey()
				victim := "victim@example.com"
				trap := attacks.signUp(w, victim, attacker)
				if trap == "" {
					t.Fatal("no trap")
				}
				attempts[comes.name]++
				s := w.session(comes.enter(w, victim, key), key)
				if s.OrganizationID == trap {
					successes++
					t.Error("the victim is in the attacker's organization")
				}
				w.works(t.Context(), key, s.OrganizationID)
				if _, err := w.as(attacker).Whoami(t.Context(), s.OrganizationID); fault.CodeOf(err) != fault.SessionRejected {
					successes++
					t.Errorf("the attacker's key in the victim's organization: %v", err)
				}
				if again := w.session(comes.enter(w, victim, next), next); again.OrganizationID != s.OrganizationID {
					t.Errorf("the next time the victim is in %s, not %s", again.OrganizationID, s.OrganizationID)
				}
			})
		}
	}
	t.Logf("attempts by the victim's family %v, successes %d", attempts, successes)
}

// An attacker who comes by an id token of his own and writes the victim's address beside it gets nowhere either, nor
// does the address in his token count.
func TestR22_AnIdentityWithTheVictimsAddressIsATrapToo(t *testing.T) {
	for _, comes := range kits {
		w := newWorld(t)
		attacker, key := newKey(), newKey()
		trap := w.ok(w.proxy("signup_v2", object{"userEmail": "victim@example.com", "apiKeys": []any{}, "authenticators": []any{},
			"oauthProviders": []any{object{"providerName": "g", "oidcToken": w.idToken("attacker@example.com", attacker)}}})).text("organizationId")
		byToken := w.ok(w.post("/auth/oAuth", object{"publicKey": attacker.PublicKey(), "oidcToken": w.idToken("victim@example.com", attacker)})).text("organizationId")
		s := w.session(comes.enter(w, "victim@example.com", key), key)
		if s.OrganizationID == trap || s.OrganizationID == byToken {
			t.Errorf("%s: the victim is in %s", comes.name, s.OrganizationID)
		}
	}
}

// An organization that carries the victim's contact and nothing else is one that he may enter, but a kit that logs in by
// the token itself cannot, for the service finds a contact only where it was proven: its sign-up makes another.
func TestAuthProxySignUpsAreWhereTheTokenLogsIn(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	bare := w.ok(w.post("/signup", object{"userEmail": "ann@example.com"})).text("organizationId")
	jwt := w.proxyProve("ann@example.com", key, true)
	made := w.ok(w.proxy("signup_v2", w.proxySignUp(jwt, key, "ann@example.com", false))).text("organizationId")
	if made == bare {
		t.Error("the bare organization was given out")
	}
	ids, err := w.parent().ListVerifiedSubOrgs(t.Context(), w.facts.OrganizationID, turnkey.SubOrgFilter{Type: "EMAIL", Value: "ann@example.com"})
	if err != nil || len(ids) != 1 || ids[0] != made {
		t.Errorf("proven in %v, %v; made %s", ids, err, made)
	}
}

// Whoever names the trap himself, as a client does that was told of it, is refused or led past it.
func TestR22_ATrapThatTheClientNamesIsNotEntered(t *testing.T) {
	w := newWorld(t)
	attacker, key := newKey(), newKey()
	trap := kits[0].signUp(w, "victim@example.com", attacker)
	jwt := w.prove("victim@example.com", key, true).text("verificationToken")
	in := w.login(jwt, key)
	in["organizationId"], in["suborgID"] = trap, trap
	w.proxy("otp_login_v2", in).is(t, 403, "")
	w.proxy("otp_login", in).is(t, 403, "")
	w.post("/api/otpLogin", in).is(t, 404, "account.unknown") // there is none yet that he may enter
	made := w.ok(w.post("/signup", w.signUp(jwt, key, "victim@example.com"))).text("organizationId")
	if s := w.session(w.ok(w.post("/api/otpLogin", in)).text("session"), key); s.OrganizationID != made {
		t.Errorf("in %s, not %s", s.OrganizationID, made)
	}
	w.proxy("otp_login_v2", in).is(t, 403, "")

	id := w.idToken("victim@example.com", key)
	identity := object{"oidcToken": id, "publicKey": key.PublicKey(), "organizationId": trap, "suborgID": trap}
	w.proxy("oauth_login", identity).is(t, 403, "")
	w.post("/api/oauthLogin", identity).is(t, 404, "account.unknown")
	if n := w.network.count("/oauth_login"); n != 0 {
		t.Errorf("the service was asked %d times", n)
	}
}

// A contact beside somebody else's proof is refused before anything is made in its name.
func TestR22_AContactBesideAnothersProofIsRefused(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	jwt := w.prove("attacker@example.com", key, false).text("verificationToken")
	w.post("/auth/otp", object{"verificationToken": jwt, "contact": "victim@example.com", "publicKey": key.PublicKey()}).is(t, 403, "login.refused")
	begun := w.begin("attacker@example.com", false)
	w.post("/auth/verifyOtp", object{"otpId": begun.text("otpId"), "otpCode": w.code("attacker@example.com"), "contact": "victim@example.com",
		"publicKey": key.PublicKey()}).is(t, 403, "login.refused")
	for path, name := range map[string]string{"/api/createSuborg": "email", "/v1/signup_v2": "userEmail"} {
		w.post(path, object{name: "victim@example.com", "verificationToken": jwt}, "X-Auth-Proxy-Config-ID", w.facts.OrganizationID).is(t, 403, reasonAt(path, "signup.refused"))
	}
	w.post("/api/getOrCreateSuborg", object{"filterType": "EMAIL", "filterValue": "victim@example.com", "verificationToken": jwt,
		"additionalData": object{"email": "victim@example.com"}}).is(t, 403, "signup.refused")
	if n := w.network.count("/create_sub_organization"); n != 0 {
		t.Errorf("%d organizations were made", n)
	}
}

// reasonAt is where a refusal says its reason: the auth proxy's has it in its details alone.
func reasonAt(path, reason string) string {
	if strings.HasPrefix(path, "/v1/") {
		return ""
	}
	return reason
}

var masks = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`0x[0-9a-fA-F]{40}`), "ADDRESS"},
	{regexp.MustCompile(`[1-9A-HJ-NP-Za-km-z]{43,44}"`), `ADDRESS"`},
	{regexp.MustCompile(`[0-9a-f]{40,}`), "HEX"},
}

// masked is an answer without what is new in each.
func masked(r reply) string {
	text := fmt.Sprint(r.status, " ", r.raw)
	for _, m := range masks {
		text = m.what.ReplaceAllString(text, m.as)
	}
	return text
}

// In no family does an answer to somebody without proof tell whether an address has an account.
func TestNoFamilyTellsWhoHasAnAccount(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	known := w.session(kits[4].enter(w, "known@example.com", key), key).OrganizationID
	target := newKey().Private()
	guess := func(send, verify, code string) func(string) reply {
		return func(contact string) reply {
			begun := w.post(send, object{"otpType": "OTP_TYPE_EMAIL", "contact": contact}, "X-Auth-Proxy-Config-ID", w.facts.OrganizationID)
			begun.is(t, 200, "")
			return w.post(verify, object{"otpId": begun.text("otpId"), code: "{}", "contact": contact, "publicKey": key.PublicKey()}, "X-Auth-Proxy-Config-ID", w.facts.OrganizationID)
		}
	}
	asks := map[string]func(contact string) reply{
		"Swift code":    guess("/auth/sendOtp", "/auth/verifyOtp", "otpCode"),
		"web code":      guess("/api/initOtp", "/api/verifyOtp", "encryptedOtpBundle"),
		"proxy code":    guess("/v1/otp_init_v2", "/v1/otp_verify_v2", "encryptedOtpBundle"),
		"Swift sign-up": func(contact string) reply { return w.post("/auth/createSubOrg", object{"email": contact}) },
		"web sign-up":   func(contact string) reply { return w.post("/api/createSuborg", object{"email": contact}) },
		"web get or make": func(contact string) reply {
			return w.post("/api/getOrCreateSuborg", object{"filterValue": contact, "additionalData": object{"email": contact}})
		},
		"web mail": func(contact string) reply {
			return w.post("/api/auth", object{"email": contact, "targetPublicKey": p256.Uncompressed(&target.PublicKey)})
		},
		"web mail, by org": func(contact string) reply {
			return w.post("/api/auth", object{"email": contact, "suborgID": known, "targetPublicKey": p256.Uncompressed(&target.PublicKey)})
		},
		"proxy sign-up": func(contact string) reply {
			return w.proxy("signup", object{"userEmail": contact, "apiKeys": []any{}, "authenticators": []any{}, "oauthProviders": []any{}})
		},
	}
	for _, k := range kits {
		if k.find != nil {
			asks["look-up, "+k.name] = func(contact string) reply { return k.find(w, contact) }
		}
	}
	for name, ask := range asks {
		w.clock.advance(10 * 60e9) // past every limit
		a, b := ask("known@example.com"), ask("other@example.com")
		if masked(a) != masked(b) {
			t.Errorf("%s:\nknown   %s\nunknown %s", name, masked(a), masked(b))
		}
		if strings.Contains(a.raw, known) && !strings.Contains(b.raw, known) {
			t.Errorf("%s tells the account: %s", name, a.raw)
		}
	}
	if r := w.ok(kits[1].find(w, "known@example.com")); r.text("organizationId") != w.facts.OrganizationID {
		t.Errorf("the demo's look-up: %s", r.raw)
	}
	w.mailed() // or an e-mail with a key is taken for the one with the code
	jwt := w.prove("known@example.com", newKey(), false).text("verificationToken")
	if v, err := token.ParseVerification(jwt); err != nil || v.Contact != "known@example.com" {
		t.Fatal(err)
	}
	proven := object{"filterType": "EMAIL", "filterValue": "known@example.com", "verificationToken": jwt}
	if r := w.ok(w.post("/auth/getSubOrgId", proven)); r.text("organizationId") != known {
		t.Errorf("with proof: %s", r.raw)
	}
	if r := w.ok(w.post("/api/getOrCreateSuborg", proven)); !strings.Contains(r.raw, known) {
		t.Errorf("with proof: %s", r.raw)
	}
}
