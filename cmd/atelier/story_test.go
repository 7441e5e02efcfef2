package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/demo"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"atelier": func() { os.Exit(run()) }})
}

// patience bounds every wait of a story. It is long because CI is slow; a story that works waits milliseconds.
const patience = 30 * time.Second

// TestStories runs whole stories: who says what on Slack, what must show on Discord, and the other way round, against
// the real program and the simulators. testdata/script/README.md lists the commands.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Values[storyKey{}] = &story{}
			e.Values[pageKey{}] = &lastPage{}
			e.Vars = append(e.Vars, storyDays(time.Now())...)
			for _, kv := range os.Environ() {
				if strings.HasPrefix(kv, "GOCOVERDIR=") {
					e.Vars = append(e.Vars, kv)
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"world": cmdWorld, "slack": personOn("slack"), "discord": personOn("discord"), "slack2": personOn("slack2"), "discord2": personOn("discord2"), "team": cmdTeam, "expect": cmdExpect, "once": cmdOnce, "order": cmdOrder, "reaction": cmdReaction,
			"images": cmdImages, "settle": cmdSettle, "waiting": cmdWaiting, "app": cmdApp, "fault": cmdFault, "picture": cmdPicture, "noedits": cmdNoEdits, "grab": cmdGrab, "page": cmdPage, "form": cmdForm, "fetch": cmdFetch, "standin": cmdStandin, "serve": cmdServe, "connected": cmdConnected, "redis": cmdRedis,
			"term": cmdTerm, "read": cmdRead, "pick": cmdPick,
		},
	})
}

// story is what one script runs on.
type story struct {
	w     *demo.World
	panes map[string]pane
	rdb   *rdb.Embedded
}

// pane is one platform as a story sees it.
type pane interface {
	// all lists what a person sees, or everything for "".
	all(person string) []shown
	act(ctx context.Context, person, do string, args actArgs) error
	wait(ctx context.Context, ok func() bool) error
	fault(data []byte) error
}

type actArgs struct {
	on     *shown
	room   string // "" is #acme
	task   string
	text   string
	emoji  string
	button string
	title  string
	file   string
	data   []byte
	read   func(file string) []byte
	fields map[string]string
}

// shown is a message as displayed, flattened.
type shown struct {
	id, room, thread string
	where            string // room, thread, private, direct
	author, text     string
	buttons          map[string]string
	images, files    int
	reactions        map[string]int
	edited           bool
	raw              any
}

type storyKey struct{}

func of(ts *testscript.TestScript) *story {
	s := ts.Value(storyKey{}).(*story)
	if s.w == nil {
		begin(ts, nil)
	}
	return s
}

// storyForum is a forum channel that the world has with forum=yes.
const storyForum = "1100000000000000209"

