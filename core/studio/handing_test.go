package studio

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/atelier-bridge/atelier/core"
)

// The ports by other names: a field of theirs would hide the method that is called the same.
type (
	commentsPort = core.Comments
	projectsPort = core.Projects
)

// shelf is a store with a few tasks, as far as handing out reads it.
type shelf struct {
	core.Tasks
	commentsPort
	core.Tickets
	core.People
	projectsPort
	tasks    map[core.TaskID]*core.Task
	versions map[core.TaskID][]*core.Version
	said     map[core.TaskID][]*core.Comment
	blobs    map[core.BlobKey]string
	ticket   handing
	project  *core.Project
	broken   core.BlobKey // breaks off while it is read
}

var handedAt = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func (s *shelf) Task(_ context.Context, id core.TaskID) (*core.Task, error) {
	if t := s.tasks[id]; t != nil {
		return t, nil
	}
	return nil, core.Errorf(core.CodeNotFound, "none")
}

func (s *shelf) VersionsFrom(_ context.Context, id core.TaskID, from, limit int) ([]*core.Version, error) {
	all := s.versions[id]
	first := min(max(0, from-1), len(all))
	return all[first:min(len(all), first+limit)], nil
}

func (s *shelf) Comments(_ context.Context, id core.TaskID, offset, limit int) ([]*core.Comment, int, error) {
	all := s.said[id]
	return all[min(offset, len(all)):min(len(all), offset+limit)], len(all), nil
}

func (s *shelf) Look(_ context.Context, kind core.TicketKind, token string) (core.Ticket, error) {
	if kind != core.TicketFiles || token != "T" {
		return core.Ticket{}, core.Errorf(core.CodeNotFound, "This step was used already or has expired.")
	}
	data, err := json.Marshal(s.ticket)
	return core.Ticket{Kind: kind, Person: "p-ben", Name: "Ben", Data: data}, err
}

func (s *shelf) Person(context.Context, core.PersonID) (*core.Person, error) {
	return &core.Person{ID: "p-ben", Name: "Ben"}, nil
}

func (s *shelf) Project(context.Context, core.ProjectKey) (*core.Project, error) {
	return s.project, nil
}

func (s *shelf) Put(context.Context, io.Reader, string) (core.BlobKey, int64, error) {
	return "", 0, errors.New("only read here")
}

func (s *shelf) Open(_ context.Context, k core.BlobKey) (io.ReadCloser, error) {
	data, ok := s.blobs[k]
	if !ok {
		return nil, core.Errorf(core.CodeNotFound, "gone")
	}
	if k == s.broken {
		return io.NopCloser(io.MultiReader(strings.NewReader(data[:1]), failing{})), nil
	}
	return io.NopCloser(strings.NewReader(data)), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the store went away") }

// sheetNames writes the titles of a sheet instead of drawing it.
type sheetNames struct{}

func (sheetNames) Sheet(_ context.Context, w io.Writer, s core.Sheet) error {
	if _, err := io.WriteString(w, s.Title+" "+s.Page(1, 2)); err != nil {
		return err
	}
	for p, err := range s.Pictures {
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"+p.Title+" "+p.Mark); err != nil {
			return err
		}
	}
	return nil
}

func made(task core.TaskID, no int, keys ...core.BlobKey) *core.Version {
	v := &core.Version{ID: core.VersionID{Task: task, No: no}, State: core.JobDone, PersonName: "Ada", Provider: "sketch", Request: core.Request{Op: core.OpGenerate, Prompt: "a boat"}, CreatedAt: handedAt.Add(-time.Hour), DoneAt: handedAt.Add(-time.Minute)}
	for _, k := range keys {
		v.Images = append(v.Images, core.StoredImage{Blob: k, MIME: "image/png", Size: 3, SHA256: "s-" + string(k)})
	}
	return v
}

