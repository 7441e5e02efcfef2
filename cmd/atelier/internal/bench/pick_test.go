package bench

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

const (
	pickFew, pickMany = 10, 100_000
	pickRound         = 200 // jobs picked and finished before the other queue has its turn
	pickWanted        = 1.3
	fairOthers        = 1000
	fairLong          = 10_000
)

// jobStore is a store with the partition that all of its jobs lie in.
type jobStore struct {
	*feedback.Store
	part   core.Partition
	lease  core.Lease
	people []core.PersonID
	next   int
}

func openJobs(b *testing.B, people int) *jobStore {
	b.Helper()
	st, err := feedback.Open(b.Context(), feedback.Options{URL: startRedis(b).url})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	s := &jobStore{Store: st, part: "u00"}
	for i := 0; len(s.people) < people; i++ {
		if id := core.PersonID(fmt.Sprint("p-", i)); st.DB.Parts.OfPerson(id) == s.part {
			s.people = append(s.people, id)
		}
	}
	l, ok, err := st.Leases.Acquire(b.Context(), string(s.part), time.Hour)
	if err != nil || !ok {
		b.Fatal(ok, err)
	}
	s.lease = l
	return s
}

// queue puts n jobs into somebody's queue.
func (s *jobStore) queue(b *testing.B, person core.PersonID, n int) {
	b.Helper()
	at := time.Now().Add(-time.Hour)
	for range n {
		s.next++
		v := core.VersionID{Task: core.MakeTaskID("ACME", s.next), No: 1}
		j := core.Job{ID: core.MakeJobID(v), Version: v, Person: person, Provider: "sketch", State: core.JobQueued, CreatedAt: at, Request: core.Request{Prompt: "a boat", Full: "a boat"}}
		if _, err := s.Jobs.Submit(b.Context(), j); err != nil {
			b.Fatal(err)
		}
	}
}

// pick takes the next job, as the scheduler does when a run ends.
func (s *jobStore) pick(ctx context.Context, b *testing.B) (j core.Job, took time.Duration) {
	b.Helper()
	began := time.Now()
	list, err := s.Jobs.Claim(ctx, s.part, s.lease, began, 1, map[core.ProviderName]int{"sketch": 1})
	took = time.Since(began)
	if err != nil || len(list) != 1 {
		b.Fatal("nothing to pick", err)
	}
	if _, err := s.Jobs.Move(ctx, list[0].ID, list[0].Person, core.JobDone); err != nil {
		b.Fatal(err)
	}
	return list[0], took
}

// BenchmarkPick measures what picking a job takes with few and with very many jobs queued, in alternating rounds; and how
// long people with one job wait beside one with a long queue.
func BenchmarkPick(b *testing.B) {
	people := 50
	var few, many []time.Duration
	own := 0
	for b.Loop() {
		small, large := openJobs(b, people), openJobs(b, people)
		for _, p := range large.people {
			large.queue(b, p, size(pickMany)/people)
		}
		for range 10 {
			for _, p := range small.people[:pickRound/20] {
				small.queue(b, p, pickFew)
			}
			for range pickRound / 2 {
				_, took := small.pick(b.Context(), b)
				few = append(few, took)
				_, took = large.pick(b.Context(), b)
				many = append(many, took)
			}
		}
		own = beside(b)
	}
	slices.Sort(few)
	slices.Sort(many)
	ratio := float64(quantile(many, 0.5)) / float64(quantile(few, 0.5))
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(float64(own), "jobs-before")
	b.ReportMetric(0, "ns/op")
	b.Logf("picking a job takes %.3f ms with up to %d queued and %.3f ms with %d: %.2f times (wanted: at most %.1f); %d people with one job each were all served after %d jobs of the one with %d (wanted: at most %d)",
		ms(quantile(few, 0.5)), pickRound/20*pickFew, ms(quantile(many, 0.5)), size(pickMany), ratio, pickWanted, fairOthers, own, size(fairLong), fairOthers)
	if ratio > pickWanted {
		b.Errorf("ratio %.2f is above %.1f", ratio, pickWanted)
	}
	if own > fairOthers {
		b.Errorf("%d jobs of one account went first", own)
	}
}

// beside serves many people with one job each beside one with a long queue, who came first, and counts the jobs of that
// one until the last of the others is served.
func beside(b *testing.B) (own int) {
	s := openJobs(b, fairOthers+1)
	s.queue(b, s.people[0], size(fairLong))
	for _, p := range s.people[1:] {
		s.queue(b, p, 1)
	}
	for others := 0; others < fairOthers; {
		if j, _ := s.pick(b.Context(), b); j.Person == s.people[0] {
			own++
		} else {
			others++
		}
	}
	return own
}
