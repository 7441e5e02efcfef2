package demo

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestWeek plays the whole week: each step must show what it says, in both apps where it says so.
func TestWeek(t *testing.T) {
	if raceDetector {
		t.Skip("under the race detector, beside the stories, the machine is too slow for Discord's three seconds; the stories run there")
	}
	w, err := Start(t.Context(), Options{Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := w.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	var told strings.Builder
	if err := w.PlayWeek(t.Context(), &told); err != nil {
		t.Fatalf("%v\n%s", err, told.String())
	}
	if days := strings.Count(told.String(), "day:"); days != 5 {
		t.Errorf("a week of %d days", days)
	}
}

func TestSteps(t *testing.T) {
	for line, want := range map[string]step{
		"slack ada: /imagine a boat => ACME-1":       {platform: "slack", who: "ada", text: "/imagine a boat", want: "ACME-1", both: true},
		"discord ben in ACME-2: nice: a boat":        {platform: "discord", who: "ben", task: "ACME-2", text: "nice: a boat"},
		"slack ada reacts thumbsup: nice":            {platform: "slack", who: "ada", reacts: "thumbsup", text: "nice"},
		"slack ada opens home -> Hello":              {platform: "slack", who: "ada", home: true, want: "Hello"},
		"discord ben: atelier vary version=v1 -> ok": {platform: "discord", who: "ben", text: "atelier vary version=v1", want: "ok"},
	} {
		if got, err := parseStep(line); err != nil || got != want {
			t.Errorf("%q is %+v (%v)", line, got, err)
		}
	}
	for _, line := range []string{"ada: hello", "slack", "slack ada jumps: high", "mail ada: hello"} {
		if _, err := parseStep(line); err == nil {
			t.Errorf("%q is a step", line)
		}
	}
}
