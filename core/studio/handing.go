package studio

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// downloadFor and exportFor are how long links are good for.
	downloadFor = 15 * time.Minute
	exportFor   = 24 * time.Hour
	// versionsFirst is how many versions of a task are read first, since most have no more; versionsRead how many then.
	versionsFirst, versionsRead = 8, 100
)

// handing is what a link hands out, as its ticket holds it: nothing else is served.
type handing struct {
	Project core.ProjectKey `json:"project"`
	Room    core.RoomID     `json:"room,omitempty"`  // from where it was asked: a private room's tasks are handed out there only
	Roles   []string        `json:"roles,omitempty"` // the person's platform groups
	Whole   bool            `json:"whole,omitempty"` // an export, with a manifest and a contact sheet
	What    string          `json:"what,omitempty"`  // what was asked for, for people
	Name    string          `json:"name"`            // of the file, without an extension
	At      time.Time       `json:"at"`              // what was done later is not in it
	Tasks   []handed        `json:"tasks"`
}

// handed is what is handed out of a task: all pictures, or only some.
type handed struct {
	No   int             `json:"n"`
	Only []core.ImageRef `json:"o,omitempty"`
}

// wants reports whether a picture of a version is among them.
func (h handed) wants(v *core.Version, image int) bool {
	return len(h.Only) == 0 || slices.Contains(h.Only, core.ImageRef{Version: v.ID.No, Image: image})
}

// held is one picture that is handed out.
type held struct {
	version *core.Version
	image   int // from 1
	stored  core.StoredImage
	file    string // in the archive
	again   bool   // an earlier version of the task has the same one: it is not written twice
}

// ref names the picture as people write it.
func (x held) ref() core.ImageRef { return core.ImageRef{Version: x.version.ID.No, Image: x.image} }

// walk calls f with the versions that are handed out of a task, oldest first, and their pictures, whose files lie in a
// folder. What was begun or done after a time is left out.
func (s *Studio) walk(ctx context.Context, id core.TaskID, folder string, h handed, at time.Time, f func(v *core.Version, pics []held) error) error {
	from, last := 1, math.MaxInt
	if len(h.Only) > 0 {
		byVersion := func(a, b core.ImageRef) int { return a.Version - b.Version }
		from, last = slices.MinFunc(h.Only, byVersion).Version, slices.MaxFunc(h.Only, byVersion).Version
	}
	files := map[core.BlobKey]string{}
	for most := versionsFirst; from <= last; most = versionsRead {
		limit := min(most, last-from+1)
		page, err := s.Tasks.VersionsFrom(ctx, id, from, limit)
		if err != nil {
			return err
		}
		for _, v := range page {
			if from = v.ID.No + 1; v.ID.No > last || v.CreatedAt.After(at) || v.DoneAt.After(at) {
				continue
			}
			var pics []held
			for i, im := range v.Images {
				if v.State != core.JobDone || !h.wants(v, i+1) {
					continue
				}
				x := held{version: v, image: i + 1, stored: im}
				if x.file, x.again = files[im.Blob]; !x.again {
					x.file = folder + pictureName(id, x.ref(), im.MIME)
					files[im.Blob] = x.file
				}
				pics = append(pics, x)
			}
			if err := f(v, pics); err != nil {
				return err
			}
		}
		if len(page) < limit {
			return nil
		}
	}
	return nil
}

// pictureName is the name of a picture's file.
func pictureName(id core.TaskID, ref core.ImageRef, mime string) string {
	ext := map[string]string{"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}[mime]
	if ext == "" {
		ext = "bin"
	}
	return fmt.Sprintf("%s-%s.%s", id, ref, ext)
}

// folderName is the folder of a task in an archive: its id, and its title as far as every file system takes it.
func folderName(t *core.Task) string {
	slug := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' {
			return r
		}
		return ' '
	}, t.Title)
	slug = strings.Join(strings.Fields(slug), " ")
	if r := []rune(slug); len(r) > maxSlug {
		slug = strings.TrimSpace(string(r[:maxSlug]))
	}
	return strings.TrimSpace(string(t.ID)+" "+slug) + "/"
}

