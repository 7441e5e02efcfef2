package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
)

// Exit statuses, for scripts. They are documented in docs/operators.md.
const (
	exitFailed = 1 // it did not work
	exitUsage  = 2 // the command line or the configuration is wrong; nothing was tried
	exitFound  = 3 // it worked, and found something to mend
)

// statusError is an error that ends the program with a status of its own.
type statusError struct {
	status int
	err    error
}

// Error is the error's own text.
func (e statusError) Error() string { return e.err.Error() }

// Unwrap returns the error.
func (e statusError) Unwrap() error { return e.err }

// status returns the status with which an error ends the program.
func status(err error) int {
	var s statusError
	var c app.ConfigError
	switch {
	case errors.As(err, &s):
		return s.status
	case errors.As(err, &c):
		return exitUsage
	case unknownCommand(err):
		return exitUsage
	}
	return exitFailed
}

// unknownCommand tells an error for which the library has no type.
func unknownCommand(err error) bool { return strings.HasPrefix(err.Error(), "unknown command") }

// usage marks an error as a fault of the command line or the configuration.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return statusError{exitUsage, err}
}

const outputFlag = "output"

// withOutput gives a command and all below it the choice of how results are printed, and marks faults of usage.
func withOutput(root *cobra.Command) {
	root.PersistentFlags().StringP(outputFlag, "o", "text", "how results are printed: text or json")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if v, err := cmd.Flags().GetString(outputFlag); err != nil || v != "text" && v != "json" {
			return usage(fmt.Errorf("--output %q: use text or json", v))
		}
		return nil
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	markArgs(root)
}

func markArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return usage(check(cmd, args)) }
	}
	for _, c := range cmd.Commands() {
		markArgs(c)
	}
}

// show prints a result: as one JSON value where that was asked for, as text otherwise.
func show(cmd *cobra.Command, v any, text func(w io.Writer)) error {
	if how, _ := cmd.Flags().GetString(outputFlag); how != "json" {
		text(cmd.OutOrStdout())
		return nil
	}
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
