package feedbacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
	"github.com/atelier-bridge/atelier/core/prompt"
	"github.com/atelier-bridge/atelier/core/relay"
	"github.com/atelier-bridge/atelier/core/studio"
	"github.com/atelier-bridge/atelier/feedback"
)

// planned is a studio over a store, with a clock that the test moves, and a project with one room.
type planned struct {
	*studio.Studio
	t     *testing.T
	store *feedback.Store
	clock *setClock
	p     core.Partition
	n     int
}

// setClock stands where a test sets it.
type setClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *setClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *setClock) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func (c *setClock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

const planRoom = core.RoomID("slack:T1/C1")

func plan(t *testing.T, now time.Time) *planned {
	t.Helper()
	s := Open(t)
	clock := &setClock{now: now}
	x := &planned{t: t, store: s, clock: clock, p: s.DB.Parts.OfProject(project)}
	x.Studio = &studio.Studio{Table: command.New(), Prompts: prompt.Builtin(), Parts: s.DB.Parts, People: s.People, Projects: s.People, Tasks: s.Review, Comments: s.Review, Refs: s.Review, Marks: s.Review,
		Search: s.Review, Organising: s.Review, Planning: s.Review, Moving: s.Review, Feeds: s.People, Changes: s.Review, Journal: s.Journal, Tickets: s.People, Usage: s.People,
		Default: "sketch", Providers: []core.Provider{sketchy{}}, PublicURL: "http://example.test", Clock: clock, Log: slog.New(slog.DiscardHandler)}
	if err := studio.Bind(t.Context(), s.People, planRoom, project, core.RoomInfo{Name: "acme"}); err != nil {
		t.Fatal(err)
	}
	return x
}

// sketchy is a provider by name only.
type sketchy struct{ core.Provider }

func (sketchy) Name() core.ProviderName { return "sketch" }

// say handles a command as the router does, again when somebody was faster, and returns the change that was written.
func (x *planned) say(who, words string) (core.Change, error) {
	x.t.Helper()
	x.n++
	return x.says(core.InboundID(fmt.Sprintf("in-%d", x.n)), who, words)
}

func (x *planned) says(id core.InboundID, who, words string) (core.Change, error) {
	ctx := x.t.Context()
	for {
		p, err := x.store.People.Meet(ctx, core.Actor{Identity: core.IdentityID(who), Name: who})
		if err != nil {
			return core.Change{}, err
		}
		pr, err := x.store.People.Project(ctx, project)
		if err != nil {
			return core.Change{}, err
		}
		sc := relay.Scope{Partition: x.p, Person: p, Project: pr, Room: &core.Room{ID: planRoom, Project: project}, Lang: p.Lang(nil),
			In: core.Inbound{ID: id, Kind: core.InboundCommand, At: x.clock.Now(), Room: planRoom, Actor: core.Actor{Identity: core.IdentityID(who), Name: who}, Command: &core.Command{Text: words}}}
		c, err := x.Command(ctx, sc)
		if err != nil {
			return c, err
		}
		c.Partition = x.p
		if err = x.store.Review.Apply(ctx, c); core.ErrorCode(err) == core.CodeConflict {
			continue
		}
		return c, err
	}
}

// must is say where nothing may go wrong; it returns what was answered.
func (x *planned) must(who, words string) string {
	x.t.Helper()
	c, err := x.say(who, words)
	if err != nil {
		x.t.Fatalf("%s: %v", words, err)
	}
	return answerOf(c)
}

func answerOf(c core.Change) string {
	var said string
	for _, o := range c.Out {
		if o.Kind == core.OutAnswer {
			said += o.Card.Title + " " + o.Card.Body.String()
		}
	}
	return said
}

// keeper does what a partition has to do at a moment; changes may fail.
func (x *planned) keeper(changes core.Changes) *studio.Timekeeper {
	s := *x.Studio
	s.Changes = changes
	return &studio.Timekeeper{Studio: &s, Alarms: x.store.Review, Clock: x.clock, Log: x.Log}
}

// rounds lets time pass minute by minute, with a new holder of the partition each time who dies after every other change.
func (x *planned) rounds(p core.Partition, from, to time.Time, step time.Duration) {
	x.t.Helper()
	ctx := x.t.Context()
	for now, n := from, 0; !now.After(to); now, n = now.Add(step), n+1 {
		x.clock.set(now)
		l, ok, err := x.store.Leases.Acquire(ctx, string(p), time.Minute)
		if err != nil || !ok {
			x.t.Fatal(ok, err)
		}
		changes := core.Changes(x.store.Review)
		if n%2 == 0 {
			changes = &dying{Changes: x.store.Review, left: 1, after: func() {}, seen: map[core.TaskID]int{}}
		}
		if err := x.keeper(changes).Round(ctx, p, l); err != nil && core.ErrorCode(err) != core.CodeGone {
			x.t.Fatal(err)
		}
		if err := x.store.Leases.Release(ctx, l); err != nil {
			x.t.Fatal(err)
		}
	}
}

// sent lists the outgoings of a kind in a partition's outbox whose text contains some words.
func (x *planned) sent(p core.Partition, kind core.OutgoingKind, words string) []core.Outgoing {
	x.t.Helper()
	all, err := x.store.DB.Client.XRange(x.t.Context(), x.store.DB.Keys.Outbox(p), "-", "+").Result()
	if err != nil {
		x.t.Fatal(err)
	}
	var out []core.Outgoing
	for _, e := range all {
		for _, v := range e.Values {
			var o core.Outgoing
			if s, ok := v.(string); !ok || json.Unmarshal([]byte(s), &o) != nil || o.Kind != kind {
				continue
			}
			body := o.Text.String()
			if o.Card != nil {
				body = o.Card.Title + "\n" + o.Card.Body.String()
			}
			if strings.Contains(body, words) {
				out = append(out, o)
			}
		}
	}
	return out
}

// TestNoSlotIsTakenTwice lets many people book the same hour at once, as from several processes: two sessions fit.
func TestNoSlotIsTakenTwice(t *testing.T) {
	x := plan(t, time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC))
	if _, err := x.store.People.UpdateProject(t.Context(), project, func(p *core.Project) error { p.Settings["capacity"] = "sketch=2"; return nil }); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	booked, taken := 0, 0
	for n := range 20 {
		wg.Go(func() {
			c, err := x.says(core.InboundID(fmt.Sprint("par-", n)), fmt.Sprintf("slack:T1/U%d", n), fmt.Sprintf("schedule book 2027-03-10 14:%02d 1h", n))
			mu.Lock()
			defer mu.Unlock()
			switch said := answerOf(c); {
			case err != nil:
				t.Error(err)
			case strings.Contains(said, "is booked"):
				booked++
			case strings.Contains(said, "is taken") && strings.Contains(said, "Free next: Wed 10 Mar 15:"):
				taken++
			default:
				t.Error(said)
			}
		})
	}
	wg.Wait()
	if booked != 2 || taken != 18 {
		t.Errorf("%d booked, %d told that it is taken", booked, taken)
	}
	list, err := x.store.Review.Bookings(t.Context(), project, x.clock.Now(), x.clock.Now().AddDate(1, 0, 0), 100)
	if err != nil || len(list) != 2 {
		t.Errorf("%d, %v", len(list), err)
	}
}

