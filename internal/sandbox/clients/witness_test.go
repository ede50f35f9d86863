package clients_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"latchkey/internal/need"
)

// seen is what the witnesses of one contract saw in all tests of a run.
type seen struct {
	mu                  sync.Mutex
	replies, violations int
	paths               map[string]bool
}

var witnessed = map[*contract]*seen{publicAPI: {paths: map[string]bool{}}, authProxy: {paths: map[string]bool{}}}

// account says in one line what was seen, of how many paths the description has.
func (c *contract) account() string {
	s := witnessed[c]
	switch {
	case s.replies == 0:
		return c.name + ": no reply"
	case c.spec == nil:
		return fmt.Sprintf("%s: replies %d, paths %d; not checked, for its description is not at hand", c.name, s.replies, len(s.paths))
	}
	return fmt.Sprintf("%s: replies %d, paths %d of %d, violations %d", c.name, s.replies, len(s.paths), c.spec.Paths.Len(), s.violations)
}

// witness stands before a server and holds every answer against its contract. It returns its URL. Where the
// descriptions are not at hand, as in a stranger's clone, it only listens.
func witness(t *testing.T, c *contract, server string) string {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(need.Root(t), "..", "shared")); err == nil {
		c.load(t)
	}
	s := witnessed[c]
	accepted := 0
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodOptions { // a browser asks whether it may ask
				return nil
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			path := r.Request.URL.Path
			s.mu.Lock()
			defer s.mu.Unlock()
			s.replies++
			s.paths[path] = true
			if r.StatusCode == http.StatusOK {
				accepted++
			}
			if c.spec == nil {
				return nil
			}
			if err := c.check(path, r.StatusCode, r.Header.Get("Content-Type"), body); err != nil {
				s.violations++
				t.Errorf("%s answered %d: %v\n%s", path, r.StatusCode, err, body)
			}
			return nil
		},
	}
	stand := httptest.NewServer(proxy)
	t.Cleanup(func() {
		stand.Close()
		if accepted == 0 {
			t.Errorf("no client was answered by %s", c.name)
		}
	})
	return stand.URL
}
