package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

type noon struct{ core.SystemClock }

func (noon) Now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// coloured is a picture of a size as a PNG.
func coloured(t testing.TB, w, h int, c color.Color) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, c)
		}
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func sheets(t testing.TB) (*Sheets, *Blobs) {
	t.Helper()
	b, err := OpenBlobs(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return NewSheets(NewImaging(b), noon{}), b
}

// sample is a sheet of n pictures; the second one is gone.
func sample(n int, keys ...core.BlobKey) core.Sheet {
	return core.Sheet{Title: "ACME · Été à Saint-Étienne (l’œuvre)", Subtitle: "22 nov. 2026 · 3 images", Locale: "fr", Count: n,
		Page: func(page, of int) string { return fmt.Sprintf("Page %d sur %d", page, of) },
		Pictures: func(yield func(core.SheetPicture, error) bool) {
			for i := range n {
				p := core.SheetPicture{Title: fmt.Sprintf("ACME-%d v1.2", i+1), Mark: "approuvée par Ada", Tone: core.ToneGood, Facts: "Ben · dim. 22 nov.", Text: "a lighthouse (in the fog) \\ with 灯台 and a very long prompt that goes on and on until nobody reads it any more, film grain, muted colours, 35 mm, morning light, seagulls", Gone: "plus là"}
				if i != 1 {
					p.Blob = keys[i%len(keys)]
				}
				if !yield(p, nil) {
					return
				}
			}
		}}
}

func TestSheetIsAPDFThatReadersTake(t *testing.T) {
	m, b := sheets(t)
	wide, err := b.put(t.Context(), coloured(t, 900, 600, color.RGBA{200, 60, 40, 255}), "image/png")
	if err != nil {
		t.Fatal(err)
	}
	tall, err := b.put(t.Context(), coloured(t, 300, 700, color.NRGBA{40, 90, 200, 128}), "image/png")
	if err != nil {
		t.Fatal(err)
	}
	broken, err := b.put(t.Context(), []byte("no picture"), "image/png")
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := m.Sheet(t.Context(), &buf, sample(10, wide, tall, broken)); err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("ATELIER_SHEET"); path != "" {
		if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := buf.String()
	checkXref(t, text)
	for _, want := range []string{"/Count 2/", "/Lang(fr)", "Page 2 sur 2", "approuv\xe9e par Ada", `\(in the fog\) \\ with ??`, "l\x92\x9cuvre", "plus l\xe0"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if n := strings.Count(text, "/DCTDecode"); n != 6 { // ten, without the one that is gone and three that are no pictures
		t.Errorf("%d pictures", n)
	}
}

// checkXref holds the table of objects against what stands where it points.
func checkXref(t *testing.T, text string) {
	t.Helper()
	start := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindStringSubmatch(text)
	if start == nil {
		t.Fatal("no end")
	}
	at, err := strconv.Atoi(start[1])
	if err != nil || !strings.HasPrefix(text[at:], "xref\n0 ") {
		t.Fatal("the table is not where it should be", err)
	}
	for i, line := range strings.Split(text[at:], "\n")[3:] {
		if !strings.HasSuffix(line, " n ") {
			break
		}
		n, err := strconv.Atoi(line[:10])
		if want := fmt.Sprintf("%d 0 obj\n", i+1); err != nil || !strings.HasPrefix(text[n:], want) {
			t.Errorf("object %d is not at %d", i+1, n)
		}
	}
}

func TestSheetOfNothingAndWithAFault(t *testing.T) {
	m, _ := sheets(t)
	var buf bytes.Buffer
	if err := m.Sheet(t.Context(), &buf, sample(0)); err != nil || !strings.Contains(buf.String(), "/Count 1/") {
		t.Fatal(err)
	}
	checkXref(t, buf.String())
	s := sample(0)
	s.Pictures = func(yield func(core.SheetPicture, error) bool) {
		yield(core.SheetPicture{}, core.Errorf(core.CodeRetry, "away"))
	}
	if err := m.Sheet(t.Context(), io.Discard, s); core.ErrorCode(err) != core.CodeRetry {
		t.Fatal(err)
	}
	if err := m.Sheet(t.Context(), full{}, sample(0)); core.ErrorCode(err) != core.CodeRetry {
		t.Fatal("a reader that went away:", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestLinesFit(t *testing.T) {
	text := winAnsi("a word and another one and more")
	for width := 5.0; width < 200; width += 7 {
		if got := fitLine(text, 8, width, false); len(got) > 1 && widthOf(got, 8, false) > width {
			t.Errorf("%q is %.1f wide, not %.1f", got, widthOf(got, 8, false), width)
		}
		lines := wrap(text, 8, width, 3)
		if len(lines) > 3 {
			t.Errorf("%d lines", len(lines))
		}
	}
	if got := string(fitLine([]byte("ab    cdefgh"), 10, 28, false)); got != "ab\x85" {
		t.Errorf("%q", got)
	}
	if got := string(winAnsi("€ Œuvre – e\u0301 ☂️ 日")); got != "\x80 \x8cuvre \x96 e ? ?" {
		t.Errorf("%q", got)
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a (b) \\ c", 40.0)
	f.Fuzz(func(t *testing.T, s string, width float64) {
		text := winAnsi(s)
		for _, line := range wrap(text, 8, width, 3) {
			if len(line) > len(text)+1 {
				t.Errorf("%q of %q", line, text)
			}
		}
		if lit := literal(text); strings.Count(strings.NewReplacer(`\\`, "", `\(`, "", `\)`, "").Replace(lit), "(") != 1 {
			t.Errorf("%q is not closed", lit)
		}
	})
}

// A sheet keeps one picture at a time: memory does not grow with their number.
func TestSheetKeepsNothing(t *testing.T) {
	m, b := sheets(t)
	key, err := b.put(t.Context(), coloured(t, 512, 512, color.White), "image/png")
	if err != nil {
		t.Fatal(err)
	}
	var most uint64
	s := sample(200, key)
	inner := s.Pictures
	s.Pictures = func(yield func(core.SheetPicture, error) bool) {
		n := 0
		for p, err := range inner {
			if n++; n%50 == 0 {
				var ms runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&ms)
				most = max(most, ms.HeapAlloc)
			}
			if !yield(p, err) {
				return
			}
		}
	}
	if err := m.Sheet(context.Background(), io.Discard, s); err != nil {
		t.Fatal(err)
	}
	if most > 32<<20 {
		t.Errorf("%d MB in use", most>>20)
	}
}
