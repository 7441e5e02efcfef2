package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/atelier-bridge/atelier/adapters/slack"
	"github.com/atelier-bridge/atelier/adapters/vault"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/core/command"
)

func manifestCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "manifest", Short: "Print what a platform needs to know of the app."}
	var url string
	var http bool
	s := &cobra.Command{
		Use: "slack", Short: "Print the Slack app manifest (YAML).", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if http && url == "" {
				return errors.New("--http needs --url: how Slack reaches ATELIER_ADDR")
			}
			out, err := slack.Manifest(command.New(), url, !http)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(out)
			return err
		},
	}
	s.Flags().StringVar(&url, "url", os.Getenv("ATELIER_PUBLIC_URL"), "the public URL")
	s.Flags().BoolVar(&http, "http", false, "events by signed HTTP instead of Socket Mode")
	cmd.AddCommand(s)
	return cmd
}

func registerCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "register", Short: "Register commands at a platform."}
	cmd.AddCommand(&cobra.Command{
		Use: "discord", Short: "Register the Discord commands; serve does this by itself.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			changed, err := app.RegisterDiscord(cmd.Context())
			if err != nil {
				return err
			}
			if changed {
				fmt.Fprintln(cmd.OutOrStdout(), "Registered.")
			} else {
				fmt.Fprintln(cmd.OutOrStdout(), "Nothing to change.")
			}
			return nil
		},
	})
	return cmd
}

func doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Say what is missing and how to fix it.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			bad := 0
			for _, f := range app.Doctor(cmd.Context()) {
				mark := "ok  "
				switch {
				case !f.OK && f.Warn:
					mark = "warn"
				case !f.OK:
					mark = "BAD "
					bad++
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s  %-8s %s\n", mark, f.Area, f.What)
				if f.Fix != "" && !f.OK {
					fmt.Fprintf(cmd.OutOrStdout(), "                -> %s\n", f.Fix)
				}
			}
			if bad > 0 {
				return fmt.Errorf("%d thing(s) to fix", bad)
			}
			return nil
		},
	}
}

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "Keys that seal people's accounts."}
	quiet := false
	rotate := &cobra.Command{
		Use: "rotate", Short: "Seal every account by the first key of ATELIER_KEYS.", Args: cobra.NoArgs,
		Long: "Put the new key first in ATELIER_KEYS and keep the old one behind it, restart every replica, then run this. Afterwards the old key may go.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := newProgress(quiet)
			defer p.finish()
			all, changed, err := app.RotateKeys(cmd.Context(), p.counting("accounts"))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d of %d accounts were sealed anew.\n", changed, all)
			return err
		},
	}
	rotate.Flags().BoolVar(&quiet, "quiet", false, "tell no progress")
	cmd.AddCommand(&cobra.Command{
		Use: "new", Short: "Make a key for ATELIER_KEYS.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), vault.NewKeyURL())
			return err
		},
	}, rotate)
	return cmd
}

func docsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "docs", Short: "Print docs/commands.md.", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), command.New().Markdown())
			return err
		},
	}
}
