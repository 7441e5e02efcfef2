package relay

import (
	"context"
	"slices"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// maxVanished is how many messages of one thread may be gone before nobody believes it without asking.
const maxVanished = 20

// tellSince hands what a thread holds after a cursor to the journal, oldest first, and returns the last message's id and
// everything seen. What is known and unchanged is not told again. An empty cursor begins where known begins.
func (r *rereader) tellSince(ctx context.Context, t *core.Thread, cursor core.MessageID, known *knownComments) (core.MessageID, []core.Past, error) {
	var seen []core.Past
	since := r.since()
	if known != nil {
		since = known.from
	}
	if t.Since.After(since) {
		since = t.Since
	}
	began := r.c.Clock.Now()
	defer func() { r.c.Telemetry.Observe(core.MetricCatchUpTime, r.c.Clock.Now().Sub(began), string(r.plat)) }()
	for {
		asked := r.c.Clock.Now().UTC()
		page, err := r.history.Since(ctx, t.Room, t.ID, cursor, since, catchUpPage)
		if err != nil {
			return cursor, seen, err
		}
		for _, m := range page.Messages {
			if m.Inbound != nil && !known.has(m.Inbound) {
				in := *m.Inbound
				in.CatchUp, in.Read = true, asked
				if known.differs(&in) {
					in.ID += core.InboundID("/read-" + itoa(int(known.read.UnixMilli())))
				}
				if err := r.c.Receiver.Receive(ctx, in); err != nil {
					return cursor, seen, err
				}
				r.c.Telemetry.Count(core.MetricCatchUpMessages, string(r.plat), "new")
			} else {
				r.c.Telemetry.Count(core.MetricCatchUpMessages, string(r.plat), "known")
			}
			if m.Thread != "" && t.ID == "" {
				if err := r.hanging(ctx, t, m.Thread); err != nil {
					return cursor, seen, err
				}
			}
		}
		if known != nil {
			seen = append(seen, page.Messages...)
		}
		if known != nil && t.ID == "" && !page.Complete {
			known.cut = true // a room is read backwards: its old end is missing
		}
		if page.Complete || page.Next == cursor {
			if page.Next != "" {
				cursor = page.Next
			}
			return cursor, seen, nil
		}
		cursor = page.Next
	}
}

// hanging reads a thread that hangs on a room's talk, if nobody has spoken there while we listened.
func (r *rereader) hanging(ctx context.Context, t *core.Thread, id core.ThreadID) error {
	_, err := r.c.Refs.Thread(ctx, r.p, t.Room, id)
	if core.ErrorCode(err) != core.CodeNotFound {
		return err // known: it is read by itself
	}
	_, _, err = r.tellSince(ctx, &core.Thread{Room: t.Room, ID: id, Task: t.Task}, "", nil)
	if core.ErrorCode(err) == core.CodeGone {
		return nil
	}
	return err
}

// knownComments are a thread's comments as they were before its history was read.
type knownComments struct {
	list []*core.Comment
	by   map[core.MessageID]*core.Comment // those written in this thread
	from time.Time                        // nothing before was looked at
	read time.Time                        // before anything was read
	cut  bool                             // not all since then was read
}

// has reports whether an inbound tells nothing new.
func (k *knownComments) has(in *core.Inbound) bool {
	if k == nil || in.Message == nil {
		return false
	}
	c := k.by[in.Message.ID]
	return c != nil && (c.Deleted || in.Message.EditedAt.Equal(c.EditedAt) && sameContent(c, in.Message))
}

// differs reports whether an inbound shows another content than ours of the very edit that we have. Slack dates edits in whole
// seconds, and of two in one the first may have been told last, when the second was known by its id: then it is told again.
func (k *knownComments) differs(in *core.Inbound) bool {
	if k == nil || in.Message == nil || in.Message.Masked || in.Kind != core.InboundEdit {
		return false
	}
	c := k.by[in.Message.ID]
	return c != nil && !c.Deleted && in.Message.EditedAt.Equal(c.EditedAt) && !sameContent(c, in.Message)
}

// known reads the newest comments of a thread's task, at most as many as may be read again.
func (r *rereader) known(ctx context.Context, t *core.Thread) (*knownComments, error) {
	limit := r.c.Messages
	if limit <= 0 {
		limit = defaultMessages
	}
	_, total, err := r.c.Comments.Comments(ctx, t.Task, 0, 0)
	if err != nil {
		return nil, err
	}
	since := r.since()
	if t.Since.After(since) {
		since = t.Since
	}
	k := &knownComments{by: map[core.MessageID]*core.Comment{}, from: since, read: r.c.Clock.Now().UTC()}
	for at := max(0, total-limit); at < total; at += catchUpPage {
		page, _, err := r.c.Comments.Comments(ctx, t.Task, at, min(catchUpPage, total-at))
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			if c.At.Before(since) {
				continue
			}
			k.list = append(k.list, c)
			if c.Source.Room == t.Room && c.Source.Thread == t.ID {
				k.by[c.Source.ID] = c
			}
		}
	}
	if total > limit && len(k.list) > 0 && k.list[0].At.After(since) {
		k.from = k.list[0].At.Add(-time.Millisecond)
	}
	return k, nil
}

// check reads a thread whole, as far back as is looked: new messages, edits, deletions and reactions. The known ones
// are listed first, so that nothing said meanwhile is taken for gone.
func (r *rereader) check(ctx context.Context, t *core.Thread, gap core.Gap) bool {
	known, err := r.known(ctx, t)
	if err != nil {
		return r.judge(ctx, t, gap, err)
	}
	last, seen, err := r.tellSince(ctx, t, "", known)
	if err == nil {
		err = r.vanished(ctx, t, known, seen)
	}
	if err == nil {
		err = r.reactions(ctx, t, known, seen, gap)
	}
	if err == nil {
		err = r.tell(ctx, t, gap, last, true)
	}
	return r.judge(ctx, t, gap, err)
}

