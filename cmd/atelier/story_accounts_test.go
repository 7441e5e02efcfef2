package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/atelier-bridge/atelier/adapters/provider/providersim"
)

// grab PLATFORM WHERE REGEXP VAR: waits for a text, or a button's link, that matches and keeps the first group in an
// environment variable.
func cmdGrab(ts *testscript.TestScript, _ bool, args []string) {
	p := of(ts).panes[args[0]]
	list, rest := place(ts, p, args[1:])
	if len(rest) != 2 {
		ts.Fatalf("usage: grab PLATFORM WHERE REGEXP VAR")
	}
	re := regexp.MustCompile(rest[0])
	found := ""
	wait(ts, p, fmt.Sprintf("%v", args), func() bool {
		for _, m := range list() {
			raw, err := json.Marshal(m.raw)
			ts.Check(err)
			if g := re.FindStringSubmatch(m.text + " " + strings.ReplaceAll(string(raw), "\\u0026", "&")); g != nil {
				found = g[1]
			}
		}
		return found != ""
	})
	ts.Setenv(rest[1], found)
}

// redis has|hasnot TEXT...: whether any key or value of the store holds the text. redis wipe: the store is empty.
func cmdRedis(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	if args[0] == "wipe" {
		c := s.rdb.Client()
		defer func() { _ = c.Close() }()
		ts.Check(c.FlushDB(context.Background()).Err())
		return
	}
	all := storeDump(ts, s)
	for _, text := range args[1:] {
		if got := strings.Contains(all, text); got != (args[0] == "has") {
			ts.Fatalf("redis %s %q: it is there: %v", args[0], text, got)
		}
	}
}

// storeDump is every key with its content as text.
func storeDump(ts *testscript.TestScript, s *story) string {
	ctx := context.Background()
	c := s.rdb.Client()
	defer func() { _ = c.Close() }()
	var b strings.Builder
	it := c.Scan(ctx, 0, "*", 1000).Iterator()
	for it.Next(ctx) {
		key := it.Val()
		fmt.Fprintln(&b, key, contentOf(ctx, c, key))
	}
	ts.Check(it.Err())
	return b.String()
}

func contentOf(ctx context.Context, c redis.UniversalClient, key string) any {
	switch c.Type(ctx, key).Val() {
	case "hash":
		return c.HGetAll(ctx, key).Val()
	case "set":
		return c.SMembers(ctx, key).Val()
	case "zset":
		return c.ZRange(ctx, key, 0, -1).Val()
	case "stream":
		return c.XRange(ctx, key, "-", "+").Val()
	}
	return c.Get(ctx, key).Val()
}

// lastPage is the page that a story opened last.
type lastPage struct {
	url  *url.URL
	body string
}

type pageKey struct{}

