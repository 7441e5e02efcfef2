package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // decoders
	"image/jpeg"
	_ "image/png"
	"io"
	"math/bits"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
	_ "golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// maxPictureBytes bounds a picture's file.
	maxPictureBytes = 50 << 20
	// maxPixels bounds a picture's area; a decoded one takes four bytes per pixel.
	maxPixels = 50_000_000
	// pixelBudget bounds what is decoded at the same time in this process.
	pixelBudget = 100_000_000
	// previewSide is the longer side of a preview.
	previewSide = 1024
	// cellSide is the longer side of one picture in a grid.
	cellSide = 768
	gridGap  = 8
	// maxGrids bounds the grids that are made at the same time: what a grid has decoded it keeps until all are there, and
	// taking that from the pixel budget as well could leave two grids waiting for each other.
	maxGrids = 4
	quality  = 88
)

// Imaging implements core.Imaging. One value is shared by the whole process, so that its budget bounds the memory.
type Imaging struct {
	Blobs  *Blobs
	budget *semaphore.Weighted
	grids  *semaphore.Weighted
}

var _ core.Imaging = (*Imaging)(nil)

// NewImaging returns an Imaging that stores into b.
func NewImaging(b *Blobs) *Imaging {
	return &Imaging{Blobs: b, budget: semaphore.NewWeighted(pixelBudget), grids: semaphore.NewWeighted(maxGrids)}
}

// Import checks and stores a picture with its original bytes, and a preview.
func (m *Imaging) Import(ctx context.Context, r io.Reader, name string) (core.StoredImage, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxPictureBytes+1))
	if err != nil {
		return core.StoredImage{}, core.Wrap(core.CodeRetry, err)
	}
	cfg, format, err := Inspect(data)
	if err != nil {
		return core.StoredImage{}, err
	}
	release, err := m.take(ctx, cfg)
	if err != nil {
		return core.StoredImage{}, err
	}
	defer release()
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return core.StoredImage{}, notPicture(err)
	}
	sum := sha256.Sum256(data)
	out := core.StoredImage{MIME: "image/" + format, Width: cfg.Width, Height: cfg.Height, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:]), Name: name,
		DHash: fmt.Sprintf("%016x", DHash(img))}
	if out.Blob, err = m.Blobs.put(ctx, data, out.MIME); err != nil {
		return core.StoredImage{}, err
	}
	preview := fit(img, previewSide)
	out.Preview, _, err = m.putJPEG(ctx, preview, sourceTrained)
	return out, err
}

// Inspect reads a picture's header and refuses what is no picture or over a limit; it decodes nothing.
func Inspect(data []byte) (image.Config, string, error) {
	if len(data) > maxPictureBytes {
		return image.Config{}, "", core.Errorf(core.CodeTooLarge, "The picture is larger than %d MB.", maxPictureBytes>>20)
	}
	cfg, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return image.Config{}, "", notPicture(err)
	}
	if cfg.Width <= 0 || cfg.Height <= 0 || cfg.Width > maxPixels/cfg.Height {
		return image.Config{}, "", core.Errorf(core.CodeTooLarge, "The picture has %d×%d pixels.", cfg.Width, cfg.Height).WithNext("At most %d million are taken.", maxPixels/1_000_000)
	}
	return cfg, format, nil
}

func notPicture(err error) error {
	return core.Errorf(core.CodeInvalid, "That file is no picture that can be read.").WithNext("PNG, JPEG, GIF and WebP are taken.").Because(err)
}

func (m *Imaging) take(ctx context.Context, cfg image.Config) (release func(), err error) {
	n := int64(cfg.Width) * int64(cfg.Height)
	if err := m.budget.Acquire(ctx, n); err != nil {
		return nil, core.Wrap(core.CodeRetry, err)
	}
	return func() { m.budget.Release(n) }, nil
}

// fit scales a picture down so that its longer side is at most side; it never scales up.
func fit(img image.Image, side int) image.Image {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if max(w, h) <= side {
		return img
	}
	if w >= h {
		w, h = side, max(1, h*side/w)
	} else {
		w, h = max(1, w*side/h), side
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(dst, dst.Bounds(), img, b, draw.Src, nil)
	return dst
}

func (m *Imaging) putJPEG(ctx context.Context, img image.Image, source string) (core.BlobKey, int, error) {
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality}); err != nil {
		return "", 0, core.Wrap(core.CodeInternal, err)
	}
	data := withXMP(buf.Bytes(), source)
	k, err := m.Blobs.put(ctx, data, "image/jpeg")
	return k, len(data), err
}

