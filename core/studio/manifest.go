package studio

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// manifestFormat is counted up when a field of a manifest changes its meaning; new ones may come at any time.
const manifestFormat = 1

// The manifest of an export. docs/export.md describes it.
type (
	manifestHead struct {
		Format   int             `json:"format"`
		Project  core.ProjectKey `json:"project"`
		Name     string          `json:"name,omitempty"`
		What     string          `json:"what"`
		By       string          `json:"exportedBy"`
		At       time.Time       `json:"exportedAt"`
		Pictures int             `json:"pictures"`
		Missing  []missing       `json:"missing"`
	}
	missing struct {
		Task    core.TaskID   `json:"task"`
		Picture core.ImageRef `json:"-"`
		Ref     string        `json:"picture"`
		File    string        `json:"file"`
	}
	manifestTask struct {
		ID        core.TaskID     `json:"id"`
		Title     string          `json:"title"`
		Status    core.TaskStatus `json:"status"`
		Owner     string          `json:"owner"`
		Assigned  []string        `json:"assigned"`
		Tags      []string        `json:"tags"`
		Folder    string          `json:"folder,omitempty"`
		Brief     string          `json:"brief,omitempty"`
		Due       *time.Time      `json:"due,omitempty"`
		Picked    string          `json:"picked,omitempty"`
		Parent    core.TaskID     `json:"parent,omitempty"`
		CreatedAt time.Time       `json:"createdAt"`
		UpdatedAt time.Time       `json:"updatedAt"`
	}
	manifestVersion struct {
		Version   string            `json:"version"`
		State     core.JobState     `json:"state"`
		Operation core.Op           `json:"operation"`
		Parent    string            `json:"parent,omitempty"`
		Person    string            `json:"person"`
		Provider  core.ProviderName `json:"provider"`
		Model     string            `json:"model,omitempty"`
		Prompt    string            `json:"prompt"`
		Full      string            `json:"fullPrompt,omitempty"`
		Params    map[string]string `json:"parameters"`
		Seed      *int64            `json:"seed,omitempty"`
		Text      string            `json:"text,omitempty"`
		CreatedAt time.Time         `json:"createdAt"`
		DoneAt    *time.Time        `json:"doneAt,omitempty"`
		Verdicts  []manifestVerdict `json:"verdicts"`
		Pictures  []manifestPicture `json:"pictures"`
	}
	manifestVerdict struct {
		Person   string    `json:"person"`
		Approved bool      `json:"approved"`
		Reason   string    `json:"reason,omitempty"`
		At       time.Time `json:"at"`
	}
	manifestPicture struct {
		Ref    string `json:"picture"`
		File   string `json:"file"`
		MIME   string `json:"mime"`
		Width  int    `json:"width"`
		Height int    `json:"height"`
		Bytes  int64  `json:"bytes"`
		SHA256 string `json:"sha256,omitempty"`
	}
	manifestComment struct {
		No         int        `json:"no,omitempty"`
		ReplyTo    string     `json:"replyTo,omitempty"`
		ID         string     `json:"id"`
		Author     string     `json:"author"`
		At         time.Time  `json:"at"`
		EditedAt   *time.Time `json:"editedAt,omitempty"`
		On         string     `json:"on,omitempty"`
		Area       *core.Area `json:"area,omitempty"`
		Text       string     `json:"text"`
		Files      []string   `json:"files,omitempty"`
		Resolved   bool       `json:"resolved"`
		ResolvedBy string     `json:"resolvedBy,omitempty"`
	}
)

func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func refOf(r core.ImageRef) string {
	if r.Version == 0 {
		return ""
	}
	return r.String()
}

func manifestOfTask(t *core.Task) manifestTask {
	m := manifestTask{ID: t.ID, Title: t.Title, Status: t.Status, Owner: t.OwnerName, Assigned: []string{}, Tags: append([]string{}, t.Tags...), Folder: t.Folder, Brief: t.Brief,
		Due: timeOf(t.Due), Picked: refOf(t.Picked), Parent: t.Parent, CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC()}
	for _, n := range t.Assigned {
		m.Assigned = append(m.Assigned, n.Name)
	}
	return m
}

