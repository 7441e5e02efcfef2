package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

const (
	pageFew    = 100
	pageMany   = 100_000 // comments; a tenth as many versions
	pageSize   = 20
	pageRounds = 2000
	pageWanted = 1.3
)

// BenchmarkPages measures what the last page of a task's comments and of its versions costs, with few and with very many
// of them in the task: no read may cost more as a task's history grows. Both are read in turns, so that whatever else the
// machine does meets both alike.
func BenchmarkPages(b *testing.B) {
	many := size(pageMany)
	var comments, versions float64
	for b.Loop() {
		ctx := b.Context()
		st, err := feedback.Open(ctx, feedback.Options{URL: startRedis(b).url, Prefix: programPrefix})
		if err != nil {
			b.Fatal(err)
		}
		tasks := [2]*core.Task{fillTask(b, st, 1, pageFew), fillTask(b, st, 2, many)}
		comments = inTurns(b, func(i int) error {
			list, _, err := st.Review.Comments(ctx, tasks[i].ID, tasks[i].Comments-pageSize, pageSize)
			return whole(len(list), err)
		})
		versions = inTurns(b, func(i int) error {
			list, err := st.Review.VersionsFrom(ctx, tasks[i].ID, tasks[i].Latest-pageSize+1, pageSize)
			return whole(len(list), err)
		})
		if err := st.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(comments, "comments-ratio")
	b.ReportMetric(versions, "versions-ratio")
	b.ReportMetric(0, "ns/op")
	b.Logf("the last page of %d comments costs %.2f of that of %d, of versions %.2f (wanted: at most %.1f)", many, comments, pageFew, versions, pageWanted)
	if comments > pageWanted || versions > pageWanted {
		b.Errorf("a page costs more as the history grows")
	}
}

func whole(n int, err error) error {
	if err == nil && n != pageSize {
		err = fmt.Errorf("a page of %d", n)
	}
	return err
}

// inTurns does a thing to the small and to the large task in turns and returns how the medians compare.
func inTurns(b *testing.B, read func(i int) error) float64 {
	b.Helper()
	var took [2][]time.Duration
	for n := range pageRounds {
		for i := range took {
			t := time.Now()
			if err := read(i); err != nil {
				b.Fatal(err)
			}
			if n >= pageRounds/10 { // what comes before warms up
				took[i] = append(took[i], time.Since(t))
			}
		}
	}
	return ms(quantile(took[1], 0.5)) / ms(quantile(took[0], 0.5))
}

// fillTask writes a task with so many comments, and a tenth as many versions but at least a hundred.
func fillTask(b *testing.B, st *feedback.Store, no, comments int) *core.Task {
	b.Helper()
	ctx, now := b.Context(), time.Now().UTC().Add(-time.Hour)
	id := core.MakeTaskID("ACME", no)
	t := &core.Task{ID: id, Title: "a boat", Status: core.StatusOpen, CreatedAt: now, UpdatedAt: now}
	p := st.DB.Parts.OfProject("ACME")
	for at := 0; at < comments; at += 500 {
		c := core.Change{Partition: p}
		if t.Rev == 0 {
			c.NewTask = t
		} else {
			c.Tasks = []*core.Task{t}
		}
		for i := at; i < min(comments, at+500); i++ {
			m := &core.Comment{ID: core.CommentID(fmt.Sprintf("c-%d-%d", no, i)), Task: id, Author: "p-1", Identity: "slack:T1/U1", Name: "Ada",
				Text: core.Plain(fmt.Sprintf("the light is a bit cold over here, number %d", i)), At: now.Add(time.Duration(i) * time.Millisecond)}
			t.Count(m)
			c.Comments = append(c.Comments, m)
		}
		for range max(50, 100*500/max(500, comments)) {
			if t.Latest >= max(100, comments/10) {
				break
			}
			t.Latest++
			c.Versions = append(c.Versions, &core.Version{ID: core.VersionID{Task: id, No: t.Latest}, Parent: core.ImageRef{Version: t.Latest - 1}, Provider: "sketch", PersonName: "Ada",
				Request: core.Request{V: core.RecordVersion, Op: core.OpVary, Prompt: "a boat in the fog", Full: "a boat in the fog --ar 3:2"}, State: core.JobDone, CreatedAt: now})
		}
		if err := st.Review.Apply(ctx, c); err != nil {
			b.Fatal(err)
		}
		t.Rev++
	}
	return t
}
