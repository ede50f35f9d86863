package backend

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/turnkey"
)

// mailings are the e-mails that were answered for and are not sent yet. Whoever has an account costs the service more
// questions than whoever has none, so an answer that waited for them would tell by its time: it is given before the
// first, and the questions follow here. So many at once, each for callLimit at most; who comes when all places are
// taken is refused before anything is counted for him.
type mailings struct {
	places chan struct{}
	ctx    context.Context // of all of them
	cancel context.CancelFunc
	ending sync.Mutex // whose holder gathers the places
}

const (
	// mailingsMost is how many there are at once: of the ten a second that Limits.TotalSends lets through by default, each
	// may take six.
	mailingsMost    = 64
	mailingsSeconds = 5 // after how many seconds one may ask again when there are as many
)

func newMailings() *mailings {
	m := &mailings{places: make(chan struct{}, mailingsMost)}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// place takes a place, to be given back by leave. Errors: fault.BackendBusy when there is none.
func (m *mailings) place() error {
	select {
	case m.places <- struct{}{}:
		return nil
	default:
		return &fault.Error{Kind: fault.BackendBusy.Kind(), Code: fault.BackendBusy, RetryAfter: mailingsSeconds * time.Second,
			Err: show("too many e-mails are on their way")}
	}
}

func (m *mailings) leave() { <-m.places }

// wait returns once every place is free, or at the end of ctx with its error. Whoever asks for a place meanwhile may
// be refused.
func (m *mailings) wait(ctx context.Context) error {
	m.ending.Lock()
	defer m.ending.Unlock()
	for gathered := range mailingsMost {
		select {
		case m.places <- struct{}{}:
		case <-ctx.Done():
			for range gathered {
				m.leave()
			}
			return ctx.Err()
		}
	}
	for range mailingsMost {
		m.leave()
	}
	return nil
}

// Finish waits until what was answered for is done, or for the end of ctx, whose error it returns. It is for the end,
// between the last request and [Backend.Close].
func (b *Backend) Finish(ctx context.Context) error { return b.mailings.wait(ctx) }

// mailing is one e-mail with a key.
type mailing struct {
	id, contact string   // of the call, for the log
	private     []string // what must not stand in the log
	find        func(context.Context) (organizationID string, err error)
	params      turnkey.EmailAuthParams
}

// mail sends m in a place that its caller took, and gives that back. What became of it stands in the log and the metrics,
// since nobody else is told.
func (b *Backend) mail(m mailing) {
	defer b.mailings.leave()
	began := time.Now()
	var t trail
	ctx, cancel := context.WithTimeout(t.follow(b.mailings.ctx), callLimit)
	defer cancel()
	outcome, err := b.deliver(ctx, m)
	b.metrics.mail(outcome, err)
	level := slog.LevelInfo
	attrs := []slog.Attr{slog.String("id", m.id), slog.String("contact", m.contact), slog.String("outcome", outcome), slog.Duration("took", time.Since(began))}
	if ids := t.seen(); len(ids) > 0 {
		attrs = append(attrs, slog.Any("activities", ids))
	}
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("reason", string(fault.CodeOf(err))), slog.String("err", scrubbed(err, m.private)))
	}
	b.c.Log.LogAttrs(ctx, level, "e-mail", attrs...)
}

// What can become of an e-mail.
const (
	mailSent   = "sent"
	mailNobody = "nobody" // to send it to
	mailFailed = "failed"
)

func (b *Backend) deliver(ctx context.Context, m mailing) (outcome string, err error) {
	defer func() {
		if p := recover(); p != nil { // nobody else would catch it
			b.c.Log.Error("panic", "id", m.id, "value", scrubbed(fmt.Errorf("%v", p), m.private), "stack", string(debug.Stack()))
			outcome, err = mailFailed, fault.New(fault.Internal, nil)
		}
	}()
	to, err := m.find(ctx)
	switch {
	case err != nil:
		return mailFailed, err
	case to == "":
		return mailNobody, nil
	}
	if err := b.api.EmailAuth(ctx, to, m.params); err != nil {
		return mailFailed, err
	}
	return mailSent, nil
}
