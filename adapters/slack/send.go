package slack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/core"
)

// deliveryEvent names the metadata by which a post is found again. It is readable by every app in the workspace.
const deliveryEvent = "atelier_delivery"

type deliveryMark struct {
	ID   string `json:"id"`
	Part int    `json:"part"`
}

// Deliver makes one delivery happen.
func (a *Adapter) Deliver(ctx context.Context, d core.Delivery) (core.Receipt, error) {
	if d.Op == core.OpAnswer && (d.Reply.Kind == core.ReplyDeferred || d.Reply.Kind == core.ReplyFollowup || d.Reply.Kind == core.ReplyReplace) {
		return a.answer(ctx, d)
	}
	if d.Op == core.OpAnswer && d.Reply.Kind == core.ReplyHome {
		return a.publish(ctx, d)
	}
	if d.Op == core.OpDirect || d.Op == core.OpAnswer && d.Reply.Kind == core.ReplyInMessage {
		return a.direct(ctx, d)
	}
	team, channel, err := parseRoom(d.Room)
	if err != nil {
		return core.Receipt{}, err
	}
	i, err := a.in(ctx, team)
	if err != nil {
		return core.Receipt{}, err
	}
	s := &sending{i: i, d: d, team: team, channel: channel, handles: maps.Clone(d.Handles)}
	switch d.Op {
	case core.OpPost:
		if d.OpenOn != "" && d.Thread == "" {
			s.d.Thread = core.ThreadID(d.OpenOn) // on Slack every message can carry replies
		}
		return s.post(ctx)
	case core.OpEdit:
		return s.edit(ctx)
	case core.OpDelete:
		return core.Receipt{}, s.remove(ctx, d.Target)
	case core.OpReact, core.OpUnreact:
		return core.Receipt{}, s.react(ctx)
	case core.OpAnswer:
		return s.mention(ctx)
	}
	return core.Receipt{}, core.Errorf(core.CodeUnsupp, "slack: unknown operation %s", d.Op)
}

// sending is one delivery under way.
type sending struct {
	i             *installation
	d             core.Delivery
	team, channel string
	handles       map[core.BlobKey]string
	notes         []string
	loose         []core.File // files that become messages of their own
	found         []*message  // our messages, from a look-up
}

// A handle is a file id; of a file shared as a message of its own, "F1/1700000000.000100".
func splitHandle(h string) (file, ts string) {
	file, ts, _ = strings.Cut(h, "/")
	return file, ts
}

func (s *sending) handle(blob core.BlobKey, h string) {
	if blob == "" {
		return
	}
	if s.handles == nil {
		s.handles = map[core.BlobKey]string{}
	}
	s.handles[blob] = h
}

// render makes the messages, uploading the pictures that they show.
func (s *sending) render(ctx context.Context) ([]content, error) {
	seed := core.Digest(10, string(s.d.ID), fmt.Sprint(s.d.Text, s.d.Card))
	s.loose = nil
	ids := map[core.BlobKey]string{}
	var pictures []slackgo.Block
	var names []string
	for n, f := range s.d.Files {
		names = append(names, f.Name)
		known, sharedAt := splitHandle(s.handles[f.Blob])
		if sharedAt != "" || !showable(f.MIME) {
			if s.d.Card == nil {
				s.loose = append(s.loose, f)
			} else {
				s.notes = append(s.notes, s.d.T("%s cannot be shown here.", f.Name))
			}
			continue
		}
		id, ok, err := s.i.picture(ctx, f, known)
		switch core.ErrorCode(err) {
		case "":
		case core.CodeRetry, core.CodeUnknown, core.CodeFatal:
			return nil, err
		default:
			// The words matter more than the picture: they go out with a note.
			s.i.a.o.Log.WarnContext(ctx, "picture not shown", "room", s.d.Room, "error", err)
			s.notes = append(s.notes, s.d.T("%s could not be uploaded.", f.Name))
			if s.d.Card == nil {
				s.d.Text = append(slices.Clone(s.d.Text), core.Para(core.Node{Kind: core.NodeItalic, Children: []core.Node{core.Text(s.d.T("(%s could not be uploaded)", f.Name))}}))
			}
			continue
		}
		if !ok {
			s.loose = append(s.loose, f)
			continue
		}
		s.handle(f.Blob, id)
		ids[f.Blob] = id
		if s.d.Card == nil {
			pictures = append(pictures, slackgo.NewImageBlockSlackFile(&slackgo.SlackFileObject{ID: id}, clip(firstOf(f.Alt, f.Name, "picture"), maxAlt), fmt.Sprintf("%s-i%d", seed, n), nil))
		}
	}
	if s.d.Card != nil {
		s.loose = nil
		return []content{renderCard(*s.d.Card, s.team, ids, seed)}, nil
	}
	spoken := ""
	if len(names) > 0 {
		spoken = "shared " + strings.Join(names, ", ")
	}
	return renderText(s.replying(), s.team, pictures, spoken, seed), nil
}

