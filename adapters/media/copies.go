package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/atelier-bridge/atelier/core"
)

var _ core.BlobCopies = (*Blobs)(nil)

// folders is how many first bytes a key may have; blobs lie in folders named by them.
const folders = 256

// EachBlob calls f with every blob. It asks folder by folder: a store of files would read all of them again for every
// page of one long list.
func (b *Blobs) EachBlob(ctx context.Context, f func(k core.BlobKey, size int64) error) error {
	for i := range folders {
		folder := fmt.Sprintf("%02x/", i)
		for it := b.bucket.List(&blob.ListOptions{Prefix: folder}); ; {
			o, err := it.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return core.Wrap(core.CodeRetry, fmt.Errorf("list blobs: %w", err))
			}
			k := core.BlobKey(o.Key[len(folder):])
			if !keyPattern.MatchString(string(k)) {
				continue // not ours
			}
			if err := f(k, o.Size); err != nil {
				return err
			}
		}
	}
	return nil
}

// OpenBlob returns a reader of a blob and its MIME type.
func (b *Blobs) OpenBlob(ctx context.Context, k core.BlobKey) (io.ReadCloser, string, error) {
	p, err := path(k)
	if err != nil {
		return nil, "", err
	}
	r, err := b.bucket.NewReader(ctx, p, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, "", core.Errorf(core.CodeNotFound, "There is no such file.").Because(err)
	}
	if err != nil {
		return nil, "", core.Wrap(core.CodeRetry, fmt.Errorf("open blob: %w", err))
	}
	return r, r.ContentType(), nil
}

// RestoreBlob stores a blob under the key that it had, and reads it back. It holds little of it in memory.
func (b *Blobs) RestoreBlob(ctx context.Context, k core.BlobKey, mime string, r io.Reader) error {
	p, err := path(k)
	if err != nil {
		return err
	}
	// A write whose context ends before Close is not kept.
	writing, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := b.bucket.NewWriter(writing, p, &blob.WriterOptions{ContentType: mime})
	if err != nil {
		return core.Wrap(core.CodeRetry, fmt.Errorf("write blob: %w", err))
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(w, sum), r)
	if err == nil && keyOf(sum.Sum(nil)) != k {
		err = core.Errorf(core.CodeInvalid, "The file %s is damaged.", k)
	}
	if err != nil {
		cancel()
		_ = w.Close() // it says that the write was given up
		return err
	}
	if err := w.Close(); err != nil {
		return core.Wrap(core.CodeRetry, fmt.Errorf("write blob: %w", err))
	}
	return b.compare(ctx, k)
}

// compare reads a blob and looks whether it is what its key says.
func (b *Blobs) compare(ctx context.Context, k core.BlobKey) error {
	r, _, err := b.OpenBlob(ctx, k)
	if err != nil {
		return err
	}
	defer r.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		return core.Wrap(core.CodeRetry, fmt.Errorf("read blob back: %w", err))
	}
	if keyOf(sum.Sum(nil)) != k {
		return core.Errorf(core.CodeInternal, "The blob store gave back other bytes of %s than it was given.", k).WithNext("Check the disk or the bucket that ATELIER_BLOB_URL names, and import again.")
	}
	return nil
}

func keyOf(sum []byte) core.BlobKey { return core.BlobKey(hex.EncodeToString(sum[:16])) }
