package slack

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

func TestEventsOfTwoConnectionsAreStoredByTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSequencer(core.SystemClock{})
		var wg sync.WaitGroup
		var got []string
		put := func(link int64, ts string) {
			s.put(t.Context(), link, "C1", ts, func(f func()) { wg.Go(f) }, func() { got = append(got, ts) })
		}
		put(1, "1.000001")
		put(2, "1.000003")
		put(1, "1.000002")
		put(2, "1.000006")
		put(2, "1.000007")
		time.Sleep(hold / 2)
		put(1, "1.000004")
		put(1, "1.000005")
		wg.Wait()
		if want := []string{"1.000001", "1.000002", "1.000003", "1.000004", "1.000005", "1.000006", "1.000007"}; !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
	})
}

func TestQuietTalkIsStoredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSequencer(core.SystemClock{})
		var wg sync.WaitGroup
		for n, ts := range []string{"1.1", "1.2", "1.3"} {
			said, stored := time.Now(), time.Time{}
			s.put(t.Context(), int64(n), "C1", ts, func(f func()) { wg.Go(f) }, func() { stored = time.Now() })
			wg.Wait()
			if stored != said {
				t.Errorf("%s waited %s", ts, stored.Sub(said))
			}
			time.Sleep(together)
		}
	})
}

func TestTurn(t *testing.T) {
	for payload, want := range map[string]string{
		`{"event":{"type":"message","channel":"C","ts":"1.1","event_ts":"1.1"}}`:                             "C 1.1",
		`{"event":{"type":"message","subtype":"message_changed","channel":"C","ts":"1.1","event_ts":"1.2"}}`: "C 1.2",
		`{"event":{"type":"reaction_added","item":{"channel":"C","ts":"1.1"},"event_ts":"1.3"}}`:             "C 1.3",
		`{"event":{"type":"channel_rename","channel":{"id":"C"},"event_ts":"1.3"}}`:                          "",
		`{"event":{"type":"app_home_opened"}}`:                                                               "",
		`nonsense`:                                                                                           "",
	} {
		channel, ts, ok := turn([]byte(payload))
		got := ""
		if ok {
			got = channel + " " + ts
		}
		if got != want {
			t.Errorf("%s: %q, want %q", payload, got, want)
		}
	}
}
