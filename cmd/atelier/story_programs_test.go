package main

import (
	"context"
	"regexp"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/atelier-bridge/atelier/cmd/atelier/internal/demo"
)

// serve stops Atelier in this process and sets the variables with which the program itself takes its place.
func cmdServe(ts *testscript.TestScript, _ bool, _ []string) {
	s := of(ts)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ts.Check(s.w.StopApp(ctx))
	for _, kv := range s.w.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		ts.Setenv(name, value)
	}
}

// connected waits until some Atelier is connected to both platforms, or with ! until none is to either. With "first" the
// second Slack team does not count.
func cmdConnected(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if neg {
		s.until(ts, "neither platform is connected", func() bool { return s.w.Slack.Connections() == 0 && s.w.Discord.Snapshot("", 1).Sessions == 0 })
		return
	}
	if len(args) > 0 {
		s.until(ts, "the first team is connected", func() bool { return s.w.Slack.Connections() >= 2 && s.w.Discord.Snapshot("", 1).Sessions > 0 })
		return
	}
	s.until(ts, "both platforms are connected", func() bool { return s.connected(demo.Options{}) })
}

// term asks the program in the background that began first to stop. testscript's own kill knows no SIGTERM, and keeps the
// names of the programs to itself.
func cmdTerm(ts *testscript.TestScript, _ bool, _ []string) {
	all := ts.BackgroundCmds()
	if len(all) == 0 {
		ts.Fatalf("nothing runs in the background")
	}
	ts.Check(all[0].Process.Signal(syscall.SIGTERM))
}

// read FILE VAR puts a file, such as stdout, into a variable.
func cmdRead(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: read FILE VAR")
	}
	ts.Setenv(args[1], strings.TrimSpace(ts.ReadFile(args[0])))
}

// pick FILE REGEXP VAR puts the first group of what matches in a file, such as stdout, into a variable.
func cmdPick(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: pick FILE REGEXP VAR")
	}
	g := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile(args[0]))
	if g == nil {
		ts.Fatalf("%s does not match %s", args[0], args[1])
	}
	ts.Setenv(args[2], g[1])
}