// replying is the text, led by a link to the message that it answers: threads know no replies.
func (s *sending) replying() core.RichText {
	url := ""
	if s.d.ReplyTo != "" && s.d.Author != nil {
		url = s.i.a.Link(s.d.Room, s.d.Thread, s.d.ReplyTo)
	}
	if url == "" {
		return s.d.Text
	}
	return append(core.RichText{core.Para(core.Text("↩ "), core.Link(url, s.d.T("in reply to this message")))}, s.d.Text...)
}

// staleFile reports whether Slack refused the blocks because it does not know an uploaded picture any more.
func staleFile(err error) bool {
	var e *apiError
	return errors.As(err, &e) && e.Code == "invalid_blocks" && strings.Contains(strings.Join(e.Messages, " "), "slack file")
}

// forget drops what was uploaded, so that it is uploaded anew.
func (s *sending) forget() {
	for _, f := range s.d.Files {
		if _, ts := splitHandle(s.handles[f.Blob]); ts == "" {
			delete(s.handles, f.Blob)
		}
		s.i.uploads.drop("blob/" + string(f.Blob))
	}
}

func (s *sending) receipt(parts []core.MessageID) core.Receipt {
	r := core.Receipt{Parts: parts, Handles: s.handles, Notes: s.notes}
	switch {
	case s.d.OpenOn != "":
		r.Thread = s.d.Thread
	case s.d.ThreadName != "" && len(parts) > 0:
		r.Thread = core.ThreadID(parts[0])
	}
	return r
}

// post makes what is not there yet: parts named in Target exist, and after an unknown outcome Slack is asked first.
func (s *sending) post(ctx context.Context) (core.Receipt, error) {
	parts := slices.Clone(s.d.Target)
	if s.d.Attempt > 0 {
		if err := s.lookup(ctx); err != nil {
			return s.receipt(parts), err
		}
	}
	msgs, err := s.render(ctx)
	if err != nil {
		return s.receipt(parts), err
	}
	for n := 0; n < len(msgs); n++ {
		if n < len(parts) {
			continue
		}
		ts := s.posted(n)
		if ts == "" && s.d.Find {
			return s.receipt(parts), nil
		}
		if ts == "" {
			ts, err = s.create(ctx, n, msgs[n])
		}
		if staleFile(err) {
			s.forget()
			if msgs, err = s.render(ctx); err == nil {
				ts, err = s.create(ctx, n, msgs[n])
			}
		}
		if err != nil {
			return s.receipt(parts), err
		}
		parts = append(parts, core.MessageID(ts))
	}
	parts, err = s.shareLoose(ctx, len(msgs), parts)
	return s.receipt(parts), err
}

// shareLoose posts the files that no block can show, behind the messages.
func (s *sending) shareLoose(ctx context.Context, first int, parts []core.MessageID) ([]core.MessageID, error) {
	for n, f := range s.loose {
		if first+n < len(parts) {
			continue
		}
		id, ts, err := s.shared(ctx, f, first+n)
		if err != nil {
			return parts, err
		}
		if ts == "" {
			if id, ts, err = s.i.share(ctx, f, markOf(s.d.ID, first+n), s.channel, string(s.d.Thread)); err != nil {
				s.i.readings.Drop(s.place())
				return parts, err
			}
		}
		s.handle(f.Blob, id+"/"+ts)
		parts = append(parts, core.MessageID(ts))
	}
	return parts, nil
}

