package archive

import (
	"context"
	"fmt"
	"io"
	"time"

	"filippo.io/age"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Phase is what is being done.
type Phase string

// Phases of an export, an import and a check.
const (
	Records   Phase = "records"   // counted in keys
	Pictures  Phase = "pictures"  // counted in bytes
	Reading   Phase = "reading"   // counted in bytes of the archive, by who opened it
	Comparing Phase = "comparing" // counted in keys
)

// Progress is told how far it is; total is 0 when nobody knows.
type Progress func(p Phase, done, total int64)

// Result says what was written, read or found.
type Result struct {
	Header
	Trailer
	// Warnings are what somebody should know.
	Warnings []string `json:"warnings,omitempty"`
	// Expired counts keys that ran out between export and import and were not written.
	Expired int64 `json:"expired,omitempty"`
	// Verified says that everything was read back and is as the archive says.
	Verified bool `json:"verified"`
}

func (r *Result) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// Source is what an export reads.
type Source struct {
	DB      *rdb.DB
	Blobs   core.BlobCopies
	Version string // of Atelier
	// Tell may be nil.
	Tell Progress
}

// maxNamed bounds how many damaged pictures are named.
const maxNamed = 5

// Export writes everything of the installation that is worth keeping. It may run while others serve: each key is then as
// it was at some moment of the export, but not all at the same moment, and the result says so. When it fails, what was
// written is no archive.
func Export(ctx context.Context, w io.Writer, from Source, recipients ...age.Recipient) (Result, error) {
	r := Result{Header: Header{Format: Format, Atelier: from.Version, Made: time.Now().UTC().Truncate(time.Millisecond), Workspace: from.DB.Workspace, Parts: from.DB.Parts}}
	tell := from.Tell
	if tell == nil {
		tell = func(Phase, int64, int64) {}
	}
	before, err := from.DB.Living(ctx)
	if err != nil {
		return r, err
	}
	out, err := NewWriter(w, r.Header, recipients...)
	if err != nil {
		return r, err
	}
	total, err := from.DB.Size(ctx)
	if err != nil {
		return r, err
	}
	walk := newWalker(from.DB, out, func(done int64) { tell(Records, done, max(done, total)) })
	if err := walk.walk(ctx); err != nil {
		return r, err
	}
	if walk.strange > 0 {
		r.warn("%d key(s) are of no kind that this Atelier knows and were left out, for example %s", walk.strange, walk.example)
	}
	// The pictures come last: each that a record names was there before it.
	if err := exportBlobs(ctx, out, from.Blobs, &r, tell); err != nil {
		return r, err
	}
	if r.Trailer, err = out.Close(); err != nil {
		return r, err
	}
	after, err := from.DB.Living(ctx)
	if n := max(before, after); n > 0 {
		r.warn("%d process(es) served meanwhile: what changed is in the archive in part; for an exact copy stop them first", n)
	}
	return r, err
}

func exportBlobs(ctx context.Context, out *Writer, blobs core.BlobCopies, r *Result, tell Progress) error {
	total := int64(0)
	if err := blobs.EachBlob(ctx, func(_ core.BlobKey, size int64) error {
		total += size
		return nil
	}); err != nil {
		return err
	}
	done, bad := int64(0), 0
	err := blobs.EachBlob(ctx, func(k core.BlobKey, _ int64) error {
		in, mime, err := blobs.OpenBlob(ctx, k)
		if core.ErrorCode(err) == core.CodeNotFound {
			return nil // removed since it was listed
		}
		if err != nil {
			return err
		}
		defer in.Close()
		damaged, size, err := out.Blob(k, mime, in)
		if damaged && err == nil {
			if bad++; bad <= maxNamed {
				r.warn("picture %s is damaged in the blob store; an import leaves it out", k)
			}
		}
		done += size
		tell(Pictures, done, max(done, total))
		return err
	})
	if bad > maxNamed {
		r.warn("%d pictures in all are damaged", bad)
	}
	return err
}

// Check reads an archive through without a store. An error means that it is not whole.
func Check(ctx context.Context, in io.Reader, ids ...age.Identity) (Result, error) {
	x, err := NewReader(in, ids...)
	if err != nil {
		return Result{}, err
	}
	r := Result{Header: x.Header()}
	bad := 0
	for {
		item, err := x.Next()
		if err == io.EOF { //nolint:errorlint // Next returns it as it is, and only for a whole archive
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return r, err
		}
		if item.Damaged {
			if bad++; bad <= maxNamed {
				r.warn("picture %s was damaged when it was exported; an import leaves it out", item.Blob)
			}
		}
	}
	r.Trailer = *x.Trailer()
	return r, nil
}
