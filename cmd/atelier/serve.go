package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// stopTimeout is how long stopping may take after SIGTERM, beyond what runs at providers get.
const stopTimeout = 4 * time.Second

// gcPercent keeps an idle process small: most of its heap is short-lived buffers of requests.
const gcPercent = 50

func serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run Atelier for a team.", Args: cobra.NoArgs,
		Long: "Run Atelier for a team. The configuration comes from the environment:\n\n" + app.Usage(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := app.LoadConfig()
			if err != nil {
				return usage(fmt.Errorf("the configuration is not complete:\n%w", err))
			}
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(gcPercent)
			}
			cfg.Version, cfg.Commit = version, revision()
			log := logger(cfg.LogLevel)
			for _, what := range cfg.Unread {
				log.Warn("variable ignored", "variable", what)
			}
			rdb.LogTo(log)
			a := app.New(cfg, log)
			if err := a.Start(cmd.Context()); err != nil {
				return err
			}
			log.Info("atelier is running", "addr", a.Addr(), "ops", a.OpsAddr(), "version", version)
			go trim(cmd.Context())
			<-cmd.Context().Done()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), cfg.Drain+stopTimeout)
			defer cancel()
			log.Info("atelier is stopping")
			return a.Stop(ctx)
		},
	}
}
