//go:build linux

package windowtest

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Rows P9 and P10: the window beside the least Wails app that there can be, in turn, in one run.

//go:embed testdata/paint.js
var paint string

//go:embed testdata/calls.js
var calls string

// told is where the pages under measure go in the end, to tell what they found.
type told struct {
	server *httptest.Server
	heard  chan string // the path's end, and what was posted there
}

func newTold(b *testing.B) *told {
	l := &told{heard: make(chan string, 4)}
	l.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/landed":
			_, _ = w.Write([]byte(`<script type="module">await fetch("/told", {method: "POST", body: decodeURIComponent(location.hash.slice(1))})</script>`))
		case "/told":
			text := make([]byte, r.ContentLength)
			_, _ = r.Body.Read(text)
			l.heard <- string(text)
		case "/painted":
			l.heard <- "painted"
		}
	}))
	b.Cleanup(l.server.Close)
	return l
}

func (l *told) script(text string) string {
	return strings.Replace(text, `"COLLECTOR"`, strconv.Quote(l.server.URL), 1)
}

// run starts an app on a desk, waits for what its page tells, and ends it.
func (l *told) run(b *testing.B, d *desk, path string) (said string, after time.Duration) {
	b.Helper()
	cmd := exec.Command(path)
	began := time.Now()
	d.start(cmd)
	select {
	case said = <-l.heard:
		after = time.Since(began)
	case <-time.After(5 * time.Minute):
		b.Fatal("the page tells nothing")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	d.settled(b)
	return said, after
}

// settled waits until no process of a web view is left.
func (d *desk) settled(b *testing.B) {
	within(b, time.Minute, "the web view has ended", func() error {
		for _, name := range d.living() {
			if strings.HasPrefix(name, "WebKit") {
				return errNotThere
			}
		}
		return nil
	})
}

// memory is what the processes of an app have for themselves and their share of the rest, in MiB (PSS).
func (d *desk) memory(b *testing.B, path string) float64 {
	b.Helper()
	cmd := exec.Command(path)
	before := d.living()
	d.start(cmd)
	<-time.After(6 * time.Second) // until what a start needs is given back
	var kB float64
	for pid := range d.living() {
		if _, was := before[pid]; was {
			continue
		}
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
				n, _ := strconv.ParseFloat(f[1], 64)
				kB += n
			}
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	d.settled(b)
	return kB / 1024
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// BenchmarkP9_StartOfTheWindow measures from the start of the program to the first painted words, and the memory of all
// its processes six seconds later.
func BenchmarkP9_StartOfTheWindow(b *testing.B) {
	const rounds = 5
	l := newTold(b)
	ours, least := infected(b, l.script(paint)), bare(b, l.script(paint))
	plain, leastPlain := program(b), bare(b, "")
	d := openDesk(b, "")
	d.startKeyring()
	for b.Loop() {
		var first, firstBare, memory, memoryBare []float64
		for range rounds {
			_, t := l.run(b, d, ours)
			first = append(first, t.Seconds())
			_, t = l.run(b, d, least)
			firstBare = append(firstBare, t.Seconds())
			memory = append(memory, d.memory(b, plain))
			memoryBare = append(memoryBare, d.memory(b, leastPlain))
		}
		size, err := os.Stat(plain)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(median(first)/median(firstBare), "x-paint")
		b.ReportMetric(median(first), "s-paint")
		b.ReportMetric(median(memory)-median(memoryBare), "MiB-more")
		b.ReportMetric(median(memory), "MiB")
		b.ReportMetric(float64(size.Size())/1e6, "MB-program")
		b.ReportMetric(0, "ns/op")
	}
}

// BenchmarkP10_ABoundCall measures how long the page waits for the answer of a bound method, 10,000 times, and counts the
// answers of 64 at once.
func BenchmarkP10_ABoundCall(b *testing.B) {
	type figures struct{ Median, P99, Answered float64 }
	l := newTold(b)
	script := strings.Replace(l.script(calls), "CALLS", "10000", 1)
	ours, least := infected(b, script), bare(b, script)
	d := openDesk(b, "")
	d.startKeyring()
	for b.Loop() {
		var got [2]figures
		for i, path := range []string{ours, least} {
			text, _ := l.run(b, d, path)
			if err := json.Unmarshal([]byte(text), &got[i]); err != nil {
				b.Fatalf("%q: %v", text, err)
			}
			if got[i].Answered != 64*20 {
				b.Errorf("%v of %d calls at once were answered", got[i].Answered, 64*20)
			}
		}
		b.ReportMetric(got[0].P99/got[1].P99, "x-p99")
		b.ReportMetric(got[0].Median/got[1].Median, "x-median")
		b.ReportMetric(got[0].P99, "ms-p99")
		b.ReportMetric(0, "ns/op")
	}
}
