package studio

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/prompt"
	"github.com/atelier-bridge/atelier/core/relay"
)

// ranArg marks the button with which a person says that they ran a prompt by hand.
const ranArg = "ran"

// handover is the private answer with the exact prompt to paste.
func handover(l core.Lang, h core.Handoff, v *core.Version) (core.Card, error) {
	over, err := h.Compose(v.Request)
	if err != nil {
		return core.Card{}, err
	}
	card := core.Card{Title: l.T("Run %s v%d on your own account", v.ID.Task, v.ID.No), Tone: core.ToneBusy}
	card.Body = append(card.Body, core.Para(core.Text(l.T("Nobody but you may run this, so Atelier only prepares it. Copy one of these:"))))
	for _, f := range over.Forms {
		card.Body = append(card.Body, core.Para(core.Bold(l.T(f.Where))), core.Node{Kind: core.NodePre, Text: f.Text})
	}
	for _, w := range over.Warnings {
		card.Body = append(card.Body, core.Para(core.Text("⚠️ "+w.In(l))))
	}
	row := []core.Button{{Label: l.T("Attach: I ran it"), Style: core.StylePrimary, Action: core.Action{Verb: "attach", Task: v.ID.Task, Ref: core.ImageRef{Version: v.ID.No}, Arg: ranArg}}}
	if over.URL != "" {
		row = append(row, core.Button{Label: l.T("Open %s", v.Provider.Title()), URL: over.URL})
	}
	card.Buttons = [][]core.Button{row}
	card.Footer = l.T("\"jobs\" shows this again.")
	return card, nil
}

// howToBring says how a result comes back.
func howToBring(l core.Lang, v core.ImageRef) string {
	return l.T("Bring v%d back in one of these ways: open the menu of Midjourney's message and choose \"Attach to task\"; or upload the picture into the task's thread; or use \"attach\" with the file.", v.Version)
}

// attach brings a picture made elsewhere into a task.
func (s *Studio) attach(ctx context.Context, c *call) (core.Change, error) {
	if c.inv.Arg("link") == ranArg {
		return c.say(core.Card{Title: c.T("Good"), Body: core.Plain(howToBring(c.Lang, c.inv.Ref))})
	}
	if key := c.inv.Arg("link"); c.inv.Surface == core.SurfaceButton && strings.HasPrefix(key, blobArg) {
		return s.attachChosen(ctx, c, core.BlobKey(strings.TrimPrefix(key, blobArg)))
	}
	if c.inv.Arg("link") != "" && len(c.inv.Files) == 0 && c.inv.Target == nil {
		return core.Change{}, core.Errorf(core.CodeInvalid, "A link alone is not downloaded: Atelier fetches nothing from image sites.").WithNext("Save the picture and upload it with attach, or into the task's thread.")
	}
	im := core.Import{Person: c.Person.ID, Identity: c.In.Actor.Identity, Room: c.Room.ID, Thread: c.In.Thread, Target: c.inv.Target, Reply: c.In.Reply, Want: c.inv.Ref}
	switch {
	case c.inv.Task != "" || c.Thread != nil:
		if err := s.findTask(ctx, c); err != nil {
			return core.Change{}, err
		}
		im.Task, im.Prompt = c.task.ID, clip(c.inv.Arg("prompt"), maxPrompt)
		if w := c.inv.Arg("parent"); w != "" {
			if err := s.parentOf(ctx, c, w, &im); err != nil {
				return core.Change{}, err
			}
		}
	case c.inv.Ref.Version > 0:
		return core.Change{}, core.Errorf(core.CodeInvalid, "v%d of which task?", c.inv.Ref.Version).WithNext("Name it, such as attach ACME-1 v1, or say it in the task's thread.")
	default:
		im.Task = core.MakeTaskID(c.Project.Key, 0) // any open one of the project: matched when the picture was read
	}
	files := c.inv.Files
	if c.inv.Target != nil {
		files = c.inv.Target.Message.Files
	}
	if len(files) == 0 {
		if c.inv.Target != nil {
			return core.Change{}, core.Errorf(core.CodeInvalid, "That message has no picture.").WithNext("Choose the message with the finished picture.")
		}
		return c.say(core.Card{Title: c.T("Attach a picture"), Body: core.Plain(howToBring(c.Lang, core.ImageRef{Version: max(1, c.inv.Ref.Version)}))})
	}
	im.File = files[0]
	out := core.Outgoing{ID: core.MakeDeliveryID("", c.Room.ID, "import/"+string(c.In.ID)), Kind: core.OutImport, Room: c.Room.ID, Import: &im, At: c.In.At}
	return core.Change{Out: []core.Outgoing{out}}, nil
}

