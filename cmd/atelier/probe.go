package main

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// probeTimeout bounds one probe.
const probeTimeout = 5 * time.Second

// probeCommand asks an address, for images that hold nothing else that could.
func probeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "probe URL", Short: "Ask an address such as http://127.0.0.1:9090/readyz and fail unless it answers 200.", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, args[0], nil)
			if err != nil {
				return usage(fmt.Errorf("%q is no address", args[0]))
			}
			resp, err := (&http.Client{Timeout: probeTimeout}).Do(req)
			if err != nil {
				return statusError{exitFound, err}
			}
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
			if resp.StatusCode != http.StatusOK {
				return statusError{exitFound, fmt.Errorf("%s answers %s", args[0], resp.Status)}
			}
			return show(cmd, map[string]any{"url": args[0], "status": resp.StatusCode}, func(w io.Writer) { fmt.Fprintln(w, "ok") })
		},
	}
}
