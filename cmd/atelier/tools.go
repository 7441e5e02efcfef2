package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-bridge/atelier/adapters/discord"
	"github.com/atelier-bridge/atelier/adapters/slack"
	"github.com/atelier-bridge/atelier/adapters/vault"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

func manifestCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "manifest", Short: "Print what a platform needs to know of the app."}
	var url string
	var http, install bool
	s := &cobra.Command{
		Use: "slack", Short: "Print the Slack app manifest (YAML).", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (http || install) && url == "" {
				return usage(errors.New("--http and --installable need --url: how Slack reaches ATELIER_ADDR"))
			}
			out, err := slack.Manifest(command.New(), url, !http)
			if install {
				out, err = slack.InstallableManifest(command.New(), url)
			}
			if err != nil {
				return err
			}
			text, err := slack.YAML(out)
			if err != nil {
				return err
			}
			return show(cmd, json.RawMessage(out), func(w io.Writer) { _, _ = w.Write(text) })
		},
	}
	s.Flags().StringVar(&url, "url", os.Getenv("ATELIER_PUBLIC_URL"), "the public URL")
	s.Flags().BoolVar(&http, "http", false, "events by signed HTTP instead of Socket Mode")
	s.Flags().BoolVar(&install, "installable", false, "an app that teams install by themselves, over HTTP")
	cmd.AddCommand(s, manifestDiscord())
	return cmd
}

func manifestDiscord() *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use: "discord", Short: "Print the address that invites the bot to a server, and the settings to switch on.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if id == "" {
				return usage(errors.New("whose? Set ATELIER_DISCORD_APPLICATION_ID or give --application"))
			}
			m, err := discord.NewManifest(id)
			if err != nil {
				return usage(err)
			}
			return show(cmd, m, func(w io.Writer) {
				fmt.Fprintf(w, "Invite, once for each server:\n  %s\n\nIt asks for: %s\n\nIn the developer portal:\n", m.Invite, strings.Join(m.Grants, ", "))
				for _, s := range m.Settings {
					fmt.Fprintln(w, "  "+s)
				}
			})
		},
	}
	cmd.Flags().StringVar(&id, "application", os.Getenv("ATELIER_DISCORD_APPLICATION_ID"), "the application id")
	return cmd
}

func slackCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "slack", Short: "Slack teams."}
	cmd.AddCommand(&cobra.Command{
		Use: "install-link", Short: "Print a link with which one team installs the app, once, within a day.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			link, err := app.SlackInstallLink(cmd.Context())
			if err != nil {
				return err
			}
			return show(cmd, map[string]any{"link": link}, func(w io.Writer) { fmt.Fprintln(w, link) })
		},
	})
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
			return show(cmd, map[string]any{"changed": changed}, func(w io.Writer) {
				if changed {
					fmt.Fprintln(w, "Registered.")
				} else {
					fmt.Fprintln(w, "Nothing to change.")
				}
			})
		},
	})
	return cmd
}

func doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what is missing and how to fix it.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := app.Doctor(cmd.Context())
			bad := 0
			for _, f := range found {
				if !f.OK && !f.Warn {
					bad++
				}
			}
			if err := show(cmd, map[string]any{"findings": found, "bad": bad}, func(w io.Writer) { printFindings(w, found) }); err != nil {
				return err
			}
			if bad > 0 {
				return statusError{exitFound, fmt.Errorf("%d thing(s) to fix", bad)}
			}
			return nil
		},
	}
	cmd.AddCommand(doctorProviderCommand())
	return cmd
}

// maxKey bounds the key that is read, in bytes.
const maxKey = 1024

func doctorProviderCommand() *cobra.Command {
	var spend bool
	cmd := &cobra.Command{
		Use: "provider NAME", Short: "Try a provider with a key of your own, read from standard input.", Args: cobra.ExactArgs(1),
		Long: "Try a provider with a key of your own, read from standard input; it is kept nowhere. Operations that no source confirms are off;\n" +
			"with --spend each of them is run once, which may be billed, and what works is printed as a file for ATELIER_PROVIDER_DATA.",
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxKey))
			if err != nil {
				return err
			}
			found, patch, err := app.TryProvider(cmd.Context(), core.ProviderName(args[0]), core.NewSecret(strings.TrimSpace(string(in))), spend)
			if err != nil {
				return err
			}
			if err := show(cmd, map[string]any{"findings": found, "override": json.RawMessage(patch)}, func(w io.Writer) {
				printFindings(w, found)
				if patch != nil {
					fmt.Fprintf(w, "\n%s.json:\n%s\n", args[0], patch)
				}
			}); err != nil {
				return err
			}
			for _, f := range found {
				if !f.OK && !f.Warn {
					return statusError{exitFound, errors.New("the provider cannot be used with this key")}
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&spend, "spend", false, "run each unconfirmed operation once; it may be billed to that key's account")
	return cmd
}

func printFindings(w io.Writer, found []core.Finding) {
	for _, f := range found {
		mark := "ok  "
		switch {
		case !f.OK && f.Warn:
			mark = "warn"
		case !f.OK:
			mark = "BAD "
		}
		fmt.Fprintf(w, "%s  %-8s %s\n", mark, f.Area, f.What)
		if f.Fix != "" && !f.OK {
			fmt.Fprintf(w, "                -> %s\n", f.Fix)
		}
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
			return show(cmd, map[string]any{"accounts": all, "sealed": changed}, func(w io.Writer) { fmt.Fprintf(w, "%d of %d accounts were sealed anew.\n", changed, all) })
		},
	}
	quietly(rotate, &quiet)
	cmd.AddCommand(&cobra.Command{
		Use: "new", Short: "Make a key for ATELIER_KEYS.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key := vault.NewKeyURL()
			return show(cmd, map[string]any{"key": key}, func(w io.Writer) { fmt.Fprintln(w, key) })
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
