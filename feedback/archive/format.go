// Package archive writes a whole installation into one encrypted stream, and reads it back into an empty one.
//
// An archive is an age file (age-encryption.org/v1) around a zstd stream around this:
//
//	"ATELIER-ARCHIVE\n"
//	frame 'H'  the header, JSON
//	frames of records, then frames of pictures:
//	  'K' key, type, when it runs out (ms, 0: never)   then any number of
//	  'P' values: hash field value…, set member…, sorted set member score…, stream id n (field value)×n…, string value
//	  'G' group, id of the newest entry that was handed out (streams)
//	  'B' blob key, MIME type      then any number of
//	  'C' bytes                    then
//	  'E' size, SHA-256
//	frame 'T'  the trailer, JSON: counts and digests of all before it
//
// A frame is its kind, the length of its body as an unsigned varint, and the body; a body that is a list holds each text
// behind its length as an unsigned varint. Keys stand without the installation's prefix, and so do keys inside values.
// Values are written by what they are, not as the server stores them, so that an archive moves between a single server,
// a Cluster, versions of Redis and Valkey.
package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

const (
	magic = "ATELIER-ARCHIVE\n"
	// Format is the newest version of archives that this Atelier reads, and the one that it writes.
	Format = 1
	// maxFrame bounds one frame: the longest value of the store is far shorter.
	maxFrame = 64 << 20
	// chunk is how many bytes of a picture, and at least of a page of values, one frame holds.
	chunk = 256 << 10
)

// Kind says what a frame holds.
type Kind byte

// Kinds of frames.
const (
	KindHeader  Kind = 'H'
	KindKey     Kind = 'K'
	KindPart    Kind = 'P'
	KindGroup   Kind = 'G'
	KindBlob    Kind = 'B'
	KindChunk   Kind = 'C'
	KindBlobEnd Kind = 'E'
	KindTrailer Kind = 'T'
)

// Header says whose archive it is.
type Header struct {
	Format    int             `json:"format"`
	Atelier   string          `json:"atelier"` // the version that wrote it
	Made      time.Time       `json:"made"`
	Workspace string          `json:"workspace"`
	Parts     core.Partitions `json:"partitions"`
}

// Counts are what an archive or a store holds.
type Counts struct {
	// Keys of the store, and the values in them: fields, members, entries.
	Keys   int64 `json:"keys"`
	Values int64 `json:"values"`
	// Families counts keys by what they hold.
	Families  map[string]int64 `json:"families"`
	Blobs     int64            `json:"blobs"`
	BlobBytes int64            `json:"blob_bytes"`
}

// Trailer ends an archive.
type Trailer struct {
	Counts
	// Content is a digest of what the archive says, whatever its order: two exports of the same content have the same.
	Content string `json:"content"`
	// Digest is the SHA-256 of every byte before the trailer.
	Digest string `json:"digest"`
}

// Key begins the values of a key.
type Key struct {
	// Name is the key without the installation's prefix.
	Name string
	Type rdb.Type
	// Expires is when it runs out; zero: never.
	Expires time.Time
}

// Item is one frame between header and trailer.
type Item struct {
	Kind Kind
	// Key is the key that the frame begins or belongs to.
	Key Key
	// Values of a part, in the order that the package's comment gives.
	Values []string
	// Group and Last of a stream's readers.
	Group, Last string
	// Blob is the picture that the frame begins or belongs to.
	Blob core.BlobKey
	MIME string
	// Data is a piece of a picture; it holds until the next item is read.
	Data []byte
	// Damaged at a picture's end: its bytes are not those that its key was made from.
	Damaged bool
}

// sum adds up hashes: a digest that does not depend on the order of what went in.
type sum struct {
	w [4]uint64
	n int64
}

func (s *sum) add(kind byte, parts ...string) {
	h := sha256.New()
	var n [8]byte
	_, _ = h.Write([]byte{kind})
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		_, _ = h.Write(n[:])
		_, _ = io.WriteString(h, p)
	}
	var out [sha256.Size]byte
	h.Sum(out[:0])
	carry := uint64(0)
	for i := range s.w {
		s.w[i], carry = bits.Add64(s.w[i], binary.BigEndian.Uint64(out[8*i:]), carry)
	}
	s.n++
}

func (s *sum) String() string {
	var out []byte
	for _, w := range s.w {
		out = binary.BigEndian.AppendUint64(out, w)
	}
	return hex.EncodeToString(out)
}

// tally counts items and adds their content up. Writer, reader and the check of a store keep the same.
type tally struct {
	Counts
	sum   sum
	index rdb.FamilyIndex
	now   Key
}

func newTally() *tally {
	return &tally{Counts: Counts{Families: map[string]int64{}}, index: rdb.NewFamilyIndex()}
}

func (t *tally) key(k Key) {
	f, _, _ := t.index.Of(k.Name)
	t.Keys++
	t.Families[f.Word]++
	t.now = k
	// When it runs out is told to the millisecond by no server older than 7.0, so only whether it does is compared.
	passing := ""
	if !k.Expires.IsZero() {
		passing = "passing"
	}
	t.sum.add('K', k.Name, string(k.Type), passing)
}

func (t *tally) part(values []string) error {
	return each(t.now.Type, values, func(v []string) {
		t.Values++
		t.sum.add('V', append([]string{t.now.Name}, v...)...)
	})
}

func (t *tally) blob(k core.BlobKey, mime string, size int64, hash []byte) {
	t.Blobs++
	t.BlobBytes += size
	t.sum.add('B', string(k), mime, hex.EncodeToString(hash))
}

var errPart = errors.New("a page of values is not complete")

// each calls f with every value of a page.
func each(t rdb.Type, values []string, f func(v []string)) error {
	n := 1
	switch t {
	case rdb.String:
		if len(values) != 1 {
			return errPart
		}
	case rdb.Set:
	case rdb.Hash, rdb.SortedSet:
		n = 2
	case rdb.Stream:
		for len(values) > 0 {
			if len(values) < 2 {
				return errPart
			}
			pairs, err := strconv.Atoi(values[1])
			if err != nil || pairs < 1 || pairs > (len(values)-2)/2 {
				return errPart
			}
			f(values[:2+2*pairs])
			values = values[2+2*pairs:]
		}
		return nil
	default:
		return fmt.Errorf("type %q of key is not known", t)
	}
	if len(values)%n != 0 {
		return errPart
	}
	for ; len(values) > 0; values = values[n:] {
		f(values[:n])
	}
	return nil
}

// appendList encodes texts.
func appendList(b []byte, list []string) []byte {
	for _, s := range list {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// parseList decodes texts.
func parseList(b []byte) ([]string, error) {
	var out []string
	for len(b) > 0 {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return nil, errors.New("a list is not complete")
		}
		out = append(out, string(b[size:size+int(n)]))
		b = b[size+int(n):]
	}
	return out, nil
}
