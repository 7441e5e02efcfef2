package studio

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// Handouts serves what links hand out. It implements core.Handouts.
type Handouts struct {
	Studio *Studio
	Blobs  core.Blobs
	Sheets core.Sheets
}

var _ core.Handouts = (*Handouts)(nil)

// handout is a link that somebody opened.
type handout struct {
	handing
	project  *core.Project
	by       string
	pictures int // written
	missing  []missing
}

// Handout returns what a token's link hands out. Rights are looked at again: somebody may have left since.
func (h *Handouts) Handout(ctx context.Context, token string) (core.Handout, error) {
	s := h.Studio
	t, err := s.Tickets.Look(ctx, core.TicketFiles, token)
	if core.ErrorCode(err) == core.CodeNotFound {
		return core.Handout{}, core.Errorf(core.CodeNotFound, "This link has expired, or there never was one like it.").WithNext("Ask for another one in the chat, with \"download\" or \"export\".")
	}
	if err != nil {
		return core.Handout{}, err
	}
	x := &handout{by: t.Name}
	if err := json.Unmarshal(t.Data, &x.handing); err != nil {
		return core.Handout{}, core.Wrap(core.CodeInternal, err)
	}
	if x.project, err = s.Projects.Project(ctx, x.Project); err != nil {
		return core.Handout{}, err
	}
	person, err := s.People.Person(ctx, t.Person)
	if err != nil {
		return core.Handout{}, err
	}
	if !s.roleOf(person, x.project, x.Roles).Allows(core.RoleViewer) {
		return core.Handout{}, core.Errorf(core.CodeForbidden, "%[1]s may not look at %[2]s any more.", t.Name, x.Project)
	}
	if !x.Whole && len(x.Tasks) == 1 && len(x.Tasks[0].Only) == 1 {
		return h.one(ctx, x)
	}
	return core.Handout{Name: x.Name + ".zip", MIME: "application/zip", Write: func(ctx context.Context, w io.Writer) error { return h.archive(ctx, w, x) }}, nil
}

// tasks calls f with each task that is handed out and may be seen still.
func (h *Handouts) tasks(ctx context.Context, x *handout, f func(t *core.Task, one handed) error) error {
	for _, one := range x.Tasks {
		t, err := h.Studio.Tasks.Task(ctx, core.MakeTaskID(x.Project, one.No))
		if core.ErrorCode(err) == core.CodeNotFound || err == nil && (t.Gone() || t.Private && !slices.Contains(t.Rooms, x.Room)) {
			continue
		}
		if err != nil {
			return err
		}
		if err := f(t, one); err != nil {
			return err
		}
	}
	return nil
}

// one is a link to one picture: its bytes as they are.
func (h *Handouts) one(ctx context.Context, x *handout) (core.Handout, error) {
	gone := core.Errorf(core.CodeNotFound, "This picture is not there any more.")
	var pic *held
	err := h.tasks(ctx, x, func(t *core.Task, one handed) error {
		return h.Studio.walk(ctx, t.ID, "", one, x.At, func(_ *core.Version, pics []held) error {
			for _, p := range pics {
				pic = &p
			}
			return nil
		})
	})
	if err != nil {
		return core.Handout{}, err
	}
	if pic == nil {
		return core.Handout{}, gone
	}
	// Opened once before anything is answered: a page can say that it is gone, a broken file cannot.
	r, err := h.Blobs.Open(ctx, pic.stored.Blob)
	if core.ErrorCode(err) == core.CodeNotFound {
		return core.Handout{}, gone
	}
	if err != nil {
		return core.Handout{}, err
	}
	if err := r.Close(); err != nil {
		return core.Handout{}, core.Wrap(core.CodeRetry, err)
	}
	return core.Handout{Name: pic.file, MIME: pic.stored.MIME, Size: pic.stored.Size, Write: func(ctx context.Context, w io.Writer) error {
		r, err := h.Blobs.Open(ctx, pic.stored.Blob)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, r)
		return errors.Join(err, r.Close())
	}}, nil
}