func TestSessionsAreCalledOutOnce(t *testing.T) {
	now := time.Date(2027, 3, 10, 13, 0, 0, 0, time.UTC)
	x := plan(t, now)
	x.must("slack:T1/U1", "schedule book today 14:00 2h hero shots")
	x.must("slack:T1/U1", "schedule book today 14:30 1h")
	x.must("slack:T1/U1", "schedule cancel 2")
	x.rounds(x.p, now, now.Add(49*time.Minute), 7*time.Minute)
	if got := x.sent(x.p, core.OutPost, "has a session"); len(got) != 0 {
		t.Fatalf("called out too early: %v", got)
	}
	x.rounds(x.p, now.Add(50*time.Minute), now.Add(3*time.Hour), 7*time.Minute)
	if got := x.sent(x.p, core.OutPost, "has a session at Sketch: Wed 10 Mar 14:00–16:00 UTC · hero shots"); len(got) != 1 || got[0].Room != planRoom {
		t.Errorf("in the room: %v", got)
	}
	if got := x.sent(x.p, core.OutDirect, "Your session at Sketch"); len(got) != 1 || got[0].To != "slack:T1/U1" {
		t.Errorf("to the person: %v", got)
	}
	// Nobody was there for hours: what is over is not called out any more.
	x.clock.set(now)
	x.must("slack:T1/U1", "schedule book today 18:00")
	x.rounds(x.p, now.Add(8*time.Hour), now.Add(8*time.Hour), time.Minute)
	x.rounds(x.p, now.Add(9*time.Hour), now.Add(9*time.Hour), time.Minute)
	if got := x.sent(x.p, core.OutPost, "18:00"); len(got) != 1 { // that it was booked
		t.Errorf("%v", got)
	}
}

