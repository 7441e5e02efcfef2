package media

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"

	"github.com/atelier-bridge/atelier/core"
)

// pdfFont is a font that a PDF carries whole. Its letters are written by their number in it (ISO 32000-1, 9.7.4.2,
// Identity-H), with a table that says which letter each is, so that readers can search and copy (9.10.3).
type pdfFont struct {
	name  string
	data  []byte
	f     *sfnt.Font
	em    int
	known map[rune]letter
}

// letter is how a font draws a letter; width is in thousandths of the size.
type letter struct {
	glyph sfnt.GlyphIndex
	width int
}

func newPDFFont(name string, data []byte) (*pdfFont, error) {
	f, err := sfnt.Parse(data)
	if err != nil {
		return nil, core.Wrap(core.CodeInternal, err)
	}
	return &pdfFont{name: name, data: data, f: f, em: int(f.UnitsPerEm()), known: map[rune]letter{}}, nil
}

// plainText is a text as it is drawn: in one line, without signs that only join or shape others.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Mn, unicode.Cf, unicode.Cc) {
			return -1
		}
		return r
	}, norm.NFC.String(strings.Join(strings.Fields(s), " ")))
}

// letter finds a letter. One that the font does not have is a question mark.
func (p *pdfFont) letter(r rune) letter {
	if l, ok := p.known[r]; ok {
		return l
	}
	var buf sfnt.Buffer
	glyph, err := p.f.GlyphIndex(&buf, r)
	if (err != nil || glyph == 0) && r != '?' {
		return p.letter('?')
	}
	l := letter{glyph: glyph}
	if w, err := p.f.GlyphAdvance(&buf, glyph, fixed.I(p.em), font.HintingNone); err == nil {
		l.width = w.Round() * 1000 / p.em
	}
	p.known[r] = l
	return l
}

// width is how wide a text is, in points.
func (p *pdfFont) width(text string, size float64) float64 {
	sum := 0
	for _, r := range text {
		sum += p.letter(r).width
	}
	return float64(sum) * size / 1000
}

// shown is a text as a content stream has it.
func (p *pdfFont) shown(text string) string {
	var b strings.Builder
	b.WriteByte('<')
	for _, r := range text {
		fmt.Fprintf(&b, "%04X", p.letter(r).glyph)
	}
	b.WriteByte('>')
	return b.String()
}

// fit cuts a text so that it fits into a width, with dots at its end.
func (p *pdfFont) fit(text string, size, width float64) string {
	if p.width(text, size) <= width {
		return text
	}
	const dots = "…"
	room := width - p.width(dots, size)
	for i, r := range text {
		if room -= p.width(string(r), size); room < 0 {
			return strings.TrimRight(text[:i], " ") + dots
		}
	}
	return text
}

// wrap breaks a text into at most so many lines; the last one is cut where more is left.
func (p *pdfFont) wrap(text string, size, width float64, lines int) []string {
	var out []string
	words := strings.Fields(text)
	for len(words) > 0 && len(out) < lines {
		if len(out) == lines-1 {
			return append(out, p.fit(strings.Join(words, " "), size, width))
		}
		n := 1
		for n < len(words) && p.width(strings.Join(words[:n+1], " "), size) <= width {
			n++
		}
		out = append(out, p.fit(strings.Join(words[:n], " "), size, width))
		words = words[n:]
	}
	return out
}

// font writes a font whose letters are all known, under the number that pages know it by.
func (p *pdf) font(n int, f *pdfFont) {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, _ = z.Write(f.data) // into memory
	_ = z.Close()
	file := p.stream(fmt.Sprintf("/Filter/FlateDecode/Length1 %d", len(f.data)), packed.Bytes())
	var widths, letters strings.Builder
	listed := map[sfnt.GlyphIndex]bool{}
	for _, r := range slices.Sorted(maps.Keys(f.known)) {
		l := f.known[r]
		if listed[l.glyph] {
			continue
		}
		listed[l.glyph] = true
		fmt.Fprintf(&widths, "%d[%d]", l.glyph, l.width)
		fmt.Fprintf(&letters, "1 beginbfchar\n<%04X> <", l.glyph)
		for _, u := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&letters, "%04X", u)
		}
		letters.WriteString(">\nendbfchar\n")
	}
	toUnicode := p.stream("", []byte("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo <</Registry(Adobe)/Ordering(UCS)/Supplement 0>> def\n"+
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"+letters.String()+"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"))
	var buf sfnt.Buffer
	size := fixed.I(1000) // so that what is measured is in thousandths
	m, _ := f.f.Metrics(&buf, size, font.HintingNone)
	box, _ := f.f.Bounds(&buf, size, font.HintingNone)
	described, cid := p.next(), p.next()
	p.object(described, fmt.Sprintf("<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[%d %d %d %d]/ItalicAngle 0/Ascent %d/Descent %d/CapHeight %d/StemV 80/FontFile2 %d 0 R>>",
		f.name, box.Min.X.Floor(), -box.Max.Y.Ceil(), box.Max.X.Ceil(), -box.Min.Y.Floor(), m.Ascent.Round(), -m.Descent.Round(), m.CapHeight.Round(), file))
	p.object(cid, fmt.Sprintf("<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor %d 0 R/DW 600/W[%s]/CIDToGIDMap/Identity>>",
		f.name, described, widths.String()))
	p.object(n, fmt.Sprintf("<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>", f.name, cid, toUnicode))
}
