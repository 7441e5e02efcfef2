package feedbacktest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

func TestInstalls(t *testing.T) {
	s, ctx := Open(t).People, t.Context()
	if list, rev, err := s.Installs(ctx, core.Slack); len(list) != 0 || rev != 0 || err != nil {
		t.Fatal(list, rev, err)
	}
	if rev, err := s.InstallRevision(ctx, core.Slack); rev != 0 || err != nil {
		t.Fatal(rev, err)
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	put := func(i *core.Install) error { i.BotUser, i.At = "U1", at; return nil }
	// Several replicas change several teams at once: nothing is lost.
	var wg sync.WaitGroup
	teams := []string{"T1", "T2", "T3", "T4"}
	for _, team := range teams {
		wg.Go(func() {
			if err := s.ChangeInstall(ctx, core.Slack, team, put); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, rev, err := s.Installs(ctx, core.Slack)
	if err != nil || len(list) != len(teams) || list[0].Team != "T1" || list[0].V != core.RecordVersion || !list[3].At.Equal(at) {
		t.Fatalf("%+v %v", list, err)
	}
	if now, err := s.InstallRevision(ctx, core.Slack); now != rev || err != nil {
		t.Fatal(now, rev, err)
	}
	stop := errors.New("no")
	if err := s.ChangeInstall(ctx, core.Slack, "T1", func(*core.Install) error { return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if dropped, err := s.DropInstall(ctx, core.Slack, "T1", at.Add(-time.Second)); dropped || err != nil {
		t.Fatal("a newer install was dropped", err)
	}
	for _, want := range []bool{true, false} {
		if dropped, err := s.DropInstall(ctx, core.Slack, "T1", at); dropped != want || err != nil {
			t.Fatal(dropped, err)
		}
	}
	if list, _, _ := s.Installs(ctx, core.Slack); len(list) != 3 {
		t.Fatal(list)
	}
}
