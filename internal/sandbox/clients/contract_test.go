package clients_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/internal/need"
)

// contract is one of Turnkey's published API descriptions, made stricter: an object may have no member that it does
// not name, so that a misspelt one is found as well as a missing one.
type contract struct {
	name, file string
	coded      bool // a refusal carries the vendor's own code
	once       sync.Once
	spec       *openapi3.T
}

var (
	publicAPI = &contract{name: "the API", file: "public_api.swagger.json", coded: true}
	authProxy = &contract{name: "the auth proxy", file: "proxy_api.swagger.json"}
)

// load reads the description, once for all tests.
func (c *contract) load(t *testing.T) {
	t.Helper()
	path := need.Shared(t, "turnkey", c.file)
	c.once.Do(func() {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var doc openapi2.T
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		if c.spec, err = openapi2conv.ToV3(&doc); err != nil {
			t.Fatal(err)
		}
		no := false
		for _, schema := range c.spec.Components.Schemas {
			if s := schema.Value; s != nil && len(s.Properties) > 0 && s.AdditionalProperties.Schema == nil {
				s.AdditionalProperties.Has = &no
			}
		}
	})
	if c.spec == nil {
		t.Fatalf("%s could not be read", c.file)
	}
}

// check validates one answer. A refusal is google.rpc.Status, the API's with the vendor's own code beside it.
func (c *contract) check(path string, status int, contentType string, body []byte) error {
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
		if c.coded && code == "" {
			return fmt.Errorf("a refusal without turnkeyErrorCode")
		}
		if m["code"] == nil || m["message"] == nil || m["details"] == nil {
			return fmt.Errorf("a refusal without code, message or details")
		}
		return c.spec.Components.Schemas["rpcStatus"].Value.VisitJSON(m, openapi3.MultiErrors())
	}
	item := c.spec.Paths.Value(path)
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
	publicAPI.load(t)
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
		if err := publicAPI.check(c.path, c.status, c.kind, []byte(c.body)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