// edge is how near the beginning of what was read a message may lie without being missed there.
const edge = time.Minute

// vanished tells of known messages that a complete read did not show. They count as deleted only when others of the
// thread were seen.
func (r *rereader) vanished(ctx context.Context, t *core.Thread, known *knownComments, seen []core.Past) error {
	if len(seen) == 0 || known.cut {
		return nil
	}
	there := map[core.MessageID]bool{}
	for _, m := range seen {
		there[m.ID] = true
	}
	var gone []core.MessageRef
	for _, c := range known.by {
		if !c.Deleted && !there[c.Source.ID] && c.At.After(known.from.Add(edge)) {
			gone = append(gone, c.Source)
		}
	}
	if len(gone) > maxVanished {
		r.c.Log.WarnContext(ctx, "many messages are gone; not taken as deleted", "room", t.Room, "thread", t.ID, "count", len(gone))
		if r.c.Vanished != nil {
			r.c.Vanished(ctx, t, len(gone))
		}
		return nil
	}
	for _, m := range gone {
		in := core.Inbound{ID: core.InboundID("gone-" + string(m.Room) + "/" + string(m.ID)), Kind: core.InboundDelete, At: r.c.Clock.Now().UTC(), Room: m.Room, Thread: m.Thread,
			Message: &core.Message{ID: m.ID}, CatchUp: true}
		if err := r.c.Receiver.Receive(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// reactions compares who reacts with what is known, and tells the difference.
func (r *rereader) reactions(ctx context.Context, t *core.Thread, known *knownComments, seen []core.Past, gap core.Gap) error {
	shown := map[core.MessageID]bool{} // our copies whose reactions were compared
	for _, m := range seen {
		c := known.by[m.ID]
		if c == nil && len(m.Reactions) > 0 {
			var err error
			if c, err = r.commentOf(ctx, t.Room, m.ID); err != nil {
				return err
			}
		}
		if c == nil && (m.Inbound == nil || len(m.Reactions) == 0) {
			continue
		}
		shown[m.ID] = true
		if err := r.compare(ctx, t, m, c, known.read, gap); err != nil {
			return err
		}
	}
	there := map[core.MessageID]bool{}
	for _, m := range seen {
		there[m.ID] = true
	}
	for _, c := range known.list {
		if known.by[c.Source.ID] == c || c.Deleted || len(c.Reactions.In(t.Room)) == 0 {
			continue
		}
		placed, err := r.c.Refs.Placed(ctx, r.p, core.CommentObject(c.Task, c.ID))
		if err != nil {
			return err
		}
		if at := placed[t.Room].Parts; len(at) > 0 && there[at[0]] && !shown[at[0]] {
			if err := r.compare(ctx, t, core.Past{ID: at[0]}, c, known.read, gap); err != nil {
				return err
			}
		}
	}
	return nil
}

// commentOf returns the comment that a message shows; nil when it shows none.
func (r *rereader) commentOf(ctx context.Context, room core.RoomID, msg core.MessageID) (*core.Comment, error) {
	obj, _, err := r.c.Refs.Object(ctx, r.p, room, msg)
	if core.ErrorCode(err) == core.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	kind, task, id := obj.Parts()
	if kind != "comment" {
		return nil, nil
	}
	c, err := r.c.Comments.Comment(ctx, task, core.CommentID(id))
	if core.ErrorCode(err) == core.CodeNotFound {
		return nil, nil
	}
	return c, err
}

// compare tells who reacts to a message and was not known to, and who no longer does.
func (r *rereader) compare(ctx context.Context, t *core.Thread, m core.Past, c *core.Comment, read time.Time, gap core.Gap) error {
	have := map[string][]core.Reactor{}
	if c != nil {
		have = c.Reactions.In(t.Room)
	}
	for _, re := range m.Reactions {
		key := re.Emoji.Key()
		was := have[key]
		delete(have, key)
		who := re.By
		if len(who) < re.Count {
			if len(was) == re.Count {
				continue // Discord's history only counts
			}
			var err error
			if who, err = r.history.Reactors(ctx, t.Room, t.ID, m.ID, re.Emoji); err != nil {
				return err
			}
		}
		for _, id := range who {
			if !slices.ContainsFunc(was, func(x core.Reactor) bool { return x.Identity == id }) {
				if err := r.reacted(ctx, t, m.ID, core.InboundReact, id, re.Emoji, read, gap); err != nil {
					return err
				}
			}
		}
		for _, x := range was {
			if !slices.Contains(who, x.Identity) {
				if err := r.reacted(ctx, t, m.ID, core.InboundUnreact, x.Identity, x.Emoji, read, gap); err != nil {
					return err
				}
			}
		}
	}
	for _, was := range have {
		for _, x := range was {
			if err := r.reacted(ctx, t, m.ID, core.InboundUnreact, x.Identity, x.Emoji, read, gap); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rereader) reacted(ctx context.Context, t *core.Thread, msg core.MessageID, kind core.InboundKind, who core.IdentityID, e core.Emoji, read time.Time, gap core.Gap) error {
	return r.c.Receiver.Receive(ctx, core.Inbound{
		ID:   core.InboundID("caught-" + core.Digest(24, string(t.Room), string(msg), string(kind), string(who), e.Key(), itoa(int(gap)))),
		Kind: kind, At: read, Room: t.Room, Thread: t.ID, Actor: core.Actor{Identity: who}, Emoji: e, Message: &core.Message{ID: msg}, CatchUp: true})
}