// Grid makes one picture of up to four, 2x2, each with its number.
func (m *Imaging) Grid(ctx context.Context, images []core.StoredImage) (core.StoredImage, error) {
	if len(images) == 0 {
		return core.StoredImage{}, core.Errorf(core.CodeInternal, "a grid of nothing")
	}
	images = images[:min(len(images), 4)]
	if err := m.grids.Acquire(ctx, 1); err != nil {
		return core.StoredImage{}, core.Wrap(core.CodeRetry, err)
	}
	defer m.grids.Release(1)
	cells := make([]image.Image, len(images))
	for i, im := range images {
		img, err := m.load(ctx, im)
		if err != nil {
			return core.StoredImage{}, err
		}
		cells[i] = img
	}
	grid := cells[0]
	if len(cells) > 1 {
		grid = Compose(cells)
	}
	key, size, err := m.putJPEG(ctx, grid, sourceComposite)
	b := grid.Bounds()
	return core.StoredImage{Blob: key, MIME: "image/jpeg", Width: b.Dx(), Height: b.Dy(), Size: int64(size)}, err
}

// load decodes a stored picture at the size that a grid needs.
func (m *Imaging) load(ctx context.Context, im core.StoredImage) (image.Image, error) {
	key := im.Preview
	if key == "" {
		key = im.Blob
	}
	return m.decode(ctx, key, cellSide)
}

// Compose lays pictures out two in a row with a small gap and numbers them.
func Compose(cells []image.Image) image.Image {
	w, h := 0, 0
	for _, c := range cells {
		w, h = max(w, c.Bounds().Dx()), max(h, c.Bounds().Dy())
	}
	rows := (len(cells) + 1) / 2
	dst := image.NewRGBA(image.Rect(0, 0, 2*w+gridGap, rows*h+(rows-1)*gridGap))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.RGBA{18, 18, 20, 255}), image.Point{}, draw.Src)
	for i, c := range cells {
		b := c.Bounds()
		x, y := (i%2)*(w+gridGap)+(w-b.Dx())/2, (i/2)*(h+gridGap)+(h-b.Dy())/2
		draw.Draw(dst, image.Rect(x, y, x+b.Dx(), y+b.Dy()), c, b.Min, draw.Src)
		badge(dst, x+10, y+10, i+1)
	}
	return dst
}

// badge draws a number on a dark disc.
func badge(dst draw.Image, x, y, n int) {
	const d = 34
	disc := image.NewRGBA(image.Rect(0, 0, d, d))
	for py := range d {
		for px := range d {
			dx, dy := float64(px)-d/2+.5, float64(py)-d/2+.5
			if dx*dx+dy*dy <= d*d/4 {
				disc.SetRGBA(px, py, color.RGBA{0, 0, 0, 150})
			}
		}
	}
	small := image.NewRGBA(image.Rect(0, 0, 7, 13))
	(&font.Drawer{Dst: small, Src: image.White, Face: basicfont.Face7x13, Dot: fixed.P(0, 11)}).DrawString(fmt.Sprint(n))
	draw.ApproxBiLinear.Scale(disc, image.Rect(10, 4, 24, 30), small, small.Bounds(), draw.Over, nil)
	draw.Draw(dst, image.Rect(x, y, x+d, y+d), disc, image.Point{}, draw.Over)
}

// DHash is the 64-bit difference hash of a picture: how it looks, at nine by eight grey pixels.
func DHash(img image.Image) uint64 {
	small := image.NewGray(image.Rect(0, 0, 9, 8))
	draw.ApproxBiLinear.Scale(small, small.Bounds(), img, img.Bounds(), draw.Src, nil)
	var h uint64
	for y := range 8 {
		for x := range 8 {
			h <<= 1
			if small.GrayAt(x, y).Y > small.GrayAt(x+1, y).Y {
				h |= 1
			}
		}
	}
	return h
}

// Distance counts the bits in which two hashes differ.
func Distance(a, b uint64) int { return bits.OnesCount64(a ^ b) }
