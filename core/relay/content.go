package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

var errNoParts = errors.New("the platform named no message")

func itoa(n int) string { return strconv.Itoa(n) }

// comment posts a comment in a room, or brings it up to date: newest text, or gone.
func (d *Deliverer) comment(ctx context.Context, t *try) error {
	m, placed, err := d.lookUp(ctx, t)
	if err != nil {
		return err
	}
	at, exists := t.sees(placed)
	v := core.Delivery{Room: t.out.Room, Thread: at.Thread, Target: at.Parts}
	switch {
	case exists && at.Source:
		return nil
	case m.Deleted && !exists && t.unknown > 0:
		return d.takeBack(ctx, t, m)
	case m.Deleted && !exists:
		if at.Failed {
			t.shows(core.Placement{}) // nothing is missing any more
		}
		return nil
	case m.Deleted:
		v.Op = core.OpDelete
		if _, err := d.send(ctx, t, v); err != nil && core.ErrorCode(err) != core.CodeGone {
			return err
		}
		t.shows(core.Placement{Thread: at.Thread, Rev: int64(m.Edits)})
		return nil
	case exists && at.Rev >= int64(m.Edits):
		return nil
	}
	plat := d.Platforms[t.out.Room.Platform()]
	if plat == nil {
		return core.Errorf(core.CodeUnsupp, "That platform is not connected.")
	}
	if m, err = d.fetchFiles(ctx, t, m); err != nil {
		return err
	}
	if v.Author, err = d.author(ctx, t, m); err != nil {
		return err
	}
	files, notes := d.commentFiles(ctx, t.out, m, plat.Capabilities())
	v.Text, v.Files, v.Handles = d.commentText(ctx, m, t.out, notes), files, at.Handles
	if exists {
		v.Op = core.OpEdit
	} else {
		v.Op = core.OpPost
		if t.unknown == 0 {
			t.tried = int64(m.Edits) + 1
		}
		v.Changed = t.unknown > 0 && m.Edits > 0 && t.tried != int64(m.Edits)+1
		if t.out.Task.IsTalk() {
			if err = d.talkThread(ctx, t, m, &v); errors.Is(err, errNotShown) {
				return nil
			}
		} else {
			v.Thread, err = d.threadOf(ctx, t)
		}
		if err != nil {
			return err
		}
		if v.ReplyTo, err = d.replyTarget(ctx, t, m); err != nil {
			return err
		}
	}
	r, err := d.send(ctx, t, v)
	if err != nil {
		return err
	}
	if v.Op == core.OpPost && len(r.Parts) == 0 {
		return core.Wrap(core.CodeUnknown, errNoParts)
	}
	if v.Op == core.OpPost && t.unknown > 0 && m.Edits > 0 && t.tried != int64(m.Edits)+1 {
		if r, err = d.refresh(ctx, t, v, r); err != nil {
			return err
		}
	}
	if v.Op == core.OpPost && r.Thread != "" {
		v.Thread = r.Thread
	}
	t.shows(core.Placement{Thread: v.Thread, Parts: r.Parts, Rev: int64(m.Edits), Handles: r.Handles})
	if v.OpenOn != "" || v.Op == core.OpPost && t.joins {
		t.place.Opens = &core.Thread{Room: t.out.Room, ID: v.Thread, Task: t.out.Task, Root: core.MessageID(v.Thread), Cursor: r.Parts[len(r.Parts)-1], Active: m.At}
	}
	if len(r.Parts) == 0 {
		t.place.Parts = at.Parts
	}
	return nil
}

// takeBack removes what an earlier try may have posted of a comment that its author has deleted since.
func (d *Deliverer) takeBack(ctx context.Context, t *try, m *core.Comment) error {
	author, err := d.author(ctx, t, m)
	if err != nil {
		return err
	}
	v := core.Delivery{Op: core.OpPost, Find: true, Changed: true, Room: t.out.Room, Author: author, Text: d.commentText(ctx, m, t.out, nil)}
	if t.out.Task.IsTalk() {
		err = d.talkThread(ctx, t, m, &v)
	} else {
		v.Thread, err = d.threadOf(ctx, t)
	}
	if errors.Is(err, errNotShown) || core.ErrorCode(err) == core.CodeNotFound || err == nil && v.OpenOn != "" {
		return nil // there is no thread in which it could be
	}
	if err != nil {
		return err
	}
	r, err := d.send(ctx, t, v)
	if err != nil || len(r.Parts) == 0 {
		return err
	}
	t.done = nil
	gone := core.Delivery{Op: core.OpDelete, Room: t.out.Room, Thread: v.Thread, Target: r.Parts}
	if _, err := d.send(ctx, t, gone); err != nil && core.ErrorCode(err) != core.CodeGone {
		return err
	}
	t.shows(core.Placement{Thread: v.Thread, Rev: int64(m.Edits)})
	return nil
}

