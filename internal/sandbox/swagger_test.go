package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/internal/need"
)

// swaggerPath is where the service's own description lies, beside the project.
var swaggerPath = []string{"turnkey", "public_api.swagger.json"}

// loadSwagger reads the description once for all tests.
var loadSwagger = sync.OnceValues(func() (*openapi3.T, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(append([]string{root, "..", "shared"}, swaggerPath...)...))
	if err != nil {
		return nil, err
	}
	var v2 openapi2.T
	if err := json.Unmarshal(raw, &v2); err != nil {
		return nil, err
	}
	return openapi2conv.ToV3(&v2)
})

// tally counts the answers that were held against the description.
type tally struct {
	mu      sync.Mutex
	replies int
	good    map[string]bool // the paths of which one was a success
}

var answered = tally{good: map[string]bool{}}

func (y *tally) count(path string, good bool) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.replies++
	if good {
		y.good[path] = true
	}
}

// missing says what was counted, and returns the paths that are done and were never answered with success.
func (y *tally) missing() (missing []string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	fmt.Printf("description: %d replies fit it, successes of %d of its %d paths among them\n", y.replies, len(y.good), len(strings.Fields(paths)))
	for path := range endpoints() {
		if !y.good[path] && !slices.Contains(unlisted, path) {
			missing = append(missing, path)
		}
	}
	slices.Sort(missing)
	return missing
}

// fitsSwagger holds one answer against the description. Without the description beside the project it holds nothing:
// TestR21 names what is missing.
func fitsSwagger(t testing.TB, path string, status int, body []byte) {
	t.Helper()
	doc, err := loadSwagger()
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	item := doc.Paths.Find(path)
	if item == nil {
		return // not the service's: 404
	}
	res := item.Post.Responses.Default()
	if status == 200 {
		res = item.Post.Responses.Status(200)
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Errorf("%s: status %d: not JSON: %v", path, status, err)
		return
	}
	schema := res.Value.Content.Get("application/json").Schema
	if err := schema.Value.VisitJSON(v); err != nil {
		t.Errorf("%s: status %d: does not fit the description: %v\n%.2000s", path, status, err, body)
	}
	if strings.HasPrefix(path, "/public/v1/query/") && status == 200 {
		noStrangers(t, path, schema, v)
	}
	answered.count(path, status == 200)
	checkActivity(t, doc, path, v)
}

// checkActivity looks where the description is loose: intent and result have one known key each, and what stands under
// it has no field that the description does not know.
func checkActivity(t testing.TB, doc *openapi3.T, path string, v any) {
	t.Helper()
	object, _ := v.(m)
	activity, ok := object["activity"].(m)
	if !ok {
		return
	}
	for field, schema := range map[string]string{"intent": "v1Intent", "result": "v1Result"} {
		part, _ := activity[field].(m)
		if len(part) > 1 || field == "intent" && len(part) != 1 {
			t.Errorf("%s: %s has %d keys", path, field, len(part))
		}
		for name, value := range part {
			known := doc.Components.Schemas[schema].Value.Properties[name]
			if known == nil {
				t.Errorf("%s: %s has the unknown key %s", path, field, name)
				continue
			}
			noStrangers(t, path+": "+name, known, value)
		}
	}
}

// noStrangers fails for a field that the schema does not know.
func noStrangers(t testing.TB, where string, schema *openapi3.SchemaRef, v any) {
	t.Helper()
	if schema == nil || schema.Value == nil || len(schema.Value.Properties) == 0 && schema.Value.Items == nil {
		return // the description leaves it open
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			noStrangers(t, where, schema.Value.Items, item)
		}
	case m:
		for name, value := range v {
			known := schema.Value.Properties[name]
			if known == nil {
				known = schema.Value.AdditionalProperties.Schema
			}
			if known == nil {
				t.Errorf("%s: unknown field %s", where, name)
				continue
			}
			noStrangers(t, where+"."+name, known, value)
		}
	}
}

// TestR21_EveryReplyFitsTheSwagger makes sure that the description is there and used: every answer of every test of
// this package passes fitsSwagger, and the list of paths is the description's.
func TestR21_EveryReplyFitsTheSwagger(t *testing.T) {
	need.Shared(t, swaggerPath...)
	doc, err := loadSwagger()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for path := range doc.Paths.Map() {
		want = append(want, path)
	}
	slices.Sort(want)
	if got := strings.Fields(paths); !slices.Equal(got, want) {
		t.Errorf("paths.txt has %d paths, the description %d", len(got), len(want))
	}
	for path := range endpoints() {
		if slices.Contains(want, path) == slices.Contains(unlisted, path) {
			t.Errorf("%s is served and not in the description, or it is and is called unlisted", path)
		}
	}
	b := newBox(t, Options{})
	for _, path := range want {
		name, ok := strings.CutPrefix(path, "/public/v1/")
		if !ok {
			continue
		}
		b.root.send(name, []byte(`{}`))
		b.root.send(name, []byte(`{"organizationId":"`+b.root.org+`"}`))
	}
}