func newShelf() (*shelf, *Handouts) {
	s := &shelf{project: &core.Project{Key: "ACME", Name: "Acme", Default: core.RoleEditor}, blobs: map[core.BlobKey]string{"a": "AAA", "b": "BBB", "c": "CCC", "late": "LLL", "secret": "SSS"}}
	reverted := made("ACME-1", 2, "a", "b")
	reverted.Request.Op, reverted.Parent = core.OpRevert, core.ImageRef{Version: 1}
	approved := made("ACME-1", 1, "a", "b")
	approved.Verdicts = []core.Verdict{{Name: "Cleo", Approved: true, Reason: "yes", At: handedAt}}
	later := made("ACME-1", 3, "late")
	later.DoneAt = handedAt.Add(time.Minute)
	s.tasks = map[core.TaskID]*core.Task{
		"ACME-1": {ID: "ACME-1", Title: "../a boat: été / \"x\"", Status: core.StatusApproved, OwnerName: "Ada", Latest: 3, Tags: []string{"spring"}},
		"ACME-2": {ID: "ACME-2", Title: "gone", Deleted: handedAt, Latest: 1},
		"ACME-3": {ID: "ACME-3", Title: "secret", Private: true, Rooms: []core.RoomID{"slack:T/S"}, Latest: 1},
		"ACME-4": {ID: "ACME-4", Title: "", Latest: 1},
	}
	s.versions = map[core.TaskID][]*core.Version{"ACME-1": {approved, reverted, later}, "ACME-2": {made("ACME-2", 1, "c")}, "ACME-3": {made("ACME-3", 1, "secret")}, "ACME-4": {made("ACME-4", 1, "lost", "c")}}
	for i := range commentsRead + 1 {
		s.said = map[core.TaskID][]*core.Comment{"ACME-1": append(s.said["ACME-1"], &core.Comment{ID: core.CommentID(strings.Repeat("c", i+1)), Name: "Ben", Text: core.Plain("too dark"), Deleted: i == 0, On: core.ImageRef{Version: 1, Image: 2}})}
	}
	s.ticket = handing{Project: "ACME", Whole: true, What: "ACME", Name: "ACME", At: handedAt, Room: "slack:T/R", Tasks: []handed{{No: 1}, {No: 2}, {No: 3}, {No: 4}, {No: 9}}}
	return s, &Handouts{Studio: &Studio{Tasks: s, Comments: s, Tickets: s, People: s, Projects: s}, Blobs: s, Sheets: sheetNames{}}
}

func open(t *testing.T, h *Handouts) (core.Handout, map[string]string, error) {
	t.Helper()
	out, err := h.Handout(t.Context(), "T")
	if err != nil {
		return out, nil, err
	}
	var buf bytes.Buffer
	if err := out.Write(t.Context(), &buf); err != nil || out.MIME != "application/zip" {
		return out, map[string]string{"": buf.String()}, err
	}
	z, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(data)
	}
	return out, files, nil
}

func TestArchiveHoldsWhatTheTicketNames(t *testing.T) {
	_, h := newShelf()
	_, files, err := open(t, h)
	if err != nil {
		t.Fatal(err)
	}
	const folder = "ACME-1 a boat été x/"
	want := map[string]string{folder + "ACME-1-v1.1.png": "AAA", folder + "ACME-1-v1.2.png": "BBB", "ACME-4/ACME-4-v1.2.png": "CCC",
		"contact-sheet.pdf": "ACME · Acme Page 1 of 2\nACME-1 v1.1 approved by Cleo\nACME-1 v1.2 approved by Cleo\nACME-4 v1.1 \nACME-4 v1.2 "}
	for name, data := range want {
		if files[name] != data {
			t.Errorf("%s is %q", name, files[name])
		}
	}
	if len(files) != len(want)+1 {
		t.Errorf("%d files", len(files))
	}
	var m struct {
		Format, Pictures int
		By               string `json:"exportedBy"`
		Missing          []struct{ Task, Picture, File string }
		Tasks            []struct {
			ID       string
			Tags     []string
			Versions []struct {
				Version, Parent, Operation string
				Verdicts                   []struct{ Person, Reason string }
				Pictures                   []struct{ Picture, File, SHA256 string }
			}
			Comments []struct{ Author, Text, On string }
		}
	}
	if err := json.Unmarshal([]byte(files["manifest.json"]), &m); err != nil {
		t.Fatal(err, files["manifest.json"])
	}
	if m.Format != 1 || m.Pictures != 3 || m.By != "Ben" || len(m.Tasks) != 2 || len(m.Missing) != 1 || m.Missing[0].File != "ACME-4/ACME-4-v1.1.png" || m.Missing[0].Picture != "v1.1" {
		t.Fatalf("%+v", m)
	}
	one := m.Tasks[0]
	if len(one.Versions) != 2 || one.Versions[0].Verdicts[0].Person != "Cleo" || one.Versions[1].Parent != "v1" || one.Versions[1].Operation != "revert" || one.Versions[1].Pictures[1].File != folder+"ACME-1-v1.2.png" {
		t.Errorf("%+v", one.Versions)
	}
	if len(one.Comments) != commentsRead || one.Comments[0].On != "v1.2" || one.Comments[0].Text != "too dark" || one.Tags[0] != "spring" {
		t.Errorf("%d comments", len(one.Comments))
	}
	if len(m.Tasks[1].Comments) != 0 || m.Tasks[1].ID != "ACME-4" {
		t.Errorf("%+v", m.Tasks[1])
	}
}

