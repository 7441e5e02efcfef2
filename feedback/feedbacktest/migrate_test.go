package feedbacktest

import (
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

func counts(t *testing.T, s *feedback.Store) map[string]int {
	t.Helper()
	all, err := s.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, states := range all.Jobs {
		for state, n := range states {
			if n != 0 {
				out[state] += n
			}
		}
	}
	return out
}

func same(t *testing.T, got map[string]int, want map[string]int) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("counted %v, should be %v", got, want)
	}
	for k, n := range want {
		if got[k] != n {
			t.Fatalf("counted %v, should be %v", got, want)
		}
	}
}

func TestJobsAreCountedByState(t *testing.T) {
	s := Open(t)
	p, who := samePartition(s, 2)
	base := time.Now().Add(-time.Hour)
	handed := job(who[1], 9, base)
	handed.State = core.JobHandedOff
	submit(t, s, job(who[0], 1, base), job(who[0], 2, base), job(who[0], 3, base), job(who[1], 4, base), handed)
	submit(t, s, job(who[0], 1, base)) // told twice
	same(t, counts(t, s), map[string]int{"queued": 4, "handed_off": 1})
	list := claim(t, s, p, Lease(t, s, p), time.Now(), 2, 1)
	if len(list) != 2 {
		t.Fatal(list)
	}
	same(t, counts(t, s), map[string]int{"queued": 2, "running": 2, "handed_off": 1})
	move := func(j core.Job, to core.JobState) {
		t.Helper()
		if _, err := s.Jobs.Move(t.Context(), j.ID, j.Person, to); err != nil {
			t.Fatal(err)
		}
	}
	move(list[0], core.JobRunning)
	move(list[0], core.JobUnknown)
	move(list[0], core.JobDone)
	move(handed, core.JobCancelled)
	if err := s.Jobs.Return(t.Context(), p, list[1]); err != nil {
		t.Fatal(err)
	}
	same(t, counts(t, s), map[string]int{"queued": 3})

	// What was stored before anybody counted is counted by the migration, by one process however many begin.
	for _, p := range s.DB.Parts.All() {
		if err := s.DB.Client.Del(t.Context(), s.DB.Keys.Counts(p)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	same(t, counts(t, s), map[string]int{})
	if err := s.DB.Client.HDel(t.Context(), s.DB.Keys.Meta(), "schema").Err(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	did := 0
	for range 3 {
		wg.Go(func() {
			steps, err := s.Migrate(t.Context(), nil)
			mu.Lock()
			defer mu.Unlock()
			if did += len(steps); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	same(t, counts(t, s), map[string]int{"queued": 3})
	if have, all, err := s.Schema(t.Context()); err != nil || have != all || did != all {
		t.Fatalf("%d of %d migrations are noted, %d were done: %v", have, all, did, err)
	}
}

func TestTheSurveyTellsWhatWaits(t *testing.T) {
	s := Open(t)
	p := s.DB.Parts.OfProject("ACME")
	before := time.Now().Add(-time.Second)
	if _, err := s.Journal.Append(t.Context(), p, core.Inbound{ID: "m-1", Kind: core.InboundMessage, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	all, err := s.Survey(t.Context())
	if err != nil || all.Inbounds != 1 || all.Outgoings != 0 || all.OldestInbound.Before(before) || !all.OldestOutgoing.IsZero() {
		t.Fatalf("%+v %v", all, err)
	}
	if s.Pool().Total == 0 {
		t.Error("no connection is counted")
	}
}

func TestServersSayWhatTheyAre(t *testing.T) {
	list, err := Open(t).Servers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if refused, _ := v.Verdict(); len(refused) > 0 {
			t.Errorf("%+v is refused: %v", v, refused)
		}
	}
	for _, c := range []struct {
		v              feedback.Server
		refuses, warns int
	}{
		{feedback.Server{Version: "7.0.15", Policy: "noeviction", AOF: true}, 0, 0},
		{feedback.Server{Version: "6.0.9", Policy: "noeviction", AOF: true}, 1, 0},
		{feedback.Server{Version: "8.2.1", Policy: "allkeys-lru", MaxMemory: 1 << 30, AOF: true}, 1, 0},
		{feedback.Server{Version: "7.2.4", Policy: "volatile-lru", MaxMemory: 1 << 30, Snapshots: true}, 0, 2},
		{feedback.Server{Version: "7.2.4", Policy: "noeviction"}, 0, 1},
		{feedback.Server{}, 0, 1},
	} {
		if r, w := c.v.Verdict(); len(r) != c.refuses || len(w) != c.warns {
			t.Errorf("%+v: refused %v, warned %v", c.v, r, w)
		}
	}
}
