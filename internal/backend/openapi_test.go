package backend_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/internal/backend"
	"latchkey/internal/need"
)

// description is what the backend says of itself.
type description struct {
	once sync.Once
	spec *openapi3.T
	err  error
}

// described is held against every answer that a test of this package gets.
var described description

func (d *description) load(t testing.TB) *openapi3.T {
	t.Helper()
	d.once.Do(func() {
		box := facts(t)
		b, err := backend.New(configFor(box))
		if err != nil {
			d.err = err
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/openapi.json", nil)
		r.Host = "localhost"
		rec := httptest.NewRecorder()
		b.Handler().ServeHTTP(rec, r)
		if d.spec, d.err = openapi3.NewLoader().LoadFromData(rec.Body.Bytes()); d.err == nil {
			d.err = d.spec.Validate(openapi3.NewLoader().Context)
		}
	})
	if d.err != nil {
		t.Fatalf("the description: %v", d.err)
	}
	return d.spec
}

// check fails the test unless an answer is as the description says.
func (d *description) check(t testing.TB, r *http.Request, got reply) {
	t.Helper()
	item := d.load(t).Paths.Value(strings.ReplaceAll(r.URL.Path, "//", "/"))
	if item == nil || got.raw == "" {
		return // nobody's path, or a browser's question
	}
	op := item.GetOperation(r.Method)
	if op == nil { // refused before anything else
		for _, only := range item.Operations() {
			op = only
		}
	}
	response := op.Responses.Default()
	if got.status == http.StatusOK {
		response = op.Responses.Status(http.StatusOK)
	}
	var v any
	if err := json.Unmarshal([]byte(got.raw), &v); err != nil {
		t.Fatal(err)
	}
	if err := response.Value.Content["application/json"].Schema.Value.VisitJSON(v, openapi3.MultiErrors()); err != nil {
		t.Errorf("%s %s answered %d, not as described: %v\n%s", r.Method, r.URL.Path, got.status, err, got.raw)
	}
}

// Every route that is described is served, by the method that is said and no other; what is not described is not there.
func TestTheDescriptionIsWhatIsServed(t *testing.T) {
	w := newWorld(t)
	spec := described.load(t)
	count := 0
	for path, item := range spec.Paths.Map() {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			r := httptest.NewRequest(method, path, strings.NewReader("{}"))
			r.Host = "localhost"
			r.Header.Set("Content-Type", "application/json")
			got := w.do(r)
			if said := item.GetOperation(method) != nil; got.status == 404 && got.text("reason") == "request.invalid" || said == (got.status == 405) {
				t.Errorf("%s %s: described %v, answered %d %s", method, path, said, got.status, got.raw)
			} else if said {
				count++
			}
		}
	}
	if count != len(spec.Paths.Map()) || count < 40 {
		t.Errorf("%d routes of %d", count, len(spec.Paths.Map()))
	}
	for _, path := range []string{"/", "/v1", "/v1/", "/auth", "/api/", "/v1/otp_init_v3", "/openapi", "/Signup"} {
		r := httptest.NewRequest(http.MethodPost, path, nil)
		r.Host = "localhost"
		if got := w.do(r); got.status != 404 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

// The README names every route, and none that is not there.
func TestTheREADMENamesEveryRoute(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(need.Root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(GET|POST) /[^|]*\\|").FindAllString(string(text), -1) {
		for _, m := range regexp.MustCompile("`(?:GET |POST )?(/[^` ]*)`").FindAllStringSubmatch(row, -1) {
			named[m[1]] = true
		}
	}
	spec := described.load(t)
	for path := range spec.Paths.Map() {
		if !named[path] {
			t.Errorf("the README lacks %s", path)
		}
	}
	for path := range named {
		if regexp.MustCompile("^/(v1|api|auth|otp)/").MatchString(path) && spec.Paths.Value(path) == nil {
			t.Errorf("the README has %s", path)
		}
	}
}

// Turnkey's own description of the auth proxy names the same routes, with fields of the same names: those that must be
// sent there must be sent here, and nothing else.
func TestTheAuthProxyIsDescribedAsTurnkeyDoes(t *testing.T) {
	raw, err := os.ReadFile(need.Shared(t, "turnkey", "proxy_api.swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	type definition struct {
		Properties map[string]json.RawMessage
		Required   []string
	}
	type ref struct {
		Schema struct {
			Ref string `json:"$ref"`
		}
	}
	var theirs struct {
		Paths map[string]struct {
			Post struct {
				Parameters []ref
				Responses  map[string]ref
			}
		}
		Definitions map[string]definition
	}
	if err := json.Unmarshal(raw, &theirs); err != nil {
		t.Fatal(err)
	}
	named := func(r ref) definition { return theirs.Definitions[strings.TrimPrefix(r.Schema.Ref, "#/definitions/")] }
	spec := described.load(t)
	ours := 0
	for path := range spec.Paths.Map() {
		if strings.HasPrefix(path, "/v1/") {
			ours++
		}
	}
	if ours != len(theirs.Paths) || ours != 13 {
		t.Errorf("%d routes, theirs are %d", ours, len(theirs.Paths))
	}
	ignored := []string{"organizationName", "userTag"} // by us
	var never []string                                 // answered
	for path, p := range theirs.Paths {
		op := spec.Paths.Value(path).Post
		body := op.RequestBody.Value.Content["application/json"].Schema.Value
		for name := range named(p.Post.Parameters[0]).Properties {
			if body.Properties[name] == nil && !slices.Contains(ignored, name) {
				t.Errorf("%s does not read %s", path, name)
			}
		}
		want := slices.Sorted(slices.Values(named(p.Post.Parameters[0]).Required))
		if strings.HasSuffix(path, "otp_login_v2") { // shares its type with the older one, and says so itself
			want = slices.DeleteFunc(want, func(name string) bool { return name == "clientSignature" })
		}
		if got := slices.Sorted(slices.Values(body.Required)); !slices.Equal(got, want) {
			t.Errorf("%s must be sent %v, theirs %v", path, got, want)
		}
		out := op.Responses.Status(200).Value.Content["application/json"].Schema.Value
		for name := range named(p.Post.Responses["200"]).Properties {
			if out.Properties[name] == nil && !slices.Contains(never, name) {
				t.Errorf("%s does not answer %s", path, name)
			}
		}
	}
}
