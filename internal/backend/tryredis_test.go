package backend

import (
	"context"
	"strings"
	"testing"

	"latchkey/internal/fault"
)

func TestRedisIsTriedBeforeABackendIsStarted(t *testing.T) {
	c := Config{OrganizationID: "o"}
	if err := TryRedis(t.Context(), c); err != nil {
		t.Errorf("without one: %v", err)
	}
	s := StartRedis(t)
	c.RedisURL = s.URL()
	if err := TryRedis(t.Context(), c); err != nil {
		t.Errorf("a good one: %v", err)
	}
	if err := s.Control.ConfigSet(context.Background(), "requirepass", "right-canary").Err(); err != nil {
		t.Fatal(err)
	}
	for name, url := range map[string]string{
		"no password": "redis://" + s.Addr, "a wrong one": "redis://:wrong-canary@" + s.Addr, "not in TLS": "rediss://:right-canary@" + s.Addr, "nobody there": "redis://:right-canary@127.0.0.1:1",
	} {
		c.RedisURL = SecretOf(url)
		if err := TryRedis(t.Context(), c); fault.CodeOf(err) != fault.BackendState || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
	c.RedisURL = SecretOf("redis://:right-canary@" + s.Addr)
	if err := TryRedis(t.Context(), c); err != nil {
		t.Errorf("the right one: %v", err)
	}
}
