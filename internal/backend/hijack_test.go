package backend_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/turnkey"
)

// Whatever an attacker makes under the victim's address beforehand, the victim gets an organization in which nothing
// of the attacker's is good.
func TestR22_WhoeverSignsUpAnAddressFirstIsNotInIt(t *testing.T) {
	const victim = "victim@example.com"
	apiKey := func(k *p256.Key, seconds string) []any {
		o := object{"apiKeyName": "mine", "publicKey": k.PublicKey(), "curveType": "API_KEY_CURVE_P256"}
		if seconds != "" {
			o["expirationSeconds"] = seconds
		}
		return []any{o}
	}
	for name, attack := range map[string]func(w *world, attacker *p256.Key) (trap string){
		"with a key, unproven": func(w *world, attacker *p256.Key) string {
			r := w.post("/signup", object{"userEmail": victim, "apiKeys": apiKey(attacker, "")})
			r.is(t, 200, "")
			return r.text("subOrganizationId")
		},
		"in other letters": func(w *world, attacker *p256.Key) string {
			r := w.post("/signup", object{"userEmail": "Victim@Example.COM", "apiKeys": apiKey(attacker, "")})
			r.is(t, 200, "")
			return r.text("subOrganizationId")
		},
		"with a key that ends": func(w *world, attacker *p256.Key) string {
			r := w.post("/signup", object{"userEmail": victim, "apiKeys": apiKey(attacker, "60")})
			r.is(t, 200, "")
			w.clock.advance(2 * 60e9)
			return r.text("subOrganizationId")
		},
		"many times": func(w *world, attacker *p256.Key) (trap string) {
			for range 12 {
				r := w.post("/signup", object{"userEmail": victim, "userName": fmt.Sprint(trap), "apiKeys": apiKey(newKey(), "")})
				r.is(t, 200, "")
			}
			r := w.post("/signup", object{"userEmail": victim, "apiKeys": apiKey(attacker, "")})
			return r.text("subOrganizationId")
		},
		"under a second contact": func(w *world, attacker *p256.Key) string { // straight at the service, as an older backend would
			made, err := w.parent().CreateSubOrganization(t.Context(), w.facts.OrganizationID, turnkey.SubOrganizationParams{
				Name: "trap", RootQuorumThreshold: 1, RootUsers: []turnkey.RootUserParams{{UserName: "u", UserEmail: victim, UserPhoneNumber: "+14155550100"}}})
			if err != nil {
				t.Fatal(err)
			}
			return made.ID
		},
		"with a second user": func(w *world, attacker *p256.Key) string {
			made, err := w.parent().CreateSubOrganization(t.Context(), w.facts.OrganizationID, turnkey.SubOrganizationParams{
				Name: "trap", RootQuorumThreshold: 1, RootUsers: []turnkey.RootUserParams{{UserName: "u", UserEmail: victim},
					{UserName: "a", UserEmail: "attacker@example.com", APIKeys: []turnkey.APIKeyParams{{APIKeyName: "k", PublicKey: attacker.PublicKey(), CurveType: turnkey.CurveAPIKeyP256}}}}})
			if err != nil {
				t.Fatal(err)
			}
			return made.ID
		},
		"proven for another address": func(w *world, attacker *p256.Key) string { // the attacker's proof, the victim's address
			jwt := w.prove("attacker@example.com", attacker, true).text("verificationToken")
			w.post("/signup", w.signUp(jwt, attacker, victim)).is(t, 403, "signup.refused")
			jwt = w.prove("attacker@example.com", attacker, false).text("verificationToken")
			w.post("/signup", object{"userEmail": victim, "verificationToken": jwt}).is(t, 403, "signup.refused")
			if w.network.count("/create_sub_organization") != 0 {
				t.Error("only the service refused")
			}
			return w.post("/otp-login", object{"verificationToken": jwt, "publicKey": attacker.PublicKey()}).text("organizationId")
		},
	} {
		for _, encrypted := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, encrypted %v", name, encrypted), func(t *testing.T) {
				w := newWorld(t)
				attacker, key := newKey(), newKey()
				trap := attack(w, attacker)

				verified := w.prove(victim, key, encrypted)
				if got := verified.text("subOrganizationId"); got != "" {
					t.Errorf("the victim is sent to %s", got)
				}
				jwt := verified.text("verificationToken")
				if encrypted {
					w.post("/otp-login", w.login(jwt, key)).is(t, 404, "account.unknown")
					w.post("/signup", w.signUp(jwt, key, victim)).is(t, 200, "")
				}
				in := w.post("/otp-login", w.login(jwt, key))
				in.is(t, 200, "")
				org := in.text("organizationId")
				if org == trap {
					t.Fatal("the victim is in the attacker's organization")
				}
				w.works(t.Context(), key, org)
				if _, err := w.as(attacker).Whoami(t.Context(), org); fault.CodeOf(err) != fault.SessionRejected {
					t.Errorf("the attacker's key in the victim's organization: %v", err)
				}
				if got := w.prove(victim, newKey(), encrypted).text("subOrganizationId"); got != org {
					t.Errorf("the next time the victim is sent to %q, not %q", got, org)
				}
			})
		}
	}
}