// lookUp reads a comment and where it shows, and the thread that it goes to, unless that came with the entry.
func (d *Deliverer) lookUp(ctx context.Context, t *try) (*core.Comment, map[core.RoomID]core.Placement, error) {
	g := t.shown
	t.shown = nil // it is what was true just now, not at the next try
	if g == nil {
		now, err := d.Glances.Shown(ctx, t.p, t.out.Object, t.out.Room)
		if err != nil {
			return nil, nil, err
		}
		g = &now
	}
	t.thread = g.Thread
	return g.Comment, g.Placed, nil
}

// author is who a comment is shown as. People known on both sides go by their name; of others the name says where they
// wrote, so that nobody passes for a colleague by choosing that colleague's name elsewhere.
func (d *Deliverer) author(ctx context.Context, t *try, m *core.Comment) (*core.Author, error) {
	a := &core.Author{Name: m.Name, Avatar: m.Avatar, From: string(m.Identity.Platform())}
	p, err := d.People.Person(ctx, m.Author)
	if err == nil {
		if _, known := p.IdentityOn(t.out.Room); known {
			a.From = ""
		}
	}
	if a.Name != "" {
		return a, nil
	}
	// The platform did not say who wrote, or could not be asked at that moment.
	if err == nil && p.Name != "" {
		a.Name, a.Avatar = p.Name, p.Avatar
		return a, nil
	}
	namer, ok := d.Platforms[m.Identity.Platform()].(core.Namer)
	if !ok {
		return a, nil
	}
	who, err := namer.WhoIs(ctx, m.Identity)
	switch {
	case core.ErrorCode(err) == core.CodeRetry && d.Clock.Now().Sub(t.since) < maxNameless:
		return nil, err
	case err == nil && who.Name != "":
		a.Name, a.Avatar = who.Name, who.Avatar
		who.Identity = m.Identity
		if _, err := d.People.Meet(ctx, who); err != nil {
			d.Log.InfoContext(ctx, "name not kept", "person", m.Author, "error", err)
		}
	}
	return a, nil
}

// maxNameless is how long a comment waits for its author's name.
const maxNameless = time.Minute

func (d *Deliverer) replyTarget(ctx context.Context, t *try, m *core.Comment) (core.MessageID, error) {
	if m.ReplyTo == "" {
		return "", nil
	}
	placed, err := d.Refs.Placed(ctx, t.p, core.CommentObject(m.Task, m.ReplyTo))
	if err != nil {
		return "", err
	}
	if at := placed[t.out.Room]; len(at.Parts) > 0 {
		return at.Parts[0], nil
	}
	return "", nil
}

// commentText is a comment's text for a room: mentions of the room's platform, what it is about, late time, notes.
func (d *Deliverer) commentText(ctx context.Context, m *core.Comment, o core.Outgoing, notes []string) core.RichText {
	text := d.localise(ctx, m.Text, o.Room)
	var lead []core.Node
	if m.On.Version > 0 && m.Source.IsZero() {
		lead = append(lead, core.Bold(d.room(ctx, o).T("on %s", m.On)), core.Text(" "))
	}
	if m.Late {
		lead = append(lead, core.Node{Kind: core.NodeItalic, Children: []core.Node{core.Text(sentAt(d.room(ctx, o), m.At))}}, core.Text(" "))
	}
	if len(lead) > 0 {
		if len(text) > 0 && text[0].Kind == core.NodeParagraph {
			text = append(core.RichText{core.Para(append(lead, text[0].Children...)...)}, text[1:]...)
		} else {
			text = append(core.RichText{core.Para(lead...)}, text...)
		}
	}
	for _, n := range notes {
		text = append(text, core.Para(core.Node{Kind: core.NodeItalic, Children: []core.Node{core.Text(n)}}))
	}
	return text
}

// sentAt says when something was said that is shown late.
func sentAt(l core.Lang, at time.Time) string {
	at = l.In(at)
	return l.T("(sent %[1]s %[2]s %[3]s)", l.DayOfMonth(at), l.T(at.Format("Jan")), at.Format("15:04 MST"))
}

