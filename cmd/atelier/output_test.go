package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/spf13/cobra"

	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
)

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		args []string
		fail error
		want int
	}{
		{[]string{"do"}, errors.New("it broke"), exitFailed},
		{[]string{"do"}, statusError{exitFound, errors.New("found")}, exitFound},
		{[]string{"do"}, fmt.Errorf("cannot begin: %w", app.ConfigError{errors.New("a variable is missing")}), exitUsage},
		{[]string{"do", "more"}, nil, exitUsage},
		{[]string{"do", "--loudly"}, nil, exitUsage},
		{[]string{"undo"}, nil, exitUsage},
		{[]string{"do", "-o", "xml"}, nil, exitUsage},
	} {
		root := &cobra.Command{Use: "atelier", SilenceUsage: true, SilenceErrors: true}
		root.AddCommand(&cobra.Command{Use: "do", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return c.fail }})
		withOutput(root)
		root.SetArgs(c.args)
		err := root.ExecuteContext(t.Context())
		if err == nil || status(err) != c.want {
			t.Errorf("%v with %v: status %d, should be %d", c.args, err, status(err), c.want)
		}
	}
}
