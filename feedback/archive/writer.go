package archive

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strconv"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/atelier-bridge/atelier/core"
)

// window bounds what the compressor looks back, and so what reading takes.
const window = 1 << 20

// Writer writes an archive. What is not closed is no archive: it has no trailer, and its encryption no end.
type Writer struct {
	out    *bufio.Writer
	zip    *zstd.Encoder
	sealed io.WriteCloser
	digest hash.Hash
	tally  *tally
	body   []byte
	hash   hash.Hash // of the picture under way
}

// NewWriter begins an archive that only the recipients can open; there must be one.
func NewWriter(w io.Writer, h Header, recipients ...age.Recipient) (*Writer, error) {
	sealed, err := age.Encrypt(w, recipients...)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	zip, err := zstd.NewWriter(sealed, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	x := &Writer{zip: zip, sealed: sealed, digest: sha256.New(), tally: newTally(), hash: sha256.New()}
	x.out = bufio.NewWriterSize(io.MultiWriter(zip, x.digest), chunk)
	if _, err := x.out.WriteString(magic); err != nil {
		return nil, err
	}
	h.Format = Format
	return x, x.json(KindHeader, h)
}

func (w *Writer) frame(k Kind, body []byte) error {
	if len(body) > maxFrame {
		return fmt.Errorf("a value of %s has %d bytes, more than an archive takes", w.tally.now.Name, len(body))
	}
	var head [1 + binary.MaxVarintLen64]byte
	head[0] = byte(k)
	n := 1 + binary.PutUvarint(head[1:], uint64(len(body)))
	if _, err := w.out.Write(head[:n]); err != nil {
		return err
	}
	_, err := w.out.Write(body)
	return err
}

func (w *Writer) list(k Kind, list ...string) error {
	w.body = appendList(w.body[:0], list)
	err := w.frame(k, w.body)
	if cap(w.body) > 4*chunk { // one long value should not be kept for good
		w.body = nil
	}
	return err
}

func (w *Writer) json(k Kind, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.frame(k, data)
}

// Key begins a key; its values follow.
func (w *Writer) Key(k Key) error {
	w.tally.key(k)
	ms := int64(0)
	if !k.Expires.IsZero() {
		ms = k.Expires.UnixMilli()
	}
	return w.list(KindKey, k.Name, string(k.Type), strconv.FormatInt(ms, 10))
}

// Part writes values of the key that was begun.
func (w *Writer) Part(values []string) error {
	if err := w.tally.part(values); err != nil {
		return err
	}
	return w.list(KindPart, values...)
}

// Group writes how far the entries of a stream were handed out.
func (w *Writer) Group(name, last string) error { return w.list(KindGroup, name, last) }

// Blob writes a picture, and reports whether its bytes are not those that its key was made from.
func (w *Writer) Blob(k core.BlobKey, mime string, r io.Reader) (damaged bool, size int64, err error) {
	if err := w.list(KindBlob, string(k), mime); err != nil {
		return false, 0, err
	}
	w.hash.Reset()
	buf := make([]byte, chunk)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			size += int64(n)
			_, _ = w.hash.Write(buf[:n])
			if err := w.frame(KindChunk, buf[:n]); err != nil {
				return false, size, err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF { //nolint:errorlint // ReadFull returns them as they are
			break
		}
		if err != nil {
			return false, size, fmt.Errorf("read picture %s: %w", k, err)
		}
	}
	sum := w.hash.Sum(nil)
	w.tally.blob(k, mime, size, sum)
	return k != KeyOf(sum), size, w.list(KindBlobEnd, strconv.FormatInt(size, 10), hex.EncodeToString(sum))
}

// KeyOf is the key of bytes with this SHA-256.
func KeyOf(sum []byte) core.BlobKey { return core.BlobKey(hex.EncodeToString(sum[:16])) }

// Close ends the archive and returns what is in it.
func (w *Writer) Close() (Trailer, error) {
	if err := w.out.Flush(); err != nil {
		return Trailer{}, err
	}
	t := Trailer{Counts: w.tally.Counts, Content: w.tally.sum.String(), Digest: hex.EncodeToString(w.digest.Sum(nil))}
	if err := w.json(KindTrailer, t); err != nil {
		return t, err
	}
	if err := w.out.Flush(); err != nil {
		return t, err
	}
	if err := w.zip.Close(); err != nil {
		return t, err
	}
	return t, w.sealed.Close()
}
