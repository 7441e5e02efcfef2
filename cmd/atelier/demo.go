package main

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-bridge/atelier/cmd/atelier/internal/demo"
)

func demoCommand() *cobra.Command {
	var o demo.Options
	var noOpen, verbose, week bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Try everything on this machine: a Slack, a Discord and a sketcher in one process.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = slog.New(slog.DiscardHandler)
			if verbose {
				o.Log = logger("info")
			}
			w, err := demo.Start(cmd.Context(), o)
			if err != nil {
				return err
			}
			i := w.Info()
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "\n  Atelier demo   %s\n\n", w.URL())
			fmt.Fprintf(out, "  Type /imagine a lighthouse in the fog in the Slack pane.\n")
			if i.Persistent {
				fmt.Fprintf(out, "  Everything is kept in %s and in Redis.\n", o.Data)
			} else {
				fmt.Fprintf(out, "  Everything lives until exit; --redis URL --data DIR keep it.\n")
			}
			for _, k := range w.Keys() {
				fmt.Fprintf(out, "  %s's key at the stand-in of %s: %s\n", k.Owner, k.Provider, k.Key)
			}
			fmt.Fprintf(out, "\n  For developers: Slack API %s (bot token %s), Discord API %s (bot token %s)\n  Press Ctrl-C to stop.\n\n", i.Slack["api"], i.Slack["botToken"], i.Discord["api"], i.Discord["botToken"])
			if !noOpen {
				openBrowser(cmd.Context(), w.URL())
			}
			if week {
				fmt.Fprintln(out, "  A week's work of Ada, Ben and Cleo is played now; watch both panes.")
				if err := w.PlayWeek(cmd.Context(), out); err != nil && cmd.Context().Err() == nil {
					return err
				}
				fmt.Fprintln(out, "  That was the week. The rest is yours.")
			}
			<-cmd.Context().Done()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), stopTimeout)
			defer cancel()
			return w.Stop(ctx)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Addr, "addr", "127.0.0.1:8787", "where the page is served")
	f.StringVar(&o.RedisURL, "redis", "", "a Redis to keep the work in, such as redis://127.0.0.1:6379")
	f.StringVar(&o.Data, "data", "", "a folder to keep pictures and the simulated platforms in")
	f.DurationVar(&o.SketchDelay, "sketch-delay", 1500*time.Millisecond, "how long the sketcher pretends to work")
	f.StringSliceVar(&o.Standins, "standins", nil, "stand-ins for image providers to link accounts at: openai, openrouter, gemini, stability, bfl, selfhosted")
	f.BoolVar(&noOpen, "no-open", false, "do not open a browser")
	f.BoolVar(&week, "week", false, "play a week's work of three people first")
	f.BoolVar(&verbose, "verbose", false, "write the log")
	return cmd
}

// openBrowser asks the desktop to open the page; a machine without one just prints the address.
func openBrowser(ctx context.Context, url string) {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	if _, err := exec.LookPath(name); err != nil {
		return
	}
	c := exec.CommandContext(ctx, name, args...)
	if c.Start() == nil {
		go func() { _ = c.Wait() }()
	}
}