// archive writes pictures into a ZIP while it is sent: stored as they are, since they are compressed already. What lies
// beside them comes last, because only then it is known what is missing.
func (h *Handouts) archive(ctx context.Context, w io.Writer, x *handout) error {
	z := zip.NewWriter(w)
	err := h.tasks(ctx, x, func(t *core.Task, one handed) error {
		folder := ""
		if x.Whole {
			folder = folderName(t)
		}
		return h.Studio.walk(ctx, t.ID, folder, one, x.At, func(v *core.Version, pics []held) error {
			for _, p := range pics {
				if p.again {
					continue
				}
				if err := h.put(ctx, z, p); core.ErrorCode(err) == core.CodeNotFound {
					x.missing = append(x.missing, missing{Task: t.ID, Ref: p.ref().String(), File: p.file})
				} else if err != nil {
					return err
				} else {
					x.pictures++
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	if x.Whole {
		f, err := z.CreateHeader(&zip.FileHeader{Name: "contact-sheet.pdf", Method: zip.Store, Modified: x.At})
		if err != nil {
			return err
		}
		if err := h.Sheets.Sheet(ctx, f, h.sheet(ctx, x)); err != nil {
			return err
		}
	}
	if x.Whole || len(x.missing) > 0 {
		f, err := z.CreateHeader(&zip.FileHeader{Name: "manifest.json", Method: zip.Deflate, Modified: x.At})
		if err != nil {
			return err
		}
		if err := h.manifest(ctx, f, x); err != nil {
			return err
		}
	}
	return z.Close()
}

// put writes one picture; CodeNotFound when it is gone, with nothing written.
func (h *Handouts) put(ctx context.Context, z *zip.Writer, p held) error {
	r, err := h.Blobs.Open(ctx, p.stored.Blob)
	if err != nil {
		return err
	}
	f, err := z.CreateHeader(&zip.FileHeader{Name: p.file, Method: zip.Store, Modified: firstTime(p.version.DoneAt, p.version.CreatedAt)})
	if err == nil {
		_, err = io.Copy(f, r)
	}
	if err = errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("write %s: %w", p.file, err)
	}
	return nil
}

func firstTime(list ...time.Time) time.Time {
	for _, t := range list {
		if !t.IsZero() {
			return t.UTC()
		}
	}
	return time.Time{}
}

// sheet is the contact sheet of an export, in its project's language.
func (h *Handouts) sheet(ctx context.Context, x *handout) core.Sheet {
	s := h.Studio
	l := s.shared(x.project)
	title := string(x.Project)
	if x.project.Name != "" && x.project.Name != title {
		title += " · " + x.project.Name
	}
	count := x.pictures + len(x.missing)
	// A sheet is looked at for years: its day has one.
	sub := l.Time(x.At, time.Time{}) + " · " + pictures(count).In(l) + " · " + tasksOf(len(x.Tasks)).In(l)
	if x.What != string(x.Project) {
		sub += " · " + x.What
	}
	return core.Sheet{Title: title, Subtitle: sub, Locale: core.Locale(strings.TrimPrefix(l.T("lang:en"), "lang:")), Count: count,
		Page: func(page, of int) string { return l.T("Page %d of %d", page, of) },
		Pictures: func(yield func(core.SheetPicture, error) bool) {
			err := h.tasks(ctx, x, func(t *core.Task, one handed) error {
				return s.walk(ctx, t.ID, "", one, x.At, func(v *core.Version, pics []held) error {
					for _, p := range pics {
						if !p.again && !yield(sheetPicture(l, x.project, t, v, p, x.At), nil) {
							return errEnough
						}
					}
					return nil
				})
			})
			if err != nil && !errors.Is(err, errEnough) {
				yield(core.SheetPicture{}, err)
			}
		}}
}

// errEnough ends a walk through an export that nobody reads any further.
var errEnough = errors.New("nobody reads on")

func sheetPicture(l core.Lang, project *core.Project, t *core.Task, v *core.Version, p held, now time.Time) core.SheetPicture {
	out := core.SheetPicture{Blob: p.stored.Preview, Title: fmt.Sprintf("%s %s", t.ID, p.ref()), Facts: v.PersonName + " · " + l.Day(firstTime(v.DoneAt, v.CreatedAt), now) + " · " + word(t.Status).In(l),
		Text: v.Request.Prompt, Gone: l.T("This picture is gone.")}
	if out.Blob == "" {
		out.Blob = p.stored.Blob
	}
	if out.Text == "" {
		out.Text = t.Title
	}
	if len(v.Verdicts) > 0 {
		out.Mark, out.Tone = judged(l, project, v)
	} else if t.Picked == p.ref() {
		out.Mark = l.T("picked")
	}
	return out
}

// judged says in a few words what the verdicts on a version come to: the same that its card says.
func judged(l core.Lang, p *core.Project, v *core.Version) (string, core.Tone) {
	switch standing(p, v) {
	case core.StatusChanges:
		return l.T("changes: %s", voices(v, false)), core.ToneWarn
	case core.StatusApproved:
		return l.T("approved by %s", voices(v, true)), core.ToneGood
	}
	return l.T("%d of %d approvals", approvals(v), approvalsNeeded(p)), core.ToneNeutral
}
