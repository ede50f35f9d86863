package journal

import (
	"bytes"
	"os"
	"testing"
)

// A line as it was written before entries had verdicts, from a journal of that time.
func TestEntriesFromBeforeThereWereVerdictsAreRead(t *testing.T) {
	line := []byte(`{"number":2,"time":1700000000001,"organization":"0f5c0000-0000-4000-8000-00000000000a","path":"/public/v1/submit/create_wallet","type":"ACTIVITY_TYPE_CREATE_WALLET",` +
		`"sha256":"0000000000000000000000000000000000000000000000000000000000000000","size":9,"http":200,"tries":1,"ms":4,"head":1,"previous":"1111111111111111111111111111111111111111111111111111111111111111","sealed":"AQID"}`)
	e, err := parse(line)
	if err != nil || e.Verdict != "" || !bytes.Equal(e.line(), line) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestAVerdictIsPartOfTheChain(t *testing.T) {
	j := at(t, t.TempDir())
	for i, verdict := range []string{"free", "nobody", "rule r-7hq2m5kd3a", "--yes", "Robin said yes"} {
		e := sample(i)
		e.Verdict = verdict
		if _, err := j.Append(t.Context(), []Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := j.Read(t.Context(), Filter{})
	if err != nil || len(all) != 5 {
		t.Fatalf("%d, %v", len(all), err)
	}
	for i, verdict := range []string{"free", "nobody", "rule r-7hq2m5kd3a", "--yes", ""} { // what is no word is left out
		if all[i].Verdict != verdict {
			t.Errorf("entry %d: %q", i+1, all[i].Verdict)
		}
	}
	want(t, check(t, j), Intact, "")
	raw, err := os.ReadFile(j.path(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.path(1), bytes.Replace(raw, []byte(`"verdict":"nobody"`), []byte(`"verdict":"yes"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, check(t, j), Damaged, "changed 2-2")
}
