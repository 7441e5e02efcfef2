// Package media keeps bytes and looks at pictures: the blob store, decoding within limits, previews, grids and the
// metadata that tells where a picture came from.
package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/memblob"  // mem://, for tests and the demo without --data
	"gocloud.dev/gcerrors"

	"github.com/atelier-bridge/atelier/core"
)

// MaxBlob bounds one blob, in bytes.
const MaxBlob = 100 << 20

// Blobs implements core.Blobs on a gocloud.dev bucket. Keys are made from the content.
type Blobs struct{ bucket *blob.Bucket }

var _ core.Blobs = (*Blobs)(nil)

// OpenBlobs opens a bucket by its gocloud.dev URL.
func OpenBlobs(ctx context.Context, url string) (*Blobs, error) {
	b, err := blob.OpenBucket(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	return &Blobs{bucket: b}, nil
}

// Close releases the bucket.
func (b *Blobs) Close() error { return b.bucket.Close() }

// Check writes, reads and removes a small object: what doctor asks.
func (b *Blobs) Check(ctx context.Context) error {
	const key = "check/doctor"
	if err := b.bucket.WriteAll(ctx, key, []byte("ok"), nil); err != nil {
		return err
	}
	if _, err := b.bucket.ReadAll(ctx, key); err != nil {
		return err
	}
	return b.bucket.Delete(ctx, key)
}

var keyPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)

func path(k core.BlobKey) (string, error) {
	if !keyPattern.MatchString(string(k)) {
		return "", core.Errorf(core.CodeNotFound, "There is no such file.")
	}
	return string(k[:2]) + "/" + string(k), nil
}

// Put stores bytes once and returns their key and size.
func (b *Blobs) Put(ctx context.Context, r io.Reader, mime string) (core.BlobKey, int64, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBlob+1))
	if err != nil {
		return "", 0, core.Wrap(core.CodeRetry, err)
	}
	if len(data) > MaxBlob {
		return "", int64(len(data)), core.Errorf(core.CodeTooLarge, "The file is larger than %d MB.", MaxBlob>>20)
	}
	k, err := b.put(ctx, data, mime)
	return k, int64(len(data)), err
}

func (b *Blobs) put(ctx context.Context, data []byte, mime string) (core.BlobKey, error) {
	sum := sha256.Sum256(data)
	k := core.BlobKey(hex.EncodeToString(sum[:16]))
	p, err := path(k)
	if err != nil {
		return "", err
	}
	if ok, err := b.bucket.Exists(ctx, p); err == nil && ok {
		return k, nil
	}
	if mime == "" {
		mime = "application/octet-stream"
	}
	if err := b.bucket.Upload(ctx, p, bytes.NewReader(data), &blob.WriterOptions{ContentType: mime}); err != nil {
		return "", core.Wrap(core.CodeRetry, fmt.Errorf("write blob: %w", err))
	}
	return k, nil
}

// Open returns a reader of a blob.
func (b *Blobs) Open(ctx context.Context, k core.BlobKey) (io.ReadCloser, error) {
	p, err := path(k)
	if err != nil {
		return nil, err
	}
	r, err := b.bucket.NewReader(ctx, p, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, core.Errorf(core.CodeNotFound, "There is no such file.").Because(err)
	}
	if err != nil {
		return nil, core.Wrap(core.CodeRetry, fmt.Errorf("open blob: %w", err))
	}
	return r, nil
}
