package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"

	"latchkey/internal/turnkey"
)

// trail is what a request of a device led to at the API: the ids of its activities, for the log, and its span, under
// which those of the API's calls stand.
type trail struct {
	span *span // of the request, nil for none

	mu         sync.Mutex
	activities []string
}

type trailKey struct{}

// follow returns a context under which what the API is asked is noted in t.
func (t *trail) follow(ctx context.Context) context.Context {
	return context.WithValue(ctx, trailKey{}, t)
}

// trailMost is how many activities are noted of one request; none makes so many.
const trailMost = 16

func (t *trail) add(activity string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.activities) < trailMost {
		t.activities = append(t.activities, activity)
	}
}

// seen returns the activities so far.
func (t *trail) seen() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.activities[:len(t.activities):len(t.activities)]
}

// asked is told of every request to the API once it is over.
func (b *Backend) asked(ctx context.Context, x turnkey.Exchange) {
	b.metrics.ask(x.Path, x.Status, x.Err, x.Duration)
	t, ok := ctx.Value(trailKey{}).(*trail)
	if ok {
		b.tracer.asked(t.span, x)
	}
	if ok && strings.HasPrefix(x.Path, "/public/v1/submit/") {
		if id := activityID(x.Response); id != "" {
			t.add(id)
		}
	}
}

// activityHead is how an answer about an activity begins, as the service writes it.
var activityHead = []byte(`{"activity":{"id":"`)

// activityID returns the id of the activity that an answer is about, or "".
func activityID(answer []byte) string {
	const length = 36
	if rest, ok := bytes.CutPrefix(answer, activityHead); ok && len(rest) > length && rest[length] == '"' {
		if id := string(rest[:length]); isUUID(id) {
			return id
		}
	}
	var out struct {
		Activity struct {
			ID string `json:"id"`
		} `json:"activity"`
	}
	if json.Unmarshal(answer, &out) != nil || !isUUID(out.Activity.ID) {
		return ""
	}
	return out.Activity.ID
}
