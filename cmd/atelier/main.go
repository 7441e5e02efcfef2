// Command atelier is a bridge for creative teams on Slack and Discord: everybody generates pictures on their own
// account, and all review them in one thread.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/atelier-bridge/atelier/adapters/ops"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// version and commit are set by the build.
var (
	version = "dev"
	commit  string
)

// revision returns the build's commit; what go build noted where nobody set one.
func revision() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

func main() { os.Exit(run()) }

// run is main with an exit status, so that story scripts can call it in-process.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	rdb.LogTo(slog.New(slog.DiscardHandler)) // tools tell errors themselves; serve gives it a log
	root := &cobra.Command{Use: "atelier", Short: "Generate images on your own account and review them together, on Slack and Discord.", Version: version, SilenceUsage: true, SilenceErrors: true}
	root.AddCommand(serveCommand(), demoCommand(), doctorCommand(), deadlettersCommand(), manifestCommand(), slackCommand(), registerCommand(), keysCommand(), exportCommand(), importCommand(), docsCommand(), migrateCommand(), reindexCommand(), probeCommand())
	withOutput(root)
	if err := root.ExecuteContext(ctx); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "atelier: "+err.Error())
		if unknownCommand(err) {
			fmt.Fprintln(os.Stderr, "atelier -h lists the commands.")
		}
		return status(err)
	}
	return 0
}

// logger writes JSON lines for machines; people read the demo's own output.
func logger(level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(ops.LogHandler{Handler: slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: l})})
}