// create posts one message and returns its ts.
func (s *sending) create(ctx context.Context, part int, c content) (string, error) {
	form, err := s.form(c)
	if err != nil {
		return "", err
	}
	if form["metadata"], err = one(map[string]any{"event_type": deliveryEvent, "event_payload": deliveryMark{ID: string(s.d.ID), Part: part}}); err != nil {
		return "", err
	}
	if s.d.Thread != "" {
		form.Set("thread_ts", string(s.d.Thread))
	}
	form.Set("unfurl_links", "false")
	form.Set("unfurl_media", "false")
	s.sign(form)
	ts, err := s.send(ctx, form)
	if code(err) == "missing_scope" && form.Has("username") {
		// Without the permission to post under another name, the name stands in the text.
		s.unsign(form, c)
		ts, err = s.send(ctx, form)
	}
	return ts, err
}

func (s *sending) send(ctx context.Context, form url.Values) (string, error) {
	var out struct {
		TS      scalar `json:"ts"`
		Message struct {
			ThreadTS scalar `json:"thread_ts"`
		} `json:"message"`
	}
	err := s.i.do(ctx, "chat.postMessage", s.channel, true, func(ctx context.Context) error {
		return s.i.call(ctx, "chat.postMessage", form, &out)
	})
	if err == nil && out.TS == "" {
		err = core.Wrap(core.CodeUnknown, errUndecodable)
	}
	if err != nil {
		s.i.readings.Drop(s.place()) // what was read there may have become old
		return "", err
	}
	if s.d.Thread != "" && out.Message.ThreadTS == "" {
		// The thread's root is gone; Slack puts such a reply into the channel, where it does not belong.
		err := s.remove(ctx, []core.MessageID{core.MessageID(out.TS)})
		return "", core.Errorf(core.CodeGone, "The thread is no longer there.").Because(err)
	}
	return string(out.TS), nil
}

func one(v any) ([]string, error) {
	s, err := marshal(v)
	return []string{s}, err
}

func (s *sending) form(c content) (url.Values, error) {
	blocks := c.blocks
	if blocks == nil {
		blocks = []slackgo.Block{}
	}
	b, err := marshal(blocks)
	if err != nil {
		return nil, err
	}
	return url.Values{"channel": {s.channel}, "text": {c.text}, "blocks": {b}}, nil
}

const maxUsername = 80

func (s *sending) authorName() string {
	name := strings.TrimSpace(s.d.Author.Name)
	if from := s.d.Author.From; from != "" && from != string(core.Slack) {
		suffix := " (" + strings.ToUpper(from[:1]) + from[1:] + ")"
		return clip(firstOf(name, "Somebody"), maxUsername-len(suffix)) + suffix
	}
	return clip(firstOf(name, "Somebody"), maxUsername)
}

// sign posts under the author's name and picture.
func (s *sending) sign(form url.Values) {
	if s.d.Author == nil {
		return
	}
	form.Set("username", s.authorName())
	if icon := s.d.Author.Avatar; len(icon) <= 3000 && (strings.HasPrefix(icon, "https://") || s.i.a.sameOrigin(icon)) {
		form.Set("icon_url", icon)
	}
}

func (s *sending) unsign(form url.Values, c content) {
	form.Del("username")
	form.Del("icon_url")
	lead := slackgo.NewContextBlock("", plainText(s.authorName()))
	if b, err := marshal(append([]slackgo.Block{lead}, c.blocks...)); err == nil {
		form.Set("blocks", b)
	}
	form.Set("text", clip(escape(s.authorName())+": "+c.text, maxText))
}

// sameOrigin reports whether a URL lies at the overridden API: a stand-in's pictures are plain http.
func (a *Adapter) sameOrigin(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == a.origin.Scheme && strings.EqualFold(u.Host, a.origin.Host)
}

