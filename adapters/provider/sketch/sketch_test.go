package sketch

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/adapters/media"
	"github.com/atelier-bridge/atelier/core"
)

func run(t *testing.T, r core.Request) core.Result {
	t.Helper()
	res, err := New(Options{Side: side}).Run(t.Context(), core.Account{}, r, func(core.Step) {})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func prompts() []string {
	return []string{"a lighthouse in the fog", "neon city in the rain", "paper cranes at sunset over the sea", "a cat in a snowy forest", "castle on a mountain at night",
		"rocket in space", "poppies in spring", "xylophone quibble", "a king", "desert caravan, golden light", "volcano", "bridge"}
}

func TestPicturesOfOneRunLookDifferent(t *testing.T) {
	for _, words := range prompts() {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			res := run(t, core.Request{Op: core.OpGenerate, Prompt: words, Seed: 7})
			differ(t, res)
			again := run(t, core.Request{Op: core.OpGenerate, Prompt: words, Seed: 7})
			for i := range res.Images {
				if !bytes.Equal(res.Images[i].Bytes, again.Images[i].Bytes) {
					t.Errorf("picture %d is not the same the second time", i+1)
				}
			}
			if dir := os.Getenv("ATELIER_TEST_SHOW"); dir != "" {
				show(t, filepath.Join(dir, strings.ReplaceAll(words, " ", "-")+".jpg"), res)
			}
		})
	}
}

func decode(t *testing.T, p core.Picture) image.Image {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(p.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func differ(t *testing.T, res core.Result) {
	t.Helper()
	if len(res.Images) != 4 {
		t.Fatalf("%d pictures, want 4", len(res.Images))
	}
	var hashes []uint64
	for i, p := range res.Images {
		h := media.DHash(decode(t, p))
		for j, o := range hashes {
			if d := media.Distance(h, o); d < minDistance {
				t.Errorf("pictures %d and %d differ by %d bits, want %d", j+1, i+1, d, minDistance)
			}
		}
		hashes = append(hashes, h)
	}
}

func show(t *testing.T, name string, res core.Result) {
	t.Helper()
	var cells []image.Image
	for _, p := range res.Images {
		cells = append(cells, decode(t, p))
	}
	out, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := encode(out, media.Compose(cells)); err != nil {
		t.Fatal(err)
	}
}

func TestAspectRatio(t *testing.T) {
	for ar, want := range map[string]image.Point{"": {X: 1024, Y: 1024}, "3:2": {X: 1248, Y: 832}, "1:2": {X: 720, Y: 1456}} {
		if w, h := dimensions(ar, fullSide); (image.Point{X: w, Y: h}) != want {
			t.Errorf("--ar %s: %d by %d, want %v", ar, w, h, want)
		}
		res := run(t, core.Request{Op: core.OpUpscale, Prompt: "hills", Params: map[string]string{"ar": ar}, Seed: 1})
		w, h := dimensions(ar, side)
		if got, want := decode(t, res.Images[0]).Bounds().Size(), (image.Point{X: w, Y: h}); got != want {
			t.Errorf("--ar %s: %v, want %v", ar, got, want)
		}
	}
}

func TestOperations(t *testing.T) {
	src := run(t, core.Request{Op: core.OpGenerate, Prompt: "a lighthouse in the fog", Params: map[string]string{"ar": "3:2"}, Seed: 3}).Images
	open := func(_ context.Context, k core.BlobKey) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(src[k[0]-'0'].Bytes)), nil
	}
	one := &core.StoredImage{Blob: "0"}
	for _, c := range []struct {
		name string
		r    core.Request
		n    int
	}{
		{"vary subtle", core.Request{Op: core.OpVary, Strength: "subtle", Source: one}, 4},
		{"vary strong", core.Request{Op: core.OpVary, Strength: "strong", Source: one}, 4},
		{"upscale", core.Request{Op: core.OpUpscale, Source: one}, 1},
		{"zoom", core.Request{Op: core.OpZoom, Factor: 1.5, Source: one}, 4},
		{"pan", core.Request{Op: core.OpPan, Dir: "left", Source: one}, 4},
		{"edit region", core.Request{Op: core.OpEditRegion, Source: one, Area: &core.Area{X: .5, Y: .1, W: .4, H: .5}}, 4},
		{"edit words", core.Request{Op: core.OpEditWords, Source: one}, 4},
		{"blend", core.Request{Op: core.OpBlend, Refs: []core.StoredImage{{Blob: "0"}, {Blob: "1"}}}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.r.Prompt, c.r.Seed, c.r.Open = "a red boat at sunset", 5, open
			res := run(t, c.r)
			if len(res.Images) != c.n {
				t.Fatalf("%d pictures, want %d", len(res.Images), c.n)
			}
			if c.r.Op == core.OpVary || c.r.Op == core.OpBlend {
				differ(t, res)
			}
			if dir := os.Getenv("ATELIER_TEST_SHOW"); dir != "" {
				show(t, filepath.Join(dir, "op-"+strings.ReplaceAll(c.name, " ", "-")+".jpg"), res)
			}
		})
	}
	res := run(t, core.Request{Op: core.OpDescribe, Source: one, Open: open})
	if !strings.Contains(res.Text, "landscape") {
		t.Errorf("describe said %q", res.Text)
	}
}

func TestEditRegionLeavesTheRestAlone(t *testing.T) {
	src := paint(read("hills", ""), 256, 256, 1, nil)
	got := patch(src, read("a red boat", ""), core.Area{X: .5, Y: .5, W: .5, H: .5}, 2)
	for y := range 256 {
		for x := range 256 {
			if (x < 128 || y < 128) && src.RGBAAt(x, y) != got.RGBAAt(x, y) {
				t.Fatalf("pixel %d,%d outside the area changed", x, y)
			}
		}
	}
}

func BenchmarkPicture(b *testing.B) {
	sc := read("a lighthouse in the fog", "")
	for i := range b.N {
		paint(sc, 1024, 1024, uint64(i), nil)
	}
}

func encode(w io.Writer, img image.Image) error { return jpeg.Encode(w, img, nil) }
