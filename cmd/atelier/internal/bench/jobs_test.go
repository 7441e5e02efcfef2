package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/provider/providersim"
	"github.com/atelier-bridge/atelier/adapters/vault"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

const (
	jobsQueued   = 10_000
	jobsAccounts = 50
	jobsProjects = 8
	jobsWanted   = 300.0
)

// BenchmarkJobs measures how many jobs a second go through one process, from the queue to a finished version with its
// picture, at a stand-in that answers at once. Each runs on its own person's sealed account. The tasks show in no room:
// what the platforms take is another benchmark's.
func BenchmarkJobs(b *testing.B) {
	n := size(jobsQueued)
	var rate float64
	for b.Loop() {
		rate = runJobs(b, n)
	}
	b.ReportMetric(rate, "jobs/s")
	b.ReportMetric(0, "ns/op")
	b.Logf("%d jobs on %d accounts in %d projects through one process: %.0f/s (wanted: at least %.0f)", n, jobsAccounts, jobsProjects, rate, jobsWanted)
	if rate < jobsWanted {
		b.Errorf("%.0f jobs a second are below %.0f", rate, jobsWanted)
	}
}

func runJobs(b *testing.B, n int) float64 {
	b.Helper()
	sim := providersim.New(providersim.Options{})
	srv := httptest.NewServer(sim.Handler())
	b.Cleanup(srv.Close)
	b.Cleanup(sim.Close)
	key := vault.NewKeyURL()
	url := startRedis(b).url
	a := app.New(app.Config{Addr: "127.0.0.1:0", OpsAddr: "127.0.0.1:0", RedisURL: url, RedisMode: rdb.Single, RedisPrefix: programPrefix, BlobURL: "mem://", Keys: []string{key},
		Providers: []core.ProviderName{"sketch", "openai"}, DefaultProvider: "sketch", ProviderURLs: map[core.ProviderName]string{"openai": srv.URL + "/openai"}, Drain: time.Second}, slog.New(slog.DiscardHandler))
	ctx := b.Context()
	st, err := feedback.Open(ctx, feedback.Options{URL: url, Prefix: programPrefix})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	v, err := vault.Open(ctx, []string{key}, st.DB.Workspace, st.People)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = v.Close() })
	var people []core.PersonID
	for i := range jobsAccounts {
		p, err := st.People.Meet(ctx, core.Actor{Identity: core.IdentityID(fmt.Sprint("slack:T1/U", i)), Name: fmt.Sprint("Person ", i)})
		if err != nil {
			b.Fatal(err)
		}
		secret := fmt.Sprintf("sk-bench-%020d", i)
		sim.AddKey(providersim.OpenAI, secret, p.Name, 1_000_000_000_000)
		acct := &core.AccountRecord{Person: p.ID, Provider: "openai", Number: 1, Fingerprint: fmt.Sprint("f", i), Last4: "0000", LinkedAt: time.Now().UTC()}
		sealed, err := v.Seal(ctx, acct.Label(), core.NewSecret(secret))
		if err != nil {
			b.Fatal(err)
		}
		acct.Sealed = &sealed
		if err := st.People.PutAccount(ctx, acct); err != nil {
			b.Fatal(err)
		}
		people = append(people, p.ID)
	}
	task := func(i int) core.TaskID {
		return core.MakeTaskID(core.ProjectKey(fmt.Sprint("P", i%jobsProjects)), i/jobsProjects+1)
	}
	req := core.Request{V: core.RecordVersion, Op: core.OpGenerate, Prompt: "a boat", Full: "a boat", N: 1}
	for i := range n {
		now := time.Now().UTC()
		id := core.VersionID{Task: task(i), No: 1}
		who := people[i%len(people)]
		record := &core.Task{ID: id.Task, Title: "a boat", Owner: who, Status: core.StatusOpen, Latest: 1, CreatedAt: now, UpdatedAt: now}
		ver := &core.Version{ID: id, Request: req, Provider: "openai", Person: who, State: core.JobQueued, CreatedAt: now}
		job := core.Job{ID: core.MakeJobID(id), Version: id, Person: who, Provider: "openai", Request: req, State: core.JobQueued, CreatedAt: now, Share: core.Amount{Pictures: 1}}
		if err := st.Review.Apply(ctx, core.Change{Partition: st.DB.Parts.OfProject(id.Task.Project()), NewTask: record, Versions: []*core.Version{ver}}); err != nil {
			b.Fatal(err)
		}
		if _, err := st.Jobs.Submit(ctx, job); err != nil {
			b.Fatal(err)
		}
	}
	if err := a.Start(ctx); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			b.Error(err)
		}
	})
	began := time.Now()
	untilFor(b, 5*time.Minute, "all jobs are done", func() bool {
		for _, p := range people {
			if list, err := st.Jobs.Queue(ctx, p); err != nil || len(list) > 0 {
				return false
			}
		}
		for i := range jobsProjects {
			if in, out, _, err := st.Journal.Backlog(ctx, st.DB.Parts.OfProject(task(i).Project())); err != nil || in+out > 0 {
				return false
			}
		}
		return true
	})
	took := time.Since(began)
	for i := range n {
		ver, err := st.Review.Version(ctx, core.VersionID{Task: task(i), No: 1})
		if err != nil || ver.State != core.JobDone || len(ver.Images) != 1 {
			b.Fatalf("v1 of %s: %v, %+v", task(i), err, ver)
		}
	}
	if got := len(sim.Calls()); got != n {
		b.Errorf("%d calls for %d jobs", got, n)
	}
	return float64(n) / took.Seconds()
}
