package main

import (
	"context"

	"github.com/rogpeppe/go-internal/testscript"
)

// app stop|start: Atelier goes away and comes back; the platforms and Redis stay.
func cmdApp(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch args[0] {
	case "stop":
		ts.Check(s.w.StopApp(ctx))
	case "start":
		ts.Check(s.w.StartApp(ctx))
		if ts.Getenv("ATELIER_SLACK_CLIENT_ID") != "" {
			ts.Setenv("ATELIER_PUBLIC_URL", "http://"+s.w.App().Addr()) // another port
		}
	default:
		ts.Fatalf("app stop or app start")
	}
}

// fault PLATFORM JSON switches a fault on in a simulator.
func cmdFault(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(of(ts).panes[args[0]].fault([]byte(args[1])))
}