// maxPrompt bounds a prompt that somebody tells with a picture.
const maxPrompt = 4000

// parentOf reads what a picture was made from.
func (s *Studio) parentOf(ctx context.Context, c *call, word string, im *core.Import) error {
	ref, ok := core.ParseImageRef(word)
	if !ok {
		return core.Errorf(core.CodeInvalid, "%q is no version.", clip(word, 40)).WithNext("Versions are written v2, their pictures v2.3.")
	}
	next := *c
	next.inv.Ref = ref
	if err := s.findVersion(ctx, &next); err != nil {
		return err
	}
	im.Parent = ref
	return nil
}

// blobArg marks the argument of a button that attaches a picture fetched before.
const blobArg = "b."

func (s *Studio) attachChosen(_ context.Context, c *call, key core.BlobKey) (core.Change, error) {
	im := core.Import{Task: c.inv.Task, Want: c.inv.Ref, Person: c.Person.ID, Identity: c.In.Actor.Identity, Room: c.Room.ID, Thread: c.In.Thread, Reply: c.In.Reply, Blob: key,
		File: core.FileRef{Name: "picture"}}
	out := core.Outgoing{ID: core.MakeDeliveryID("", c.Room.ID, "import/"+string(c.In.ID)), Kind: core.OutImport, Room: c.Room.ID, Import: &im, At: c.In.At}
	return core.Change{Out: []core.Outgoing{out}}, nil
}

// Uploaded says whether a file in a thread may be a result brought back: only when its author has an open prompt there.
func (s *Studio) Uploaded(ctx context.Context, sc relay.Scope, m *core.Comment) ([]core.Outgoing, error) {
	open, err := s.openHandoffs(ctx, sc.Person, m.Task)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	for _, f := range m.Files {
		if !strings.HasPrefix(f.Ref.MIME, "image/") {
			continue
		}
		im := core.Import{Task: m.Task, Person: sc.Person.ID, Identity: sc.In.Actor.Identity, Room: sc.In.Room, Thread: sc.In.Thread, File: f.Ref, Silent: true, Uploaded: m.Source.ID}
		return []core.Outgoing{{ID: core.MakeDeliveryID("", sc.In.Room, "import/"+string(sc.In.ID)), Kind: core.OutImport, Room: sc.In.Room, Task: m.Task, Import: &im, At: sc.In.At}}, nil
	}
	return nil, nil
}

// openHandoffs lists a person's versions that wait to be brought back, of one task or (number 0) of its project.
func (s *Studio) openHandoffs(ctx context.Context, p *core.Person, task core.TaskID) ([]core.Job, error) {
	if task.Number() == 0 {
		list, err := s.jobsOf(ctx, p)
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(list, func(j core.Job) bool {
			return j.State != core.JobHandedOff || j.Version.Task.Project() != task.Project()
		}), nil
	}
	// The task's own versions know it first: the queue lies in another partition and follows a moment later.
	all, err := s.Tasks.Versions(ctx, task)
	if err != nil {
		return nil, err
	}
	var out []core.Job
	for _, v := range all {
		if v.State == core.JobHandedOff && p.Is(v.Person) {
			out = append(out, core.Job{ID: core.MakeJobID(v.ID), Version: v.ID, Person: v.Holder(), Provider: v.Provider, Request: v.Request, State: v.State})
		}
	}
	return out, nil
}

