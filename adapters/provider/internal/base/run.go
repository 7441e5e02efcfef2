package base

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/atelier-bridge/atelier/adapters/provider/internal/canvas"
	"github.com/atelier-bridge/atelier/core"
)

func nearest(ratios []string, value string) (string, bool) {
	return canvas.Nearest(ratios, canvas.Ratio(value))
}

// atOnce bounds the calls of one run that are under way at the same time.
const atOnce = 4

// Several makes n calls of one run and adds up what they bring. When some fail after others succeeded, the result has
// what there is and a note: it was paid for. When none succeeds, the error is the one that matters most: whether
// something may have been billed comes first. progress is called from this goroutine only.
func Several(ctx context.Context, n int, progress core.Progress, call func(ctx context.Context, i int) (core.Result, error)) (core.Result, error) {
	type answer struct {
		i   int
		res core.Result
		err error
	}
	answers := make([]answer, n)
	done := make(chan answer)
	go func() {
		defer close(done)
		var all sync.WaitGroup
		slots := make(chan struct{}, atOnce)
		for i := range n {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				res, err := call(ctx, i)
				done <- answer{i, res, err}
			})
		}
		all.Wait()
	}()
	k := 0
	for a := range done {
		answers[a.i] = a
		k++
		progress(core.Step{Percent: min(99, 10+k*85/n)})
	}
	var out core.Result
	var failed []error
	got := 0
	for _, a := range answers {
		if a.err != nil {
			failed = append(failed, a.err)
			continue
		}
		if got++; got == 1 {
			out = a.res
			continue
		}
		out.Images = append(out.Images, a.res.Images...)
		out.Cost.Micros += a.res.Cost.Micros
		out.Cost.Estimated = out.Cost.Estimated || a.res.Cost.Estimated
		if !a.res.Note.IsZero() && out.Note.IsZero() {
			out.Note = a.res.Note
		}
	}
	if got == 0 {
		return core.Result{}, worst(failed)
	}
	if len(failed) > 0 {
		w := worst(failed)
		out.Note = Notes(core.Say("%d of %d calls failed: %s", len(failed), n, w), out.Note)
		if core.ErrorCode(w) == core.CodeUnknown {
			out.Cost.Estimated = true
		}
	}
	return out, nil
}

// worst picks the error that says most about money, then about the account.
func worst(list []error) error {
	for _, code := range []core.Code{core.CodeUnknown, core.CodeForbidden, core.CodeRefused, core.CodeInvalid, core.CodeUnsupp, core.CodeTooLarge, core.CodeInternal, core.CodeNotFound} {
		for _, err := range list {
			if core.ErrorCode(err) == code {
				return err
			}
		}
	}
	return list[0]
}

const (
	// perPicture bounds a picture in base64 within an answer: 3.7 million pixels that do not shrink at all fit.
	perPicture = 16 << 20
	// maxAnswer bounds an answer whatever it holds; it lies in memory as a whole.
	maxAnswer = 96 << 20
)

// MaxAnswer bounds an answer that holds n pictures in base64, in bytes.
func MaxAnswer(n int) int64 { return min(int64(max(n, 1))*perPicture, maxAnswer) }

// errNoPictures is the cause when an answer holds nothing that can be used.
var errNoPictures = errors.New("the answer holds no usable picture")

// Pictures takes what is a picture out of an answer. Broken ones are left out with a note; an error when none is left.
func (b *Base) Pictures(ctx context.Context, list [][]byte) (out []core.Picture, note core.Saying, err error) {
	for _, data := range list {
		f, err := b.Board.Check(context.WithoutCancel(ctx), data)
		if err != nil {
			continue
		}
		out = append(out, core.Picture{Bytes: data, MIME: f.MIME})
	}
	if len(out) == 0 {
		return nil, core.Saying{}, errNoPictures
	}
	if n := len(list) - len(out); n > 0 {
		note = core.Say("%d of %d pictures arrived broken and were left out.", n, len(list))
	}
	return out, note, nil
}

