// Package feedbacktest opens stores for tests and holds the suites that every kind of server must pass: the embedded
// one by default, a real one when ATELIER_TEST_REDIS names it.
package feedbacktest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Open returns a store of its own for one test. ATELIER_TEST_REDIS is the URL of a real server and
// ATELIER_TEST_REDIS_MODE its mode; without them an embedded server is started. Commands that touch two partitions
// fail the test on any of them.
func Open(t testing.TB) *feedback.Store {
	t.Helper()
	return OpenWith(t, core.SystemClock{})
}

// OpenWith is Open with a clock.
func OpenWith(t testing.TB, clock core.Clock) *feedback.Store {
	t.Helper()
	prefix := "t" + rdb.NewHolder()
	s, err := feedback.Open(context.Background(), feedback.Options{URL: os.Getenv("ATELIER_TEST_REDIS"), Mode: rdb.Mode(os.Getenv("ATELIER_TEST_REDIS_MODE")), Prefix: prefix, Guard: true, Clock: clock})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return s
}

// EachKey calls f with every key of the test's store and with its content as text, one after the other.
func EachKey(t testing.TB, s *feedback.Store, f func(key, content string)) {
	t.Helper()
	ctx := t.Context()
	var mu sync.Mutex
	each := func(ctx context.Context, c redis.Cmdable) error {
		it := c.Scan(ctx, 0, s.DB.Keys.Prefix+":*", 1000).Iterator()
		for it.Next(ctx) {
			key := it.Val()
			var content any
			var err error
			switch c.Type(ctx, key).Val() {
			case "hash":
				content, err = c.HGetAll(ctx, key).Result()
			case "string":
				content, err = c.Get(ctx, key).Result()
			case "set":
				content, err = c.SMembers(ctx, key).Result()
			case "zset":
				content, err = c.ZRange(ctx, key, 0, -1).Result()
			case "stream":
				content, err = c.XRange(ctx, key, "-", "+").Result()
			}
			if err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			mu.Lock() // a Cluster's masters are asked at the same time
			f(key, fmt.Sprint(content))
			mu.Unlock()
		}
		return it.Err()
	}
	var err error
	if c, ok := s.DB.Client.(*redis.ClusterClient); ok {
		err = c.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return each(ctx, c) })
	} else {
		err = each(ctx, s.DB.Client)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Lease takes a partition's lease.
func Lease(t testing.TB, s *feedback.Store, p core.Partition) core.Lease {
	t.Helper()
	l, ok, err := s.Leases.Acquire(t.Context(), string(p), time.Minute)
	if err != nil || !ok {
		t.Fatalf("lease of %s: %v %v", p, ok, err)
	}
	return l
}

// Steal gives the partition to a new holder, as when the old one froze for longer than its lease.
func Steal(t testing.TB, s *feedback.Store, old core.Lease) core.Lease {
	t.Helper()
	if err := s.DB.Client.Del(t.Context(), s.DB.Keys.Lease(old.Name)).Err(); err != nil {
		t.Fatal(err)
	}
	return Lease(t, s, core.Partition(old.Name))
}
