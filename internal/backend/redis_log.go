package backend

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// redisTalk takes what the client of Redis says by itself, which would go to standard error in a form of its own, into
// the log of the backend that was made last: the client has one place for all.
type redisTalk struct{ to atomic.Pointer[slog.Logger] }

var redisSays = func() *redisTalk {
	t := &redisTalk{}
	redis.SetLogger(t)
	return t
}()

// Printf implements the logger of the client. What it says is a detail: whatever matters comes as an error too, and is
// told with the request that it failed.
func (t *redisTalk) Printf(ctx context.Context, format string, v ...any) {
	if log := t.to.Load(); log != nil {
		log.DebugContext(ctx, "redis client", "says", strings.TrimSpace(fmt.Sprintf(format, v...)))
	}
}