// localise turns mentions into identities of the room's platform; somebody who has none there stays a name.
func (d *Deliverer) localise(ctx context.Context, r core.RichText, room core.RoomID) core.RichText {
	return r.Map(func(n core.Node) core.Node {
		if n.Kind != core.NodeMention || n.Identity == "" {
			return n
		}
		p, err := d.People.ByIdentity(ctx, n.Identity)
		if err != nil {
			if n.Identity.Platform() != room.Platform() {
				n.Identity = ""
			}
			return n
		}
		id, ok := p.IdentityOn(room)
		if p.Name != "" && n.Name == "" {
			n.Name = p.Name
		}
		if !ok {
			id = ""
		}
		n.Identity = id
		return n
	})
}

// maxFetching is how long a comment waits for its files.
const maxFetching = 10 * time.Minute

// maxKept bounds a file that is fetched from a platform and kept.
const maxKept = 100 << 20

// fetchFiles makes sure that a comment's files lie in the blob store. Several rooms may ask at once; one fetches.
func (d *Deliverer) fetchFiles(ctx context.Context, t *try, m *core.Comment) (*core.Comment, error) {
	missing := false
	for _, f := range m.Files {
		missing = missing || f.Blob == "" && f.Fail == ""
	}
	if !missing {
		return m, nil
	}
	unlock := d.files.lock(string(m.ID))
	defer unlock()
	m, err := d.Comments.Comment(ctx, m.Task, m.ID)
	if err != nil {
		return nil, err
	}
	plat := d.Platforms[m.Source.Room.Platform()]
	changed := false
	for i := range m.Files {
		f := &m.Files[i]
		if f.Blob != "" || f.Fail != "" {
			continue
		}
		changed = true
		switch {
		case f.PinOn != "":
			if err := d.pin(ctx, t, m, f); err != nil {
				return nil, err
			}
		case f.Ref.Skip != "":
			f.Fail = d.room(ctx, t.out).T(f.Ref.Skip)
		case f.Ref.Size > maxKept:
			f.Fail = d.room(ctx, t.out).T("%s is %s; at most %s is kept and passed on", f.Ref.Name, size(f.Ref.Size), size(maxKept))
		case plat == nil:
			f.Fail = d.room(ctx, t.out).T("%s could not be fetched", f.Ref.Name)
		default:
			if err := d.fetch(ctx, t, plat, m.Source.Room, f); err != nil && d.Clock.Now().Sub(t.since) < maxFetching {
				return nil, err
			} else if err != nil {
				// The words have waited long enough for a file that does not come.
				d.Log.WarnContext(ctx, "file given up", "room", m.Source.Room, "error", err)
				f.Fail = d.room(ctx, t.out).T("%s could not be fetched", f.Ref.Name)
			}
		}
	}
	if !changed {
		return m, nil
	}
	if err := d.Changes.Apply(ctx, core.Change{Partition: t.p, Lease: t.l, Comments: []*core.Comment{m}}); err != nil {
		if core.ErrorCode(err) == core.CodeConflict {
			return nil, core.Wrap(core.CodeRetry, err)
		}
		return nil, err
	}
	m.Rev++
	return m, nil
}

func (d *Deliverer) fetch(ctx context.Context, t *try, plat core.Platform, room core.RoomID, f *core.Attached) error {
	r, err := plat.Fetch(ctx, room, f.Ref)
	if err == nil {
		defer r.Close()
		f.Blob, f.Size, err = d.Blobs.Put(ctx, io.LimitReader(r, maxKept+1), f.Ref.MIME)
		if f.Size > maxKept {
			err = core.Errorf(core.CodeTooLarge, "%s is larger than %s.", f.Ref.Name, size(maxKept))
			f.Blob = ""
		}
	}
	if err == nil && f.Size == 0 {
		f.Blob, f.Fail = "", d.room(ctx, t.out).T("%s is empty: it has 0 bytes", f.Ref.Name)
		return nil
	}
	switch core.ErrorCode(err) {
	case "":
		f.MIME = f.Ref.MIME
	case core.CodeRetry, core.CodeUnknown:
		return core.Wrap(core.CodeRetry, err)
	default:
		d.Log.WarnContext(ctx, "file not fetched", "room", room, "error", err)
		f.Fail = d.room(ctx, t.out).T("%s could not be fetched", f.Ref.Name)
	}
	return nil
}

// commentFiles makes a comment's files openable, and names those that this platform cannot take.
func (d *Deliverer) commentFiles(ctx context.Context, o core.Outgoing, m *core.Comment, caps core.Capabilities) (files []core.File, notes []string) {
	for _, f := range m.Files {
		switch {
		case f.Fail != "":
			notes = append(notes, "("+f.Fail+")")
		case caps.MaxFile > 0 && f.Size > caps.MaxFile:
			notes = append(notes, d.room(ctx, o).T("(%s is %s, too large for this room; the limit is %s)", f.Ref.Name, size(f.Size), size(caps.MaxFile)))
		case f.Blob != "":
			files = append(files, d.file(f.Blob, f.Ref.Name, f.MIME, f.Size, f.Ref.Alt))
		}
	}
	return files, notes
}

