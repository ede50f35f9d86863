package browsertest

import "github.com/chromedp/cdproto/webauthn"

// Authenticator is a passkey authenticator of a tab: built in, with passkeys that are found without a name, and a person
// who always agrees until told otherwise.
type Authenticator struct {
	tab *Tab
	id  webauthn.AuthenticatorID
}

// Authenticator gives the tab an authenticator.
func (b *Tab) Authenticator() *Authenticator {
	b.t.Helper()
	command(b, webauthn.Enable, webauthn.EnableParams{})
	made := command(b, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	return &Authenticator{b, made.AuthenticatorID}
}

// Verifies says whether the person is recognized from now on: false is a wrong finger, which a page hears of as
// NotAllowedError.
func (a *Authenticator) Verifies(yes bool) {
	a.tab.t.Helper()
	command(a.tab, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: yes})
}

// Touches says whether the person touches the authenticator from now on; otherwise a page waits.
func (a *Authenticator) Touches(yes bool) {
	a.tab.t.Helper()
	command(a.tab, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: yes})
}

// Passkeys are the passkeys that it holds, private keys included.
func (a *Authenticator) Passkeys() []*webauthn.Credential {
	a.tab.t.Helper()
	return command(a.tab, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: a.id}).Credentials
}

// Put adds a passkey, such as one of another authenticator, with its counter wherever it stood.
func (a *Authenticator) Put(c *webauthn.Credential) {
	a.tab.t.Helper()
	command(a.tab, webauthn.AddCredential, webauthn.AddCredentialParams{AuthenticatorID: a.id, Credential: c})
}

// Forget deletes every passkey.
func (a *Authenticator) Forget() {
	a.tab.t.Helper()
	command(a.tab, webauthn.ClearCredentials, webauthn.ClearCredentialsParams{AuthenticatorID: a.id})
}
