package feedbacktest

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

// troubled is a real server of its own, to be hurt.
type troubled struct {
	t    *testing.T
	addr string
	dir  string
	cmd  *exec.Cmd
	raw  *redis.Client
}

func startTroubled(t *testing.T) *troubled {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &troubled{t: t, addr: ln.Addr().String(), dir: t.TempDir()}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	s.raw = redis.NewClient(&redis.Options{Addr: s.addr, DisableIdentity: true})
	s.start()
	t.Cleanup(func() { _ = s.raw.Close(); s.kill() })
	return s
}

func (s *troubled) start() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	s.cmd = exec.CommandContext(context.WithoutCancel(s.t.Context()), "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--appendonly", "yes", "--save", "")
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, "the server answers", func() bool { return s.raw.Ping(s.t.Context()).Err() == nil })
}

// kill is kill -9.
func (s *troubled) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // it says that it was killed
}

func (s *troubled) do(args ...any) {
	s.t.Helper()
	if err := s.raw.Do(s.t.Context(), args...).Err(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *troubled) open() *feedback.Store {
	s.t.Helper()
	store, err := feedback.Open(s.t.Context(), feedback.Options{URL: "redis://" + s.addr, Guard: true})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = store.Close() })
	return store
}

// TestTrouble hurts a server in several ways: what it takes is there afterwards, what it does not take is refused so that
// the platform tells again, nothing is half written, and all goes on by itself.
func TestTrouble(t *testing.T) {
	for name, hurt := range map[string]struct{ on, off []any }{
		"out of memory":       {[]any{"CONFIG", "SET", "maxmemory", "1"}, []any{"CONFIG", "SET", "maxmemory", "0"}},
		"a read-only replica": {[]any{"REPLICAOF", "127.0.0.1", "1"}, []any{"REPLICAOF", "NO", "ONE"}},
		"replicas missing":    {[]any{"CONFIG", "SET", "min-replicas-to-write", "1"}, []any{"CONFIG", "SET", "min-replicas-to-write", "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startTroubled(t)
			s := srv.open()
			ctx, p := t.Context(), s.DB.Parts.OfProject("ACME")
			arrange(t, s, p)
			srv.do(hurt.on...)
			if _, err := s.Journal.Append(ctx, p, core.Inbound{ID: "in-1", Kind: core.InboundMessage}); core.ErrorCode(err) != core.CodeRetry {
				t.Fatalf("stored: %v", err)
			}
			c := &core.Comment{ID: "c-1", Task: theTask, Text: core.Plain("hello")}
			task, err := s.Review.Task(ctx, theTask)
			if err != nil {
				t.Fatal(err)
			}
			task.Comments++
			change := core.Change{Partition: p, Comments: []*core.Comment{c}, Tasks: []*core.Task{task}, Out: []core.Outgoing{{ID: "d-1", Kind: core.OutComment, Task: theTask}}}
			if err := s.Review.Apply(ctx, change); core.ErrorCode(err) != core.CodeRetry {
				t.Fatalf("written: %v", err)
			}
			if _, ok, err := s.Leases.Acquire(ctx, "some-lease", time.Second); ok || core.ErrorCode(err) != core.CodeRetry {
				t.Fatalf("lease given: %v %v", ok, err)
			}
			srv.do(hurt.off...)
			if in, out, _, err := s.Journal.Backlog(ctx, p); err != nil || in+out != 0 {
				t.Fatalf("half written: %d %d %v", in, out, err)
			}
			if _, err := s.Review.Comment(ctx, theTask, "c-1"); core.ErrorCode(err) != core.CodeNotFound {
				t.Fatalf("half written: %v", err)
			}
			if err := s.Review.Apply(ctx, change); err != nil {
				t.Fatal(err)
			}
			if added, err := s.Journal.Append(ctx, p, core.Inbound{ID: "in-1", Kind: core.InboundMessage}); err != nil || !added {
				t.Fatal(added, err)
			}
		})
	}
	t.Run("killed and started again", func(t *testing.T) {
		srv := startTroubled(t)
		s := srv.open()
		ctx, p := t.Context(), s.DB.Parts.OfProject("ACME")
		const n = 200
		for i := range n {
			if _, err := s.Journal.Append(ctx, p, core.Inbound{ID: core.InboundID(fmt.Sprint("in-", i)), Kind: core.InboundMessage}); err != nil {
				t.Fatal(err)
			}
		}
		srv.kill()
		if _, err := s.Journal.Append(ctx, p, core.Inbound{ID: "while-away", Kind: core.InboundMessage}); core.ErrorCode(err) != core.CodeRetry {
			t.Fatal(err)
		}
		srv.start()
		eventually(t, "it stores again", func() bool {
			_, err := s.Journal.Append(ctx, p, core.Inbound{ID: "while-away", Kind: core.InboundMessage})
			return err == nil
		})
		if got := storedIDs(t, s, p); len(got) != n+1 || !got["in-"+strconv.Itoa(n-1)] {
			t.Fatalf("%d of %d are there", len(got), n+1)
		}
	})
	t.Run("slow", func(t *testing.T) {
		srv := startTroubled(t)
		s := srv.open()
		ctx, p := t.Context(), s.DB.Parts.OfProject("ACME")
		srv.do("CLIENT", "PAUSE", "2500", "WRITE")
		// The platform tells the same thing again until it is taken; however often that is, it is stored once.
		eventually(t, "it is stored", func() bool {
			_, err := s.Journal.Append(ctx, p, core.Inbound{ID: "in-1", Kind: core.InboundMessage})
			if err != nil && core.ErrorCode(err) != core.CodeRetry {
				t.Fatal(err)
			}
			return err == nil
		})
		if got := storedIDs(t, s, p); len(got) != 1 {
			t.Fatal(got)
		}
	})
}
