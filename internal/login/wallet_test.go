package login_test

import (
	"encoding/hex"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/p256"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
)

// walletOf returns a wallet's key of a curve; n tells keys apart.
func walletOf(t *testing.T, curve stamp.Curve, n byte) stamp.PrivateKey {
	t.Helper()
	seed := hex.EncodeToString(append(make([]byte, 31), n))
	read := func() (stamp.PrivateKey, error) { return stamp.ParseSecp256k1(stamp.SchemeEIP191, seed) }
	if curve == stamp.Ed25519 {
		read = func() (stamp.PrivateKey, error) { return stamp.ParseEd25519(seed) }
	}
	key, err := read()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// byWallet logs in with a wallet's key, from the beginning to the session.
func (p *place) byWallet(key stamp.PrivateKey, o login.Options) (session.Session, error) {
	p.t.Helper()
	a, err := p.otp.Wallet.Begin(p.t.Context(), key, "0xwallet", o)
	if err != nil {
		return session.Session{}, err
	}
	return p.otp.Continue(p.t.Context(), a.ID, "")
}

func TestAWalletSignsUpAndLogsInAgain(t *testing.T) {
	for _, curve := range []stamp.Curve{stamp.Secp256k1, stamp.Ed25519} {
		t.Run(string(curve), func(t *testing.T) {
			p := newPlace(t)
			mine := walletOf(t, curve, 1)
			first, err := p.byWallet(mine, login.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if who, err := p.api.Whoami(t.Context(), first.OrganizationID); err != nil || who.UserID != first.UserID {
				t.Errorf("the session stamps: %+v, %v", who, err)
			}
			again, err := p.byWallet(mine, login.Options{Label: "again"})
			if err != nil || again.OrganizationID != first.OrganizationID || again.UserID != first.UserID {
				t.Errorf("logged in again: %+v, %v", again, err)
			}
			other, err := p.byWallet(walletOf(t, curve, 2), login.Options{})
			if err != nil || other.OrganizationID == first.OrganizationID {
				t.Errorf("another wallet: %+v, %v", other, err)
			}
			if again.Contact != "0xwallet" || again.Method != "wallet" || again.Label != "again" {
				t.Errorf("%+v", again)
			}
			if _, pending, err := p.otp.Pending(t.Context()); pending || err != nil {
				t.Errorf("still pending: %v, %v", pending, err)
			}
		})
	}
}

// An answer that is lost costs a retry, and no second account.
func TestAWalletsLogInSurvivesLostAnswers(t *testing.T) {
	for _, path := range []string{"/api/getSuborgs", "/signup"} {
		p := newPlace(t)
		mine := walletOf(t, stamp.Secp256k1, 1)
		a, err := p.otp.Wallet.Begin(t.Context(), mine, "0xwallet", login.Options{})
		if err != nil {
			t.Fatal(err)
		}
		lost := false
		p.backend.lose = func(at string) bool {
			loses := at == path && !lost
			lost = lost || loses
			return loses
		}
		if _, err := p.otp.Continue(t.Context(), a.ID, ""); fault.CodeOf(err) != fault.BackendDown {
			t.Errorf("%s lost: %v", path, err)
		}
		s, err := p.otp.Continue(t.Context(), a.ID, "")
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		again, err := p.byWallet(mine, login.Options{})
		if err != nil || again.OrganizationID != s.OrganizationID {
			t.Errorf("%s: %+v, %v", path, again, err)
		}
	}
}

// Whoever makes an account with somebody's key and a way in of his own does not get that person into it.
func TestR22_AnAccountThatSomebodyElseMadeWithAWalletsKeyIsNotEntered(t *testing.T) {
	p256Key := func() string { return p256.Compressed(&p256.Generate().PublicKey) }
	for name, more := range map[string]func(p *place) string{
		"a key that stays": func(*place) string {
			return `,{"apiKeyName":"mine","publicKey":"` + walletOf(t, stamp.Secp256k1, 9).PublicKey() + `","curveType":"API_KEY_CURVE_SECP256K1"}],"authenticators":[],"oauthProviders":[]}`
		},
		"a key that ends in years": func(*place) string {
			return `,{"apiKeyName":"mine","publicKey":"` + p256Key() + `","curveType":"API_KEY_CURVE_P256","expirationSeconds":"300000000"}],"authenticators":[],"oauthProviders":[]}`
		},
		"a key that has ended": func(*place) string {
			return `,{"apiKeyName":"mine","publicKey":"` + p256Key() + `","curveType":"API_KEY_CURVE_P256","expirationSeconds":"10"}],"authenticators":[],"oauthProviders":[]}`
		},
		"an address": func(*place) string {
			return `],"authenticators":[],"oauthProviders":[],"userEmail":"attacker@example.org"}`
		},
	} {
		p := newPlace(t)
		victim := walletOf(t, stamp.Secp256k1, 1)
		body := `{"apiKeys":[{"apiKeyName":"x","publicKey":"` + victim.PublicKey() + `","curveType":"API_KEY_CURVE_SECP256K1"}` + more(p)
		q, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:3000/signup", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
		reply, err := p.backend.RoundTrip(q)
		if err != nil || reply.StatusCode != http.StatusOK {
			t.Fatalf("%s: the attacker's sign-up: %v, %v", name, reply, err)
		}
		p.advance(time.Minute)
		before := len(p.otp.Sessions.List())
		if _, err := p.byWallet(victim, login.Options{}); fault.CodeOf(err) != fault.WalletShared {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(p.otp.Sessions.List()); n != before {
			t.Errorf("%s: %d sessions", name, n)
		}
		if s, err := p.byWallet(victim, login.Options{Shared: true}); err != nil || s.OrganizationID == "" {
			t.Errorf("%s, said to be one's own: %+v, %v", name, s, err)
		}
	}
}

func TestAWalletsAttemptIsOverWithTheProcess(t *testing.T) {
	p := newPlace(t)
	a, err := p.otp.Wallet.Begin(t.Context(), walletOf(t, stamp.Secp256k1, 1), "0xwallet", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	next := login.New(p.otp.Desk)
	if _, err := next.Continue(t.Context(), a.ID, ""); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("without the wallet's key: %v", err)
	}
	if _, pending, err := next.Pending(t.Context()); pending || err != nil {
		t.Errorf("shown all the same: %v, %v", pending, err)
	}
	if err := p.otp.Cancel(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := p.otp.Continue(t.Context(), a.ID, ""); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("cancelled: %v", err)
	}
	if keys, err := p.keys.List(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("left: %v, %v", keys, err)
	}
}

// Accounts that others make with a wallet's key do not keep its owner out of the one that is his alone.
func TestR22_MoreAccountsWithAWalletsKeyKeepNobodyOut(t *testing.T) {
	p := newPlace(t)
	mine := walletOf(t, stamp.Secp256k1, 1)
	first, err := p.byWallet(mine, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range byte(3) {
		body := `{"apiKeys":[{"apiKeyName":"x","publicKey":"` + mine.PublicKey() + `","curveType":"API_KEY_CURVE_SECP256K1"},{"apiKeyName":"y","publicKey":"` +
			walletOf(t, stamp.Secp256k1, 10+n).PublicKey() + `","curveType":"API_KEY_CURVE_SECP256K1"}],"authenticators":[],"oauthProviders":[]}`
		q, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:3000/signup", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
		if reply, err := p.backend.RoundTrip(q); err != nil || reply.StatusCode != http.StatusOK {
			t.Fatalf("sign-up: %v, %v", reply, err)
		}
		if s, err := p.byWallet(mine, login.Options{}); err != nil || s.OrganizationID != first.OrganizationID {
			t.Errorf("after %d: %+v, %v", n+1, s, err)
		}
	}
}

// borrowed is a wallet's key that can be seen to be forgotten.
type borrowed struct{ stamp.PrivateKey }

func TestAWalletsKeyIsForgottenWithItsAttempt(t *testing.T) {
	p := newPlace(t)
	begin := func() (login.Attempt, weak.Pointer[borrowed]) {
		key := &borrowed{walletOf(t, stamp.Secp256k1, 1)}
		a, err := p.otp.Wallet.Begin(t.Context(), key, "0xwallet", login.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return a, weak.Make(key)
	}
	_, superseded := begin()
	a, cancelled := begin()
	runtime.GC()
	if superseded.Value() != nil {
		t.Error("the key of an attempt that another has superseded is held")
	}
	if cancelled.Value() == nil {
		t.Error("the key of an attempt that goes on is forgotten")
	}
	if err := p.otp.Cancel(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if cancelled.Value() != nil {
		t.Error("the key of an attempt that was cancelled is held")
	}
}
