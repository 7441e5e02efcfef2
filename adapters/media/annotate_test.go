package media

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

// drawn reads what was drawn, and keeps a copy where ATELIER_SHOW_DRAWN names a folder.
func drawn(t *testing.T, m *Imaging, im core.StoredImage, name string) []byte {
	t.Helper()
	r, err := m.Blobs.Open(t.Context(), im.Blob)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("ATELIER_SHOW_DRAWN"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

func TestPin(t *testing.T) {
	m := open(t)
	im, err := m.Import(t.Context(), bytes.NewReader(picture(t, 1200, 800, 60)), "a.png")
	if err != nil {
		t.Fatal(err)
	}
	for name, spot := range map[string]core.Area{"middle": {X: 0.5, Y: 0.5}, "corner": {X: 1, Y: 0}, "area": {X: 0.2, Y: 0.1, W: 0.6, H: 0.5}, "all": {W: 1, H: 1}, "thin": {X: 0.1, Y: 0.5, W: 0.8, H: 0.01}} {
		got, err := m.Pin(t.Context(), im.Blob, spot, 12)
		if err != nil || got.MIME != "image/jpeg" || max(got.Width, got.Height) != pinSide {
			t.Fatalf("%s: %+v %v", name, got, err)
		}
		img, _, err := image.Decode(bytes.NewReader(drawn(t, m, got, "pin-"+name+".jpg")))
		if err != nil {
			t.Fatal(err)
		}
		if !has(img, pinColour()) {
			t.Errorf("%s has no pin on it", name)
		}
	}
	if _, err := m.Pin(t.Context(), "nothing", core.Area{}, 1); core.ErrorCode(err) != core.CodeNotFound {
		t.Errorf("a pin on nothing: %v", err)
	}
}

// has reports whether some pixel is near a colour.
func has(img image.Image, want color.RGBA) bool {
	near := func(a uint32, b uint8) bool { return max(a>>8, uint32(b))-min(a>>8, uint32(b)) < 30 }
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if r, g, bl, _ := img.At(x, y).RGBA(); near(r, want.R) && near(g, want.G) && near(bl, want.B) {
				return true
			}
		}
	}
	return false
}

func TestCompare(t *testing.T) {
	m := open(t)
	var keys [2]core.BlobKey
	for i, size := range [][2]int{{900, 600}, {500, 500}} {
		im, err := m.Import(t.Context(), bytes.NewReader(picture(t, size[0], size[1], uint8(200*i))), "a.png")
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = im.Blob
	}
	c := core.Compare{Pictures: keys, Labels: [2]string{"v1.2", "v5"}}
	got, err := m.Compare(t.Context(), c)
	if err != nil || got.Width != 900+gridGap+600 || got.Height != 600+labelHeight {
		t.Fatalf("%+v %v", got, err)
	}
	drawn(t, m, got, "compare.jpg")
	c.Blink = true
	if got, err = m.Compare(t.Context(), c); err != nil || got.MIME != "image/gif" {
		t.Fatalf("%+v %v", got, err)
	}
	moving, err := gif.DecodeAll(bytes.NewReader(drawn(t, m, got, "blink.gif")))
	if err != nil || len(moving.Image) != 2 || moving.Image[0].Bounds() != moving.Image[1].Bounds() {
		t.Fatalf("%v", err)
	}
	c.Pictures[1] = "nothing"
	if _, err := m.Compare(t.Context(), c); core.ErrorCode(err) != core.CodeNotFound {
		t.Errorf("a comparison with nothing: %v", err)
	}
}

func TestMosaic(t *testing.T) {
	m := open(t)
	c := core.Mosaic{Alt: "some pictures"}
	for i, size := range [][2]int{{900, 600}, {500, 500}, {300, 900}, {1600, 500}, {40, 20}} {
		im, err := m.Import(t.Context(), bytes.NewReader(picture(t, size[0], size[1], uint8(50*i))), "a.png")
		if err != nil {
			t.Fatal(err)
		}
		c.Pictures, c.Labels = append(c.Pictures, im.Blob), append(c.Labels, fmt.Sprintf("ACME-%d v1.%d", i+1, i+1))
	}
	for n := 1; n <= len(c.Pictures); n++ {
		some := core.Mosaic{Pictures: c.Pictures[:n], Labels: c.Labels[:n]}
		got, err := m.Mosaic(t.Context(), some)
		if err != nil || got.Width != mosaicWidth || got.Height < labelHeight || got.Height > 3*(mosaicRow+labelHeight) {
			t.Fatalf("%d pictures: %+v %v", n, got, err)
		}
		drawn(t, m, got, fmt.Sprintf("mosaic-%d.jpg", n))
	}
	whole, err := m.Mosaic(t.Context(), core.Mosaic{Pictures: c.Pictures[:2], Labels: c.Labels[:2]})
	if err != nil {
		t.Fatal(err)
	}
	part, err := m.Mosaic(t.Context(), core.Mosaic{Pictures: []core.BlobKey{c.Pictures[0], "gone", c.Pictures[1]}, Labels: []string{c.Labels[0], "gone", c.Labels[1]}})
	if err != nil || part.Blob != whole.Blob {
		t.Errorf("without the one that is gone: %+v, want %+v, %v", part, whole, err)
	}
	if _, err := m.Mosaic(t.Context(), core.Mosaic{Pictures: []core.BlobKey{"gone"}, Labels: []string{"gone"}}); core.ErrorCode(err) != core.CodeNotFound {
		t.Errorf("a mosaic of nothing: %v", err)
	}
}