func TestDueDatesAreTold(t *testing.T) {
	now := time.Date(2027, 3, 10, 13, 0, 0, 0, time.UTC)
	x := plan(t, now)
	if _, err := x.store.People.Meet(t.Context(), core.Actor{Identity: "slack:T1/U2", Name: "Ben"}); err != nil {
		t.Fatal(err)
	}
	x.must("slack:T1/U1", `task new A poster --due "2027-03-12 12:00" --person slack:T1/U2`)
	if got := x.sent(x.p, core.OutDirect, "assigned ACME-1 “A poster” to you. It is due Fri 12 Mar 12:00 UTC."); len(got) != 1 || got[0].To != "slack:T1/U2" {
		t.Errorf("%v", got)
	}
	x.must("slack:T1/U1", "task due ACME-1 2027-03-13 12:00") // later than first thought
	x.rounds(x.p, now, now.AddDate(0, 0, 5), time.Hour)
	if got := x.sent(x.p, core.OutDirect, "ACME-1 “A poster” is due Sat 13 Mar 12:00 UTC."); len(got) != 1 {
		t.Errorf("near: %v", got)
	}
	if got := x.sent(x.p, core.OutDirect, "was due"); len(got) != 1 || got[0].To != "slack:T1/U2" {
		t.Errorf("over: %v", got)
	}
	// One that is done when its date comes near, and is not any more when it is there.
	now = x.clock.Now()
	due := now.AddDate(0, 0, 4).Truncate(time.Hour)
	x.must("slack:T1/U1", fmt.Sprintf("task new A flyer --due %q --person slack:T1/U2", due.Format("2006-01-02 15:04")))
	x.must("slack:T1/U1", "task status ACME-2 delivered")
	x.rounds(x.p, now, due.Add(-time.Hour), time.Hour)
	x.must("slack:T1/U1", "task status ACME-2 in progress")
	x.rounds(x.p, x.clock.Now(), due.Add(3*time.Hour), time.Hour)
	if got := x.sent(x.p, core.OutDirect, "ACME-2 “A flyer” was due"); len(got) != 1 {
		t.Errorf("over, after it was opened again: %v", got)
	}
	if got := x.sent(x.p, core.OutDirect, "ACME-2 “A flyer” is due"); len(got) != 0 {
		t.Errorf("near, while it was done: %v", got)
	}
}

