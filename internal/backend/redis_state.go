package backend

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// redisLimits count for all replicas. What this one has let through it remembers itself too: a Redis that has lost its
// memory does not give everybody everything anew.
type redisLimits struct {
	r   *shared
	own *memoryLimits
}

func (l *redisLimits) take(ctx context.Context, of ...quota) error {
	if err := l.count(ctx, true, of); err != nil {
		return err
	}
	_ = l.own.take(ctx, of...) // another request may have filled it since it was looked at: Redis has decided
	return nil
}

func (l *redisLimits) room(ctx context.Context, of ...quota) error { return l.count(ctx, false, of) }

func (l *redisLimits) count(ctx context.Context, counts bool, all []quota) error {
	args := []any{"0"}
	if counts {
		args[0] = "1"
	}
	var of []quota
	var keys []string
	for _, q := range all {
		if q.most >= 0 {
			of = append(of, q)
			keys = append(keys, l.r.name("limit", q.key+"\x00"+q.span.String()))
			args = append(args, q.most, q.span.Microseconds())
		}
	}
	if len(of) == 0 {
		return nil
	}
	if err := l.own.room(ctx, of...); err != nil {
		return err
	}
	v, err := l.r.run(ctx, countScript, keys, args...)
	if err != nil {
		return err
	}
	answer, _ := v.([]any)
	if len(answer) != 2 {
		return unread(v)
	}
	full, _ := answer[0].(int64)
	text, _ := answer[1].(string)
	wait, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || full < 0 || full > int64(len(of)):
		return unread(v)
	case full > 0:
		return of[full-1].over(time.Duration(wait) * time.Microsecond)
	}
	return nil
}

// unread is for an answer that no script of ours gives.
func unread(v any) error { return away(fmt.Errorf("an answer of Redis that cannot be read: %T", v)) }

type redisAttempts struct{ r *shared }

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func (a redisAttempts) begin(ctx context.Context, id string, begun attempt) error {
	// The code is on its way, so it is not for Redis to say that it was not sent.
	_ = a.r.must(ctx, attemptLife, beginScript, a.r.name("attempt", id), flag(begun.encrypted), begun.contact, codeLife.Milliseconds(), attemptLife.Milliseconds())
	return nil
}

func (a redisAttempts) spend(ctx context.Context, id string, encrypted bool) (attempt, bool, error) {
	v, err := a.r.run(ctx, spendScript, []string{a.r.name("attempt", id)}, flag(encrypted), triesMax)
	if err != nil {
		return attempt{}, false, err
	}
	answer, _ := v.([]any)
	if len(answer) == 0 {
		return attempt{}, false, nil
	}
	if len(answer) != 4 {
		return attempt{}, false, unread(v)
	}
	generation, _ := answer[0].(string)
	contact, _ := answer[1].(string)
	tries, ok := answer[2].(int64)
	over, whole := answer[3].(int64)
	if !ok || !whole {
		return attempt{}, false, unread(v)
	}
	return attempt{encrypted: generation == "1", contact: contact, tries: int(tries), over: over != 0}, true, nil
}

func (a redisAttempts) refund(ctx context.Context, id string) error {
	_, err := a.r.run(context.WithoutCancel(ctx), refundScript, []string{a.r.name("attempt", id)})
	return err
}

func (a redisAttempts) finish(ctx context.Context, id string) error {
	_, err := a.r.run(context.WithoutCancel(ctx), putScript, []string{a.r.name("attempt", id)}, "", 0)
	return err
}

// redisRecords keep sign-ups as JSON, without anything of whom they are for.
type redisRecords struct{ r *shared }

type signUpJSON struct {
	Body string
	Name string
	Made made
}

func (s redisRecords) get(ctx context.Context, slot string) (signUp, bool, error) {
	v, err := s.r.run(ctx, getScript, []string{s.r.name("sign-up", slot)})
	if err != nil || v == nil {
		return signUp{}, false, err
	}
	text, _ := v.(string)
	var in signUpJSON
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return signUp{}, false, unread(v)
	}
	return signUp{body: in.Body, name: in.Name, made: in.Made}, true, nil
}

