package feedbacktest

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// TestFailover kills the primary of a Sentinel set while inbounds are stored: with one replica waited for, none that was
// acknowledged is missing afterwards, and the store works again by itself. ATELIER_TEST_SENTINEL names a set that may
// be broken.
func TestFailover(t *testing.T) {
	url := os.Getenv("ATELIER_TEST_SENTINEL")
	if url == "" {
		t.Skip("ATELIER_TEST_SENTINEL names no Sentinel set")
	}
	ctx := t.Context()
	s, err := feedback.Open(ctx, feedback.Options{URL: url, Mode: rdb.Sentinel, Prefix: "t" + rdb.NewHolder(), Wait: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o, err := redis.ParseFailoverURL(url)
	if err != nil {
		t.Fatal(err)
	}
	p := s.DB.Parts.OfProject("ACME")
	stored, refused, began, killed := 0, 0, time.Now(), ""
	var away time.Duration
	for n := 0; stored < 600; {
		if stored == 200 && killed == "" {
			began = time.Now()
			killed = killPrimary(t, o)
		}
		if _, err := s.Journal.Append(ctx, p, core.Inbound{ID: core.InboundID(fmt.Sprint("in-", n)), Kind: core.InboundMessage}); err != nil {
			if core.ErrorCode(err) != core.CodeRetry {
				t.Fatal(err)
			}
			refused++
			if time.Since(began) > time.Minute {
				t.Fatal("the store did not come back: ", err)
			}
			continue // the platform tells it again
		}
		if killed != "" && away == 0 {
			away = time.Since(began)
		}
		stored++
		n++
	}
	// The client's own tries may outlast the failover, and then nothing is refused: what must hold is that another
	// server took the rest.
	if now := primary(t, o); now == killed {
		t.Fatal("the primary was not replaced: ", now)
	}
	t.Logf("away for %s, %d refused", away.Round(time.Millisecond), refused)
	got := storedIDs(t, s, p)
	for n := range stored {
		if !got[fmt.Sprint("in-", n)] {
			t.Errorf("in-%d was acknowledged and is lost", n)
		}
	}
}

// killPrimary ends the primary of the set and returns its address.
func killPrimary(t *testing.T, o *redis.FailoverOptions) string {
	t.Helper()
	addr := primary(t, o)
	c := redis.NewClient(&redis.Options{Addr: addr, DisableIdentity: true, MaxRetries: -1})
	defer c.Close()
	// It says goodbye to nobody: the replicas are left with what they have.
	_ = c.Do(t.Context(), "SHUTDOWN", "NOSAVE", "NOW", "FORCE").Err()
	return addr
}

// primary is the address of the server that the Sentinels name as the primary.
func primary(t *testing.T, o *redis.FailoverOptions) string {
	t.Helper()
	sentinel := redis.NewSentinelClient(&redis.Options{Addr: o.SentinelAddrs[0], DisableIdentity: true})
	defer sentinel.Close()
	at, err := sentinel.GetMasterAddrByName(t.Context(), o.MasterName).Result()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort(at[0], at[1])
}

func storedIDs(t *testing.T, s *feedback.Store, p core.Partition) map[string]bool {
	t.Helper()
	l := Lease(t, s, p)
	got := map[string]bool{}
	for {
		ins, _, err := s.Journal.Read(t.Context(), p, l, 500, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(ins) == 0 {
			return got
		}
		for _, in := range ins {
			if got[string(in.Item.ID)] {
				t.Errorf("%s is stored twice", in.Item.ID)
			}
			got[string(in.Item.ID)] = true
		}
	}
}

// TestSlotMoves moves the slot of a partition from one node of a Cluster to another while inbounds are stored and
// settled: everything passes, or is refused so that it can be tried again.
func TestSlotMoves(t *testing.T) {
	if os.Getenv("ATELIER_TEST_REDIS_MODE") != "cluster" {
		t.Skip("no Cluster is named")
	}
	s := Open(t)
	ctx, p := t.Context(), s.DB.Parts.OfProject("ACME")
	c, ok := s.DB.Client.(*redis.ClusterClient)
	if !ok {
		t.Fatal("no Cluster client")
	}
	slot, err := c.ClusterKeySlot(ctx, s.DB.Keys.Journal(p)).Result()
	if err != nil {
		t.Fatal(err)
	}
	l := Lease(t, s, p)
	moved := make(chan error, 1)
	go func() { moved <- moveSlot(ctx, c, int(slot)) }()
	stored, settled, done := 0, 0, false
	for began := time.Now(); !done || settled < stored; {
		if time.Since(began) > time.Minute {
			t.Fatalf("%d of %d settled", settled, stored)
		}
		select {
		case err := <-moved:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		default:
		}
		if !done || stored < 300 {
			_, err := s.Journal.Append(ctx, p, core.Inbound{ID: core.InboundID(fmt.Sprint("in-", stored)), Kind: core.InboundMessage})
			if err == nil {
				stored++
			} else if core.ErrorCode(err) != core.CodeRetry {
				t.Fatal(err)
			}
		}
		ins, _, err := s.Journal.Read(ctx, p, l, 10, 0)
		if err != nil && core.ErrorCode(err) != core.CodeRetry {
			t.Fatal(err)
		}
		for _, in := range ins {
			for {
				err := s.Review.Apply(ctx, core.Change{Partition: p, Lease: l, Handled: in.ID})
				if err == nil {
					settled++
					break
				}
				if core.ErrorCode(err) != core.CodeRetry {
					t.Fatal(err)
				}
			}
		}
	}
	if in, _, dead, err := s.Journal.Backlog(ctx, p); err != nil || in != 0 || dead != 0 {
		t.Fatal(in, dead, err)
	}
}

// moveSlot moves a slot to another master, keys and all, as redis-cli does.
func moveSlot(ctx context.Context, c *redis.ClusterClient, slot int) error {
	from, err := c.MasterForKey(ctx, "")
	if err != nil {
		return err
	}
	var to *redis.Client
	nodes := map[string]*redis.Client{}
	found := make(chan *redis.Client, 16)
	if err := c.ForEachMaster(ctx, func(_ context.Context, n *redis.Client) error { found <- n; return nil }); err != nil {
		return err
	}
	close(found)
	for n := range found {
		id, err := n.Do(ctx, "CLUSTER", "MYID").Text()
		if err != nil {
			return err
		}
		nodes[id] = n
	}
	slots, err := c.ClusterSlots(ctx).Result() //nolint:staticcheck // its successor needs Redis 7
	if err != nil {
		return err
	}
	var fromID, toID string
	for _, r := range slots {
		if slot >= r.Start && slot <= r.End {
			fromID = r.Nodes[0].ID
		}
	}
	for id, n := range nodes {
		if id == fromID {
			from = n
		} else {
			to, toID = n, id
		}
	}
	host, port := splitAddr(to.Options().Addr)
	steps := func(n *redis.Client, args ...any) {
		if err == nil {
			err = n.Do(ctx, args...).Err()
		}
	}
	steps(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", fromID)
	steps(from, "CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
	for err == nil {
		var keys []string
		if keys, err = from.ClusterGetKeysInSlot(ctx, slot, 5).Result(); len(keys) == 0 {
			break
		}
		args := []any{"MIGRATE", host, port, "", 0, 5000, "KEYS"}
		for _, k := range keys {
			args = append(args, k)
		}
		steps(from, args...)
	}
	steps(to, "CLUSTER", "SETSLOT", slot, "NODE", toID)
	steps(from, "CLUSTER", "SETSLOT", slot, "NODE", toID)
	return err
}

func splitAddr(addr string) (host string, port int) {
	for i := len(addr) - 1; i >= 0; i-- {
		if addr[i] == ':' {
			port, _ = strconv.Atoi(addr[i+1:])
			return addr[:i], port
		}
	}
	return addr, 0
}
