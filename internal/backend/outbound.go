package backend

import (
	"context"
	"net/http"
	"time"

	"github.com/go-redis/redis_rate/v10"

	"latchkey/internal/fault"
)

// The service allows each address so many requests a second, whoever sends them. All replicas behind one address share
// one bucket, so that the service has nothing to refuse; and where there is not enough for all, log-ins go first.

// aheadMost is how far ahead a request of a log-in is booked, and how long any request waits for its place.
const aheadMost = 5 * time.Second

type firstKey struct{}

// first marks what is asked of the API under ctx as part of a log-in.
func first(ctx context.Context) context.Context { return context.WithValue(ctx, firstKey{}, true) }

// paced sends requests to the API at its rate.
type paced struct {
	bucket bucket
	next   http.RoundTripper
}

// RoundTrip sends r when it is its turn, and refuses it with fault.APILimited, as the service would, when that is too
// far away.
func (p paced) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := p.pace(r.Context()); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	return p.next.RoundTrip(r)
}

func (p paced) pace(ctx context.Context) error {
	isFirst, _ := ctx.Value(firstKey{}).(bool)
	for waited := time.Duration(0); ; {
		wait, booked, err := p.bucket.book(ctx, isFirst)
		switch {
		case err != nil:
			return err
		case booked && wait <= 0:
			return nil
		case !booked && (isFirst || waited+wait > aheadMost):
			return &fault.Error{Kind: fault.APILimited.Kind(), Code: fault.APILimited, RetryAfter: wait}
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		if booked {
			return nil
		}
		waited += wait
	}
}

// redisBucket is the bucket of all replicas, by redis_rate: a leaky bucket whose limit may differ from caller to
// caller. What is first has a deeper one, and waits for what it took in advance.
type redisBucket struct {
	r       *shared
	limiter *redis_rate.Limiter
	rate    int
	key     string
}

func newRedisBucket(r *shared, rate int) redisBucket {
	return redisBucket{r, redis_rate.NewLimiter(r.client), rate, r.name("outbound", "")}
}

func (b redisBucket) book(ctx context.Context, isFirst bool) (time.Duration, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, b.r.limit)
	defer cancel()
	limit := redis_rate.Limit{Rate: b.rate, Burst: b.rate, Period: time.Second}
	if isFirst {
		limit.Burst += b.rate * int(aheadMost/time.Second)
	}
	got, err := b.limiter.Allow(ctx, b.key, limit)
	if err != nil {
		return 0, false, away(err)
	}
	if got.Allowed == 0 {
		return got.RetryAfter, false, nil
	}
	return max(0, got.ResetAfter-time.Second), true, nil // what a second brings may go at once
}