// Imported matches a picture that was brought with an open version: by the provider's job id, by the prompt, by being
// the only open one; else it asks. It never guesses between two.
func (s *Studio) Imported(ctx context.Context, sc relay.Scope) (core.Change, error) {
	got := sc.In.Import
	im := got.Import
	c := &call{Scope: sc}
	if got.Fail != "" {
		return s.importSays(c, core.Card{Body: core.Plain(got.Fail), Tone: core.ToneWarn})
	}
	who, err := s.People.Person(ctx, im.Person)
	if err != nil {
		return core.Change{}, err
	}
	open, err := s.openHandoffs(ctx, who, im.Task)
	if err != nil {
		return core.Change{}, err
	}
	if im.Want.Version > 0 {
		open = slices.DeleteFunc(open, func(j core.Job) bool { return j.Version.No != im.Want.Version })
	} else if len(open) > 1 && got.Prompt != "" {
		same := slices.DeleteFunc(slices.Clone(open), func(j core.Job) bool {
			return prompt.Normalise(j.Request.Full) != prompt.Normalise(got.Prompt)
		})
		if len(same) > 0 {
			open = same
		}
	}
	switch len(open) {
	case 1:
		return s.bringBack(ctx, c, open[0].Version)
	case 0:
		return s.importNew(ctx, c)
	}
	card := core.Card{Title: c.T("Which one is it?"), Body: core.Plain(c.T("Several of your prompts are open and the picture does not say which it belongs to."))}
	for _, j := range open {
		if len(card.Buttons) == 5 {
			break
		}
		card.Buttons = append(card.Buttons, []core.Button{{Label: clip(c.T("Attach to %s v%d", j.Version.Task, j.Version.No), 34),
			Action: core.Action{Verb: "attach", Task: j.Version.Task, Ref: core.ImageRef{Version: j.Version.No}, Arg: blobArg + string(got.Image.Blob)}}})
		card.Body = append(card.Body, core.Para(core.Bold(fmt.Sprintf("%s v%d", j.Version.Task, j.Version.No)), core.Text(" "+clip(j.Request.Full, 200))))
	}
	return s.importSays(c, card)
}

// importSays answers the person who brought a picture; an upload that was only a comment gets no answer unless it must
// choose.
func (s *Studio) importSays(c *call, card core.Card) (core.Change, error) {
	im := c.In.Import.Import
	if im.Silent && len(card.Buttons) == 0 {
		return core.Change{}, nil
	}
	o := core.Outgoing{ID: core.MakeDeliveryID("", im.Room, "imported/"+string(c.In.ID)), Kind: core.OutAnswer, Room: im.Room, Thread: im.Thread, Card: &card, Reply: im.Reply, To: im.Identity, At: c.In.At}
	return core.Change{Out: []core.Outgoing{o}}, nil
}

// bringBack completes a handed-off version with its picture.
func (s *Studio) bringBack(ctx context.Context, c *call, id core.VersionID) (core.Change, error) {
	got := c.In.Import
	v, err := s.Tasks.Version(ctx, id)
	if err != nil {
		return core.Change{}, err
	}
	task, err := s.Tasks.Task(ctx, id.Task)
	if err != nil {
		return core.Change{}, err
	}
	if v.State != core.JobHandedOff {
		return s.importSays(c, text(c.T("%s v%d is %s already.", id.Task, id.No, word(v.State))))
	}
	if twin, err := s.twin(ctx, task, got); err != nil {
		return core.Change{}, err
	} else if twin > 0 {
		return s.importSays(c, text(c.T("That picture is there already as v%d.", twin)))
	}
	v.State, v.DoneAt, v.ExternalID = core.JobDone, s.Clock.Now().UTC(), got.ExternalID
	v.Images, v.Grid = []core.StoredImage{*got.Image}, shownOf(got.Image)
	if task.Latest == v.ID.No && toReview(task.Status, v.Before) {
		task.Status = core.StatusReview
	}
	task.UpdatedAt = v.DoneAt
	job := core.Job{ID: core.MakeJobID(id), Version: id, Person: v.Holder(), Provider: v.Provider, State: core.JobDone}
	change, err := s.importSays(c, text(c.T("Attached to %s v%d.", id.Task, id.No)))
	if err != nil {
		return core.Change{}, err
	}
	change.Tasks, change.Versions = []*core.Task{task}, []*core.Version{v}
	show := []int{0}
	if id.No > 1 {
		show = append(show, id.No)
	}
	change.Out = append(change.Out, cardsIn(task, c, "back/"+id.String(), show...)...)
	change.Out = append(change.Out, core.Outgoing{ID: core.DeliveryID("d-back-" + string(job.ID)), Kind: core.OutJob, Job: &job, Cancel: true, Task: task.ID, At: c.In.At})
	return change, nil
}

