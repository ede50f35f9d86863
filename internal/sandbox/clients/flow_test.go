package clients_test

import "testing"

// Breaks that were tried, each of which turns these tests red: a misspelt JSON name in an answer (the witness), an OTP
// target signed by another key, taproot without its tweak, other words for a wrong code or an expired key.

// The encrypted generation, straight at the sandbox.
func TestR21_ServerSDKSignsUpLogsInAndSigns(t *testing.T) {
	env := sandbox(t)
	// the names under which the SDK's own server actions look
	env["NEXT_PUBLIC_BASE_URL"] = env["TURNKEY_API_URL"]
	env["NEXT_PUBLIC_ORGANIZATION_ID"] = env["TURNKEY_ORGANIZATION_ID"]
	node(t, "server.mjs", env, nil)
}

// The plain generation, by the release that sends nothing else.
func TestR21_OlderServerSDKLogsInByPlainCode(t *testing.T) {
	node(t, "plain.mjs", sandbox(t), nil)
}

// Both generations through the backend's routes.
func TestR21_ClientsLogInThroughTheBackend(t *testing.T) {
	env := sandbox(t)
	backend(t, env)
	node(t, "backend.mjs", env, nil)
}

// Phrases and keys that leave and come back.
func TestR21_KeysGoOutAndComeBack(t *testing.T) {
	node(t, "keys.mjs", sandbox(t), nil)
}

// What viem and @solana/web3.js serialise, and what they find in the answer. Every second activity says first that it is
// pending, so that the package must ask again.
func TestR21_TransactionsAreSignedWhole(t *testing.T) {
	node(t, "transactions.mjs", sandbox(t, "--pending-rate", "0.5"), nil)
}

// External wallets and API keys as credentials.
func TestR21_StampersOfWalletsAndKeys(t *testing.T) {
	node(t, "stampers.mjs", sandbox(t), nil)
}

// Sessions by bundle, as older applications have them.
func TestR21_SessionsByBundle(t *testing.T) {
	node(t, "legacy.mjs", sandbox(t), nil)
}

// Several people in one organization: rights, votes, policies.
func TestR21_OrganizationsOfManyPeople(t *testing.T) {
	node(t, "organization.mjs", sandbox(t), nil)
}

// Every identity provider, played by the sandbox.
func TestR21_OAuthByEveryProvider(t *testing.T) {
	node(t, "oauth.mjs", sandbox(t), nil)
}

// Sessions of less than their user's rights, and the rest of what is kept in order.
func TestR21_ScopesTagsAndCredentials(t *testing.T) {
	node(t, "scopes.mjs", sandbox(t), nil)
}