func (s redisRecords) put(ctx context.Context, slot string, v signUp, life time.Duration) error {
	text, err := json.Marshal(signUpJSON{v.body, v.name, v.made})
	if err != nil {
		return err
	}
	_, err = s.r.run(context.WithoutCancel(ctx), putScript, []string{s.r.name("sign-up", slot)}, string(text), life.Milliseconds())
	return err
}

func (s redisRecords) drop(ctx context.Context, slot string) error {
	_, err := s.r.run(context.WithoutCancel(ctx), putScript, []string{s.r.name("sign-up", slot)}, "", 0)
	return err
}

type redisMarks struct{ r *shared }

func (m redisMarks) mark(ctx context.Context, key string, life time.Duration) error {
	_, err := m.r.run(context.WithoutCancel(ctx), putScript, []string{m.r.name("mark", key)}, "1", life.Milliseconds())
	return err
}

func (m redisMarks) marked(ctx context.Context, key string) (bool, error) {
	v, err := m.r.run(ctx, getScript, []string{m.r.name("mark", key)})
	return v != nil, err
}

type redisCounters struct{ r *shared }

func (c redisCounters) rise(ctx context.Context, key string, n uint32, life time.Duration) (bool, error) {
	v, err := c.r.run(ctx, riseScript, []string{c.r.name("counter", key)}, strconv.FormatUint(uint64(n), 10), life.Milliseconds())
	if err != nil {
		return false, err
	}
	rises, ok := v.(int64)
	if !ok {
		return false, unread(v)
	}
	return rises == 1, nil
}

// redisQueue gives turns among all replicas. Those of one replica wait for each other here, and only the first of them
// asks Redis.
type redisQueue struct {
	r     *shared
	local turns
}

const (
	// turnTaking is how long a turn lasts that Redis gave and nobody took, because the answer was lost.
	turnTaking = 3 * time.Second
	// How often a turn that somebody else has is asked for.
	turnAsked     = 20 * time.Millisecond
	turnAskedLast = 250 * time.Millisecond
)

func (q *redisQueue) take(ctx context.Context, name string) (place, error) {
	done, err := q.local.take(ctx, name)
	if err != nil {
		return nil, noTurn(err)
	}
	p := &redisPlace{r: q.r, key: q.r.name("turn", name), who: uuid.NewString(), leave: done}
	if err := p.come(ctx); err != nil {
		done()
		return nil, err
	}
	return p, nil
}

type redisPlace struct {
	r        *shared
	key, who string
	leave    func()
}

// come waits until the turn is one's own, and has said so twice: the first answer may come so late that the turn it
// gave is over.
func (p *redisPlace) come(ctx context.Context) error {
	for wait := turnAsked; ; wait = min(2*wait, turnAskedLast) {
		got, err := p.hold(ctx, turnTaking, true)
		if err != nil {
			return err
		}
		if got {
			if got, err = p.hold(ctx, turnLife, false); err != nil || got {
				return err
			}
		}
		timer := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return noTurn(ctx.Err())
		}
	}
}

func (p *redisPlace) hold(ctx context.Context, life time.Duration, fresh bool) (bool, error) {
	v, err := p.r.run(ctx, holdScript, []string{p.key}, p.who, life.Milliseconds(), flag(fresh))
	if err != nil {
		return false, err
	}
	got, ok := v.(int64)
	if !ok {
		return false, unread(v)
	}
	return got == 1, nil
}

func (p *redisPlace) still(ctx context.Context) error {
	switch got, err := p.hold(ctx, turnLife, false); {
	case err != nil:
		return err
	case !got:
		return away(fmt.Errorf("the turn was lost"))
	}
	return nil
}

func (p *redisPlace) done() {
	defer p.leave()
	_ = p.r.must(context.Background(), turnLife, leaveScript, p.key, p.who) // else it ends by itself
}