func (d *Deliverer) file(k core.BlobKey, name, mime string, size int64, alt string) core.File {
	return core.File{Blob: k, Name: name, MIME: mime, Size: size, Alt: alt,
		Open: func(ctx context.Context) (io.ReadCloser, error) { return d.Blobs.Open(ctx, k) }}
}

func size(n int64) core.Saying {
	switch {
	case n >= 1<<20:
		return core.Say("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return core.Say("%d KB", n>>10)
	}
	return core.Say("%d bytes", n)
}

// react brings the app's reaction in a room up to date: there while anybody elsewhere reacts with that emoji.
func (d *Deliverer) react(ctx context.Context, t *try) error {
	kind, task, id := t.out.Object.Parts()
	if kind != "comment" {
		return nil
	}
	m, err := d.Comments.Comment(ctx, task, core.CommentID(id))
	if err != nil {
		return err
	}
	placed, err := d.Refs.Placed(ctx, t.p, t.out.Object)
	if err != nil {
		return err
	}
	at := placed[t.out.Room]
	if len(at.Parts) == 0 || m.Deleted {
		return nil
	}
	v := core.Delivery{Op: core.OpUnreact, Room: t.out.Room, Thread: at.Thread, Target: at.Parts[:1], Emoji: t.out.Emoji}
	for _, r := range m.Reactions.Live(t.out.Emoji.Key()) {
		if r.Room != t.out.Room {
			v.Op = core.OpReact
		}
	}
	_, err = d.send(ctx, t, v)
	return err
}

// importPicture fetches what a person brought and tells the partition what was found in it.
func (d *Deliverer) importPicture(ctx context.Context, t *try) error {
	im := *t.out.Import
	got := core.Imported{Import: im}
	data, err := d.readImport(ctx, im)
	switch code := core.ErrorCode(err); {
	case code == core.CodeRetry || code == core.CodeUnknown:
		return err
	case err != nil:
		got.Fail = d.reader(ctx, core.Actor{Identity: im.Identity}).Error(err)
	default:
		stored, err := d.Imaging.Import(ctx, bytes.NewReader(data), im.File.Name)
		if core.ErrorCode(err) == core.CodeRetry {
			return err
		}
		if err != nil {
			got.Fail = d.reader(ctx, core.Actor{Identity: im.Identity}).Error(err)
			break
		}
		got.Image = &stored
	}
	if d.Evidence != nil {
		got.ExternalID, got.Prompt = d.Evidence(im.Target, data)
	}
	return d.Receiver.Receive(ctx, core.Inbound{ID: core.InboundID("import-" + string(t.out.ID)), Kind: core.InboundImport,
		At: d.Clock.Now(), Room: im.Room, Thread: im.Thread, Import: &got, Reply: im.Reply, Actor: core.Actor{Identity: im.Identity}})
}

// maxImport bounds a picture brought by a person, in bytes.
const maxImport = 50 << 20

func (d *Deliverer) readImport(ctx context.Context, im core.Import) ([]byte, error) {
	if im.File.Size > maxImport {
		return nil, core.Errorf(core.CodeTooLarge, "%s is %s.", im.File.Name, size(im.File.Size)).WithNext("A picture may have at most %s.", size(maxImport))
	}
	if im.File.Skip != "" {
		return nil, core.Errorf(core.CodeInvalid, "%s cannot be fetched: %s.", im.File.Name, core.Say(strings.TrimSuffix(im.File.Skip, ".")))
	}
	r, err := d.openImport(ctx, im)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxImport+1))
	if err != nil {
		return nil, core.Wrap(core.CodeRetry, err)
	}
	if len(data) == 0 {
		return nil, core.Errorf(core.CodeInvalid, "%s is empty: it has 0 bytes.", im.File.Name).WithNext("Send it again.")
	}
	if len(data) > maxImport {
		return nil, core.Errorf(core.CodeTooLarge, "%s is too large.", im.File.Name).WithNext("A picture may have at most %s.", size(maxImport))
	}
	return data, nil
}

func (d *Deliverer) openImport(ctx context.Context, im core.Import) (io.ReadCloser, error) {
	if im.Blob != "" {
		return d.Blobs.Open(ctx, im.Blob)
	}
	plat := d.Platforms[im.Room.Platform()]
	if plat == nil {
		return nil, core.Errorf(core.CodeUnsupp, "That platform is not connected.")
	}
	return plat.Fetch(ctx, im.Room, im.File)
}
