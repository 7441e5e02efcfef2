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
	"unicode/utf8"

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
				p := core.SheetPicture{Title: fmt.Sprintf("ACME-%d v1.2", i+1), Mark: "approuvée par Łucja Ćwik", Tone: core.ToneGood, Facts: "Ben · dim. 22 nov.", Text: "a lighthouse (in the fog) \\ with 灯台 и Ёж and a very long prompt that goes on and on until nobody reads it any more, film grain, muted colours, 35 mm, morning light, seagulls", Gone: "plus là"}
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
	regular, bold := fonts(t)
	for _, want := range []string{"/Count 2/", "/Lang(fr)", drawnAs(regular, "Page 2 sur 2"), drawnAs(regular, "approuvée par Łucja Ćwik"), drawnAs(regular, `(in the fog) \ with ?? и Ёж`), drawnAs(bold, "l’œuvre"), drawnAs(regular, "plus là")} {
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

func fonts(t testing.TB) (regular, bold *pdfFont) {
	t.Helper()
	p, err := newPDF(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return p.fonts[0], p.fonts[1]
}

// drawnAs is how a text stands in a page, without what begins and ends a line.
func drawnAs(f *pdfFont, text string) string { return strings.Trim(f.shown(plainText(text)), "<>") }

func TestLinesFit(t *testing.T) {
	f, _ := fonts(t)
	text := plainText("a word and another  one and more")
	for width := 15.0; width < 200; width += 7 {
		if got := f.fit(text, 8, width); f.width(got, 8) > width {
			t.Errorf("%q is %.1f wide, not %.1f", got, f.width(got, 8), width)
		}
		lines := f.wrap(text, 8, width, 3)
		if len(lines) > 3 {
			t.Errorf("%d lines", len(lines))
		}
	}
	if got := f.fit("ab    cdefgh", 10, 28); got != "ab…" {
		t.Errorf("%q", got)
	}
	if got := plainText("€ Œuvre\n – e\u0301 ☂️ 日"); got != "€ Œuvre – é ☂ 日" {
		t.Errorf("%q", got)
	}
	if got := f.shown("日"); got != f.shown("?") {
		t.Errorf("a letter that the font does not have: %s", got)
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a (b) \\ c Ёж", 40.0)
	f.Fuzz(func(t *testing.T, s string, width float64) {
		font, _ := fonts(t)
		text := plainText(s)
		for _, line := range font.wrap(text, 8, width, 3) {
			if utf8.RuneCountInString(line) > utf8.RuneCountInString(text)+1 {
				t.Errorf("%q of %q", line, text)
			}
			if shown := font.shown(line); strings.Trim(shown, "<>0123456789ABCDEF") != "" {
				t.Errorf("%q is drawn as %s", line, shown)
			}
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