// edit brings the messages in Target up to date: as many as are needed now, the others go.
func (s *sending) edit(ctx context.Context) (core.Receipt, error) {
	files := map[core.MessageID]core.BlobKey{}
	for blob, h := range s.handles {
		if _, ts := splitHandle(h); ts != "" {
			files[core.MessageID(ts)] = blob
		}
	}
	var texts, shared []core.MessageID
	for _, m := range s.d.Target {
		if _, isFile := files[m]; isFile {
			shared = append(shared, m)
		} else {
			texts = append(texts, m)
		}
	}
	if s.d.Attempt > 0 {
		if err := s.lookup(ctx); err != nil {
			return core.Receipt{}, err
		}
	}
	msgs, err := s.render(ctx)
	if err != nil {
		return core.Receipt{}, err
	}
	var parts []core.MessageID
	for n := range msgs {
		if n >= len(texts) {
			ts := s.posted(n)
			if ts == "" {
				if ts, err = s.create(ctx, n, msgs[n]); err != nil {
					return core.Receipt{}, err
				}
			}
			parts = append(parts, core.MessageID(ts))
			continue
		}
		err := s.update(ctx, texts[n], msgs[n])
		if staleFile(err) {
			s.forget()
			if msgs, err = s.render(ctx); err == nil {
				err = s.update(ctx, texts[n], msgs[n])
			}
		}
		if err != nil {
			return core.Receipt{}, err
		}
		parts = append(parts, texts[n])
	}
	if len(texts) > len(msgs) {
		if err := s.remove(ctx, texts[len(msgs):]); err != nil {
			return core.Receipt{}, err
		}
	}
	kept, err := s.editShared(ctx, shared, files, len(msgs))
	return s.receipt(append(parts, kept...)), err
}

// editShared drops the files that the comment has no more and shares new ones.
func (s *sending) editShared(ctx context.Context, shared []core.MessageID, files map[core.MessageID]core.BlobKey, first int) ([]core.MessageID, error) {
	var kept []core.MessageID
	have := map[core.BlobKey]bool{}
	for _, m := range shared {
		blob := files[m]
		if slices.ContainsFunc(s.loose, func(f core.File) bool { return f.Blob == blob }) {
			kept = append(kept, m)
			have[blob] = true
			continue
		}
		if err := s.remove(ctx, []core.MessageID{m}); err != nil {
			return kept, err
		}
		delete(s.handles, blob)
	}
	s.loose = slices.DeleteFunc(s.loose, func(f core.File) bool { return have[f.Blob] })
	more, err := s.shareLoose(ctx, first+len(kept), make([]core.MessageID, first+len(kept)))
	return append(kept, more[first+len(kept):]...), err
}

func (s *sending) update(ctx context.Context, ts core.MessageID, c content) error {
	form, err := s.form(c)
	if err != nil {
		return err
	}
	form.Set("ts", string(ts))
	return s.i.do(ctx, "chat.update", "", false, func(ctx context.Context) error { return s.i.call(ctx, "chat.update", form, nil) })
}

func (s *sending) remove(ctx context.Context, list []core.MessageID) error {
	for _, ts := range list {
		err := s.i.do(ctx, "chat.delete", "", false, func(ctx context.Context) error {
			return s.i.call(ctx, "chat.delete", url.Values{"channel": {s.channel}, "ts": {string(ts)}}, nil)
		})
		if err != nil && code(err) != "message_not_found" {
			return err
		}
	}
	return nil
}

// react adds or removes the app's emoji. Several names may mean it; Slack tells which one it knows.
func (s *sending) react(ctx context.Context) error {
	if len(s.d.Target) == 0 {
		return core.Errorf(core.CodeInvalid, "slack: no message to react to")
	}
	ref := slackgo.NewRefToMessage(s.channel, string(s.d.Target[0]))
	var last error = core.Errorf(core.CodeUnsupp, "Slack has no such emoji.")
	for _, name := range slackEmoji(s.d.Emoji) {
		method, call := "reactions.add", s.i.api.AddReactionContext
		if s.d.Op == core.OpUnreact {
			method, call = "reactions.remove", s.i.api.RemoveReactionContext
		}
		last = s.i.do(ctx, method, "", false, func(ctx context.Context) error { return fromLibrary(method, call(ctx, name, ref)) })
		switch code(last) {
		case "already_reacted":
			return nil
		case "no_reaction":
			last = nil // perhaps under another name
		case "invalid_name":
		case "":
			return last
		default:
			return last
		}
	}
	return last
}
