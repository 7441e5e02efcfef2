package media

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"golang.org/x/image/draw"
	"golang.org/x/sync/semaphore"

	"github.com/atelier-bridge/atelier/core"
)

const (
	gridSide   = 1024
	gridRounds = 10
	gridWanted = 1.2
	// crowd is how many grids are asked for at once, against as many as are made at once.
	crowd       = 16
	crowdWanted = 1.5
)

// BenchmarkGrid compares Imaging.Grid on four pictures of 1024x1024 with the plain work in the same rounds: decode,
// scale, draw side by side, encode. Then it asks for many grids at once and compares the peak of the heap with that of
// as many as are let in together: it must not grow with the crowd.
func BenchmarkGrid(b *testing.B) {
	ctx := b.Context()
	blobs, err := OpenBlobs(ctx, "mem://")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = blobs.Close() })
	m := NewImaging(blobs)
	images := make([]core.StoredImage, 4)
	previews := make([][]byte, len(images))
	for i := range images {
		if images[i], err = m.Import(ctx, bytes.NewReader(drawing(b, i)), "drawing.png"); err != nil {
			b.Fatal(err)
		}
		previews[i] = stored(b, blobs, images[i].Preview)
	}
	rounds := gridRounds
	if os.Getenv("ATELIER_BENCH_LONG") != "" {
		rounds *= 10
	}
	var ours, floor time.Duration
	grid := func() { ours += timed(b, func() error { _, err := m.Grid(ctx, images); return err }) }
	plainly := func() { floor += timed(b, func() error { return plain(previews) }) }
	for b.Loop() {
		for i := range rounds {
			if i%2 == 0 {
				grid()
				plainly()
			} else {
				plainly()
				grid()
			}
		}
	}
	m.budget = semaphore.NewWeighted(maxGrids * gridSide * gridSide)
	few, many := peak(b, m, images, maxGrids), peak(b, m, images, crowd)
	ratio, growth := ours.Seconds()/floor.Seconds(), few.grows(many)
	each := float64(ours.Milliseconds()) / float64(rounds)
	b.ReportMetric(each, "ms/grid")
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(many.mib(), "peak-MiB")
	b.ReportMetric(growth, "peak-ratio")
	b.ReportMetric(0, "ns/op")
	b.Logf("a grid of four pictures of %dx%d takes %.1f ms, the plain work %.1f ms: ratio %.2f (wanted: at most %.1f); %d at once peak at %.0f MiB of heap, %d at %.0f MiB: ratio %.2f (wanted: at most %.1f)",
		gridSide, gridSide, each, float64(floor.Milliseconds())/float64(rounds), ratio, gridWanted, maxGrids, few.mib(), crowd, many.mib(), growth, crowdWanted)
	if ratio > gridWanted {
		b.Errorf("ratio %.2f is above %.1f", ratio, gridWanted)
	}
	if growth > crowdWanted {
		b.Errorf("the heap grows with the number of grids that wait: %.2f is above %.1f", growth, crowdWanted)
	}
}

func timed(b *testing.B, f func() error) time.Duration {
	b.Helper()
	runtime.GC() // neither pays for what the other left
	began := time.Now()
	if err := f(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

// drawing is a PNG with areas, edges and noise, so that no coder has it easy.
func drawing(b *testing.B, n int) []byte {
	b.Helper()
	img := image.NewRGBA(image.Rect(0, 0, gridSide, gridSide))
	noise := uint32(n + 1)
	for y := range gridSide {
		for x := range gridSide {
			noise = noise*1664525 + 1013904223
			dx, dy := x-gridSide/2, y-gridSide/(n+2)
			c := color.RGBA{uint8(x / 4), uint8(y / 4), uint8(40 * n), 255}
			if dx*dx+dy*dy < 90_000 {
				c = color.RGBA{uint8(200 + noise>>29), uint8(180 + noise>>28), uint8(noise >> 26), 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		b.Fatal(err)
	}
	return buf.Bytes()
}

func stored(b *testing.B, blobs *Blobs, k core.BlobKey) []byte {
	b.Helper()
	r, err := blobs.Open(b.Context(), k)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// plain is the floor: the same pixels with nothing around them.
func plain(previews [][]byte) error {
	dst := image.NewRGBA(image.Rect(0, 0, 2*cellSide+gridGap, 2*cellSide+gridGap))
	for i, data := range previews {
		img, _, err := image.Decode(bytes.NewReader(data))
		if err != nil {
			return err
		}
		x, y := i%2*(cellSide+gridGap), i/2*(cellSide+gridGap)
		draw.CatmullRom.Scale(dst, image.Rect(x, y, x+cellSide, y+cellSide), img, img.Bounds(), draw.Src, nil)
	}
	var out bytes.Buffer
	return jpeg.Encode(&out, dst, &jpeg.Options{Quality: quality})
}

// bytesOfHeap is how much the heap held above what it held before.
type bytesOfHeap uint64

func (n bytesOfHeap) mib() float64 { return float64(n) / (1 << 20) }

func (n bytesOfHeap) grows(to bytesOfHeap) float64 { return float64(to) / float64(max(n, 1)) }

// peak makes n grids at once and returns the largest heap seen meanwhile, above the heap before.
func peak(b *testing.B, m *Imaging, images []core.StoredImage, n int) bytesOfHeap {
	b.Helper()
	runtime.GC()
	before := heap()
	ctx, cancel := context.WithCancel(b.Context())
	seen := make(chan uint64)
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		most := before
		for {
			select {
			case <-tick.C:
				most = max(most, heap())
			case <-ctx.Done():
				seen <- most
				return
			}
		}
	}()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := m.Grid(ctx, images); err != nil {
				b.Errorf("grid: %v", err)
			}
		})
	}
	wg.Wait()
	cancel()
	return bytesOfHeap(<-seen - before)
}

func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