// begin starts the world of a script. Options: slack=http, discord=http, delay=DURATION, forum=yes, linked=no, public=no, second=yes, installable=yes,
// french=ben+cleo, standins=openai+bfl, pictures=N.
func begin(ts *testscript.TestScript, args []string) {
	s := ts.Value(storyKey{}).(*story)
	o := demo.Options{Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}
	if os.Getenv("ATELIER_TEST_LOG") != "" {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	forum, public := false, true
	var limits core.HandoutLimits
	var french []string
	for _, a := range args {
		k, v, _ := strings.Cut(a, "=")
		switch k {
		case "forum":
			forum = v == "yes"
		case "second":
			o.Second = v == "yes"
		case "installable":
			o.Installable, o.SlackHTTP = v == "yes", true
		case "public":
			public = v == "yes"
		case "pictures":
			n, err := strconv.Atoi(v)
			ts.Check(err)
			limits = core.DefaultHandoutLimits
			limits.Pictures = n
		case "standins":
			o.Standins = strings.Split(v, "+")
		case "french":
			french = strings.Split(v, "+")
		case "linked":
			o.Unlinked = v == "no"
		case "slack":
			o.SlackHTTP = v == "http"
		case "discord":
			o.DiscordHTTP = v == "http"
		case "delay":
			d, err := time.ParseDuration(v)
			ts.Check(err)
			o.SketchDelay = d
		default:
			ts.Fatalf("world: no option %q", a)
		}
	}
	// The server outlives the app, as a real one does, so that stories can stop and start Atelier.
	e, err := rdb.StartEmbedded()
	ts.Check(err)
	s.rdb = e
	o.RedisURL = e.URL()
	o.Prefix = "atelier"
	ts.Setenv("ATELIER_REDIS_URL", e.URL()) // for the tools that a story runs beside the program
	o.Tune = func(so *slacksim.Options, do *discordsim.Options) {
		so.FileDelay, so.UnfurlDelay = -1, -1
		speakFrench(so, do, french)
		if forum {
			do.Channels = append(do.Channels, discordsim.Channel{ID: storyForum, Type: discordsim.ChannelForum, Name: "acme-ideas", Position: 3})
		}
	}
	blobs := ts.MkAbs("blobs")
	o.Configure = func(c *app.Config) {
		c.BlobURL = "file://" + filepath.ToSlash(blobs) + "?create_dir=1&no_tmp_dir=1"
		c.Drain, c.SketchSide, c.LocalPublic, c.HandoutLimits = time.Second, 192, public, limits
		if forum {
			c.Rooms["ACME"] = append(c.Rooms["ACME"], demo.DiscordRoomID(storyForum))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s.w, err = demo.Start(ctx, o)
	ts.Check(err)
	if o.Installable {
		ts.Setenv("ATELIER_PUBLIC_URL", "http://"+s.w.App().Addr())
		ts.Setenv("ATELIER_SLACK_CLIENT_ID", demo.SlackClientID)
	}
	s.panes = map[string]pane{"slack": slackPane{s: s.w.Slack}, "discord": discordPane{s: s.w.Discord}}
	if o.Second {
		s.panes["slack2"], s.panes["discord2"] = slackPane{s.w.Slack2, true}, discordPane{s.w.Discord, true}
	}
	ts.Defer(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.w.Stop(ctx); err != nil {
			ts.Logf("stop: %v", err)
		}
		e.Close()
	})
	s.until(ts, "both platforms are connected", func() bool { return s.connected(o) })
}

// speakFrench sets the apps of some people to French.
func speakFrench(so *slacksim.Options, do *discordsim.Options, names []string) {
	for i, u := range so.Users {
		if slices.Contains(names, u.Name) {
			so.Users[i].Locale, so.Users[i].TZ = "fr-FR", "Europe/Paris"
		}
	}
	for i, u := range do.Users {
		if slices.Contains(names, u.Username) {
			do.Users[i].Locale = "fr"
		}
	}
}

func (s *story) connected(o demo.Options) bool {
	return (o.SlackHTTP || s.w.Slack.Connections() >= 2 && (s.w.Slack2 == nil || s.w.Slack2.Connections() >= 2)) && s.w.Discord.Snapshot("", 1).Sessions > 0 && len(s.w.Discord.Commands()) > 0
}

// until waits for something that changes no pane, such as a connection or the backlog.
func (s *story) until(ts *testscript.TestScript, what string, ok func() bool) {
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("waited in vain until %s", what)
		}
	}
}

// settled reports whether nothing waits in any journal, outbox or queue.
func (s *story) settled() bool {
	a := s.w.App()
	if a == nil {
		return true
	}
	st := a.Store()
	ctx := context.Background()
	for _, p := range st.DB.Parts.All() {
		in, out, _, err := st.Journal.Backlog(ctx, p)
		if err != nil || in+out > 0 {
			return false
		}
		if p[0] == 'u' {
			if n, err := st.DB.Client.SCard(ctx, st.DB.Keys.AllRunning(p)).Result(); err != nil || n > 0 {
				return false
			}
			if n, err := st.Jobs.Waiting(ctx, p); err != nil || n > 0 {
				return false
			}
		}
	}
	return true
}

func cmdWorld(ts *testscript.TestScript, _ bool, args []string) { begin(ts, args) }

func cmdSettle(ts *testscript.TestScript, _ bool, _ []string) {
	s := of(ts)
	calm := 0
	s.until(ts, "everything is settled", func() bool {
		if calm++; !s.settled() {
			calm = 0
		}
		return calm > 3
	})
}

func personOn(platform string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) { person(ts, platform, neg, args) }
}

