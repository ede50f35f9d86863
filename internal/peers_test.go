package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// defects is how each of Latchkey's peers loses a session, a key or the truth about either, and the tests that show that
// Latchkey does not: folder and name, below internal.
var defects = []struct {
	peer  string
	what  string
	tests []string
}{
	{"TypeScript 1", "refreshing a session that is not active is stamped by the active one's key, and makes it active",
		[]string{"session.TestARefreshIsStampedByTheSessionsOwnKey", "session.TestASessionThatIsNotActiveHasItsOwnLife"}},
	{"TypeScript 2", "the expiry of one session logs out another", []string{"session.TestTheEndOfOneSessionTouchesNoOther"}},
	{"TypeScript 3", "storing a session deletes the keys of log-ins and refreshes under way, in other processes too",
		[]string{"session.TestNothingIsPrunedThatSomebodyMayNeed", "session.TestR2_OneRefreshPerWindow"}},
	{"TypeScript 4", "a short session is refreshed in a tight loop", []string{"session.TestRunHasNoTightLoopForAShortSession"}},
	{"TypeScript 5", "a failed refresh is not tried again", []string{"session.TestR3_RefreshedAtTheLast", "session.TestRunTriesAgainWithPauses"}},
	{"TypeScript 6", "what was captured before a refresh keeps a key that is gone", []string{"session.TestRequestsInFlightSurviveARefreshAndAMove"}},
	{"TypeScript 7", "stamps at the same time use each other's key", []string{"session.TestStampsAtOnceAreEachByTheirOwnKey"}},
	{"TypeScript 8", "clearing without a name clears another than the active one; clearing all is not waited for",
		[]string{"session.TestLoggingOutWithoutANameMeansTheActiveSession", "session.TestR19_LogOutOfAll"}},
	{"TypeScript 9", "what expired while nobody ran goes without a word; without a network nothing is restored",
		[]string{"session.TestWhatEndedWhileNobodyRanSaysSo", "session.TestAStartWithoutANetworkKeepsTheSession"}},
	{"TypeScript 10", "a slow key store loses the key of a refresh; pruning takes what belongs to others",
		[]string{"session.TestASlowKeyStoreLosesNoRefresh", "session.TestNothingIsPrunedThatSomebodyMayNeed"}},

	{"Swift 1", "a refresh purges the old key before the new token is saved", []string{"session.TestR1_KilledAtEveryStep", "session.TestR3_AFailedRefreshNeverLogsOut"}},
	{"Swift 2", "a session is saved although its key is missing", []string{"session.TestStoreNeedsTheKeyItself"}},
	{"Swift 3", "logging in while an earlier session exists fails; no way to replace it or to switch",
		[]string{"session.TestTheSameUserLogsInAgain", "session.TestStoringChangesTheActiveSessionOnlyWhenAsked"}},
	{"Swift 4", "after sleep it says authenticated with a key that is gone", []string{"session.TestR4_SleepAndClock", "session.TestR4_FailsWithoutTheWakeCheck"}},
	{"Swift 5", "a session that is stored before the configuration came is never refreshed", []string{"session.TestRunRefreshesBeforeTheEndForAsLongAsItRuns"}},
	{"Swift 6", "authenticated without anything that could sign", []string{"session.TestAuthenticatedMeansThatItSigns"}},
	{"Swift 7", "the name asked for at a log-in is ignored", []string{"login.TestAFurtherLogInKeepsItsNameAndTheActiveSession"}},
	{"Swift 8", "keys are looked for in the store that a probe finds today", []string{"session.TestSessionsOfEveryStoreAreKept"}},
	{"Swift 9", "shared tables are changed by several threads without a lock", []string{"session.TestEveryMethodIsSafeBesideEveryOther"}},
	{"Swift 10", "a token whose type has a new name cannot be read", []string{"session.TestTokensOfEveryTypeAreSessions"}},
	{"Swift 11", "the same missing setting is another failure once a session exists", []string{"login.TestAMissingAddressIsTheSameFailureWithASessionAndWithout", "turnkey.TestNoAddressIsASettingsFault"}},
	{"Swift 12", "polling leaves the organization out, and goes on where people must act", []string{"turnkey.TestEveryStatusHasItsEnd"}},

	{"Kotlin 1", "a refresh destroys the session and then fails", []string{"session.TestRefreshSwapsTheKeyAndRevokesTheOldOne", "session.TestR3_AFailedRefreshNeverLogsOut"}},
	{"Kotlin 2", "the refresh runs in the timer that it cancels", []string{"session.TestRunRefreshesBeforeTheEndForAsLongAsItRuns"}},
	{"Kotlin 3", "starting without a network signs the user out", []string{"session.TestAStartWithoutANetworkKeepsTheSession"}},
	{"Kotlin 4", "keys of abandoned log-ins are never deleted", []string{"session.TestAnAbandonedLogInLeavesNoKey"}},
	{"Kotlin 5", "helpers delete every key that no session names", []string{"session.TestNothingIsPrunedThatSomebodyMayNeed"}},
	{"Kotlin 6", "after a refresh the session shown is the one of before", []string{"session.TestRefreshSwapsTheKeyAndRevokesTheOldOne", "session.TestAnotherProcessIsSeen"}},
	{"Kotlin 7", "codes travel in clear", []string{"login.TestR9_NoCodeAndNoTokenStaysInClear", "login.TestOneSessionFromEndToEndAgainstBackendAndSandbox"}},

	{"Go 1", "private keys lie on the disk in clear, cannot be replaced and cannot be deleted",
		[]string{"session.TestR9_TheFileHoldsNoSecretInClear", "keystore.TestADeletedKeyIsInNoGeneration", "session.TestR19_LogOutIsReal"}},
	{"Go 2", "an answer that needs consensus at once is not seen as one", []string{"turnkey.TestEveryStatusHasItsEnd"}},
}

// TestEveryDefectOfThePeersHasATest fails when a test of the table does not exist any more.
func TestEveryDefectOfThePeersHasATest(t *testing.T) {
	exist := testFunctions(t)
	for _, d := range defects {
		if len(d.tests) == 0 {
			t.Errorf("%s: %s: no test", d.peer, d.what)
		}
		for _, name := range d.tests {
			if !exist[name] {
				t.Errorf("%s: %s: there is no %s", d.peer, d.what, name)
			}
		}
		t.Logf("%-13s %s: %s", d.peer, d.what, strings.Join(d.tests, ", "))
	}
	if len(exist) < 100 {
		t.Errorf("only %d tests were found at all", len(exist))
	}
}

// testFunctions returns every test below this folder, as folder and name.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	exist := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && len(f.Type.Params.List) == 1 {
				exist[filepath.ToSlash(filepath.Dir(path))+"."+f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return exist
}
