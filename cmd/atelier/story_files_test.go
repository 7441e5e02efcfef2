package main

import (
	"archive/zip"
	"context"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// fetch URL FILE: keeps what a link hands out; an archive is unpacked into FILE.d, and its names stand in FILE.names.
// With ! the link hands out a page instead.
func cmdFetch(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: fetch URL FILE")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, args[0], nil)
	ts.Check(err)
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	ts.Check(err)
	how, params, _ := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
	if got := resp.StatusCode == http.StatusOK && how == "attachment"; got == neg {
		ts.Fatalf("%s: %s, %q\n%s", args[0], resp.Status, how, data[:min(len(data), 2000)])
	}
	ts.Logf("%s: %d bytes, %s %q", args[1], len(data), resp.Header.Get("Content-Type"), params["filename"])
	file := ts.MkAbs(args[1])
	ts.Check(os.WriteFile(file, data, 0o600))
	if resp.Header.Get("Content-Type") == "application/zip" {
		unpack(ts, file)
	}
}

func unpack(ts *testscript.TestScript, file string) {
	z, err := zip.OpenReader(file)
	ts.Check(err)
	defer z.Close()
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		to := filepath.Join(file+".d", filepath.FromSlash(f.Name))
		ts.Check(os.MkdirAll(filepath.Dir(to), 0o755))
		r, err := f.Open()
		ts.Check(err)
		data, err := io.ReadAll(r)
		ts.Check(err) // with its checksum
		ts.Check(r.Close())
		ts.Check(os.WriteFile(to, data, 0o600))
	}
	ts.Check(os.WriteFile(file+".names", []byte(strings.Join(names, "\n")+"\n"), 0o600))
}
