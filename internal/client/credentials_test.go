package client

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/login"
	"latchkey/internal/login/logintest"
	"latchkey/internal/p256"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

const (
	number  = "+442079460018"
	private = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
	wallet  = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
)

// consenting is a person who says yes to everything, and remembers what it was.
type consenting struct {
	mu     sync.Mutex
	titles []string
	no     bool // says no instead
}

func (p *consenting) answer(_ context.Context, q Question) (Answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.titles = append(p.titles, q.Summary.Title)
	if p.no {
		return Answer{}, nil
	}
	return q.Consent(Typed), nil
}

func (p *consenting) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.titles)
}

// code is the newest message to a contact.
func code(t *testing.T, c *Client, contact string) string {
	t.Helper()
	code, err := c.SandboxCode(t.Context(), contact)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// atProvider does f while a person logs in at a link.
func atProvider(t *testing.T, link string, f func(ctx context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var browser sync.WaitGroup
	browser.Go(func() {
		if _, err := (logintest.Person{Email: "robin@google.example"}).LogIn(link); err != nil {
			t.Errorf("in the browser: %v", err)
		}
	})
	defer browser.Wait()
	return f(ctx)
}

func walletKey(t *testing.T) stamp.PrivateKey {
	t.Helper()
	key, err := stamp.ParseSecp256k1(stamp.SchemeEIP191, private)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func addPhone(t *testing.T, c *Client) {
	t.Helper()
	a, err := c.BeginPhone(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	if one, err := c.FinishCredential(t.Context(), a.ID, code(t, c, number), false); err != nil || one != (Credential{Kind: CredentialPhone, ID: "phone", Name: number}) {
		t.Fatalf("%+v, %v", one, err)
	}
}

func addGoogle(t *testing.T, c *Client) Credential {
	t.Helper()
	a, err := c.BeginProvider(t.Context(), login.Google)
	if err != nil {
		t.Fatal(err)
	}
	var one Credential
	if err := atProvider(t, a.URL, func(ctx context.Context) (err error) {
		one, err = c.FinishCredential(ctx, a.ID, "", false)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return one
}

func addWallet(t *testing.T, c *Client) Credential {
	t.Helper()
	one, err := c.AddWallet(t.Context(), walletKey(t).PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// ways log in beside the session that there is, each by what was added.
func ways(t *testing.T, c *Client, label string) map[CredentialKind]func() session.Session {
	further := login.Options{Label: label, Stay: true, Shared: true}
	finish := func(a login.Attempt, err error, typed func() string) session.Session {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Login().Continue(t.Context(), a.ID, typed())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return map[CredentialKind]func() session.Session{
		CredentialPhone: func() session.Session {
			a, err := c.Login().OTP.BeginPhone(t.Context(), number, further)
			return finish(a, err, func() string { return code(t, c, number) })
		},
		CredentialProvider: func() (s session.Session) {
			a, err := c.Login().OAuth.Begin(t.Context(), login.Google, further)
			if err != nil {
				t.Fatal(err)
			}
			if err := atProvider(t, a.URL, func(ctx context.Context) (err error) {
				s, err = c.Login().Continue(ctx, a.ID, "")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return s
		},
		CredentialWallet: func() session.Session {
			a, err := c.Login().Wallet.Begin(t.Context(), walletKey(t), wallet, further)
			return finish(a, err, func() string { return "" })
		},
	}
}

// TestWhatIsLinkedLogsInToTheSameAccount: a phone number, a provider and a wallet open the account that a person signed up
// to by e-mail, until they are removed.
func TestWhatIsLinkedLogsInToTheSameAccount(t *testing.T) {
	person := &consenting{}
	c, first := asked(t, person.answer, nil)
	addPhone(t, c)
	google, linked := addGoogle(t, c), addWallet(t, c)
	if want := []string{"CHANGE A PHONE NUMBER that logs in", "ADD A WAY TO LOG IN by another provider", "ADD API KEYS: whoever has them can stamp requests"}; !slices.Equal(person.asked(), want) {
		t.Errorf("asked %q", person.asked())
	}
	if _, pending, err := c.Login().Pending(t.Context()); pending || err != nil {
		t.Errorf("a log-in is left over: %v", err)
	}
	if list, err := c.Login().Sessions.Attempts(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("attempts: %+v, %v", list, err)
	}

	list, err := c.Credentials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, one := range list {
		kinds = append(kinds, string(one.Kind))
	}
	if got := strings.Join(kinds, " "); got != "email phone provider wallet device" {
		t.Fatalf("%s: %+v", got, list)
	}
	if p := list[2]; p.ID != google.ID || p.Issuer == "" || p.Subject == "" || p.Made.IsZero() {
		t.Errorf("%+v", p)
	}
	if w := list[3]; w != linked || w.Name != wallet || !w.Expires.IsZero() {
		t.Errorf("%+v", w)
	}
	if d := list[4]; !d.ThisDevice || d.Session != first.ID || d.Name != first.Label || !d.Expires.After(d.Made) {
		t.Errorf("%+v", d)
	}

	for kind, logIn := range ways(t, c, "") {
		if s := logIn(); s.OrganizationID != first.OrganizationID || s.UserID != first.UserID {
			t.Errorf("by %s one arrives at %s, not at %s", kind, s.OrganizationID, first.OrganizationID)
		}
	}

	for _, id := range []string{"phone", google.ID, linked.ID} {
		if err := c.RemoveCredential(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	for kind, logIn := range ways(t, c, "") {
		if s := logIn(); s.OrganizationID == first.OrganizationID {
			t.Errorf("by %s, which was removed, one arrives at the account", kind)
		}
	}
	intact(t, c)
}

func TestTheLastWayInIsNotRemoved(t *testing.T) {
	person := &consenting{}
	c, s := asked(t, person.answer, nil)
	key, err := c.AddKey(t.Context(), "program", p256.Compressed(&p256.Generate().PublicKey), 0)
	if err != nil || key.Kind != CredentialKey || key.Name != "program" || !key.Expires.IsZero() {
		t.Fatalf("%+v, %v", key, err)
	}
	before := len(person.asked())
	for id, want := range map[string]fault.Code{
		"email": fault.CredentialLast, // a key and a session are no way in
		key.ID:  "",
		"phone": fault.CredentialUnknown, "": fault.CredentialUnknown, s.UserID: fault.CredentialUnknown,
	} {
		if err := c.RemoveCredential(t.Context(), id); (err == nil) != (want == "") || err != nil && fault.CodeOf(err) != want {
			t.Errorf("%q: %v", id, err)
		}
	}
	if n := len(person.asked()) - before; n != 1 { // for the key
		t.Errorf("asked %d times", n)
	}
	linked := addWallet(t, c)
	if err := c.RemoveCredential(t.Context(), "email"); err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveCredential(t.Context(), linked.ID); fault.CodeOf(err) != fault.CredentialLast {
		t.Errorf("the wallet: %v", err)
	}
}

// TestNothingIsLinkedWithoutConsent: each way that changes credentials is asked for, and no leaves all as it was.
func TestNothingIsLinkedWithoutConsent(t *testing.T) {
	person := &consenting{no: true}
	c, _ := asked(t, person.answer, nil)
	a, err := c.BeginPhone(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	typed := code(t, c, number)
	for i, change := range []func() error{
		func() error { _, err := c.FinishCredential(t.Context(), a.ID, typed, false); return err },
		func() error { _, err := c.AddWallet(t.Context(), walletKey(t).PublicKey()); return err },
		func() error {
			_, err := c.AddKey(t.Context(), "x", p256.Compressed(&p256.Generate().PublicKey), time.Hour)
			return err
		},
		func() error {
			_, err := c.AddPasskey(t.Context(), turnkey.AuthenticatorParams{AuthenticatorName: "x"})
			return err
		},
	} {
		if err := change(); fault.CodeOf(err) != fault.ApprovalRefused {
			t.Errorf("%d: %v", i, err)
		}
	}
	if list, err := c.Credentials(t.Context()); err != nil || len(list) != 2 {
		t.Errorf("%+v, %v", list, err)
	}
	// The code is proven already, and not asked for again.
	person.mu.Lock()
	person.no = false
	person.mu.Unlock()
	if _, err := c.FinishCredential(t.Context(), a.ID, "", false); err != nil {
		t.Errorf("after a yes: %v", err)
	}
}

func TestAContactTakesThePlaceOfAnotherOnlyWhenAskedTo(t *testing.T) {
	c, first := asked(t, (&consenting{}).answer, nil)
	a, err := c.BeginEmail(t.Context(), "new@example.org")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.FinishCredential(t.Context(), a.ID, code(t, c, "new@example.org"), false); fault.CodeOf(err) != fault.CredentialReplace {
		t.Errorf("%v", err)
	}
	if one, err := c.FinishCredential(t.Context(), a.ID, "", true); err != nil || one.Name != "new@example.org" {
		t.Fatalf("%+v, %v", one, err)
	}
	if a, err = c.BeginEmail(t.Context(), "new@example.org"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.FinishCredential(t.Context(), a.ID, code(t, c, "new@example.org"), false); fault.CodeOf(err) != fault.CredentialHave {
		t.Errorf("the same once more: %v", err)
	}
	if _, err := c.LogOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := logIn(t, c, "new@example.org"); s.OrganizationID != first.OrganizationID {
		t.Errorf("by the new address one arrives at %s", s.OrganizationID)
	}
	// What logs in to another account is not taken from there. The first address is free again, and makes one.
	if _, err := c.LogOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := logIn(t, c, "robin@example.org"); s.OrganizationID == first.OrganizationID {
		t.Error("by the address that was replaced one arrives at the account")
	}
	if a, err = c.BeginEmail(t.Context(), "new@example.org"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.FinishCredential(t.Context(), a.ID, code(t, c, "new@example.org"), true); fault.CodeOf(err) != fault.CredentialTaken {
		t.Errorf("another account's: %v", err)
	}
	if _, err := c.FinishCredential(t.Context(), a.ID, "", true); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("after that: %v", err)
	}
}

// An attempt that proves a credential logs nobody in, and the reverse.
func TestAProofIsNoLogIn(t *testing.T) {
	c, _ := asked(t, (&consenting{}).answer, nil)
	proving, err := c.BeginPhone(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	typed := code(t, c, number)
	if _, err := c.Login().Continue(t.Context(), proving.ID, typed); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("a proof logs in: %v", err)
	}
	if a, pending, err := c.Login().Pending(t.Context()); err != nil || pending {
		t.Errorf("a proof is offered as a log-in: %+v, %v", a, err)
	}
	entering, err := c.Login().OTP.BeginPhone(t.Context(), number, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.FinishCredential(t.Context(), entering.ID, code(t, c, number), false); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("a log-in proves: %v", err)
	}
	if a, pending, err := c.Login().Pending(t.Context()); err != nil || !pending || a.ID != entering.ID {
		t.Errorf("pending: %+v, %v, %v", a, pending, err)
	}
	if _, err := c.LogOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.BeginPhone(t.Context(), number); fault.CodeOf(err) != fault.SessionNone {
		t.Errorf("without a session: %v", err)
	}
}

// What was begun for one account is not given to another that became the active one meanwhile.
func TestAProofIsForTheAccountThatItWasBegunIn(t *testing.T) {
	person := &consenting{}
	c, first := asked(t, person.answer, nil)
	a, err := c.BeginPhone(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	typed := code(t, c, number)
	if other := logIn(t, c, "eve@example.org"); !other.Active || other.UserID == first.UserID {
		t.Fatalf("%+v", other)
	}
	if _, err := c.FinishCredential(t.Context(), a.ID, typed, false); fault.CodeOf(err) != fault.AttemptOver || len(person.asked()) != 0 {
		t.Errorf("%v, asked %q", err, person.asked())
	}
	if err := c.Sessions().Select(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.FinishCredential(t.Context(), a.ID, "", false); err != nil {
		t.Errorf("in its own: %v", err)
	}
}

func TestOtherDevicesAreListedAndRevoked(t *testing.T) {
	c, s := asked(t, (&consenting{}).answer, nil)
	own, err := c.Sessions().Signer(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	far, err := keystore.NewMemory().Create(t.Context()) // a session of another device
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.run.api.StampLogin(stampedBy(t.Context(), s, own), s.OrganizationID, turnkey.LoginParams{PublicKey: far.PublicKey(), ExpirationSeconds: 3600}); err != nil {
		t.Fatal(err)
	}
	devices := func() (list []Credential) {
		all, err := c.Credentials(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(all, func(one Credential) bool { return one.Kind != CredentialDevice })
	}
	list := devices()
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	for _, d := range list {
		if d.ThisDevice != (d.PublicKey != far.PublicKey()) || d.Name == "" || d.Expires.IsZero() {
			t.Errorf("%+v", d)
		}
		want := fault.Code("")
		if d.ThisDevice {
			want = fault.CredentialHere
		}
		if err := c.RemoveCredential(t.Context(), d.ID); (err == nil) != (want == "") || err != nil && fault.CodeOf(err) != want {
			t.Errorf("%+v: %v", d, err)
		}
	}
	if list := devices(); len(list) != 1 || list[0].Session != s.ID {
		t.Errorf("left: %+v", list)
	}
	if _, err := c.run.api.Whoami(stampedBy(t.Context(), s, far), s.OrganizationID); fault.CodeOf(err) != fault.SessionRejected {
		t.Errorf("the other device: %v", err)
	}
}
