// Package emojis is the common table of emoji and their short names. It is that of github.com/kyokomi/emoji, which a test
// compares with; as a program text that table alone would be half a megabyte.
package emojis

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
	"sync"
)

//go:embed table.gz
var packed []byte

type table struct {
	codes map[string]string
	names map[string][]string
}

var read = sync.OnceValue(func() table { return unpack(packed) })

// unpack reads lines of a name, a tab and the characters.
func unpack(data []byte) table {
	t := table{codes: map[string]string{}, names: map[string][]string{}}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return t // a test would find it first
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return t
	}
	for line := range strings.Lines(string(text)) {
		name, code, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if ok {
			t.codes[name] = code
			t.names[code] = append(t.names[code], name)
		}
	}
	return t
}

// Codes returns the characters by short name, such as ":+1:". It is read when it is first asked for and never changed.
func Codes() map[string]string { return read().codes }

// Names returns the short names by characters.
func Names() map[string][]string { return read().names }
