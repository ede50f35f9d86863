package backend

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"latchkey/internal/need"
)

// RedisServer is a real redis-server of the test's own, on a free port of loopback, in a folder that is gone with it.
type RedisServer struct {
	Addr    string
	Control *redis.Client // the test's own connections

	t    testing.TB
	args []string
	cmd  *exec.Cmd
	dead chan struct{}
}

// StartRedis starts one that keeps on disk what it acknowledges.
func StartRedis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	need.Command(t, "redis-server")
	dir, err := os.MkdirTemp("", "latchkey-redis-")
	if err != nil {
		t.Fatal(err)
	}
	s := &RedisServer{t: t}
	t.Cleanup(func() {
		s.Kill()
		_ = os.RemoveAll(dir)
	})
	for range 20 { // another process may take the port first
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.Addr = free.Addr().String()
		_ = free.Close()
		_, port, _ := net.SplitHostPort(s.Addr)
		s.args = append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "yes",
			"--appendfsync", "everysec", "--logfile", filepath.Join(dir, "log"), "--repl-diskless-sync-delay", "0"}, args...)
		if s.Start() {
			return s
		}
	}
	t.Fatal("no redis-server came up")
	return nil
}

// URL is its address as a setting.
func (s *RedisServer) URL() Secret { return SecretOf("redis://" + s.Addr + "/0") }

// Start starts it, again after Kill, and waits until it answers. It reports whether it did.
func (s *RedisServer) Start() bool {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", s.args...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.dead = make(chan struct{})
	go func(cmd *exec.Cmd, dead chan struct{}) {
		_ = cmd.Wait()
		close(dead)
	}(s.cmd, s.dead)
	s.Control = redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, DialTimeout: time.Minute, ReadTimeout: time.Minute, DisableIdentity: true})
	for {
		if s.Control.Ping(context.Background()).Err() == nil {
			return true
		}
		select {
		case <-s.dead:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Kill ends it at once, if it runs.
func (s *RedisServer) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.dead
	_ = s.Control.Close()
	s.cmd = nil
}

// Pause stops its clock and its ears, and Resume goes on.
func (s *RedisServer) Pause()  { s.signal(stopSignal) }
func (s *RedisServer) Resume() { s.signal(goOnSignal) }

func (s *RedisServer) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Do runs a command of Redis.
func (s *RedisServer) Do(args ...any) {
	s.t.Helper()
	if err := s.Control.Do(context.Background(), args...).Err(); err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
}

// Follow makes it a replica of another, and waits until it has everything.
func (s *RedisServer) Follow(of *RedisServer) {
	s.t.Helper()
	host, port, _ := net.SplitHostPort(of.Addr)
	s.Do("REPLICAOF", host, port)
	for range 12_000 {
		info, err := s.Control.Info(context.Background(), "replication").Result()
		if err == nil && strings.Contains(info, "master_link_status:up") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal("no replication")
}

// Offset is how much a replica has of what its primary wrote.
func (s *RedisServer) Offset() (n int64) {
	s.t.Helper()
	info, err := s.Control.Info(context.Background(), "replication").Result()
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.SplitSeq(info, "\n") {
		if text, ok := strings.CutPrefix(line, "slave_repl_offset:"); ok {
			_, err = fmt.Sscan(text, &n)
		}
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// Everything returns all keys and values as text, and the keys that have no end.
func (s *RedisServer) Everything() (text string, endless []string) {
	s.t.Helper()
	ctx := context.Background()
	var b strings.Builder
	keys, err := s.Control.Keys(ctx, "*").Result()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, k := range keys {
		if ttl := s.Control.PTTL(ctx, k).Val(); ttl == -1 {
			endless = append(endless, k)
		}
		fmt.Fprintln(&b, k, s.Control.Get(ctx, k).Val(), s.Control.HGetAll(ctx, k).Val(), s.Control.LRange(ctx, k, 0, -1).Val())
	}
	return b.String(), endless
}

// Lapse lets the time of every key of a pattern pass, which is at most life away. One at least there must be.
func (s *RedisServer) Lapse(pattern string, life time.Duration) {
	s.t.Helper()
	ctx := context.Background()
	keys, err := s.Control.Keys(ctx, pattern).Result()
	if err != nil || len(keys) == 0 {
		s.t.Fatalf("no key is like %s: %v", pattern, err)
	}
	for _, k := range keys {
		if ends := s.Control.PTTL(ctx, k).Val(); ends <= 0 || ends > life {
			s.t.Errorf("%s ends in %v", k, ends)
		}
		s.Do("PEXPIRE", k, 1)
	}
}
