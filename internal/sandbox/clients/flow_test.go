package clients_test

import (
	"path"
	"testing"
)

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

// The bodies of the web examples, sent to the backend in the place of their own actions.
func TestR21_WebExamplesSendTheirBodiesToTheBackend(t *testing.T) {
	env := sandbox(t)
	backend(t, env)
	node(t, "backend-web.mjs", env, nil)
}

// What runs with either of the packages that a backend builds on: codes, OAuth, sessions by bundle, keys that leave and
// come back, whole transactions, organizations of several people, and sessions of less than their user's rights. Every
// third activity says first that it is pending, so that the package must ask again, and lists come in any order.
func TestR21_EveryFlowByEitherServerPackage(t *testing.T) {
	for _, client := range []string{"@turnkey/sdk-server", "@turnkey/http"} {
		for _, script := range []string{"codes.mjs", "oauth.mjs", "legacy.mjs", "keys.mjs", "transactions.mjs", "organization.mjs", "scopes.mjs"} {
			t.Run(path.Base(client)+" "+script, func(t *testing.T) {
				env := sandbox(t, "--pending-rate", "0.3", "--shuffle")
				env["CLIENT"] = client
				node(t, script, env, nil)
			})
		}
	}
}

// External wallets and API keys as credentials.
func TestR21_StampersOfWalletsAndKeys(t *testing.T) {
	node(t, "stampers.mjs", sandbox(t), nil)
}