// A public key is public: whoever registers somebody's key beside his own gains nothing either.
func TestR22_ASignUpIsNotAnsweredWithATrap(t *testing.T) {
	w := newWorld(t)
	attacker, key := newKey(), newKey()
	made, err := w.parent().CreateSubOrganization(t.Context(), w.facts.OrganizationID, turnkey.SubOrganizationParams{
		Name: "trap", RootQuorumThreshold: 1, RootUsers: []turnkey.RootUserParams{{UserName: "u", UserEmail: "v@example.com", APIKeys: []turnkey.APIKeyParams{
			{APIKeyName: "a", PublicKey: attacker.PublicKey(), CurveType: turnkey.CurveAPIKeyP256},
			{APIKeyName: "v", PublicKey: key.PublicKey(), CurveType: turnkey.CurveAPIKeyP256}}}}})
	if err != nil {
		t.Fatal(err)
	}
	r := w.post("/signup", object{"userEmail": "v@example.com", "apiKeys": []any{object{"publicKey": key.PublicKey()}}})
	r.is(t, 200, "")
	if r.text("subOrganizationId") == made.ID {
		t.Error("the victim is in the attacker's organization")
	}
}

// A key that has ended leaves no trace but what was done with it: a wallet whose phrase was seen outside is not the
// victim's to find, even in an organization that looks as if nobody had been in it.
func TestR22_AnOrganizationWithAWalletThatWasSeenOutsideIsPassedBy(t *testing.T) {
	for _, wallet := range []string{`"exported":true,"imported":false`, `"exported":false,"imported":true`, `"exported":false,"imported":false`} {
		w := newWorld(t)
		bare := w.post("/signup", object{"userEmail": "tia@example.com"})
		bare.is(t, 200, "")
		w.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
			if strings.HasSuffix(path, "/list_wallets") {
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"wallets":[{"walletId":"w",` + wallet + `}]}`))}, nil
			}
			return send(), nil
		})
		key := newKey()
		in := w.post("/otp-login", w.login(w.prove("tia@example.com", key, false).text("verificationToken"), key))
		in.is(t, 200, "")
		if same, seen := in.text("organizationId") == bare.text("subOrganizationId"), strings.Contains(wallet, "true"); same == seen {
			t.Errorf("%s: the same organization: %v", wallet, same)
		}
	}
}

// Nothing tells whether an address has an account: the answers to known and unknown addresses have the same shape.
// However many organizations name a contact, finding out that none is his costs a few requests.
func TestR22_ManyTrapsDoNotBlockALogIn(t *testing.T) {
	w := newWorld(t)
	for i := range 40 {
		w.post("/signup", object{"userEmail": "victim@example.com", "userName": fmt.Sprint(i), "apiKeys": []any{
			object{"apiKeyName": "mine", "publicKey": newKey().PublicKey(), "curveType": "API_KEY_CURVE_P256"}}}).is(t, 200, "")
	}
	before := w.network.count("/list_users")
	jwt := w.prove("victim@example.com", newKey(), true).text("verificationToken")
	if jwt == "" {
		t.Fatal("no proof")
	}
	if n := w.network.count("/list_users") - before; n > 5 {
		t.Errorf("%d organizations were looked into", n)
	}
}

func TestNobodyIsToldWhoHasAnAccount(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	jwt := w.prove("known@example.com", key, true).text("verificationToken")
	w.post("/signup", w.signUp(jwt, key, "known@example.com")).is(t, 200, "")
	shape := func(r reply) string {
		names := []string{}
		for _, name := range []string{"otpId", "otpEncryptionTargetBundle", "otpLength", "subOrganizationId", "userId", "reason", "triesLeft", "error"} {
			if _, ok := r.body[name]; ok {
				names = append(names, name)
			}
		}
		return fmt.Sprint(r.status, names)
	}
	for name, ask := range map[string]func(contact string) reply{
		"init": func(contact string) reply { return w.begin(contact, false) },
		"wrong code": func(contact string) reply {
			return w.post("/otp/verify", object{"otpId": w.begin(contact, false).text("otpId"), "otpCode": "x"})
		},
		"sign-up": func(contact string) reply { return w.post("/signup", object{"userEmail": contact}) },
		"sign-up with a key": func(contact string) reply {
			return w.post("/signup", object{"userEmail": contact, "apiKeys": []any{object{"publicKey": newKey().PublicKey()}}})
		},
	} {
		known, unknown := ask("known@example.com"), ask("unknown@example.com")
		if shape(known) != shape(unknown) {
			t.Errorf("%s: known %s, unknown %s", name, known.raw, unknown.raw)
		}
	}
}
