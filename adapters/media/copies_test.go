package media

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

// TestCopies moves blobs from one folder to another.
func TestCopies(t *testing.T) {
	open := func() *Blobs {
		b, err := OpenBlobs(t.Context(), "file://"+filepath.ToSlash(t.TempDir())+"?no_tmp_dir=1")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() })
		return b
	}
	from, to := open(), open()
	if err := from.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := from.bucket.WriteAll(t.Context(), "ab/not ours", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	want := map[core.BlobKey]string{}
	for _, s := range []string{"one", "two", strings.Repeat("three", 100_000)} {
		k, _, err := from.Put(t.Context(), strings.NewReader(s), "image/png")
		if err != nil {
			t.Fatal(err)
		}
		want[k] = s
	}
	n := 0
	if err := from.EachBlob(t.Context(), func(k core.BlobKey, size int64) error {
		n++
		r, mime, err := from.OpenBlob(t.Context(), k)
		if err != nil {
			return err
		}
		defer r.Close()
		if size != int64(len(want[k])) || mime != "image/png" {
			t.Errorf("%s has %d bytes of %s", k, size, mime)
		}
		return to.RestoreBlob(t.Context(), k, mime, r)
	}); err != nil || n != len(want) {
		t.Fatalf("%d blobs: %v", n, err)
	}
	for k, s := range want {
		r, mime, err := to.OpenBlob(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || string(got) != s || mime != "image/png" {
			t.Errorf("%s came as %d bytes of %s: %v", k, len(got), mime, err)
		}
	}
	if _, _, err := to.OpenBlob(t.Context(), "00000000000000000000000000000000"); core.ErrorCode(err) != core.CodeNotFound {
		t.Errorf("what is not there: %v", err)
	}
}

// TestRestoreKeepsNothingDamaged: other bytes, and a source that breaks off, leave nothing behind.
func TestRestoreKeepsNothingDamaged(t *testing.T) {
	b, err := OpenBlobs(t.Context(), "file://"+filepath.ToSlash(t.TempDir())+"?no_tmp_dir=1")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	const k = core.BlobKey("0123456789abcdef0123456789abcdef")
	if err := b.RestoreBlob(t.Context(), k, "image/png", strings.NewReader("other")); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("other bytes: %v", err)
	}
	broken := errors.New("cut off")
	if err := b.RestoreBlob(t.Context(), k, "image/png", io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("a source that breaks off: %v", err)
	}
	if err := b.RestoreBlob(t.Context(), "../../etc/passwd", "image/png", strings.NewReader("x")); core.ErrorCode(err) != core.CodeNotFound {
		t.Errorf("a key that is none: %v", err)
	}
	if err := b.EachBlob(t.Context(), func(k core.BlobKey, _ int64) error {
		t.Errorf("%s is there", k)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
