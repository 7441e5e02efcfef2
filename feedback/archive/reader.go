package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"strconv"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// ErrDamaged is in the chain of every error that says that an archive is not whole.
var ErrDamaged = errors.New("not a whole archive")

func damaged(format string, args ...any) error {
	return core.Errorf(core.CodeInvalid, "The archive is damaged or cut off: %s.", fmt.Sprintf(format, args...)).
		WithNext("Take another copy of the file.").Because(ErrDamaged)
}

// Reader reads an archive and checks it on the way. What it returned is certain only when Next returned io.EOF: the
// trailer was there and agrees.
type Reader struct {
	in     *bufio.Reader
	digest hash.Hash
	tally  *tally
	header Header
	end    *Trailer
	frames bytes.Buffer

	item Item // where it stands
	size int64
	hash hash.Hash
}

// NewReader opens an archive and reads its header.
func NewReader(r io.Reader, ids ...age.Identity) (*Reader, error) {
	open, err := age.Decrypt(bufio.NewReaderSize(r, chunk), ids...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, core.Errorf(core.CodeForbidden, "The archive does not open: the passphrase or the identity is not the one it was made for.").
			WithNext("Set ATELIER_EXPORT_PASSPHRASE, or name the file with the age identity by --identity.").Because(err)
	}
	if err != nil {
		return nil, core.Errorf(core.CodeInvalid, "This is no archive of Atelier, or it is cut off.").WithNext("Name a file that atelier export wrote.").Because(fmt.Errorf("%w: %w", ErrDamaged, err))
	}
	zip, err := zstd.NewReader(open, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(4*window))
	if err != nil {
		return nil, err
	}
	return newPlainReader(zip)
}

// newPlainReader reads what is inside of compression and encryption.
func newPlainReader(r io.Reader) (*Reader, error) {
	x := &Reader{in: bufio.NewReaderSize(r, chunk), digest: sha256.New(), tally: newTally(), hash: sha256.New()}
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(x.in, head); err != nil || string(head) != magic {
		return nil, damaged("it does not begin as one")
	}
	_, _ = x.digest.Write(head)
	kind, body, err := x.frame()
	if err != nil {
		return nil, err
	}
	if kind != KindHeader || json.Unmarshal(body, &x.header) != nil {
		return nil, damaged("it has no header")
	}
	h := x.header
	if h.Format > Format || h.Format < 1 {
		return nil, core.Errorf(core.CodeInvalid, "The archive has format %d; this Atelier reads format %d.", h.Format, Format).WithNext("Use the version that wrote it (%s) or a newer one.", h.Atelier)
	}
	if h.Parts.Projects < 1 || h.Parts.People < 1 || h.Parts.Projects > maxParts || h.Parts.People > maxParts || h.Workspace == "" {
		return nil, damaged("its header names %d and %d partitions of workspace %q", h.Parts.Projects, h.Parts.People, h.Workspace)
	}
	return x, nil
}

// maxParts bounds the numbers of partitions that are believed.
const maxParts = 1 << 14

// Header returns the archive's header.
func (r *Reader) Header() Header { return r.header }

// Trailer returns the trailer; nil before Next returned io.EOF.
func (r *Reader) Trailer() *Trailer { return r.end }

// frame reads one frame. Memory grows with what is there, not with what a length says.
func (r *Reader) frame() (Kind, []byte, error) {
	k, err := r.in.ReadByte()
	if err != nil {
		return 0, nil, damaged("it ends before its trailer (%v)", err)
	}
	n, err := binary.ReadUvarint(r.in)
	if err != nil || n > maxFrame {
		return 0, nil, damaged("a frame has no length that can be")
	}
	if r.frames.Cap() > 4*chunk {
		r.frames = bytes.Buffer{}
	}
	r.frames.Reset()
	if _, err := io.CopyN(&r.frames, r.in, int64(n)); err != nil {
		return 0, nil, damaged("it ends inside of a frame (%v)", err)
	}
	if Kind(k) != KindTrailer {
		var head [1 + binary.MaxVarintLen64]byte
		head[0] = k
		_, _ = r.digest.Write(head[:1+binary.PutUvarint(head[1:], n)])
		_, _ = r.digest.Write(r.frames.Bytes())
	}
	return Kind(k), r.frames.Bytes(), nil
}

