package backend

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"latchkey/internal/fault"
)

// redisLimit ends every question to Redis. Who waits for one is answered 503 after it, so it is short.
const redisLimit = time.Second

// shared is the Redis that all replicas ask. Every change is one script, so that it happens whole or not at all, by
// Redis' own clock, so that those of the replicas do not matter.
//
// Whatever goes wrong makes it stricter: a change whose answer does not come counts as refused here, and may have been
// made there. A change that must not be lost, since what it tells of has happened, is owed, and made before anything
// else once Redis is back.
type shared struct {
	client *redis.Client
	prefix string // of every key, with a hash tag: a cluster keeps all of them in one place
	hash   func(purpose, value string) string
	limit  time.Duration // of one question
	copies int           // replicas of Redis that must have a change before it counts

	mu   sync.Mutex
	debt []owed
}

type owed struct {
	script lua
	key    string
	args   []any
	ends   time.Time // afterwards it would change nothing
}

// debtMost is how many changes are owed at most. It takes as many requests in flight when Redis goes away.
const debtMost = 10_000

//go:embed scripts
var scriptFiles embed.FS

// lua is a script: run by its hash, or by its text where a pipeline cannot ask whether the hash is known.
type lua struct {
	*redis.Script
	text string
}

// A script changes or asks one part of the state.
var (
	countScript  = script("count")
	beginScript  = script("begin")
	spendScript  = script("spend")
	refundScript = script("refund")
	holdScript   = script("hold")
	leaveScript  = script("leave")
	putScript    = script("put")
	getScript    = script("get")
	riseScript   = script("rise")
)

func script(name string) lua {
	text, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err)
	}
	return lua{redis.NewScript(string(text)), string(text)}
}

// redisOptions reads the address of a Redis: redis://, rediss:// or unix://. The error does not tell it, since a
// password stands in it.
func redisOptions(url string, limit time.Duration) (*redis.Options, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("want redis://, rediss:// or unix:// with user, password, host and port or path, and database")
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = limit, limit, limit, limit
	o.ContextTimeoutEnabled = true
	o.DialerRetries, o.MaxRetries = 1, -1 // the next request tries again; a change is never made twice
	o.PoolSize = 64
	o.ConnMaxLifetime = 5 * time.Minute // after which fit looks again
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.OnConnect = fit
	return o, nil
}

// inRedis returns the state that all replicas with the same settings share. It asks nobody yet.
func inRedis(c Config, hash func(purpose, value string) string, limit time.Duration) (*state, error) {
	o, err := redisOptions(c.RedisURL.reveal(), limit)
	if err != nil {
		return nil, wrong("LATCHKEY_REDIS_URL", err.Error())
	}
	redisSays.to.Store(c.Log)
	r := &shared{client: redis.NewClient(o), hash: hash, limit: limit, copies: c.RedisCopies, prefix: "{latchkey:" + hash("redis", c.OrganizationID)[:16] + "}:1:"}
	s := &state{
		limits:   &redisLimits{r, newMemoryLimits(time.Now)},
		attempts: redisAttempts{r},
		signUps:  redisRecords{r},
		joining:  &redisQueue{r: r},
		familiar: redisMarks{r},
		counters: redisCounters{r},
		shared:   true,
		check:    r.check,
		close:    r.client.Close,
	}
	if c.APIRate > 0 {
		s.outbound = newRedisBucket(r, c.APIRate)
	}
	return s, nil
}

// fit refuses a Redis that would forget what it was told, or cannot be told anything.
func fit(ctx context.Context, conn *redis.Conn) error {
	var memory, replication *redis.StringCmd
	if _, err := conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		memory, replication = p.Info(ctx, "memory"), p.Info(ctx, "replication")
		return nil
	}); err != nil {
		return fmt.Errorf("ask Redis what it is: %w", err)
	}
	says := func(info, name string) string {
		for line := range strings.SplitSeq(info, "\n") {
			if value, ok := strings.CutPrefix(line, name+":"); ok {
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
	switch {
	case says(replication.Val(), "role") == "slave":
		return errors.New("this Redis is a replica and takes no changes")
	case says(memory.Val(), "maxmemory") != "0" && says(memory.Val(), "maxmemory_policy") != "noeviction":
		return errors.New("this Redis forgets keys when it is full: set its maxmemory-policy to noeviction")
	}
	return nil
}

// name is the key of a value in Redis. It tells nothing of the value.
func (r *shared) name(kind, key string) string {
	return r.prefix + kind + ":" + r.hash("redis "+kind, key)
}

// away is what is told when Redis cannot be asked.
func away(err error) error {
	return &fault.Error{Kind: fault.BackendState.Kind(), Code: fault.BackendState, Err: err}
}

// run runs a script, and after it waits for the copies.
func (r *shared) run(ctx context.Context, s lua, keys []string, args ...any) (any, error) {
	bound, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	if err := r.pay(bound); err != nil {
		return nil, away(err)
	}
	v, err := r.send(bound, s, keys, args...)
	if err != nil {
		return nil, away(err)
	}
	return v, nil
}

func (r *shared) send(ctx context.Context, s lua, keys []string, args ...any) (any, error) {
	if r.copies == 0 {
		v, err := s.Run(ctx, r.client, keys, args...).Result()
		if errors.Is(err, redis.Nil) {
			return nil, nil
		}
		return v, err
	}
	var answer *redis.Cmd
	var confirmed *redis.Cmd
	_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error { // on one connection, whose changes WAIT is about
		answer = p.Eval(ctx, s.text, keys, args...)
		confirmed = p.Do(ctx, "WAIT", r.copies, (r.limit / 2).Milliseconds())
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	switch have, err := confirmed.Int(); {
	case err != nil:
		return nil, err
	case have < r.copies:
		return nil, fmt.Errorf("%d of %d replicas of Redis have it", have, r.copies)
	}
	v, err := answer.Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return v, err
}

// must makes a change of something that has happened: now, or before anything else once Redis is back.
func (r *shared) must(ctx context.Context, life time.Duration, s lua, key string, args ...any) error {
	_, err := r.run(context.WithoutCancel(ctx), s, []string{key}, args...)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.debt) < debtMost {
			r.debt = append(r.debt, owed{s, key, args, time.Now().Add(life)})
		}
	}
	return err
}

// pay makes the changes that are owed. Each may have been made already, and does nothing then.
func (r *shared) pay(ctx context.Context) error {
	r.mu.Lock()
	debt := r.debt
	r.debt = nil
	r.mu.Unlock()
	for i, o := range debt {
		if !time.Now().Before(o.ends) {
			continue
		}
		if _, err := r.send(ctx, o.script, []string{o.key}, o.args...); err != nil {
			r.mu.Lock()
			r.debt = append(debt[i:], r.debt...)
			r.mu.Unlock()
			return err
		}
	}
	return nil
}

// check asks Redis whether it takes changes.
func (r *shared) check(ctx context.Context) error {
	_, err := r.run(ctx, putScript, []string{r.name("check", "")}, "1", time.Minute.Milliseconds())
	return err
}
