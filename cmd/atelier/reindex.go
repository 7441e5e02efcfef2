package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/core"
)

func reindexCommand() *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use: "reindex [PROJECT ...]", Short: "Build the search index anew, of some projects or of all.",
		Long: "Build the search index anew from what is stored, of some projects or of all. Processes may go on serving, and it may be stopped\nand run again. serve does it by itself where a newer version needs another form of it, and after an import.",
		RunE: func(cmd *cobra.Command, args []string) error {
			p := newProgress(quiet)
			defer p.finish()
			done, err := app.Reindex(cmd.Context(), args, p.counting("tasks"))
			p.finish()
			if err != nil {
				return err
			}
			if done.Projects == nil {
				done.Projects = []core.ProjectKey{}
			}
			return show(cmd, done, func(w io.Writer) {
				fmt.Fprintf(w, "%d task(s) of %d project(s) were indexed anew.\n", done.Tasks, len(done.Projects))
			})
		},
	}
	quietly(cmd, &quiet)
	return cmd
}
