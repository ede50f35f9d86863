package clients_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/internal/need"
)

// description is Turnkey's published API description, made stricter: an object may have no member that it does not
// name, so that a misspelt one is found as well as a missing one.
func description(t *testing.T) *openapi3.T {
	t.Helper()
	raw, err := os.ReadFile(need.Shared(t, "turnkey", "public_api.swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc openapi2.T
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	strict, err := openapi2conv.ToV3(&doc)
	if err != nil {
		t.Fatal(err)
	}
	no := false
	for _, schema := range strict.Components.Schemas {
		if s := schema.Value; s != nil && len(s.Properties) > 0 && s.AdditionalProperties.Schema == nil {
			s.AdditionalProperties.Has = &no
		}
	}
	return strict
}

// witness stands before the API and holds every answer against the description. It returns its URL. Where the
// description is not at hand, as in a stranger's clone, it only listens.
func witness(t *testing.T, api string) string {
	t.Helper()
	target, err := url.Parse(api)
	if err != nil {
		t.Fatal(err)
	}
	var spec *openapi3.T
	if _, err := os.Stat(filepath.Join(need.Root(t), "..", "shared")); err == nil {
		spec = description(t)
	}
	var mu sync.Mutex
	paths := map[string]bool{}
	accepted, refused := 0, 0
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			mu.Lock()
			defer mu.Unlock()
			paths[r.Request.URL.Path] = true
			if r.StatusCode == http.StatusOK {
				accepted++
			} else {
				refused++
			}
			if spec == nil {
				return nil
			}
			if err := check(spec, r.Request.URL.Path, r.StatusCode, r.Header.Get("Content-Type"), body); err != nil {
				t.Errorf("%s answered %d: %v\n%s", r.Request.URL.Path, r.StatusCode, err, body)
			}
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(func() {
		server.Close()
		t.Logf("the witness saw %d paths, %d answers and %d refusals; checked: %t", len(paths), accepted, refused, spec != nil)
		if accepted == 0 {
			t.Error("no client was answered")
		}
	})
	return server.URL
}

// check validates one answer. A refusal is google.rpc.Status with the vendor's own code beside it.
func check(spec *openapi3.T, path string, status int, contentType string, body []byte) error {
	if !strings.HasPrefix(contentType, "application/json") {
		return fmt.Errorf("content type %q", contentType)
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	if status != http.StatusOK {
		m, _ := v.(map[string]any)
		code, _ := m["turnkeyErrorCode"].(string)
		delete(m, "turnkeyErrorCode")
		if code == "" {
			return fmt.Errorf("a refusal without turnkeyErrorCode")
		}
		if m["code"] == nil || m["message"] == nil || m["details"] == nil {
			return fmt.Errorf("a refusal without code, message or details")
		}
		return spec.Components.Schemas["rpcStatus"].Value.VisitJSON(m, openapi3.MultiErrors())
	}
	item := spec.Paths.Value(path)
	if item == nil || item.Post == nil {
		return fmt.Errorf("an answer where the description has no path")
	}
	content := item.Post.Responses.Status(http.StatusOK).Value.Content["application/json"]
	if content == nil || content.Schema == nil || content.Schema.Value == nil {
		return fmt.Errorf("the description has no schema")
	}
	return content.Schema.Value.VisitJSON(v, openapi3.MultiErrors())
}

// The check is no check unless it finds what is wrong.
func TestTheWitnessFindsWrongAnswers(t *testing.T) {
	spec := description(t)
	const whoami = "/public/v1/query/whoami"
	good := `{"organizationId":"o","organizationName":"n","userId":"u","username":"x"}`
	for name, c := range map[string]struct {
		path   string
		status int
		kind   string
		body   string
		ok     bool
	}{
		"as described":        {whoami, 200, "application/json", good, true},
		"a missing member":    {whoami, 200, "application/json", strings.Replace(good, `"userId":"u",`, "", 1), false},
		"a misspelt member":   {whoami, 200, "application/json", strings.Replace(good, `{`, `{"userid":"u",`, 1), false},
		"a number for a text": {whoami, 200, "application/json", strings.Replace(good, `"u"`, `1`, 1), false},
		"another type":        {whoami, 200, "text/plain", good, false},
		"an unknown path":     {whoami + "s", 200, "application/json", good, false},
		"not JSON":            {whoami, 200, "application/json", "{", false},
		"a refusal":           {whoami, 401, "application/json", `{"code":16,"message":"m","details":[],"turnkeyErrorCode":"SIGNATURE_MISSING"}`, true},
		"a bare refusal":      {whoami, 401, "application/json", `{"error":"m"}`, false},
	} {
		if err := check(spec, c.path, c.status, c.kind, []byte(c.body)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
