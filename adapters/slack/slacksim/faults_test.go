package slacksim

import (
	"testing"
	"time"
)

func TestCallFaults(t *testing.T) {
	for _, c := range []struct {
		fault    Fault
		status   int
		err      string
		accepted bool
	}{
		{Fault{Kind: "ratelimited", RetryAfter: 7}, 429, "ratelimited", false},
		{Fault{Kind: "error_before"}, 500, "", false},
		{Fault{Kind: "error_after"}, 502, "", true},
		{Fault{Kind: "drop_before"}, 0, "", false},
		{Fault{Kind: "drop_after"}, 0, "", true},
		{Fault{Kind: "invalid_auth"}, 200, "invalid_auth", false},
		{Fault{Kind: "token_revoked"}, 200, "token_revoked", false},
		{Fault{Kind: "missing_scope"}, 200, "missing_scope", false},
		{Fault{Kind: "slow", DelayMillis: 1}, 200, "", true},
		{Fault{Kind: "undecodable"}, 200, "", true},
		{Fault{Kind: "ratelimited", Method: "chat.update"}, 200, "", true},
		{Fault{Kind: "error_before", Channel: general}, 200, "", true},
		{Fault{Kind: "error_before", Skip: 1}, 200, "", true},
	} {
		t.Run(c.fault.Kind+c.fault.Method+c.fault.Channel, func(t *testing.T) {
			r := newRig(t, nil)
			if err := r.Fault(c.fault); err != nil {
				t.Fatal(err)
			}
			status, h, out := r.raw(r.opt.BotToken, "chat.postMessage", obj{"channel": acme, "text": "x"})
			if status != c.status || str(out, "error") != c.err || (len(r.Messages(acme)) == 1) != c.accepted {
				t.Fatal(status, out, r.Messages(acme))
			}
			if c.fault.RetryAfter > 0 && c.status == 429 && h.Get("Retry-After") != "7" {
				t.Fatal(h)
			}
			if c.fault.Kind == "undecodable" && len(r.Messages(acme)[0].Blocks) != 0 {
				t.Fatal("only the echo is strange")
			}
			r.ClearFaults()
			r.must("chat.postMessage", obj{"channel": acme, "text": "y"})
		})
	}
	if err := newRig(t, nil).Fault(Fault{Kind: "gremlins"}); err == nil {
		t.Fatal("unknown kind accepted")
	}
}

func TestEventFaults(t *testing.T) {
	r := newRig(t, nil)
	c := r.connect(nil)
	set := func(f Fault) {
		t.Helper()
		if err := r.Fault(f); err != nil {
			t.Fatal(err)
		}
	}
	ids := func(text string) []any {
		var out []any
		c.until("two of "+text, func() bool {
			out = nil
			for _, e := range c.seen {
				if str(event(e), "text") == text {
					out = append(out, e["payload"].(obj)["event_id"])
				}
			}
			return len(out) == 2
		})
		return out
	}
	set(Fault{Kind: "duplicate"})
	r.say(ada, acme, "", "same")
	if x := ids("same"); x[0] != x[1] {
		t.Fatal(x)
	}
	set(Fault{Kind: "duplicate", Mode: "new_event_id"})
	r.say(ada, acme, "", "fresh")
	if x := ids("fresh"); x[0] == x[1] {
		t.Fatal(x)
	}
	set(Fault{Kind: "reorder"})
	first, second := r.say(ada, acme, "", "swapped"), r.say(ada, acme, "", "swapped")
	ids("swapped")
	var order []string
	for _, e := range c.seen {
		if ev := event(e); str(ev, "text") == "swapped" {
			order = append(order, str(ev, "ts"))
		}
	}
	if order[0] != second || order[1] != first {
		t.Fatal(order)
	}
	set(Fault{Kind: "unknown_block"})
	r.say(ada, acme, "", "odd")
	blocks := c.event("message", "", func(e obj) bool { return e["text"] == "odd" })["blocks"].([]any)
	if last := blocks[len(blocks)-1].(obj); last["type"] != "actions" {
		t.Fatal(blocks)
	}
}

func TestSocketFaults(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.AckTimeout = 200 * time.Millisecond
		o.RetryIntervals = make([]time.Duration, 3)
		o.PingInterval = 5 * time.Millisecond
	})
	c := r.connect(nil)
	if err := r.Fault(Fault{Kind: "socket_disconnect", Mode: "warning"}); err != nil {
		t.Fatal(err)
	}
	c.wait("warning", func(e obj) bool { return e["type"] == "disconnect" })
	if err := r.Fault(Fault{Kind: "socket_silent"}); err != nil {
		t.Fatal(err)
	}
	r.say(ada, acme, "", "unheard")
	good := r.connect(nil)
	good.wait("handed over", func(e obj) bool { return str(event(e), "text") == "unheard" })
	if c.count(func(e obj) bool { return event(e) != nil }) != 0 {
		t.Fatal("a silent connection spoke")
	}
	if err := r.Fault(Fault{Kind: "socket_drop"}); err != nil {
		t.Fatal(err)
	}
	<-good.done
	<-c.done
}

func TestSlowFiles(t *testing.T) {
	r := newRig(t, nil)
	id := r.upload("a.png", picture(t), nil)
	if err := r.Fault(Fault{Kind: "slow_files", Times: 2}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		f := r.must("files.info", obj{"file": id})["file"].(obj)
		if (f["mimetype"] == "") != (i < 2) {
			t.Fatal(i, f["mimetype"])
		}
	}
}
