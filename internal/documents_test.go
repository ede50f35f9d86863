package internal

import (
	"strings"
	"testing"
)

// steps is every step, helper and system that the five documents name which this product was asked for by, and the
// tests in which it works: folder and name, below internal. What does not work yet says what is missing instead.
//
// The documents: D0, React with a backend of one's own; D1, the same in Swift; D2, a backend guarded by session tokens;
// D3, e-mail auth with a credential bundle; D4, a passkey session.
var steps = []struct {
	document, what string
	tests          []string
	missing        string
}{
	{"D0", "five endpoints: sign-up, code, check, log-in by code, log-in by provider",
		[]string{"backend.TestEncryptedCodeFromContactToSession", "backend.TestTheDocumentsSignUpWithoutProof", "login.TestOneSessionFromEndToEndAgainstBackendAndSandbox", "login.TestR16_RoundAfterRound"}, ""},
	{"D0", "an account by e-mail, phone, passkey, provider or key, with a wallet", []string{"backend.TestEveryClientOnEveryRoute", "backend.TestSwiftRequestsAsTheirClientsSendThem", "backend.TestWebBodiesAsTheExamplesSendThem"}, ""},
	{"D0", "a log-in that the client stamps, by passkey or wallet", []string{"login.TestAWalletSignsUpAndLogsInAgain", "client.TestAWalletInTheBrowser", "sandbox/clients.TestR21_CoreInTheBrowser"}, ""},
	{"D0", "the same by passkey, from this device", []string{"client.TestAPasskeyInTheBrowser", "login.TestAPasskeySignsUpInOneTouchAndLogsInAgain"}, ""},
	{"D0", "key, code, token, session; what is not 200 is an error", []string{"login.TestOneSessionFromEndToEndAgainstBackendAndSandbox", "login.TestTheRealBackendsRefusalsKeepTheirNames"}, ""},
	{"D0", "the session is stored, refreshed by itself, has a state and a user, and stamps",
		[]string{"session.TestRunRefreshesBeforeTheEndForAsLongAsItRuns", "session.TestAuthenticatedMeansThatItSigns", "session.TestStoringChangesTheActiveSessionOnlyWhenAsked"}, ""},
	{"D0", "the provider's helpers stop working without an auth proxy", nil, "no profile has an auth proxy yet: every way in goes through the backend or straight to Turnkey"},
	{"D1", "organization and relying party are settings", []string{"profile.TestEverySettingOfAProfileHasItsEffect", "backend.TestFromEnvReadsEveryVariable"}, ""},
	{"D1", "validation, logging, limits", []string{"backend.TestLimits", "backend.TestWhatIsWrongWithARequestIsSaid", "backend.TestALogLineNamesRequestAndActivities"}, ""},
	{"D1", "the sign-up body, the port and the four variables", []string{"backend.TestEveryClientOnEveryRoute", "backend.TestTheDocumentsSignUpWithoutProof", "backend.TestFromEnvReadsEveryVariable"}, ""},
	{"D1", "a key in the hardware, else in the keychain", []string{"keystore.TestATPMIsAStore", "keystore.TestGNOMEKeyringIsAStore"}, ""},
	{"D1", "code, check, key, log-in, store", []string{"backend.TestPlainCodeSignsUpAtLogin", "backend.TestSwiftRequestsAsTheirClientsSendThem"}, ""},
	{"D2", "sign-up by passkey with a key of a minute", []string{"backend.TestWebBodiesAsTheExamplesSendThem", "sandbox/clients.TestR21_CoreInTheBrowser"}, ""},
	{"D2", "a session token opens one's own routes, and nobody else's", []string{"backend.TestASessionTokenOpensItsOwn", "token.TestSessionsOfOthersAreForeign", "backend.TestRequireSessionGuardsOnesOwnHandlers"}, ""},
	{"D2", "the token's signature, form and end", []string{"token.TestSessionVector", "token.TestSingleHashIsNoSession", "token.TestR6_WycheproofTokens"}, ""},
	{"D3", "a key by e-mail through the backend, for the account of an address", []string{"backend.TestWebMailBringsAKeyToItsOwner", "backend.TestR11_AnAnswerAboutAnEMailWaitsForNoCall"}, ""},
	{"D3", "target key, bundle pasted or in a link, opened; whoami; a session", []string{"login.TestAKeyByEMailBecomesASessionOfAKeyMadeHere", "login.TestAKeyByEMailIsSentAgainForAnotherTarget"}, ""},
	{"D3", "app name, logo, link and template of the message", []string{"backend.TestAuthProxyFollowsTheConfiguration", "sandbox.TestTextMessagesUseTheirTemplate"}, ""},
	{"D3", "a link that opens this program", nil, "links are pasted; no scheme is registered yet"},
	{"D3", "a wallet, a signed transaction", []string{"client.TestTransactionsAreSigned"}, ""},
	{"D3", "401 when it is over", []string{"token.TestSessionsEndByTime", "login.TestASessionRevokedElsewhereEnds"}, ""},
	{"D4", "one touch makes a session of 900 seconds, as a bundle", []string{"sandbox.TestAReadWriteSessionComesInABundle"}, ""},
	{"D4", "the same on this device, with the passkey where it ends; its bundle form is another's alone", []string{"client.TestASessionByAPasskeyAndWhatComesAfterIt"}, ""},
}

func TestEveryStepOfTheDocuments(t *testing.T) {
	exist := testFunctions(t)
	missing := 0
	for _, s := range steps {
		if (len(s.tests) == 0) == (s.missing == "") {
			t.Errorf("%s: %s: want tests, or what is missing", s.document, s.what)
		}
		for _, name := range s.tests {
			if !exist[name] {
				t.Errorf("%s: %s: there is no %s", s.document, s.what, name)
			}
		}
		if s.missing != "" {
			missing++
			t.Logf("%s %s: MISSING: %s", s.document, s.what, s.missing)
			continue
		}
		t.Logf("%s %s: %s", s.document, s.what, strings.Join(s.tests, ", "))
	}
	t.Logf("%d steps, %d of them missing", len(steps), missing)
}
