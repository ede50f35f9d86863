package sandbox

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/internal/p256"
)

const crashDir = "LATCHKEY_SANDBOX_CRASH"

// TestMain lets the test program be the sandbox that is killed. When all tests ran, every path that is done must have
// been answered with success at least once, and that answer have been held against the service's description.
func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		crashChild(dir)
		return
	}
	code := m.Run()
	one := flag.Lookup("test.run").Value.String() + flag.Lookup("test.skip").Value.String() + flag.Lookup("test.list").Value.String()
	if _, err := loadSwagger(); err == nil && code == 0 && one == "" && !testing.Short() {
		if missing := answered.missing(); len(missing) > 0 {
			fmt.Printf("never answered with success: %s\n", strings.Join(missing, " "))
			code = 1
		}
	}
	os.Exit(code)
}

// said is one answer that the sandbox which is killed has given.
type said struct {
	Activity, Org, Kind string
	Pending             bool           // a fault kept it from being done
	Result              map[string]any // of the activity
	Body                string         // of what the parent's key sent
}

// crashChild does activities of many kinds as fast as it can, and says after each answer what it was told.
func crashChild(dir string) {
	s, err := New(Options{StateDir: dir, Seed: 1})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	private, err := p256.ParsePrivate(s.Facts().APIPrivateKey)
	if err != nil {
		os.Exit(1)
	}
	half := 0.5
	s.faults.set([]mishap{{Path: "create_wallet", Rate: &half, ActivityStatus: statusPending}})
	t := &childTB{}
	b := &box{Sandbox: s, t: t, time: &fakeTime{t: time.Now()}}
	b.http = clientOf(t, s)
	b.root = &who{box: b, org: s.Facts().OrganizationID, key: p256.NewKey(private)}
	for range 3 { // several at once, so that commits are shared
		go crashWork(b)
	}
	crashWork(b)
}

// crashWork founds organizations and fills them, for ever.
func crashWork(b *box) {
	name := newKey().PublicKey()
	for n := 0; ; n++ {
		key := newKey()
		org := &who{box: b, key: key, org: b.root.does("CREATE_SUB_ORGANIZATION_V7", crashParams(key.PublicKey())).Result["createSubOrganizationResultV7"].(m)["subOrganizationId"].(string)}
		for i := range 5 {
			name := fmt.Sprintf("%s-%d-%d", name[60:], n, i)
			org.does("CREATE_WALLET", m{"walletName": name, "accounts": []m{ethereum(i)}})
			org.does("CREATE_POLICY_V3", m{"policyName": name, "effect": "EFFECT_ALLOW", "consensus": "true", "condition": "true", "notes": ""})
			org.does("CREATE_PRIVATE_KEYS_V2", m{"privateKeys": []m{{"privateKeyName": name, "curve": "CURVE_ED25519", "privateKeyTags": []string{}, "addressFormats": []string{}}}})
			org.does("CREATE_USER_TAG", m{"userTagName": name, "userIds": []string{}})
			b.root.does("INIT_OTP_V2", m{"otpType": "OTP_TYPE_EMAIL", "contact": name + "@doe.test", "appName": "x"})
		}
	}
}

// does does an activity and says what it was told, in one line.
func (w *who) does(kind string, params m) said {
	body := w.envelope(kind, params)
	a := w.send("submit/"+crashPath(kind), body).ok()
	t := said{Activity: a.text("activity", "id"), Org: w.org, Kind: kind, Result: a.at("activity", "result").(m), Pending: a.text("activity", "status") == statusPending}
	if w == w.root {
		t.Body = string(body)
	}
	fmt.Printf("%s\n", mustJSON(t)) // one write, so that lines are whole
	return t
}

func crashParams(key string) m {
	return m{"subOrganizationName": "s", "rootQuorumThreshold": 1, "wallet": m{"walletName": "w", "accounts": []m{ethereum(0)}},
		"rootUsers": []m{rootUser("u", m{"userEmail": "u@doe.test", "apiKeys": []m{{"apiKeyName": "k", "publicKey": key, "curveType": "API_KEY_CURVE_P256"}}})}}
}

