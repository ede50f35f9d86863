package turnkey

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/stamp"
)

func TestPostSendsTheBytesThatWereStamped(t *testing.T) {
	c, s := newClient(t, answer(200, `{"ok":true}`))
	body := []byte(`{"a":  "<&>"}`)
	if _, err := c.Post(t.Context(), "/public/v1/query/whoami", body); err != nil {
		t.Fatal(err)
	}
	got := s.sent[0]
	if got.body != string(body) || got.path != "/public/v1/query/whoami" {
		t.Fatalf("sent %q to %q", got.body, got.path)
	}
	x, err := stamp.ParseAPI(got.header.Get("X-Stamp"))
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Verify(body); err != nil {
		t.Fatal(err)
	}
	if got.header.Get("Content-Type") != "application/json" {
		t.Errorf("content type %q", got.header.Get("Content-Type"))
	}
}

func TestALostAnswerIsAskedForAgainByteForByte(t *testing.T) {
	cut := func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r,
			Body: io.NopCloser(io.MultiReader(strings.NewReader(`{"activ`), brokenReader{}))}, nil
	}
	for name, first := range map[string][]step{
		"reset, then good":       {broken(errors.New("connection reset")), answer(200, `{}`)},
		"cut in the middle":      {cut, answer(200, `{}`)},
		"500, 503, 502, good":    {answer(500, "x"), answer(503, "x"), answer(502, "x"), answer(200, `{}`)},
		"internal in their form": {answer(500, `{"code":13,"message":"internal server error","turnkeyErrorCode":"INTERNAL"}`), answer(200, `{}`)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := newClient(t, first...)
				start := time.Now()
				if _, err := c.Post(t.Context(), "/p", []byte(`{"n":1}`)); err != nil {
					t.Fatal(err)
				}
				var want time.Duration
				for i := range len(first) - 1 {
					want += 100 * time.Millisecond << i
				}
				if got := time.Since(start); got != want {
					t.Errorf("waited %v, want %v", got, want)
				}
				if len(s.sent) != len(first) {
					t.Fatalf("sent %d times", len(s.sent))
				}
				for _, r := range s.sent {
					if r.body != `{"n":1}` || r.header.Get("X-Stamp") != s.sent[0].header.Get("X-Stamp") {
						t.Error("a later try differs from the first")
					}
				}
			})
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestThreeResendsAreTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newClient(t, broken(errors.New("no route")))
		_, err := c.Post(t.Context(), "/p", []byte(`{}`))
		if fault.CodeOf(err) != fault.APIDown || len(s.sent) != 4 {
			t.Errorf("%v after %d tries", err, len(s.sent))
		}
	})
}

func TestARefusalIsNotSentAgain(t *testing.T) {
	for _, status := range []int{302, 307, 400, 401, 403, 404, 409, 422, 429, 501} {
		c, s := newClient(t, answer(status, `{"code":3,"message":"no"}`, "Location", "http://elsewhere.test/"))
		if _, err := c.Post(t.Context(), "/p", []byte(`{}`)); err == nil {
			t.Errorf("%d: no error", status)
		}
		if len(s.sent) != 1 {
			t.Errorf("%d: sent %d times", status, len(s.sent))
		}
	}
}

func TestLimitedSaysHowLong(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"7":    7 * time.Second,
		"":     0,
		"soon": 0,
		"-1":   0,
		now.Add(9 * time.Second).Format(http.TimeFormat):  9 * time.Second,
		now.Add(-9 * time.Second).Format(http.TimeFormat): 0,
	} {
		c, _ := newClient(t, answer(429, `{"code":8,"message":"Too many requests. Please wait"}`, "Retry-After", header))
		c.Now = at(now)
		_, err := c.Post(t.Context(), "/p", []byte(`{}`))
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Code != fault.APILimited || e.RetryAfter != want {
			t.Errorf("Retry-After %q: %v", header, err)
		}
	}
}

func TestTheCallersEndIsTheEnd(t *testing.T) {
	t.Run("cancelled while waiting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, s := newClient(t, hangs)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := c.Post(ctx, "/p", []byte(`{}`))
			if fault.CodeOf(err) != fault.Cancel || !errors.Is(err, context.Canceled) || len(s.sent) != 1 {
				t.Errorf("%v after %d tries", err, len(s.sent))
			}
		})
	})
	t.Run("cancelled between tries", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, s := newClient(t, broken(errors.New("reset")))
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			_, err := c.Post(ctx, "/p", []byte(`{}`))
			if fault.CodeOf(err) != fault.Cancel || len(s.sent) != 1 {
				t.Errorf("%v after %d tries", err, len(s.sent))
			}
		})
	})
	t.Run("a deadline of the caller's", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, _ := newClient(t, hangs)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			start := time.Now()
			_, err := c.Post(ctx, "/p", []byte(`{}`))
			if fault.CodeOf(err) != fault.APIDown || time.Since(start) != 3*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	})
	t.Run("thirty seconds without one, approval not counted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, _ := newClient(t, hangs)
			c.Before = func(context.Context, Request) (string, error) { time.Sleep(time.Minute); return "", nil }
			start := time.Now()
			_, err := c.Post(t.Context(), "/p", []byte(`{}`))
			if fault.CodeOf(err) != fault.APIDown || time.Since(start) != time.Minute+30*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	})
}