// maxSlug is how many letters of a title stand in a folder's name.
const maxSlug = 40

// load is how much a link hands out.
type load struct {
	tasks, pictures int
	bytes           int64
}

// counting is how many tasks' versions are read at the same time: an answer waits for them.
const counting = 8

// count says how much is handed out. It ends early beyond the limits, with more set.
func (s *Studio) count(ctx context.Context, x handing) (sum load, more bool, err error) {
	limits := s.handoutLimits()
	if len(x.Tasks) > limits.Tasks {
		return load{tasks: len(x.Tasks)}, true, nil
	}
	sum.tasks = len(x.Tasks)
	for part := range slices.Chunk(x.Tasks, counting) {
		sums, errs, done := make([]load, len(part)), make([]error, len(part)), make(chan struct{})
		for i, h := range part {
			go func() {
				errs[i] = s.walk(ctx, core.MakeTaskID(x.Project, h.No), "", h, x.At, func(_ *core.Version, pics []held) error {
					for _, p := range pics {
						if !p.again {
							sums[i].pictures++
							sums[i].bytes += p.stored.Size
						}
					}
					return nil
				})
				done <- struct{}{}
			}()
		}
		for range part {
			<-done
		}
		for i := range part {
			if errs[i] != nil {
				return sum, false, errs[i]
			}
			sum.pictures += sums[i].pictures
			sum.bytes += sums[i].bytes
		}
		if sum.pictures > limits.Pictures || sum.bytes > limits.Bytes {
			return sum, true, nil
		}
	}
	return sum, false, nil
}

func (s *Studio) handoutLimits() core.HandoutLimits {
	if s.HandoutLimits == (core.HandoutLimits{}) {
		return core.DefaultHandoutLimits
	}
	return s.HandoutLimits
}