// TestQuietHoursHoldBack tells in one message afterwards, once, whatever is redelivered and whoever dies.
func TestQuietHoursHoldBack(t *testing.T) {
	now := time.Date(2027, 3, 10, 22, 0, 0, 0, time.UTC)
	x := plan(t, now)
	ben := "slack:T1/U2"
	x.must(ben, "notify --quiet 20:00-8:00")
	var holds []core.Outgoing
	for _, title := range []string{"one", "two"} {
		c, err := x.say("slack:T1/U1", "task new "+title+" --person "+ben)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range c.Out {
			if o.Kind == core.OutHold {
				holds = append(holds, o)
			}
		}
	}
	if len(holds) != 2 || !holds[0].At.Equal(time.Date(2027, 3, 11, 8, 0, 0, 0, time.UTC)) || len(x.sent(x.p, core.OutDirect, "assigned")) > 0 {
		t.Fatalf("%+v", holds)
	}
	for range 2 { // a delivery may be tried again
		for _, o := range holds {
			if err := x.Hold(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
	}
	own := x.store.DB.Parts.OfPerson(holds[0].Untold.Person)
	x.rounds(own, now, time.Date(2027, 3, 11, 7, 59, 0, 0, time.UTC), time.Hour)
	if got := x.sent(own, core.OutDirect, ""); len(got) != 0 {
		t.Fatalf("told in the night: %v", got)
	}
	x.rounds(own, time.Date(2027, 3, 11, 8, 0, 0, 0, time.UTC), time.Date(2027, 3, 11, 9, 0, 0, 0, time.UTC), 10*time.Minute)
	got := x.sent(own, core.OutDirect, "While you had your quiet: 2 things")
	if len(got) != 1 || !strings.Contains(got[0].Card.Body.String(), "“one”") || !strings.Contains(got[0].Card.Body.String(), "“two”") {
		t.Fatalf("%v", got)
	}
	// The same delivery once more, late: it was told.
	if err := x.Hold(t.Context(), holds[0]); err != nil {
		t.Fatal(err)
	}
	x.rounds(own, time.Date(2027, 3, 11, 10, 0, 0, 0, time.UTC), time.Date(2027, 3, 11, 11, 0, 0, 0, time.UTC), 10*time.Minute)
	if got := x.sent(own, core.OutDirect, ""); len(got) != 1 {
		t.Errorf("told again: %v", got)
	}
	// By day there is nothing to hold.
	x.must("slack:T1/U1", "task new three --person "+ben)
	if got := x.sent(x.p, core.OutDirect, "“three”"); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// TestDigestsKeepTheirHour goes through both changes of the clocks, and through a day on which nobody is there.
func TestDigestsKeepTheirHour(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2027, 3, 26, 12, 0, 0, 0, paris)
	x := plan(t, now)
	x.must("slack:T1/U1", "digest daily 2:30 --timezone Europe/Paris")
	talk := func(day int) {
		x.clock.set(now.AddDate(0, 0, day).Add(time.Minute))
		x.must("slack:T1/U1", fmt.Sprintf("task new day %d", day))
	}
	days := []string{}
	for day := range 5 { // the clocks are put forward on the 28th, from 2:00 to 3:00
		talk(day)
		from := now.AddDate(0, 0, day)
		if day == 3 {
			x.rounds(x.p, from.Add(22*time.Hour), from.Add(23*time.Hour), 10*time.Minute) // back after eight hours
			continue
		}
		x.rounds(x.p, from, from.Add(23*time.Hour), 10*time.Minute)
	}
	for _, o := range x.sent(x.p, core.OutPost, "ACME since") {
		_, _, id := o.Object.Parts()
		days = append(days, strings.TrimPrefix(id, "digest-"))
	}
	if want := []string{"2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z", "2027-03-31T00:30:00Z"}; !slices.Equal(days, want) {
		t.Errorf("digests came on %v, want %v", days, want)
	}
	last := x.sent(x.p, core.OutPost, "ACME since")
	if text := last[len(last)-1].Card.Body.String(); !strings.Contains(text, "2 new tasks") {
		t.Errorf("what was skipped is not in the next one: %s", text)
	}
	// One that is moved within its day comes again, with what is new since.
	talk(5)
	x.must("slack:T1/U1", "digest daily 17:00 --timezone Europe/Paris")
	from := now.AddDate(0, 0, 5)
	x.rounds(x.p, from, from.Add(8*time.Hour), 10*time.Minute)
	if got := x.sent(x.p, core.OutPost, "ACME since"); len(got) != len(last)+1 || !strings.Contains(got[len(last)].Card.Body.String(), "1 new task") {
		t.Errorf("moved to the afternoon, %d digests came, want %d", len(got), len(last)+1)
	}
	// An hour that comes twice is one digest; a day without news none.
	x.clock.set(time.Date(2027, 10, 30, 12, 0, 0, 0, paris))
	x.must("slack:T1/U1", "digest off")
	x.must("slack:T1/U1", "digest daily 2:30 --timezone Europe/Paris")
	x.clock.set(x.clock.Now().Add(time.Minute))
	x.must("slack:T1/U1", "task new autumn")
	x.rounds(x.p, x.clock.Now(), x.clock.Now().AddDate(0, 0, 3), 10*time.Minute)
	if got := x.sent(x.p, core.OutPost, "ACME since"); len(got) != 6 {
		t.Errorf("%d digests, want one more than five", len(got))
	}
}

// TestAWeekWithoutNewsIsOneLine and a room that went to another project hears nothing more.
func TestAWeekWithoutNewsIsOneLine(t *testing.T) {
	now := time.Date(2027, 3, 10, 12, 0, 0, 0, time.UTC) // a Wednesday
	x := plan(t, now)
	x.must("slack:T1/U1", "digest weekly friday 9:00")
	x.rounds(x.p, now, now.AddDate(0, 0, 8), time.Hour)
	if got := x.sent(x.p, core.OutPost, "Nothing happened in ACME this week."); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if err := studio.Bind(t.Context(), x.store.People, planRoom, "OTHER", core.RoomInfo{}); err != nil {
		t.Fatal(err)
	}
	x.rounds(x.p, now.AddDate(0, 0, 8), now.AddDate(0, 0, 30), 6*time.Hour)
	if got := x.sent(x.p, core.OutPost, ""); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if list, err := x.store.Review.Ringing(t.Context(), x.p, now.AddDate(1, 0, 0), 10); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestCalendarLinks(t *testing.T) {
	now := time.Date(2027, 3, 10, 12, 0, 0, 0, time.UTC)
	x := plan(t, now)
	token := func(said string) string {
		_, rest, _ := strings.Cut(said, "/calendar/")
		tok, _, _ := strings.Cut(rest, ".ics")
		return tok
	}
	ben := "slack:T1/U2"
	x.must("slack:T1/U1", "schedule book tomorrow 14:00 1h")
	first := token(x.must(ben, "schedule feed"))
	page, err := x.CalendarPage(t.Context(), first)
	if err != nil || len(page.Events) != 1 || page.Events[0].UID != "session-ACME-1@atelier" || page.Events[0].Mine {
		t.Fatalf("%+v, %v", page, err)
	}
	EachKey(t, x.store, func(key, content string) {
		if strings.Contains(key+content, first) {
			if strings.Contains(key, ":out") || strings.HasSuffix(key, ":in") {
				return // the answer itself, until it is delivered
			}
			t.Errorf("%s keeps the token", key)
		}
	})
	if said := x.must(ben, "schedule feed"); token(said) != "" {
		t.Errorf("shown again: %s", said)
	}
	second := token(x.must(ben, "schedule feed --renew"))
	_, err = x.CalendarPage(t.Context(), first)
	want(t, err, core.CodeNotFound)
	if _, err = x.CalendarPage(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	// The same command handled again makes the link anew: who asked has not seen the first one.
	c, err := x.says("again", ben, "schedule feed --renew")
	if err != nil {
		t.Fatal(err)
	}
	c2, err := x.says("again", ben, "schedule feed")
	if a, b := token(answerOf(c)), token(answerOf(c2)); err != nil || a == "" || b == "" || a == b {
		t.Errorf("%q %q %v", a, b, err)
	}
	last := token(answerOf(c2))
	for n := 0; n < 100 && err == nil; n++ {
		_, err = x.CalendarPage(t.Context(), last)
	}
	want(t, err, core.CodeRetry)
	// The role counts at the moment of reading.
	third := token(x.must(ben, "schedule feed --renew"))
	if _, err := x.store.People.UpdateProject(t.Context(), project, func(p *core.Project) error { p.Default = core.RoleNone; return nil }); err != nil {
		t.Fatal(err)
	}
	_, err = x.CalendarPage(t.Context(), third)
	want(t, err, core.CodeNotFound)
	_, err = x.CalendarPage(t.Context(), "nothing")
	want(t, err, core.CodeNotFound)
}
