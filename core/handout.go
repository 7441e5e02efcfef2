package core

import (
	"context"
	"io"
	"iter"
)

// Handout is what a link hands out: one file, or many in one.
type Handout struct {
	Name string // of the file, with its extension
	MIME string
	Size int64 // in bytes; 0 when it is not known before it was written
	// Write writes it, in small pieces and without keeping it. After an error what was written is of no use.
	Write func(ctx context.Context, w io.Writer) error
}

// Handouts opens links to files. A link is good for several times until it expires.
type Handouts interface {
	// Handout returns what a token's link hands out. CodeNotFound: it has expired or never was. CodeForbidden: whoever it
	// was made for may not look any more.
	Handout(ctx context.Context, token string) (Handout, error)
}

// HandoutLimits bound what one link hands out.
type HandoutLimits struct {
	Tasks    int   `json:"tasks"`
	Pictures int   `json:"pictures"`
	Bytes    int64 `json:"bytes"` // of the pictures
}

// DefaultHandoutLimits are what a browser and most programs for archives can take.
var DefaultHandoutLimits = HandoutLimits{Tasks: 2000, Pictures: 2000, Bytes: 4 << 30}

// Sheet is a contact sheet: many small pictures with their captions. Its words are in the language of whoever reads it.
type Sheet struct {
	Title    string
	Subtitle string
	Locale   Locale
	// Page is the line below a page, by its number and that of all.
	Page func(page, of int) string
	// Count is how many pictures Pictures yields.
	Count    int
	Pictures iter.Seq2[SheetPicture, error]
}

// SheetPicture is one picture of a contact sheet. Captions are cut where they do not fit.
type SheetPicture struct {
	Blob  BlobKey
	Title string // which one it is
	Mark  string // how it was decided on; empty when it was not
	Tone  Tone   // of Mark
	Facts string // who made it, and when
	Text  string // what it was made of
	Gone  string // stands in its place when the picture cannot be shown
}

// Sheets makes contact sheets.
type Sheets interface {
	// Sheet writes a contact sheet as a PDF, page by page. A picture that is gone leaves its place empty; other errors end
	// it, and what was written is of no use.
	Sheet(ctx context.Context, w io.Writer, s Sheet) error
}
