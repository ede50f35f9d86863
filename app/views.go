package app

import "time"

// The views are what the page may know. Times are Unix milliseconds by the service's clock. No key, no token and no
// code is among them.

// State is everything that is not a list.
type State struct {
	Profile          ProfileView  `json:"profile"`
	Version          string       `json:"version"`
	Phase            Phase        `json:"phase"`
	Failure          *Failure     `json:"failure"` // with PhaseFailed
	Connection       string       `json:"connection"`
	Store            StoreView    `json:"store"`
	Stores           []StoreView  `json:"stores"` // to choose from, with PhaseFirstRun
	Ways             WaysView     `json:"ways"`
	Attempt          *AttemptView `json:"attempt"`
	Session          *SessionView `json:"session"`
	Ended            *EndedView   `json:"ended"`
	PendingPublicKey string       `json:"pendingPublicKey"`
	Now              int64        `json:"now"`
	SkewMs           int64        `json:"skewMs"`
}

// Phase says which gate or screen is due.
type Phase string

// The phases, in the order of a first run.
const (
	PhaseLoading  Phase = "loading"
	PhaseFirstRun Phase = "firstRun"
	PhaseFailed   Phase = "failed"
	PhaseWays     Phase = "ways"
	PhaseCode     Phase = "code"    // waits for a code that is typed here
	PhaseBrowser  Phase = "browser" // waits for the system's browser
	PhaseLink     Phase = "link"    // waits for a link that came by e-mail
	PhaseIn       Phase = "in"
	PhaseEnded    Phase = "ended"
)

// ProfileView names the profile. Name is "" before it was read.
type ProfileView struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	BackendURL string `json:"backendUrl"` // of a development profile
}

// ProfileRow is one profile of the list.
type ProfileRow struct {
	Name           string   `json:"name"`
	Kind           string   `json:"kind"` // "" when the settings say none that there is
	BackendURL     string   `json:"backendUrl"`
	APIURL         string   `json:"apiUrl"`
	OrganizationID string   `json:"organizationId"`
	InUse          bool     `json:"inUse"`
	Failure        *Failure `json:"failure"` // why it cannot be opened
}

// SetUp is what came of setting a profile up.
type SetUp struct {
	Checks []CheckView `json:"checks"`
	Saved  bool        `json:"saved"`
}

// CheckView is one thing that was tried about a profile.
type CheckView struct {
	What  string `json:"what"`  // API, organization, backend, pinned keys, clock
	State string `json:"state"` // ok, failed, skipped
	Says  string `json:"says"`
	Next  string `json:"next"` // with failed: the one next step
}

// StoreView is a key store, with its strength in words and in quarters.
type StoreView struct {
	Backend   string   `json:"backend"`
	Name      string   `json:"name"`
	State     string   `json:"state"`
	Strength  int      `json:"strength"`
	Word      string   `json:"word"`
	Available bool     `json:"available"`
	Reason    string   `json:"reason"` // why it is not available, or what else to know
	Failure   *Failure `json:"failure"`
}

// WaysView are the ways in that the profile's backend offers.
type WaysView struct {
	Email      bool           `json:"email"`      // a code by e-mail
	Phone      bool           `json:"phone"`      // a code by text message
	EmailLink  bool           `json:"emailLink"`  // a key by e-mail, as a link
	Passkey    bool           `json:"passkey"`    // on the backend's page
	Wallet     bool           `json:"wallet"`     // an extension of the browser's, on the backend's page
	WalletFile bool           `json:"walletFile"` // a wallet's key in a file, for development
	Providers  []ProviderView `json:"providers"`  // of OAuth, in the order in which they are shown
}

// ProviderView is somebody who says who a person is.
type ProviderView struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// AttemptView is a log-in under way.
type AttemptView struct {
	ID        string `json:"id"`
	Method    string `json:"method"`
	Contact   string `json:"contact"` // an address, a number, the name of a provider
	PublicKey string `json:"publicKey"`
	ExpiresAt int64  `json:"expiresAt"`
	ResendAt  int64  `json:"resendAt"`
	Verified  bool   `json:"verified"` // the proof is here: what is left needs none

	// One that waits for a code:
	Length       int  `json:"length"`
	Alphanumeric bool `json:"alphanumeric"`
	TriesLeft    int  `json:"triesLeft"`

	// One that waits for the browser:
	Site     string   `json:"site"`     // the host that the browser goes to
	Match    string   `json:"match"`    // the number that the browser shows too
	Opened   bool     `json:"opened"`   // the browser was opened for it since the window is open
	Unopened *Failure `json:"unopened"` // why it could not be
	Failure  *Failure `json:"failure"`  // why nobody waits any more
}

// SessionView is the active session.
type SessionView struct {
	ID             string `json:"id"`
	Label          string `json:"label"`
	Contact        string `json:"contact"`
	UserName       string `json:"userName"`
	OrganizationID string `json:"organizationId"`
	PublicKey      string `json:"publicKey"`
	KeyStore       string `json:"keyStore"`
	MadeAt         int64  `json:"madeAt"`
	ExpiresAt      int64  `json:"expiresAt"`
	RefreshAt      int64  `json:"refreshAt"`
	LengthSeconds  int64  `json:"lengthSeconds"`
	Refreshing     bool   `json:"refreshing"`
	RetryAt        int64  `json:"retryAt"`
}

// EndedView says why the last session is over.
type EndedView struct {
	Reason  string `json:"reason"` // clock, rejected, revoked, replaced, startup, loggedOut
	At      int64  `json:"at"`
	Contact string `json:"contact"`
	Revoked bool   `json:"revoked"` // with loggedOut: Turnkey was told
	EndsAt  int64  `json:"endsAt"`  // with loggedOut, not told: when the key ends by itself
	Kept    bool   `json:"kept"`    // the key is still in a key store that could not be reached
}

// Wallet is a wallet with its accounts.
type Wallet struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt int64     `json:"createdAt"`
	Exported  bool      `json:"exported"`
	Imported  bool      `json:"imported"`
	Accounts  []Account `json:"accounts"`
}

// Account is one address.
type Account struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Chain     string `json:"chain"`
	Address   string `json:"address"`
	Path      string `json:"path"`
	PublicKey string `json:"publicKey"`
}

// ms is a time as the page counts it; the zero time is 0.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
