// Package canvas does the work on pictures that providers leave to us: padding for zoom and pan, masks, sizes, and
// putting the original back where a provider redrew it.
package canvas

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/sync/semaphore"

	"github.com/atelier-bridge/atelier/adapters/media"
	"github.com/atelier-bridge/atelier/core"
)

const (
	// MaxBytes bounds one picture, sent or received.
	MaxBytes = 50 << 20
	// pixelBudget bounds the pixels that one provider has decoded at the same time, at four bytes each.
	pixelBudget = 100_000_000
)

// Board bounds the memory for pictures. A provider has one.
type Board struct{ budget *semaphore.Weighted }

// NewBoard returns a board.
func NewBoard() *Board { return &Board{budget: semaphore.NewWeighted(pixelBudget)} }

// With runs f while it holds room for so many pixels. All room of one step is taken at once, so that two steps cannot
// wait for each other.
func (b *Board) With(ctx context.Context, pixels int, f func() error) error {
	n := min(int64(max(pixels, 1)), pixelBudget)
	if err := b.budget.Acquire(ctx, n); err != nil {
		return core.Wrap(core.CodeRetry, err)
	}
	defer b.budget.Release(n)
	return f()
}

// File is a picture as bytes with what its header says.
type File struct {
	Data []byte
	MIME string // image/png, image/jpeg, image/gif, image/webp
	W, H int
}

// Pixels returns its area.
func (f File) Pixels() int { return f.W * f.H }

// Extension returns the usual ending of its file name.
func (f File) Extension() string {
	switch f.MIME {
	case "image/jpeg":
		return "jpg"
	case "image/webp":
		return "webp"
	case "image/gif":
		return "gif"
	}
	return "png"
}

// Read opens a picture of a request, at most MaxBytes, and looks at its header.
func Read(ctx context.Context, r core.Request, im *core.StoredImage) (File, error) {
	if im == nil || r.Open == nil {
		return File{}, core.Errorf(core.CodeInvalid, "There is no picture to work on.")
	}
	rc, err := r.Open(ctx, im.Blob)
	if err != nil {
		return File{}, err
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, MaxBytes+1))
	if err != nil {
		return File{}, core.Wrap(core.CodeRetry, err)
	}
	return Inspect(data)
}

// Inspect looks at a picture's header; nothing is decoded.
func Inspect(data []byte) (File, error) {
	cfg, format, err := media.Inspect(data)
	if err != nil {
		return File{}, err
	}
	return File{Data: data, MIME: "image/" + format, W: cfg.Width, H: cfg.Height}, nil
}

var errNoPicture = errors.New("the file is no whole picture")

// Check decodes a received picture once, so that a broken one is told apart from its siblings, which were paid for too.
func (b *Board) Check(ctx context.Context, data []byte) (File, error) {
	f, err := Inspect(data)
	if err != nil {
		return File{}, err
	}
	err = b.With(ctx, f.Pixels(), func() error {
		if _, _, err := image.Decode(bytes.NewReader(data)); err != nil {
			return core.Wrap(core.CodeInvalid, errNoPicture)
		}
		return nil
	})
	return f, err
}

// decode decodes a picture whose header was looked at.
func decode(f File) (*image.NRGBA, error) {
	img, _, err := image.Decode(bytes.NewReader(f.Data))
	if err != nil {
		return nil, core.Errorf(core.CodeInvalid, "That picture cannot be read.").Because(errNoPicture)
	}
	if n, ok := img.(*image.NRGBA); ok && n.Rect.Min == (image.Point{}) {
		return n, nil
	}
	out := image.NewNRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Src)
	return out, nil
}

// PNG returns the picture as a PNG; one that is a PNG already stays as it is.
func (b *Board) PNG(ctx context.Context, f File) (File, error) {
	if f.MIME == "image/png" {
		return f, nil
	}
	out := f
	err := b.With(ctx, 2*f.Pixels(), func() error {
		img, err := decode(f)
		if err != nil {
			return err
		}
		out, err = encode(img)
		return err
	})
	return out, err
}

// Resized returns the picture as a PNG of another size.
func (b *Board) Resized(ctx context.Context, f File, w, h int) (File, error) {
	if f.W == w && f.H == h {
		return b.PNG(ctx, f)
	}
	var out File
	err := b.With(ctx, 2*f.Pixels()+w*h, func() error {
		img, err := decode(f)
		if err != nil {
			return err
		}
		out, err = encode(scaled(img, w, h))
		return err
	})
	return out, err
}

// Within returns the picture with its longer side at most side, as a PNG when it had to be made smaller.
func (b *Board) Within(ctx context.Context, f File, side int) (File, error) {
	if max(f.W, f.H) <= side && f.MIME != "image/gif" {
		return f, nil
	}
	k := min(1, float64(side)/float64(max(f.W, f.H)))
	return b.Resized(ctx, f, max(1, int(float64(f.W)*k)), max(1, int(float64(f.H)*k)))
}

func scaled(img *image.NRGBA, w, h int) *image.NRGBA {
	if img.Rect.Dx() == w && img.Rect.Dy() == h {
		return img
	}
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(out, out.Rect, img, img.Rect, draw.Src, nil)
	return out
}

func encode(img image.Image) (File, error) {
	var buf bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&buf, img); err != nil {
		return File{}, core.Wrap(core.CodeInternal, err)
	}
	return File{Data: buf.Bytes(), MIME: "image/png", W: img.Bounds().Dx(), H: img.Bounds().Dy()}, nil
}
