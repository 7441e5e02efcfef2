package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/core"
)

func deadlettersCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "deadletters", Short: "What could not be handled or delivered: list, show, retry, drop."}
	sub := func(use, short string, args cobra.PositionalArgs, do func(ctx context.Context, cmd *cobra.Command, d *app.DeadLetters, found []app.Dead) error) {
		cmd.AddCommand(&cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, names []string) error {
			d, err := app.OpenDeadLetters(cmd.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			if len(names) == 0 {
				names = []string{"all"}
			}
			found, err := d.Find(cmd.Context(), names)
			if err != nil {
				return errors.New(core.SafeMessage(err))
			}
			return do(cmd.Context(), cmd, d, found)
		}})
	}
	sub("list", "List them, newest first.", cobra.NoArgs, func(_ context.Context, cmd *cobra.Command, _ *app.DeadLetters, found []app.Dead) error {
		return show(cmd, found, func(out io.Writer) {
			for _, l := range found {
				fmt.Fprintln(out, l.Line())
			}
			fmt.Fprintf(out, "%d dead letter(s)\n", len(found))
		})
	})
	sub("show NAME...", "Show everything that was kept of some.", cobra.MinimumNArgs(1), func(_ context.Context, cmd *cobra.Command, _ *app.DeadLetters, found []app.Dead) error {
		return show(cmd, found, func(out io.Writer) {
			for _, l := range found {
				fmt.Fprintf(out, "%s\n  id       %s\n  attempts %d\n  reason   %s\n  payload  %s\n", l.Line(), l.ID, l.Attempts, l.Reason, l.Payload)
			}
		})
	})
	each := func(done string, act func(*app.DeadLetters, context.Context, app.Dead) error) func(context.Context, *cobra.Command, *app.DeadLetters, []app.Dead) error {
		return func(ctx context.Context, cmd *cobra.Command, d *app.DeadLetters, found []app.Dead) error {
			failed, results := 0, map[string]string{}
			for _, l := range found {
				if err := act(d, ctx, l); err != nil {
					failed++
					results[l.Name] = core.SafeMessage(err)
					continue
				}
				results[l.Name] = done
			}
			if err := show(cmd, results, func(out io.Writer) {
				for _, l := range found {
					fmt.Fprintf(out, "%s  %s\n", l.Name, results[l.Name])
				}
			}); err != nil {
				return err
			}
			if failed > 0 {
				return fmt.Errorf("%d of %d could not be done", failed, len(found))
			}
			return nil
		}
	}
	sub("retry NAME...|all", "Have some tried again by the running program.", cobra.MinimumNArgs(1), each("is tried again", (*app.DeadLetters).Retry))
	sub("drop NAME...|all", "Forget some.", cobra.MinimumNArgs(1), each("is forgotten", (*app.DeadLetters).Drop))
	return cmd
}
