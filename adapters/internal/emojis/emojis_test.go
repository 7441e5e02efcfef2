package emojis

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/kyokomi/emoji/v2"
)

// TestTableIsTheCommonOne compares the table with the library that it was made of; UPDATE_GOLDEN writes it anew.
func TestTableIsTheCommonOne(t *testing.T) {
	if os.Getenv("UPDATE_GOLDEN") != "" {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(emoji.CodeMap())) {
			if _, err := fmt.Fprintf(z, "%s\t%s\n", name, emoji.CodeMap()[name]); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("table.gz", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		packed = b.Bytes()
	}
	got := unpack(packed)
	if diff := cmp.Diff(emoji.CodeMap(), got.codes); diff != "" {
		t.Errorf("run this with UPDATE_GOLDEN=1:\n%s", diff)
	}
	for code, names := range emoji.RevCodeMap() {
		want := slices.Sorted(slices.Values(names))
		have := slices.Sorted(slices.Values(got.names[code]))
		if !slices.Equal(slices.Compact(want), have) {
			t.Errorf("%q is called %v, want %v", code, have, want)
		}
	}
}