// page URL TEXT: opens a page; it must show the text.
func cmdPage(ts *testscript.TestScript, neg bool, args []string) {
	req, err := http.NewRequest(http.MethodGet, args[0], nil)
	ts.Check(err)
	if !neg {
		open(ts, req, args[1])
		return
	}
	open(ts, req, "")
	if p := ts.Value(pageKey{}).(*lastPage); strings.Contains(html.UnescapeString(p.body), args[1]) {
		ts.Fatalf("%s shows %q:\n%s", args[0], args[1], p.body)
	}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// form NAME=VALUE ... TEXT: sends the form of the last page.
func cmdForm(ts *testscript.TestScript, _ bool, args []string) {
	p := ts.Value(pageKey{}).(*lastPage)
	if !strings.Contains(p.body, "<form") {
		ts.Fatalf("the page has no form\n%s", p.body)
	}
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(p.body, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	last := len(args) - 1
	for _, a := range args[:last] {
		k, v, _ := strings.Cut(a, "=")
		form.Set(k, v)
	}
	req, err := http.NewRequest(http.MethodPost, p.url.String(), strings.NewReader(form.Encode()))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	open(ts, req, args[last])
}

func open(ts *testscript.TestScript, req *http.Request, text string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	resp, err := http.DefaultClient.Do(req.WithContext(ctx))
	ts.Check(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	ts.Check(err)
	p := ts.Value(pageKey{}).(*lastPage)
	p.url, p.body = resp.Request.URL, string(data)
	if !strings.Contains(html.UnescapeString(p.body), text) {
		ts.Fatalf("%s %s (%d) does not show %q:\n%s", req.Method, req.URL, resp.StatusCode, text, p.body)
	}
}

// standin changes a stand-in or counts the billable calls that it saw.
func cmdStandin(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	sim := s.w.Providers
	switch args[0] {
	case "calls":
		want, err := strconv.Atoi(args[3])
		ts.Check(err)
		n := 0
		for _, c := range sim.Calls() {
			if c.Provider == args[1] && c.Owner == args[2] && c.Step == providersim.StepMake {
				n++
			}
		}
		if n != want {
			ts.Fatalf("%s saw %d calls of %s, want %d", args[1], n, args[2], want)
		}
	case "key":
		sim.AddKey(args[1], args[3], args[2], 10_000_000)
	case "revoke":
		sim.Revoke(args[1], args[2])
	case "fault":
		f := providersim.Fault{Provider: args[1], Kind: kinds()[args[2]]}
		if f.Kind == "" {
			ts.Fatalf("standin: no fault %q", args[2])
		}
		if len(args) > 3 {
			n, err := strconv.Atoi(args[3])
			ts.Check(err)
			f.Times = n
		}
		forgetArrived(sim)
		sim.Fault(f)
	case "fault-poll":
		forgetArrived(sim)
		sim.Fault(providersim.Fault{Provider: args[1], Kind: kinds()[args[2]], Step: providersim.StepPoll})
	case "clear":
		sim.Clear()
	case "release":
		sim.Release()
	case "arrives", "polled":
		step := providersim.StepMake
		if args[0] == "polled" {
			step = providersim.StepPoll
		}
		deadline := time.After(patience)
		for {
			select {
			case c := <-sim.Arrived():
				if c.Provider == args[1] && c.Step == step {
					return
				}
			case <-deadline:
				ts.Fatalf("no call arrived at %s", args[1])
			}
		}
	default:
		ts.Fatalf("standin: cannot %q", args[0])
	}
}

// forgetArrived leaves out what arrived before a fault: a story waits for a call that it spoils.
func forgetArrived(sim *providersim.Sim) {
	for {
		select {
		case <-sim.Arrived():
		default:
			return
		}
	}
}

// kinds are the faults by the names that scripts use.
func kinds() map[string]providersim.Kind {
	return map[string]providersim.Kind{"busy": providersim.Busy, "busy-plain": providersim.BusyPlain, "error-before": providersim.ErrorBefore, "error-after": providersim.ErrorAfter, "slow": providersim.Slow, "held": providersim.Held,
		"hang-up": providersim.HangUp, "html": providersim.HTML, "truncated": providersim.Truncated, "huge": providersim.Huge, "endless": providersim.Endless,
		"redirect": providersim.Redirect, "refusal": providersim.Refusal, "unauthorized": providersim.Unauthorized, "no-credit": providersim.NoCredit}
}

// cmdWaiting: N. Waits until so many jobs wait in the queues of people's accounts: a card may show before its job is there.
func cmdWaiting(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	if len(args) != 1 {
		ts.Fatalf("usage: waiting N")
	}
	s.until(ts, args[0]+" jobs wait", func() bool {
		st, all := s.w.App().Store(), 0
		counts, err := st.Jobs.Counts(context.Background(), st.DB.Parts.All())
		if err != nil {
			return false
		}
		for _, states := range counts {
			all += states["queued"]
		}
		return fmt.Sprint(all) == args[0]
	})
}