// Next returns the next item. At the end, and only when the trailer agrees with all that was read, it returns io.EOF.
func (r *Reader) Next() (Item, error) {
	if r.end != nil {
		return Item{}, io.EOF
	}
	kind, body, err := r.frame()
	if err != nil {
		return Item{}, err
	}
	if inBlob := r.item.Kind == KindBlob || r.item.Kind == KindChunk; inBlob != (kind == KindChunk || kind == KindBlobEnd) {
		return Item{}, damaged("a picture does not end where it should")
	}
	switch kind {
	case KindTrailer:
		return Item{}, r.finish(body)
	case KindChunk:
		r.item.Kind, r.item.Data = kind, body
		r.size += int64(len(body))
		_, _ = r.hash.Write(body)
		return r.item, nil
	}
	list, err := parseList(body)
	if err != nil {
		return Item{}, damaged("%v", err)
	}
	switch kind {
	case KindKey:
		err = r.key(list)
	case KindPart, KindGroup:
		err = r.values(kind, list)
	case KindBlob:
		if len(list) != 2 || !isBlobKey(list[0]) {
			return Item{}, damaged("a picture has no name")
		}
		r.item = Item{Kind: kind, Blob: core.BlobKey(list[0]), MIME: list[1]}
		r.size = 0
		r.hash.Reset()
	case KindBlobEnd:
		sum := r.hash.Sum(nil)
		if len(list) != 2 || list[0] != strconv.FormatInt(r.size, 10) || list[1] != hex.EncodeToString(sum) {
			return Item{}, damaged("picture %s is not whole", r.item.Blob)
		}
		r.item.Kind, r.item.Data, r.item.Damaged = kind, nil, r.item.Blob != KeyOf(sum)
		r.tally.blob(r.item.Blob, r.item.MIME, r.size, sum)
	default:
		err = damaged("there is a frame of kind %q", byte(kind))
	}
	return r.item, err
}

func isBlobKey(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16 && hex.EncodeToString(b) == s
}

func (r *Reader) key(list []string) error {
	if len(list) != 3 || len(list[1]) != 1 {
		return damaged("a key has no name")
	}
	ms, err := strconv.ParseInt(list[2], 10, 64)
	if err != nil || ms < 0 {
		return damaged("%s has no time", list[0])
	}
	k := Key{Name: list[0], Type: rdb.Type(list[1][0])}
	if ms > 0 {
		k.Expires = time.UnixMilli(ms).UTC()
	}
	f, tag, ok := r.tally.index.Of(k.Name)
	if !ok || !f.Kept || f.Type != k.Type {
		return core.Errorf(core.CodeInvalid, "The archive holds %s, which this Atelier does not know.", k.Name).WithNext("Use the version that wrote it (%s) or a newer one.", r.header.Atelier)
	}
	if !inRange(tag, r.header.Parts) {
		return damaged("%s lies in a partition that there is not", k.Name)
	}
	r.item = Item{Kind: KindKey, Key: k}
	r.tally.key(k)
	return nil
}

// inRange reports whether a key's partition is one of the installation's. Tags that name no partition are fine.
func inRange(tag string, n core.Partitions) bool {
	if len(tag) < 3 {
		return true
	}
	i, err := strconv.Atoi(tag[1:])
	switch {
	case err != nil:
		return true
	case tag[0] == 'p':
		return i >= 0 && i < n.Projects
	case tag[0] == 'u':
		return i >= 0 && i < n.People
	}
	return true
}

func (r *Reader) values(kind Kind, list []string) error {
	k := r.item.Key
	if k.Name == "" {
		return damaged("there are values without a key")
	}
	if kind == KindGroup {
		if len(list) != 2 || k.Type != rdb.Stream {
			return damaged("the readers of %s cannot be told", k.Name)
		}
		r.item = Item{Kind: kind, Key: k, Group: list[0], Last: list[1]}
		return nil
	}
	if err := r.tally.part(list); err != nil {
		return damaged("%s: %v", k.Name, err)
	}
	r.item = Item{Kind: kind, Key: k, Values: list}
	return nil
}

// finish compares the trailer with what was read, and looks that nothing follows it.
func (r *Reader) finish(body []byte) error {
	var t Trailer
	if err := json.Unmarshal(body, &t); err != nil {
		return damaged("its trailer cannot be read")
	}
	c := r.tally.Counts
	switch {
	case t.Digest != hex.EncodeToString(r.digest.Sum(nil)):
		return damaged("its digest is not that of its trailer")
	case t.Content != r.tally.sum.String(), t.Keys != c.Keys, t.Values != c.Values, t.Blobs != c.Blobs, t.BlobBytes != c.BlobBytes, !maps.Equal(t.Families, c.Families):
		return damaged("it does not hold what its trailer says")
	}
	if _, err := r.in.ReadByte(); err != io.EOF { //nolint:errorlint // an end that is wrapped would be no clean one
		return damaged("something follows its trailer")
	}
	r.end = &t
	return io.EOF
}

// blobReader reads the chunks of the picture that the reader stands at.
type blobReader struct {
	r    *Reader
	rest []byte
	end  *Item // the picture's last frame, once it was read
}

// Read implements io.Reader.
func (b *blobReader) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.end != nil {
			return 0, io.EOF
		}
		item, err := b.r.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		if item.Kind == KindBlobEnd {
			b.end = &item
		}
		b.rest = item.Data
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
