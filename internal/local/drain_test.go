package local

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/p256"
)

// held is a network on which one request of a path waits until it is let go, and says when it has begun to wait.
type held struct {
	path   string // how it ends
	hold   atomic.Bool
	begun  chan struct{}
	letGo  chan struct{}
	answer http.RoundTripper

	answered atomic.Int64 // of those that waited
}

func (h *held) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, h.path) && h.hold.CompareAndSwap(true, false) {
		h.begun <- struct{}{}
		select {
		case <-h.letGo:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		h.answered.Add(1)
	}
	return h.answer.RoundTrip(r)
}

// draining is a backend whose requests can be held.
type draining struct {
	*Backend
	t       *testing.T
	network *held
	client  *http.Client
}

func newDraining(t *testing.T) *draining {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	box, err := StartSandbox(SandboxOptions{Listen: "127.0.0.1:0", Control: "127.0.0.1:0", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	config, err := BackendFor(box.Ready, log)
	if err != nil {
		t.Fatal(err)
	}
	d := &draining{t: t, network: &held{path: "/init_otp", begun: make(chan struct{}, 1), letGo: make(chan struct{}), answer: http.DefaultTransport}}
	config.HTTP = &http.Client{Transport: d.network}
	if d.Backend, err = StartBackend("127.0.0.1:0", config); err != nil {
		t.Fatal(err)
	}
	d.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // every request shows whether somebody listens
	if status := d.ready(); status != 200 {
		t.Fatalf("readyz: %d", status)
	}
	return d
}

// send asks for a code and returns the status, 0 for no answer.
func (d *draining) send(contact string) int {
	return d.post("/otp/init", `{"contact":"`+contact+`"}`)
}

func (d *draining) post(path, body string) int {
	resp, err := d.client.Post(d.Ready.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if _, err = io.Copy(io.Discard, resp.Body); err != nil {
		return 0
	}
	return resp.StatusCode
}

// ready is what /readyz says, 0 for nothing.
func (d *draining) ready() int {
	resp, err := d.client.Get(d.Ready.AdminURL + "/readyz")
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestWhoEndsSaysSoFirstAndServesOn(t *testing.T) {
	d := newDraining(t)
	enough, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.Drain(enough, time.Hour)
	}()
	for status := d.ready(); status != 503; status = d.ready() {
		if status != 200 {
			t.Fatalf("readyz: %d", status)
		}
	}
	if status := d.send("late@example.com"); status != 200 {
		t.Errorf("while it drains: %d", status)
	}
	stop() // a second signal
	<-ended
	if d.send("after@example.com") != 0 || d.ready() != 0 {
		t.Error("somebody still listens")
	}
}

// An e-mail is answered for before it is sent, and the backend does not end in between.
func TestWhatWasAnsweredForIsDone(t *testing.T) {
	d := newDraining(t)
	d.network.path = "/list_verified_suborgs"
	d.network.hold.Store(true)
	target := p256.Uncompressed(&p256.Generate().PublicKey)
	if status := d.post("/api/auth", `{"email":"new@example.com","targetPublicKey":"`+target+`"}`); status != 200 {
		t.Fatalf("%d", status)
	}
	<-d.network.begun
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.Drain(context.WithoutCancel(t.Context()), 0)
	}()
	for d.send("new@example.com") != 0 { // until nothing new is taken
	}
	if d.ready() != 503 {
		t.Error("the admin side ended before what was answered for")
	}
	close(d.network.letGo)
	<-ended
	if n := d.network.answered.Load(); n == 0 {
		t.Error("it was cut off")
	}
}

func TestWhatIsUnderWayFinishes(t *testing.T) {
	d := newDraining(t)
	d.network.hold.Store(true)
	slow := make(chan int, 1)
	go func() { slow <- d.send("slow@example.com") }()
	<-d.network.begun
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.Drain(context.WithoutCancel(t.Context()), 0)
	}()
	for d.send("new@example.com") != 0 { // until nothing new is taken
	}
	select {
	case <-ended:
		t.Error("it ended before what was under way")
	default:
	}
	if d.ready() != 503 {
		t.Error("the admin side ended before what was under way")
	}
	close(d.network.letGo)
	if status := <-slow; status != 200 {
		t.Errorf("what was under way: %d", status)
	}
	<-ended
	if d.ready() != 0 {
		t.Error("the admin side still listens")
	}
}
