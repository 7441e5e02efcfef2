package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

func open(t *testing.T) *Imaging {
	t.Helper()
	b, err := OpenBlobs(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return NewImaging(b)
}

func picture(t testing.TB, w, h int, shade uint8) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{shade, uint8(x), uint8(y), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func chunk(kind, body string) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(out, kind+body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE([]byte(kind+body)))
}

func TestImportKeepsTheOriginal(t *testing.T) {
	m := open(t)
	data := picture(t, 1600, 800, 10)
	im, err := m.Import(t.Context(), bytes.NewReader(data), "a.png")
	if err != nil {
		t.Fatal(err)
	}
	if im.Width != 1600 || im.Height != 800 || im.MIME != "image/png" || im.Size != int64(len(data)) {
		t.Errorf("%+v", im)
	}
	if got := read(t, m, im.Blob); !bytes.Equal(got, data) {
		t.Error("the original was changed")
	}
	preview := read(t, m, im.Preview)
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(preview))
	if err != nil || cfg.Width != previewSide || cfg.Height != previewSide/2 {
		t.Errorf("preview %+v %v", cfg, err)
	}
	if !strings.Contains(string(preview), sourceTrained) {
		t.Error("the preview does not say that it was made")
	}
	again, err := m.Import(t.Context(), bytes.NewReader(data), "b.png")
	if err != nil || again.Blob != im.Blob {
		t.Errorf("the same bytes became another blob: %v %v", again.Blob, err)
	}
}

func read(t *testing.T, m *Imaging, k core.BlobKey) []byte {
	t.Helper()
	r, err := m.Blobs.Open(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestImportRefuses(t *testing.T) {
	m := open(t)
	// A header that promises 60000 by 60000 pixels costs nothing to refuse.
	bomb := picture(t, 8, 8, 0)
	ihdr := []byte("IHDR" + string(bomb[16:29]))
	binary.BigEndian.PutUint32(ihdr[4:], 60000)
	binary.BigEndian.PutUint32(ihdr[8:], 60000)
	copy(bomb[12:], ihdr)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(ihdr))
	for name, c := range map[string]struct {
		data []byte
		code core.Code
	}{
		"words":           {[]byte("this is no picture"), core.CodeInvalid},
		"nothing":         {nil, core.CodeInvalid},
		"half a picture":  {picture(t, 64, 64, 1)[:60], core.CodeInvalid},
		"too many pixels": {bomb, core.CodeTooLarge},
		"too many bytes":  {make([]byte, maxPictureBytes+1), core.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := m.Import(t.Context(), bytes.NewReader(c.data), name); core.ErrorCode(err) != c.code {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestGrid(t *testing.T) {
	m := open(t)
	var list []core.StoredImage
	for i := range 4 {
		im, err := m.Import(t.Context(), bytes.NewReader(picture(t, 300, 200, uint8(i*60))), "x")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, im)
	}
	g, err := m.Grid(t.Context(), list)
	if err != nil || g.Width != 600+gridGap || g.Height != 400+gridGap {
		t.Errorf("%+v %v", g, err)
	}
	if one, err := m.Grid(t.Context(), list[:1]); err != nil || one.Width != 300 {
		t.Errorf("%+v %v", one, err)
	}
	if _, err := m.Grid(t.Context(), nil); err == nil {
		t.Error("a grid of nothing")
	}
}

func TestBlobsKeepToTheirFolder(t *testing.T) {
	m := open(t)
	for _, k := range []core.BlobKey{"", "../../etc/passwd", "x", core.BlobKey(strings.Repeat("0", 32))} {
		if _, err := m.Blobs.Open(t.Context(), k); core.ErrorCode(err) != core.CodeNotFound {
			t.Errorf("%q: %v", k, err)
		}
	}
	if err := m.Blobs.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPNGText(t *testing.T) {
	p := picture(t, 8, 8, 1)
	with := append(bytes.Clone(p[:33]), chunk("tEXt", "Description\x00a boat Job ID: 1")...)
	with = append(with, chunk("iTXt", "Author\x00\x00\x00en\x00\x00Ana")...)
	with = append(with, p[33:]...)
	got := PNGText(with)
	if got["Description"] != "a boat Job ID: 1" || got["Author"] != "Ana" {
		t.Errorf("%v", got)
	}
	if len(PNGText([]byte("nothing"))) != 0 {
		t.Error("text in what is no PNG")
	}
}

func FuzzPNGText(f *testing.F) {
	f.Add(append([]byte("\x89PNG\r\n\x1a\n"), chunk("tEXt", "a\x00b")...))
	f.Fuzz(func(_ *testing.T, data []byte) { PNGText(data) })
}

func FuzzInspect(f *testing.F) {
	f.Add(picture(f, 4, 4, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, _, err := Inspect(data); err == nil && cfg.Width*cfg.Height > maxPixels {
			t.Fatalf("%d by %d was let in", cfg.Width, cfg.Height)
		}
	})
}

func TestCancelledImportWaitsForNobody(t *testing.T) {
	m := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Import(ctx, bytes.NewReader(picture(t, 64, 64, 1)), "x"); core.ErrorCode(err) != core.CodeRetry {
		t.Errorf("%v", err)
	}
}