// shownOf is what a card shows of a single picture: its preview.
func shownOf(im *core.StoredImage) *core.StoredImage {
	if im.Preview == "" {
		return im
	}
	p := *im
	p.Blob, p.MIME = im.Preview, "image/jpeg"
	return &p
}

// twin finds a version that holds the same picture or the same provider job.
func (s *Studio) twin(ctx context.Context, task *core.Task, got *core.Imported) (int, error) {
	all, err := s.Tasks.Versions(ctx, task.ID)
	if err != nil {
		return 0, err
	}
	for _, v := range all {
		if got.ExternalID != "" && v.ExternalID == got.ExternalID {
			return v.ID.No, nil
		}
		for _, im := range v.Images {
			if im.SHA256 != "" && im.SHA256 == got.Image.SHA256 {
				return v.ID.No, nil
			}
		}
	}
	return 0, nil
}

// importNew makes a version of a picture that belongs to no open prompt, in the task that it was brought to.
func (s *Studio) importNew(ctx context.Context, c *call) (core.Change, error) {
	got := c.In.Import
	im := got.Import
	switch {
	case im.Silent:
		return core.Change{}, nil
	case im.Want.Version > 0:
		return s.importSays(c, core.Card{Body: core.Plain(c.T("v%d does not wait for a picture of yours.", im.Want.Version)), Tone: core.ToneWarn})
	case im.Task.Number() == 0:
		return s.importSays(c, core.Card{Body: core.Plain(c.T("You have no open prompt in this project. To bring the picture into a task, use \"attach\" in that task's thread or name the task.")), Tone: core.ToneWarn})
	}
	task, err := s.Tasks.Task(ctx, im.Task)
	if err != nil {
		return core.Change{}, err
	}
	if twin, err := s.twin(ctx, task, got); err != nil {
		return core.Change{}, err
	} else if twin > 0 {
		return s.importSays(c, text(c.T("That picture is there already as v%d.", twin)))
	}
	person, err := s.People.Person(ctx, im.Person)
	if err != nil {
		return core.Change{}, err
	}
	now := s.Clock.Now().UTC()
	parent := core.ImageRef{Version: task.Latest}
	if im.Parent.Version > 0 {
		parent = im.Parent
	}
	if im.Prompt != "" {
		got.Prompt = im.Prompt
	}
	task.Latest++
	task.UpdatedAt, task.Status = now, core.StatusReview
	v := &core.Version{ID: core.VersionID{Task: task.ID, No: task.Latest}, Parent: parent, Provider: "import", Person: person.ID, PersonName: person.Name,
		Request: core.Request{V: core.RecordVersion, Op: core.OpImport, Prompt: got.Prompt, Full: got.Prompt}, State: core.JobDone, Images: []core.StoredImage{*got.Image}, Grid: shownOf(got.Image),
		ExternalID: got.ExternalID, CreatedAt: now, DoneAt: now}
	if v.Request.Full == "" {
		v.Request.Full, v.Request.Prompt = task.Title, task.Title
	}
	change, err := s.importSays(c, text(c.T("Attached to %s as v%d.", task.ID, v.ID.No)))
	if err != nil {
		return core.Change{}, err
	}
	change.Tasks, change.Versions = []*core.Task{task}, []*core.Version{v}
	show := []int{0, v.ID.No}
	if v.ID.No == 2 {
		show = []int{0, 1, 2}
	}
	change.Out = append(change.Out, cardsIn(task, c, "import/"+v.ID.String(), show...)...)
	return change, nil
}