// person: PLATFORM NAME VERB ARGS...
func person(ts *testscript.TestScript, platform string, neg bool, args []string) {
	s := of(ts)
	if len(args) < 2 {
		ts.Fatalf("usage: %s NAME VERB ...", platform)
	}
	name, room, _ := strings.Cut(args[0], "@")
	do, rest := args[1], args[2:]
	p := s.panes[platform]
	a := actArgs{room: room, read: func(file string) []byte { return []byte(ts.ReadFile(file)) }}
	arg := func(i int) string {
		if i < len(rest) {
			return rest[i]
		}
		return ""
	}
	switch do {
	case "says", "command", "commandin":
		a.text = arg(0)
		if do == "commandin" {
			a.task, a.text = arg(0), arg(1)
		}
	case "replies":
		a.task, a.text = arg(0), arg(1)
	case "answers":
		a.on, a.text = find(ts, p, name, arg(0)), arg(1)
	case "posts":
		a.title, a.text = arg(0), arg(1)
	case "edits":
		a.on, a.text = find(ts, p, name, arg(0)), arg(1)
	case "deletes":
		a.on = find(ts, p, name, arg(0))
	case "reacts", "unreacts":
		a.on, a.emoji = find(ts, p, name, arg(0)), arg(1)
	case "opens":
	case "completes":
		a.title, a.button, a.text, a.emoji = arg(0), arg(1), arg(2), arg(3)
	case "presses":
		a.button = arg(0)
		a.on = findButton(ts, p, name, arg(0), arg(1))
	case "submits":
		a.fields = map[string]string{}
		for _, kv := range rest {
			k, v, _ := strings.Cut(kv, "=")
			a.fields[k] = v
		}
	case "uploads":
		a.task, a.file, a.text = arg(0), filepath.Base(arg(1)), arg(2)
		a.data = []byte(ts.ReadFile(arg(1)))
	case "menu":
		a.button, a.on = arg(0), find(ts, p, name, arg(1))
	case "midjourney": // somebody sees what the Midjourney bot posted: CONTENT FILE BUTTON
		a.text, a.file, a.button = arg(0), filepath.Base(arg(1)), arg(2)
		a.data = []byte(ts.ReadFile(arg(1)))
	default:
		ts.Fatalf("%s: nobody can %q", platform, do)
	}
	if a.task != "" {
		wait(ts, p, "there is a thread of "+a.task, func() bool {
			return slices.ContainsFunc(p.all(""), func(m shown) bool {
				return m.where == "room" && m.thread != "" && strings.Contains(m.text, a.task+" ")
			})
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := p.act(ctx, name, do, a)
	if neg != (err != nil) {
		ts.Fatalf("%s %s %s: %v", platform, name, do, err)
	}
}

func find(ts *testscript.TestScript, p pane, person, text string) *shown {
	var got *shown
	wait(ts, p, fmt.Sprintf("there is %q", text), func() bool {
		for _, m := range slices.Backward(p.all(person)) {
			if strings.Contains(m.text, text) && m.where != "private" {
				got = &m
				return true
			}
		}
		return false
	})
	return got
}

func findButton(ts *testscript.TestScript, p pane, person, label, text string) *shown {
	var got *shown
	wait(ts, p, fmt.Sprintf("there is a button %q on %q", label, text), func() bool {
		for _, m := range slices.Backward(p.all(person)) {
			if _, ok := m.buttons[label]; ok && strings.Contains(m.text, text) {
				got = &m
				return true
			}
		}
		return false
	})
	return got
}

func wait(ts *testscript.TestScript, p pane, what string, ok func() bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.wait(ctx, ok); err != nil {
		ts.Fatalf("waited in vain until %s: %v\n%s", what, err, dump(p.all("")))
	}
}

func dump(all []shown) string {
	var b strings.Builder
	for _, m := range all {
		fmt.Fprintf(&b, "  [%s %s] %s: %s  %d images %d files %v\n", m.where, m.thread, m.author, strings.ReplaceAll(m.text, "\n", " | "), m.images, m.files, m.reactions)
	}
	return b.String()
}

// place reads WHERE: room, thread TASK, private NAME, direct NAME; and returns a filter and the rest.
func place(ts *testscript.TestScript, p pane, args []string) (list func() []shown, rest []string) {
	if len(args) == 0 {
		ts.Fatalf("where?")
	}
	switch where := args[0]; where {
	case "room":
		return func() []shown { return only(p.all(""), func(m shown) bool { return m.where == "room" }) }, args[1:]
	case "thread":
		task := args[1]
		return func() []shown {
			all := p.all("")
			root := ""
			for _, m := range all {
				if m.where == "room" && strings.Contains(m.text+" ", task+" ") {
					root = m.thread
				}
			}
			return only(all, func(m shown) bool { return m.where == "thread" && m.thread == root && root != "" })
		}, args[2:]
	case "anywhere":
		return func() []shown { return p.all("") }, args[1:]
	case "private", "direct", "home":
		who := args[1]
		return func() []shown { return only(p.all(who), func(m shown) bool { return m.where == where }) }, args[2:]
	}
	ts.Fatalf("there is no place %q", args[0])
	return nil, nil
}

func only(all []shown, ok func(shown) bool) []shown {
	return slices.DeleteFunc(all, func(m shown) bool { return !ok(m) })
}

// matching reads TEXT [as AUTHOR].
func matching(rest []string) func(shown) bool {
	text, author := rest[0], ""
	if len(rest) == 3 && rest[1] == "as" {
		author = rest[2]
	}
	return func(m shown) bool {
		return strings.Contains(m.text, text) && (author == "" || strings.Contains(m.author, author))
	}
}

// expect PLATFORM WHERE TEXT [as AUTHOR]: it shows, or with ! it goes away.
func cmdExpect(ts *testscript.TestScript, neg bool, args []string) {
	p := of(ts).panes[args[0]]
	list, rest := place(ts, p, args[1:])
	ok := matching(rest)
	wait(ts, p, fmt.Sprintf("%v (absent: %v)", args, neg), func() bool { return slices.ContainsFunc(list(), ok) != neg })
}

// once PLATFORM WHERE TEXT [as AUTHOR]: after everything has settled it shows exactly once.
func cmdOnce(ts *testscript.TestScript, _ bool, args []string) {
	cmdExpect(ts, false, args)
	cmdSettle(ts, false, nil)
	p := of(ts).panes[args[0]]
	list, rest := place(ts, p, args[1:])
	if n := len(only(list(), matching(rest))); n != 1 {
		ts.Fatalf("%v shows %d times\n%s", args, n, dump(p.all("")))
	}
}

// order PLATFORM WHERE TEXT...: they show in this order, each once.
func cmdOrder(ts *testscript.TestScript, _ bool, args []string) {
	p := of(ts).panes[args[0]]
	list, rest := place(ts, p, args[1:])
	got := func() []string {
		var out []string
		for _, m := range list() {
			for _, want := range rest {
				if strings.Contains(m.text, want) {
					out = append(out, want)
				}
			}
		}
		return out
	}
	wait(ts, p, fmt.Sprintf("all of %v show", rest), func() bool { return len(got()) >= len(rest) })
	cmdSettle(ts, false, nil)
	if g := got(); !slices.Equal(g, rest) {
		ts.Fatalf("order is %v, want %v", g, rest)
	}
}

// reaction PLATFORM TEXT EMOJI N: the message has N of that reaction.
func cmdReaction(ts *testscript.TestScript, _ bool, args []string) {
	p := of(ts).panes[args[0]]
	n, err := strconv.Atoi(args[3])
	ts.Check(err)
	wait(ts, p, fmt.Sprintf("%v", args), func() bool {
		for _, m := range p.all("") {
			if strings.Contains(m.text, args[1]) && m.reactions[args[2]] == n {
				return true
			}
		}
		return false
	})
}

// images PLATFORM WHERE TEXT N: the message shows N pictures.
func cmdImages(ts *testscript.TestScript, _ bool, args []string) {
	p := of(ts).panes[args[0]]
	list, rest := place(ts, p, args[1:])
	n, err := strconv.Atoi(rest[len(rest)-1])
	ts.Check(err)
	ok := matching(rest[:len(rest)-1])
	wait(ts, p, fmt.Sprintf("%v", args), func() bool {
		return slices.ContainsFunc(list(), func(m shown) bool { return ok(m) && m.images == n })
	})
}

// noedits PLATFORM WHERE TEXT: nobody sees that it was edited.
func cmdNoEdits(ts *testscript.TestScript, _ bool, args []string) {
	p := of(ts).panes[args[0]]
	list, rest := place(ts, p, args[1:])
	for _, m := range only(list(), matching(rest)) {
		if m.edited {
			ts.Fatalf("%q shows as edited", m.text)
		}
	}
}
