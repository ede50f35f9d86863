package login_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"

	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/login/logintest"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

func withWallet(t *testing.T, scalar byte) (*place, *far, *logintest.Wallet) {
	t.Helper()
	p := newPlace(t)
	f := &far{p: p}
	t.Cleanup(p.otp.Close)
	return p, f, &logintest.Wallet{Client: &http.Client{Transport: f, Timeout: time.Minute}, Sign: personalSign(scalar)}
}

// personalSign signs as wallets do, with the key that is this number.
func personalSign(scalar byte) func([]byte) []byte {
	key := secp256k1.PrivKeyFromBytes([]byte{31: scalar})
	return func(body []byte) []byte {
		h := sha3.NewLegacyKeccak256()
		h.Write([]byte("\x19Ethereum Signed Message:\n" + strconv.Itoa(len(body))))
		h.Write(body)
		compact := k1ecdsa.SignCompact(key, h.Sum(nil), true)
		return append(compact[1:65:65], compact[0]-4)
	}
}

func TestAWalletOnThePageSignsUpAndLogsInAgain(t *testing.T) {
	p, _, who := withWallet(t, 7)
	var first string
	for _, label := range []string{"", "again", "once more"} {
		a, err := p.otp.WalletPage.Begin(t.Context(), login.Options{Label: label})
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.back(a, who.Go)
		if err != nil {
			t.Fatal(err)
		}
		if who.Match != a.Match || s.Contact == "" {
			t.Errorf("%q, %q, %+v", who.Match, a.Match, s)
		}
		if first == "" {
			first = s.OrganizationID
		}
		if s.OrganizationID != first {
			t.Error("another account")
		}
	}
	if ids, err := p.accounts(); err != nil || len(ids) != 1 {
		t.Errorf("%v, %v", ids, err)
	}
}

// An account that somebody else could open is not entered, and the key that was let in there is revoked. Of a wallet that
// signs with another account, or another request, the page says so.
func TestAWalletOnThePageThatOthersShare(t *testing.T) {
	p, _, who := withWallet(t, 7)
	mine, attackers := walletOf(t, stamp.Secp256k1, 7), walletOf(t, stamp.Secp256k1, 9)
	key := func(of stamp.PrivateKey) string {
		return `{"apiKeyName":"k","publicKey":"` + of.PublicKey() + `","curveType":"API_KEY_CURVE_SECP256K1"}`
	}
	planted := `{"apiKeys":[` + key(mine) + `,` + key(attackers) + `],"authenticators":[],"oauthProviders":[]}`
	reply, err := who.Client.Post("http://127.0.0.1:3000/signup", "application/json", strings.NewReader(planted))
	if err != nil || reply.StatusCode != http.StatusOK {
		t.Fatalf("the attacker's sign-up: %v, %v", reply, err)
	}
	reply.Body.Close()
	a, err := p.otp.WalletPage.Begin(t.Context(), login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.back(a, who.Go); fault.CodeOf(err) != fault.WalletShared {
		t.Fatalf("entered: %v", err)
	}
	if _, ok := p.otp.Sessions.Active(); ok {
		t.Error("there is a session")
	}
	p.step()
	ids, err := p.accounts()
	if err != nil || len(ids) != 1 {
		t.Fatalf("%v, %v", ids, err)
	}
	users, err := p.api.ListUsers(turnkey.StampedBy(t.Context(), attackers), ids[0])
	if err != nil || len(users) != 1 || len(users[0].APIKeys) != 2 {
		t.Errorf("the key of the log-in is still there: %+v, %v", users, err)
	}

	var refusal *logintest.Refusal
	b, err := p.otp.WalletPage.Begin(t.Context(), login.Options{Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	liar := *who
	liar.Address = "0x0000000000000000000000000000000000000001"
	if _, err := liar.Go(b.URL); !errors.As(err, &refusal) || refusal.Reason != "login.refused" {
		t.Errorf("another address: %v", err)
	}
	if b, err = p.otp.Resend(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := p.back(b, who.Go); err != nil {
		t.Errorf("said to be one's own: %v", err)
	}
}

func TestWalletsOnThePageOutliveARestart(t *testing.T) {
	p, _, who := withWallet(t, 7)
	a, err := p.otp.WalletPage.Begin(t.Context(), login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.otp.Close()
	p.otp = login.New(p.otp.Desk)
	t.Cleanup(p.otp.Close)
	if pending, ok, err := p.otp.Pending(t.Context()); err != nil || !ok || pending.URL != a.URL {
		t.Fatalf("%+v, %v, %v", pending, ok, err)
	}
	again, err := p.otp.Resend(t.Context(), a.ID)
	if err != nil || again.URL == a.URL {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, err := p.back(again, who.Go); err != nil {
		t.Error(err)
	}
	if err := p.otp.Cancel(t.Context(), again.ID); err != nil {
		t.Error(err)
	}
}
