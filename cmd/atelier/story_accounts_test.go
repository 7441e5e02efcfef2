package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/redis/go-redis/v9"
)

// grab PLATFORM WHERE REGEXP VAR: waits for a text, or a button's link, that matches and keeps the first group in an
// environment variable.
func cmdGrab(ts *testscript.TestScript, _ bool, args []string) {
	p := of(ts).panes[args[0]]
	list, rest := place(ts, p, args[1:])
	if len(rest) != 2 {
		ts.Fatalf("usage: grab PLATFORM WHERE REGEXP VAR")
	}
	re := regexp.MustCompile(rest[0])
	found := ""
	wait(ts, p, fmt.Sprintf("%v", args), func() bool {
		for _, m := range list() {
			if g := re.FindStringSubmatch(fmt.Sprint(m.text, " ", m.buttons, " ", m.raw)); g != nil {
				found = g[1]
			}
		}
		return found != ""
	})
	ts.Setenv(rest[1], found)
}

// redis has|hasnot TEXT...: whether any key or value of the store holds the text.
func cmdRedis(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	all := storeDump(ts, s)
	for _, text := range args[1:] {
		if got := strings.Contains(all, text); got != (args[0] == "has") {
			ts.Fatalf("redis %s %q: it is there: %v", args[0], text, got)
		}
	}
}

// storeDump is every key with its content as text.
func storeDump(ts *testscript.TestScript, s *story) string {
	ctx := context.Background()
	c := s.rdb.Client()
	defer func() { _ = c.Close() }()
	var b strings.Builder
	it := c.Scan(ctx, 0, "*", 1000).Iterator()
	for it.Next(ctx) {
		key := it.Val()
		fmt.Fprintln(&b, key, contentOf(ctx, c, key))
	}
	ts.Check(it.Err())
	return b.String()
}

func contentOf(ctx context.Context, c redis.UniversalClient, key string) any {
	switch c.Type(ctx, key).Val() {
	case "hash":
		return c.HGetAll(ctx, key).Val()
	case "set":
		return c.SMembers(ctx, key).Val()
	case "zset":
		return c.ZRange(ctx, key, 0, -1).Val()
	case "stream":
		return c.XRange(ctx, key, "-", "+").Val()
	}
	return c.Get(ctx, key).Val()
}