func manifestOfVersion(v *core.Version, pics []held) manifestVersion {
	m := manifestVersion{Version: core.ImageRef{Version: v.ID.No}.String(), State: v.State, Operation: v.Request.Op, Parent: refOf(v.Parent), Person: v.PersonName, Provider: v.Provider, Model: v.Model,
		Prompt: v.Request.Prompt, Full: v.Request.Full, Params: v.Request.Params, Seed: v.Seed, Text: v.Text, CreatedAt: v.CreatedAt.UTC(), DoneAt: timeOf(v.DoneAt), Verdicts: []manifestVerdict{}, Pictures: []manifestPicture{}}
	if m.Params == nil {
		m.Params = map[string]string{}
	}
	for _, x := range v.Verdicts {
		m.Verdicts = append(m.Verdicts, manifestVerdict{Person: x.Name, Approved: x.Approved, Reason: x.Reason, At: x.At.UTC()})
	}
	for _, p := range pics {
		im := p.stored
		m.Pictures = append(m.Pictures, manifestPicture{Ref: p.ref().String(), File: p.file, MIME: im.MIME, Width: im.Width, Height: im.Height, Bytes: im.Size, SHA256: im.SHA256})
	}
	return m
}

func manifestOfComment(m *core.Comment) manifestComment {
	out := manifestComment{No: m.No, ID: string(m.ID), ReplyTo: string(m.ReplyTo), Author: m.Name, At: m.At.UTC(), EditedAt: timeOf(m.EditedAt), On: refOf(m.On), Area: m.Spot, Text: m.Text.String(), Resolved: m.Resolved, ResolvedBy: m.ResolvedBy}
	for _, f := range m.Files {
		if f.PinOn == "" { // a drawn crop of the picture that it is on says nothing more
			out.Files = append(out.Files, f.Ref.Name)
		}
	}
	return out
}

// commentsRead is how many comments are read at once.
const commentsRead = 200

// manifest writes the manifest task by task: nothing of it is kept.
func (h *Handouts) manifest(ctx context.Context, w io.Writer, x *handout) error {
	j := &jsonParts{w: bufio.NewWriter(w)}
	head := manifestHead{Format: manifestFormat, Project: x.Project, Name: x.project.Name, What: x.What, By: x.by, At: x.At, Pictures: x.pictures, Missing: x.missing}
	if head.Missing == nil {
		head.Missing = []missing{}
	}
	j.open(head, "tasks")
	err := h.tasks(ctx, x, func(t *core.Task, one handed) error {
		j.item()
		j.open(manifestOfTask(t), "versions")
		err := h.Studio.walk(ctx, t.ID, folderName(t), one, x.At, func(v *core.Version, pics []held) error {
			j.item()
			j.value(manifestOfVersion(v, pics))
			return j.err
		})
		if err != nil {
			return err
		}
		j.next("comments")
		if err := h.comments(ctx, j, t.ID, x.At); err != nil {
			return err
		}
		j.close()
		return j.err
	})
	if err != nil {
		return err
	}
	j.close()
	j.raw("\n")
	if j.err == nil {
		j.err = j.w.Flush()
	}
	return j.err
}

// comments writes what had been said of a task when the export was asked for.
func (h *Handouts) comments(ctx context.Context, j *jsonParts, id core.TaskID, asked time.Time) error {
	for offset := 0; ; offset += commentsRead {
		page, all, err := h.Studio.Comments.Comments(ctx, id, offset, commentsRead)
		if err != nil {
			return err
		}
		for _, m := range page {
			if !m.Deleted && !m.At.After(asked) {
				j.item()
				j.value(manifestOfComment(m))
			}
		}
		if offset+commentsRead >= all || len(page) == 0 || j.err != nil {
			return j.err
		}
	}
}

// jsonParts writes a JSON object whose lists are too long to be kept.
type jsonParts struct {
	w     *bufio.Writer
	first []bool // of each list that is open, whether nothing stands in it yet
	err   error
}

func (j *jsonParts) raw(s string) {
	if j.err == nil {
		_, j.err = j.w.WriteString(s)
	}
}

func (j *jsonParts) value(v any) {
	data, err := json.Marshal(v)
	if j.err == nil {
		j.err = err
	}
	j.raw(string(data))
}

// open writes an object that is not empty up to its last list, which is named.
func (j *jsonParts) open(v any, list string) {
	data, err := json.Marshal(v)
	if err != nil || len(data) == 0 {
		j.err = err
		return
	}
	j.raw(string(data[:len(data)-1]) + `,"` + list + `":[`)
	j.first = append(j.first, true)
}

// item begins a new item of the list.
func (j *jsonParts) item() {
	at := len(j.first) - 1
	if !j.first[at] {
		j.raw(",")
	}
	j.raw("\n")
	j.first[at] = false
}

// next ends the list and begins another one of the same object.
func (j *jsonParts) next(list string) {
	j.raw(`],"` + list + `":[`)
	j.first[len(j.first)-1] = true
}

// close ends the list and its object.
func (j *jsonParts) close() {
	j.raw("]}")
	j.first = j.first[:len(j.first)-1]
}