// sized is a number of bytes in words.
func sized(n int64) core.Saying {
	switch {
	case n >= 1<<30:
		return core.Say("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return core.Say("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return core.Say("%d KB", n>>10)
	}
	return core.Say("%d bytes", n)
}

// handOver counts, stores the ticket and answers with the link.
func (s *Studio) handOver(ctx context.Context, c *call, x handing, good time.Duration) (core.Change, error) {
	x.Project, x.Room, x.Roles, x.At = c.Project.Key, c.from(), c.In.Actor.Roles, s.Clock.Now().UTC()
	sum, more, err := s.count(ctx, x)
	if err != nil {
		return core.Change{}, err
	}
	if more {
		return core.Change{}, s.tooMuch(sum)
	}
	if sum.pictures == 0 && !x.Whole {
		return core.Change{}, core.Errorf(core.CodeNotFound, "There is no picture to download.").WithNext("\"versions\" shows what there is.")
	}
	if s.PublicURL == "" {
		return s.handDirectly(ctx, c, x, sum)
	}
	data, err := json.Marshal(x)
	if err != nil {
		return core.Change{}, core.Wrap(core.CodeInternal, err)
	}
	expires := s.Clock.Now().Add(good)
	token, err := s.Tickets.Issue(ctx, core.Ticket{Kind: core.TicketFiles, Person: c.Person.ID, Name: c.name(), Identity: c.In.Actor.Identity, Data: data, Expires: expires}, false)
	if err != nil {
		return core.Change{}, err
	}
	l := c.clock()
	said := c.T("%[1]s: %[2]s, about %[3]s.", x.What, pictures(sum.pictures), sized(sum.bytes))
	if x.Whole {
		said = c.T("%[1]s: %[2]s of %[3]s, about %[4]s, with what was decided and said about them (manifest.json) and a contact sheet (PDF).", x.What, pictures(sum.pictures), tasksOf(sum.tasks), sized(sum.bytes))
	}
	card := core.Card{Title: c.T("Ready to download"), Private: true, Body: core.RichText{core.Para(core.Text(said)), core.Para(core.Text(c.T("It is put together while it is sent. If that breaks off, open the link again. Whoever has the link can open it: pass it on with care.")))},
		Buttons: [][]core.Button{{{Label: c.T("Download"), Style: core.StylePrimary, URL: s.PublicURL + "/files/" + token}}},
		Footer:  c.T("The link is good until %s.", l.Time(expires, s.Clock.Now()))}
	return c.say(card)
}

func tasksOf(n int) core.Saying { return core.SayN(n, "%d task", "%d tasks", n) }

// tooMuch says what is too much, and how to ask for less.
func (s *Studio) tooMuch(sum load) error {
	limits := s.handoutLimits()
	e := core.Errorf(core.CodeTooLarge, "That is too much at once: more than %[1]s, or more than %[2]s.", pictures(limits.Pictures), sized(limits.Bytes))
	if sum.tasks > limits.Tasks {
		e = core.Errorf(core.CodeTooLarge, "That is too much at once: %[1]s, and %[2]d is the most.", tasksOf(sum.tasks), limits.Tasks)
	}
	return e.WithNext("Ask for a part of it, such as one folder, one tag or some weeks: export after:2026-10-01 before:2026-11-01 status:approved")
}

// handDirectly sends pictures by direct message where there is no page from which they could be fetched.
func (s *Studio) handDirectly(ctx context.Context, c *call, x handing, sum load) (core.Change, error) {
	if x.Whole {
		return core.Change{}, core.Errorf(core.CodeUnsupp, "This Atelier has no public address, so an export cannot be fetched from it.").WithNext("Ask whoever runs it to set one, or download pictures one by one.")
	}
	caps := s.Platforms[c.In.Actor.Identity.Platform()]
	if sum.pictures > max(1, caps.MaxFiles) {
		return core.Change{}, core.Errorf(core.CodeUnsupp, "This Atelier has no public address, so at most %d pictures can be sent to you.", max(1, caps.MaxFiles)).WithNext("Name a version or a picture, such as download v2.3.")
	}
	card := core.Card{Title: x.What}
	var tooLarge string
	for _, h := range x.Tasks {
		id := core.MakeTaskID(x.Project, h.No)
		err := s.walk(ctx, id, "", h, x.At, func(v *core.Version, pics []held) error {
			for _, p := range pics {
				if p.again {
					continue
				}
				if caps.MaxFile > 0 && p.stored.Size > caps.MaxFile {
					tooLarge = p.file
				}
				card.Images = append(card.Images, core.Image{Blob: p.stored.Blob, Name: p.file, MIME: p.stored.MIME, Width: p.stored.Width, Height: p.stored.Height, Alt: c.T("%s v%d: %s", id, v.ID.No, clip(v.Request.Prompt, 300))})
			}
			return nil
		})
		if err != nil {
			return core.Change{}, err
		}
	}
	if tooLarge != "" {
		return core.Change{}, core.Errorf(core.CodeTooLarge, "%[1]s is larger than %[2]s takes (%[3]s), and this Atelier has no public address.", tooLarge, c.In.Actor.Identity.Platform().Title(), sized(caps.MaxFile)).WithNext("Ask whoever runs it to set one.")
	}
	direct := core.Outgoing{ID: core.MakeDeliveryID("", "", "files/"+string(c.In.ID)), Kind: core.OutDirect, To: c.In.Actor.Identity, Card: &card, At: c.In.At}
	return core.Change{Out: []core.Outgoing{direct, c.answer(text(c.N(sum.pictures, "It comes as a direct message: this Atelier has no public address for a link.", "They come as a direct message: this Atelier has no public address for a link.")))}}, nil
}