func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	c, _ := newClient(t, func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 400, Header: http.Header{}, Request: r, Body: io.NopCloser(zeros{})}, nil
	})
	if _, err := c.Post(t.Context(), "/p", []byte(`{}`)); fault.CodeOf(err) != fault.APIDown {
		t.Error(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestARedirectIsNotFollowed(t *testing.T) {
	c, s := newClient(t, answer(307, "", "Location", "http://elsewhere.test/steal"))
	_, err := c.Post(t.Context(), "/p", []byte(`{}`))
	if fault.CodeOf(err) != fault.APIDown || len(s.sent) != 1 {
		t.Errorf("%v after %d requests", err, len(s.sent))
	}
}

func TestBeforeRefusesAndAfterIsTold(t *testing.T) {
	no := fault.New(fault.Cancel, nil)
	c, s := newClient(t, answer(200, `{"x":1}`))
	var asked []Request
	var told []Exchange
	c.Before = func(_ context.Context, r Request) (string, error) {
		asked = append(asked, r)
		if r.Path == "/no" {
			return "refused", no
		}
		r.Body[0] = 'X' // a copy: what is stamped stays as it is
		return "free", nil
	}
	c.After = func(_ context.Context, e Exchange) { told = append(told, e) }

	if _, err := c.Post(t.Context(), "/yes", []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Post(t.Context(), "/no", []byte(`{"b":2}`)); !errors.Is(err, no) {
		t.Fatalf("%v, want the hook's own error", err)
	}
	if len(s.sent) != 1 || s.sent[0].body != `{"a":1}` {
		t.Fatalf("sent %v", s.bodies())
	}
	if len(asked) != 2 || len(told) != 2 {
		t.Fatalf("asked %d, told %d times", len(asked), len(told))
	}
	if e := told[0]; string(e.Body) != `{"a":1}` || e.Stamp.HeaderValue != s.sent[0].header.Get("X-Stamp") ||
		e.Stamp.HeaderName != "X-Stamp" || e.Status != 200 || string(e.Response) != `{"x":1}` || e.Tries != 1 || e.Err != nil || e.Verdict != "free" {
		t.Errorf("told %+v", e)
	}
	if e := told[1]; e.Stamp.HeaderName != "" || e.Tries != 0 || e.Status != 0 || !errors.Is(e.Err, no) || e.Verdict != "refused" {
		t.Errorf("told %+v", e)
	}
}

func TestAfterIsToldOfFailuresToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newClient(t, answer(503, "x"))
		var told []Exchange
		c.After = func(ctx context.Context, e Exchange) {
			if ctx.Err() != nil {
				t.Error("told with a context that is over")
			}
			told = append(told, e)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := c.Post(ctx, "/p", []byte(`{}`))
		if len(told) != 1 || told[0].Tries != 4 || told[0].Status != 503 || fault.CodeOf(told[0].Err) != fault.CodeOf(err) || told[0].Duration != 700*time.Millisecond {
			t.Errorf("told %+v", told)
		}
	})
}

func TestTheStampersErrorIsTheCallers(t *testing.T) {
	locked := fault.New(fault.KeychainLocked, nil)
	c, s := newClient(t, answer(200, `{}`))
	c.Stamper = stamperFunc(func(context.Context, []byte) (*stamp.Stamp, error) { return nil, locked })
	if _, err := c.Post(t.Context(), "/p", []byte(`{}`)); fault.CodeOf(err) != fault.KeychainLocked || len(s.sent) != 0 {
		t.Errorf("%v, %d sent", err, len(s.sent))
	}
}

func TestNoAddressIsASettingsFault(t *testing.T) {
	for _, base := range []string{"", "://", "http://bad host"} {
		c, s := newClient(t, answer(200, `{}`))
		c.BaseURL = func() string { return base }
		if _, err := c.Post(t.Context(), "/p", []byte(`{}`)); fault.CodeOf(err) != fault.ProfileBad || len(s.sent) != 0 {
			t.Errorf("%q: %v", base, err)
		}
	}
}

func TestAnAnswerOfAnotherShapeIsNotBelieved(t *testing.T) {
	for _, body := range []string{"", "<html>log in to the airport</html>", "[1]", `"x"`} {
		c, _ := newClient(t, answer(200, body))
		if _, err := c.Whoami(t.Context(), "org-1"); fault.CodeOf(err) != fault.APIDown {
			t.Errorf("%q: %v", body, err)
		}
	}
}
