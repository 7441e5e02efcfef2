package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/feedback"
	"github.com/atelier-bridge/atelier/feedback/archive"
)

func migrateCommand() *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use: "migrate", Short: "Bring the store to this version's schema.", Args: cobra.NoArgs,
		Long: "Bring the store to this version's schema. Migrations only add, so processes of the version before may go on serving;\nserve does the same when it starts. It may be run again at any time.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := newProgress(quiet)
			defer p.finish()
			done, err := app.Migrate(cmd.Context(), func(_ feedback.Step, done, all int) { p.tell(migrating, int64(done), int64(all)) })
			p.finish()
			if err != nil {
				return err
			}
			if done == nil {
				done = []feedback.Step{}
			}
			return show(cmd, map[string]any{"done": done}, func(w io.Writer) {
				for _, s := range done {
					fmt.Fprintf(w, "%d  %s\n", s.No, s.What)
				}
				fmt.Fprintf(w, "%d migration(s) done, nothing is left to do.\n", len(done))
			})
		},
	}
	quietly(cmd, &quiet)
	return cmd
}

// migrating is what progress says of a migration.
const migrating = archive.Phase("migrating")