func TestArchiveNeverLooksWholeWhenItIsNot(t *testing.T) {
	s, h := newShelf()
	s.broken = "b"
	if _, _, err := open(t, h); err == nil {
		t.Error("a picture broke off and nobody said so")
	}
}

func TestOnePictureIsItsBytes(t *testing.T) {
	s, h := newShelf()
	s.ticket.Whole, s.ticket.Tasks = false, []handed{{No: 1, Only: []core.ImageRef{{Version: 1, Image: 2}}}}
	out, files, err := open(t, h)
	if err != nil || out.Name != "ACME-1-v1.2.png" || out.Size != 3 || files[""] != "BBB" {
		t.Fatal(out, files, err)
	}
	delete(s.blobs, "b")
	if _, _, err := open(t, h); core.ErrorCode(err) != core.CodeNotFound {
		t.Fatal(err)
	}
	s.ticket.Tasks[0].No = 3 // a private room's, asked for from another one
	if _, _, err := open(t, h); core.ErrorCode(err) != core.CodeNotFound {
		t.Fatal(err)
	}
	s.project.Default = core.RoleNone
	if _, _, err := open(t, h); core.ErrorCode(err) != core.CodeForbidden {
		t.Fatal(err)
	}
	if _, err := h.Handout(t.Context(), "other"); core.ErrorCode(err) != core.CodeNotFound {
		t.Fatal(err)
	}
}

func TestCountEndsAtTheLimits(t *testing.T) {
	_, h := newShelf()
	s := h.Studio
	x := handing{Project: "ACME", At: handedAt, Tasks: []handed{{No: 1}, {No: 4}}}
	sum, more, err := s.count(t.Context(), x)
	if err != nil || more || sum.pictures != 4 || sum.bytes != 12 || sum.tasks != 2 {
		t.Fatal(sum, more, err)
	}
	for _, limits := range []core.HandoutLimits{{Tasks: 1, Pictures: 10, Bytes: 100}, {Tasks: 10, Pictures: 3, Bytes: 100}, {Tasks: 10, Pictures: 10, Bytes: 11}} {
		s.HandoutLimits = limits
		if sum, more, err := s.count(t.Context(), x); err != nil || !more || core.ErrorCode(s.tooMuch(sum)) != core.CodeTooLarge {
			t.Error(limits, sum, more, err)
		}
	}
}

func TestChosenPictures(t *testing.T) {
	for _, x := range []struct{ images, text, refs, rest string }{
		{"v2.3", "v1.2 v4 the two finalists", "v2.3 v1.2 v4", "the two finalists"},
		{"v2.3, v1.2", "v2 is better\nthan v1", "v2.3 v1.2 v2", "is better\nthan v1"},
		{"", "", "", ""}, {"", "look at v2", "", "look at v2"}, {"v1", "v1,v1.1", "v1 v1.1", ""},
	} {
		refs, rest, err := chosen(x.images, x.text)
		var got []string
		for _, r := range refs {
			got = append(got, r.String())
		}
		if err != nil || strings.Join(got, " ") != x.refs || rest != x.rest {
			t.Errorf("%q %q: %v %q %v", x.images, x.text, got, rest, err)
		}
	}
	if _, _, err := chosen("v2.3 two", ""); core.ErrorCode(err) != core.CodeInvalid {
		t.Error(err)
	}
}

func FuzzChosen(f *testing.F) {
	f.Add("v2.3,v1", "v4 and more")
	f.Fuzz(func(t *testing.T, images, text string) {
		refs, rest, err := chosen(images, text)
		if err != nil {
			return
		}
		if len(rest) > len(text) || slices.ContainsFunc(refs, func(r core.ImageRef) bool { return r.Version < 1 }) {
			t.Errorf("%v %q", refs, rest)
		}
	})
}

func FuzzFolderName(f *testing.F) {
	f.Add("../../etc: \\ été")
	f.Fuzz(func(t *testing.T, title string) {
		name := folderName(&core.Task{ID: "ACME-1", Title: title})
		if !strings.HasPrefix(name, "ACME-1") || strings.Count(name, "/") != 1 || strings.ContainsAny(name, "\\:\"*?<>|.\x00") || !utf8.ValidString(name) || strings.Contains(name, " /") {
			t.Errorf("%q", name)
		}
	})
}