// Reads decodes a body that may be no JSON at all, as error bodies are.
func Reads(body []byte, v any) bool { return json.Unmarshal(body, v) == nil }

// Base64 reads a picture as answers hold it: plain or as a data URL.
func Base64(s string) ([]byte, error) {
	if strings.HasPrefix(s, "data:") {
		if _, after, ok := strings.Cut(s, ";base64,"); ok {
			s = after
		}
	}
	if len(s) > canvas.MaxBytes/3*4+4 {
		return nil, core.Errorf(core.CodeTooLarge, "A picture is larger than %d MB.", canvas.MaxBytes>>20)
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil {
		return nil, errNoPictures
	}
	return data, nil
}

// DataURL writes a picture as providers take it in JSON.
func DataURL(f canvas.File) string {
	return "data:" + f.MIME + ";base64," + base64.StdEncoding.EncodeToString(f.Data)
}

// Short counts what is missing: a note when there are fewer pictures than were asked for.
func Short(got, wanted int) core.Saying {
	if got >= wanted {
		return core.Saying{}
	}
	return core.Say("The provider made %d of %d pictures.", got, wanted)
}

// Refused is the error for content that a provider's rules refuse. It is shown to the person who asked only.
func (b *Base) Refused(stage, category string) *core.Error {
	return Refused(b.Title, stage, category)
}

// Refused is Base.Refused for a provider's name.
func Refused(title, stage, category string) *core.Error {
	m := core.Say("%s refused this", title)
	switch stage {
	case "input":
		m = core.Say("%s refused the prompt or the pictures sent with it", title)
	case "output":
		m = core.Say("%s made a picture and held it back", title)
	}
	if category != "" {
		m = core.Say("%s (%s)", m, category)
	}
	return core.Errorf(core.CodeRefused, "%s.", m).WithNext("Change the words and try again.")
}

// ID returns a provider's request id when it is one that can be shown.
func ID(s string) string {
	if len(s) > 100 || strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:", r))
	}) {
		return ""
	}
	return s
}

// Finish runs a step on each picture of an answer, such as putting the original back. One that fails stays as the
// provider drew it, and the note says so.
func Finish(pics []core.Picture, step func(canvas.File) (canvas.File, error)) (note core.Saying) {
	if step == nil {
		return core.Saying{}
	}
	for i := range pics {
		f, err := canvas.Inspect(pics[i].Bytes)
		if err == nil {
			f, err = step(f)
		}
		if err != nil {
			note = core.Say("The original could not be put back into a picture; it is as the provider drew it.")
			continue
		}
		pics[i].Bytes, pics[i].MIME = f.Data, f.MIME
	}
	return note
}

// Notes joins what there is to say.
func Notes(list ...core.Saying) (out core.Saying) {
	for _, s := range list {
		switch {
		case s.IsZero():
		case out.IsZero():
			out = s
		default:
			out = core.Say("%s %s", out, s)
		}
	}
	return out
}

// Category makes a provider's name of what it refused safe to show: plain words, bounded.
func Category(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == ' ', r == ',', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return ' '
	}, s)
	return clip(strings.Join(strings.Fields(s), " "), 80)
}

// Inputs opens the source and the references of a job, the source first.
func Inputs(ctx context.Context, r core.Request) (out []canvas.File, err error) {
	if r.Source != nil {
		f, err := canvas.Read(ctx, r, r.Source)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	for i := range r.Refs {
		f, err := canvas.Read(ctx, r, &r.Refs[i])
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// Texts cleans what a model said: bounded, without empty lines.
func Texts(s string) string {
	var lines []string
	for l := range strings.Lines(strings.ToValidUTF8(s, "")) {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, clip(l, 1000))
		}
		if len(lines) == 8 {
			break
		}
	}
	return strings.Join(lines, "\n")
}