// seeded returns the choices of a random test: those of LATCHKEY_SEED, or new ones that are logged.
func seeded(t testing.TB) *rand.Rand {
	n, err := strconv.ParseUint(os.Getenv("LATCHKEY_SEED"), 10, 64)
	if err != nil {
		n = rand.Uint64()
	}
	t.Logf("LATCHKEY_SEED=%d", n)
	return rand.New(rand.NewPCG(n, 1))
}

// Killed at any moment, a sandbox comes back with everything that it ever answered: 1,000 activities and more in the
// campaign, a good hundred otherwise.
func TestR1_ASandboxKilledAtAnyMomentHasAllThatItAnswered(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want := 120
	if os.Getenv("LATCHKEY_CAMPAIGN") != "" {
		want = 1000
	}
	random, dir := seeded(t), t.TempDir()
	var all []said
	kills := 0
	for ; len(all) < want; kills++ {
		child := exec.Command(self)
		child.Env = append(os.Environ(), crashDir+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		last := 1 + random.IntN(40) // at another point of its work every time; what it says until it is dead counts too
		n := 0
		for ; lines.Scan(); n++ {
			var one said
			if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
				t.Fatalf("%v: %s", err, lines.Bytes())
			}
			if all = append(all, one); n == last {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait() // killed
		if lines.Err() != nil || n <= last {
			t.Fatalf("after %d answers it ended by itself: %v", n, lines.Err())
		}
	}
	began := time.Now()
	b := newBox(t, Options{StateDir: dir, Now: time.Now})
	t.Logf("%d kills, %d answers, open after %s", kills, len(all), time.Since(began))
	kinds := map[string]int{}
	for _, one := range all {
		kinds[one.Kind]++
		b.has(t, one)
	}
	if len(kinds) < 5 {
		t.Errorf("only %v were done", kinds)
	}
}

// has holds the sandbox to what it has told.
func (b *box) has(t *testing.T, one said) {
	org := b.root.in(one.Org)
	a := org.query("get_activity", m{"activityId": one.Activity}).ok()
	result, _ := a.at("activity", "result").(m)
	if a.text("activity", "status") != statusCompleted || !one.Pending && !reflect.DeepEqual(result, one.Result) {
		t.Errorf("activity %s said %v, and is %s", one.Activity, one.Result, a.raw)
		return
	}
	if one.Body != "" {
		if got := b.root.send("submit/"+crashPath(one.Kind), []byte(one.Body)).ok().text("activity", "id"); got != one.Activity {
			t.Errorf("the same bytes are %s, and were %s", got, one.Activity)
		}
	}
	for _, r := range result {
		made := r.(m)
		switch one.Kind {
		case "CREATE_WALLET":
			org.query("get_wallet", m{"walletId": made["walletId"]}).ok()
		case "CREATE_POLICY_V3":
			org.query("get_policy", m{"policyId": made["policyId"]}).ok()
		case "CREATE_PRIVATE_KEYS_V2":
			org.query("get_private_key", m{"privateKeyId": made["privateKeys"].([]any)[0].(m)["privateKeyId"]}).ok()
		case "CREATE_USER_TAG":
			if tags := org.query("list_user_tags", nil).ids("userTags", "tagId"); !slices.Contains(tags, made["userTagId"].(string)) {
				t.Errorf("tag %s is not among %v", made["userTagId"], tags)
			}
		case "INIT_OTP_V2":
			if b.state.Load().otps.byID[mustID(t, made["otpId"].(string))] == nil {
				t.Errorf("code %s is gone", made["otpId"])
			}
		default:
			sub := b.root.in(made["subOrganizationId"].(string))
			if got := len(sub.query("list_users", nil).ids("users", "userId")); got != 1 {
				t.Errorf("organization %s has %d users", sub.org, got)
			}
		}
	}
}

// crashPath is where an activity of that type is posted to.
func crashPath(kind string) string {
	path := strings.ToLower(kind)
	if at := strings.LastIndex(path, "_v"); at > 0 {
		return path[:at]
	}
	return path
}
