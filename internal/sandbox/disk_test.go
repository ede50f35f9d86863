package sandbox

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Everything is there again after a restart: organizations, users, keys, sessions, wallets, codes, messages,
// activities and the clock.
func TestAStateFolderIsTheSandbox(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	facts := b.Facts()
	jane := b.logIn("jane@doe.test")
	wallet := jane.envelope("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0), ethereum(1)}})
	made := jane.send("submit/create_wallet", wallet).ok()
	key := newKey()
	id, target := b.root.initOTP("john@doe.test")
	b.root.guess(id, target, "WRONG", key).refused(400, "REQUEST_INVALID", "Invalid OTP code")
	b.root.guess(id, target, "WRONG", key).refused(400, "REQUEST_INVALID", "Invalid OTP code")
	b.controlled("POST", "/clock", m{"advanceSeconds": 30}).ok()
	sight := func(w *who) string {
		var all []string
		for _, q := range []string{"whoami", "list_users", "list_wallets", "list_wallet_accounts", "list_activities", "get_organization_configs"} {
			all = append(all, string(w.query(q, nil).ok().raw))
		}
		all = append(all, string(w.controlled("GET", "/inbox", nil).ok().raw), string(w.controlled("GET", "/clock", nil).ok().raw))
		return strings.Join(all, "\n")
	}
	before := sight(jane)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	again := newBox(t, Options{StateDir: dir, Seed: 5, Now: b.time.now}) // the folder's own seed counts
	again.time = b.time
	if got := again.Facts(); got != facts {
		t.Errorf("facts %v, want %v", got, facts)
	}
	jane = &who{box: again, org: jane.org, user: jane.user, key: jane.key}
	if got := sight(jane); got != before {
		t.Errorf("after a restart it is\n%s\nand was\n%s", got, before)
	}
	if got := jane.send("submit/create_wallet", wallet).ok(); !bytes.Equal(got.raw, made.raw) {
		t.Errorf("the same bytes gave\n%s\nand were\n%s", got.raw, made.raw)
	}
	again.root.guess(id, target, "WRONG", key).refused(400, "REQUEST_INVALID", "Invalid OTP code")
	again.root.guess(id, target, again.newestCode("john@doe.test"), key).refused(400, "REQUEST_INVALID", "too many wrong attempts")
	other := again.logIn("other@doe.test") // new ids do not repeat old ones
	if other.org == jane.org || other.user == jane.user {
		t.Error("an id came twice")
	}
	if got := again.root.query("list_suborgs", nil).ok().at("organizationIds").([]any); len(got) != 2 || got[0] != jane.org {
		t.Errorf("sub-organizations %v", got)
	}
}

func TestAStateFolderServesOneSandboxAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	first := newBox(t, Options{StateDir: dir})
	if _, err := New(Options{StateDir: dir}); err == nil || !strings.Contains(err.Error(), "another sandbox uses it") {
		t.Errorf("a second one: %v", err)
	}
	first.root.query("whoami", nil).ok()
	if runtime.GOOS == "windows" {
		return // rights are not modes there
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "sandbox.db"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
}

func TestAFolderThatIsNoStateIsAnError(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sandbox.db"), bytes.Repeat([]byte("x"), 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{StateDir: dir}); err == nil {
		t.Error("nonsense was opened")
	}
	for name, damage := range map[string][]row{
		"a newer format":      {metaRow("format", diskFormat+1)},
		"no parent":           {{bucketOrg, number(0), nil}},
		"an orphan":           {{bucketUser, number(9), []byte(`{"org":"` + nowhere + `"}`)}},
		"a user that is none": {{bucketUser, number(1), []byte(`[]`)}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			b := newBox(t, Options{StateDir: dir})
			if err := b.disk.write(damage); err != nil {
				t.Fatal(err)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := New(Options{StateDir: dir}); err == nil {
				t.Error("it was opened")
			}
		})
	}
}

