package slack

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// TestPressesWhileAwayAreBounded: presses that could not be stored are answered a few at a time, and Close waits for the
// answers.
func TestPressesWhileAwayAreBounded(t *testing.T) {
	var asked, answered atomic.Int32
	hold, arrived := make(chan struct{}), make(chan struct{}, 2*maxTelling)
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		arrived <- struct{}{}
		<-hold
		answered.Add(1)
	}))
	defer srv.Close()
	a, err := New(Options{BotToken: core.NewSecret(botToken), APIURL: srv.URL + "/api/", Table: command.New()})
	if err != nil {
		t.Fatal(err)
	}
	press := core.Inbound{Kind: core.InboundPress, Reply: core.ReplyHandle{Kind: core.ReplyFollowup, Token: srv.URL + "/actions/1"}}
	for range 2 * maxTelling {
		if _, ok := a.away(t.Context(), kindActions, press, nil); !ok {
			t.Fatal("a press is acknowledged, whoever answers it")
		}
	}
	for range maxTelling {
		<-arrived
	}
	close(hold)
	a.Close()
	if asked.Load() != maxTelling || answered.Load() != maxTelling {
		t.Errorf("%d asked, %d answered", asked.Load(), answered.Load())
	}
}