// When the disk refuses, nothing is answered; when it works again, the same bytes are answered with what they did.
func TestADiskThatRefusesForAWhile(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	raw, err := os.ReadFile(filepath.Join(dir, "sandbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(copied, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	readOnly, err := bolt.Open(copied, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()

	body := b.root.envelope("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}})
	writable := b.disk.db
	b.disk.db = readOnly
	b.root.send("submit/create_wallet", body).refused(500, "INTERNAL", "internal server error")
	b.root.query("list_wallets", nil).refused(500, "INTERNAL", "internal server error") // it would show what is not safe
	b.disk.db = writable
	b.root.send("submit/create_wallet", body).result("createWalletResult")
	if got := b.root.query("list_wallets", nil).ok().at("wallets").([]any); len(got) != 1 {
		t.Errorf("%d wallets", len(got))
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	again := newBox(t, Options{StateDir: dir})
	if got := again.root.query("list_wallets", nil).ok().at("wallets").([]any); len(got) != 1 {
		t.Errorf("%d wallets after a restart", len(got))
	}
}

// Versions count within one state. Were one of a state that a reset took away written under the next one's, the disk
// would think safe what is not.
func TestAStateThatIsOverNotesNothing(t *testing.T) {
	b := newBox(t, Options{StateDir: t.TempDir()})
	old := b.state.Load()
	if err := b.begin(old.enclave.seed, true); err != nil {
		t.Fatal(err)
	}
	if version, ok := old.note(func() row { return metaRow("clock", b.clock.state()) }); ok {
		t.Errorf("a state that is over notes something as version %d", version)
	}
	if version, ok := b.state.Load().note(func() row { return metaRow("clock", b.clock.state()) }); !ok || version == 0 {
		t.Errorf("the new one: version %d, %t", version, ok)
	}
}

// A reset that the disk refuses takes nothing away, what others wait for least of all.
func TestAWipeThatFailsForgetsNothing(t *testing.T) {
	d, err := openDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d.enqueue(7, []row{metaRow("clock", clockState{})})
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if err := d.wipe(nil); err == nil {
		t.Fatal("a closed file was wiped")
	}
	if len(d.queue) != 1 || d.queued != 7 {
		t.Errorf("%d rows are queued up to version %d", len(d.queue), d.queued)
	}
	if err := d.flush(7); err == nil {
		t.Error("what could not be written is said to be safe")
	}
}

func TestARefusedResetLeavesTheClock(t *testing.T) {
	b := newBox(t, Options{StateDir: t.TempDir()})
	b.controlled("POST", "/clock", m{"advanceSeconds": 3600}).ok()
	before := b.state.Load()
	if err := b.disk.close(); err != nil {
		t.Fatal(err)
	}
	if err := b.begin(before.enclave.seed, true); err == nil {
		t.Fatal("a closed folder was reset")
	}
	if got, _ := b.clock.offsetFromReal(); got != time.Hour {
		t.Errorf("the clock is ahead by %s", got)
	}
	if b.state.Load() != before || before.over {
		t.Error("the state is another")
	}
}

// Ids of activities go on growing over a restart, though the clock was set back.
func TestIDsGrowOverARestart(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	before := b.root.submit("CREATE_WALLET", m{"walletName": "one", "accounts": []m{}}).ok().text("activity", "id")
	b.Close()
	earlier := b.time.now().Add(-time.Hour)
	b = newBox(t, Options{StateDir: dir, Now: func() time.Time { return earlier }})
	after := b.root.submit("CREATE_WALLET", m{"walletName": "two", "accounts": []m{}}).ok().text("activity", "id")
	if after <= before {
		t.Errorf("%s came after %s", after, before)
	}
	list := b.root.query("list_activities", nil).ok()
	if got := list.text("activities", "0", "id"); got != after {
		t.Errorf("the newest is %s, want %s", got, after)
	}
}

// What an older version took for a policy and this one refuses keeps its words, decides nothing, and opens.
func TestAnExpressionThatIsRefusedNowIsKept(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	id := b.root.submit("CREATE_POLICY_V3", m{"policyName": "p", "effect": "EFFECT_ALLOW", "condition": "true", "consensus": "", "notes": ""}).
		result("createPolicyResult").text("policyId")
	b.Close()
	d, err := openDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = d.db.Update(func(tx *bolt.Tx) error {
		rules := tx.Bucket([]byte(bucketRule))
		return rules.ForEach(func(k, v []byte) error {
			return rules.Put(k, []byte(strings.Replace(string(v), `"condition":"true"`, `"condition":"moon.is == 'full'"`, 1)))
		})
	})
	if err != nil || d.close() != nil {
		t.Fatal(err)
	}
	b = newBox(t, Options{StateDir: dir, Now: b.time.now})
	if got := b.root.query("get_policy", m{"policyId": id}).ok().text("policy", "condition"); got != "moon.is == 'full'" {
		t.Errorf("condition %q", got)
	}
}
