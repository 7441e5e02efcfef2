package slack

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/atelier-bridge/atelier/adapters/internal/reading"
	"github.com/atelier-bridge/atelier/core"
)

const (
	// lookupSlack covers clocks that differ, and the time between the first try and Slack's ts.
	lookupSlack = 2 * time.Minute
	// firstTry is how old the first try may be when nobody knows when it was.
	firstTry = time.Hour
	// fileList and fileLists bound the list of our own uploads since the first try.
	fileList, fileLists = 100, 5
)

// looked is how far a look-up came. Under Slack's harshest limit one try reads one page; the next one goes on from
// there instead of beginning anew.
type looked struct {
	found []*message
	edge  string // the last ts that was read
	at    time.Time
}

// place names where a delivery goes, for what was read there.
func (s *sending) place() string { return s.channel + "/" + string(s.d.Thread) }

// lookup collects our messages since this delivery was first tried. One reading serves all deliveries that nobody tried
// since. An error means that nothing may be posted.
func (s *sending) lookup(ctx context.Context) error {
	since := s.d.Since
	if since.IsZero() {
		since = s.i.a.o.Clock.Now().Add(-firstTry)
	}
	w := window{channel: s.channel, thread: string(s.d.Thread), oldest: formatTS(since.Add(-lookupSlack)), lookup: true}
	if s.d.After != "" && string(s.d.After) > w.oldest {
		w.oldest = string(s.d.After)
	}
	from := w.oldest
	if read, ok := s.i.readings.Get(s.place(), from, s.d.Tried); ok {
		s.found = behind(read, from)
		return nil
	}
	self, err := s.i.identify(ctx)
	if err != nil {
		return err
	}
	key, now := s.channel+"/"+string(s.d.ID), s.i.a.o.Clock.Now()
	had, resumed := s.i.looking.get(key, now)
	if !resumed || w.thread != "" {
		had.at = now // a channel is read backwards: what came since the first page is not seen
	}
	if resumed && w.thread != "" {
		w.oldest = had.edge
	} else if resumed {
		w.latest = had.edge
	}
	enough := false
	complete, err := s.i.pages(ctx, w, func(m *message) bool {
		had.edge = string(m.TS)
		if !self.ours(m) {
			return true
		}
		had.found = append(slices.Clip(had.found), &message{TS: m.TS, Metadata: m.Metadata, Files: m.Files}) // readings are kept for a while
		id, _, ok := m.Metadata.delivery()
		enough = w.thread == "" && s.d.Card != nil && ok && id == s.d.ID // a root is one message
		return !enough
	})
	if err == nil && !complete && !enough {
		err = core.Errorf(core.CodeUnknown, "Too much was said on Slack since to find out whether a message arrived.")
	}
	if err == nil {
		s.i.looking.drop(key)
		s.found = had.found
		if complete {
			s.i.readings.Put(s.place(), reading.Reading[*message]{From: from, At: had.at, Found: had.found})
		}
		return nil
	}
	if had.edge != "" {
		s.i.looking.putFor(key, had, now, firstTry)
	}
	switch core.ErrorCode(err) {
	case core.CodeInvalid:
		return core.Wrap(core.CodeRetry, err) // without a look nothing may be posted again
	case core.CodeGone:
		return s.stray(ctx, self, w, err)
	}
	return err
}

// behind returns the messages of a reading that lie behind a ts.
func behind(read []*message, from string) []*message {
	return slices.DeleteFunc(slices.Clone(read), func(m *message) bool { return string(m.TS) <= from })
}

// stray takes back what an earlier try may have posted to a thread whose root was deleted meanwhile: Slack puts such a
// reply into the channel.
func (s *sending) stray(ctx context.Context, self identity, w window, gone error) error {
	if w.thread == "" {
		return gone
	}
	w.thread, w.latest = "", ""
	var found []core.MessageID
	_, err := s.i.pages(ctx, w, func(m *message) bool {
		if id, _, ok := m.Metadata.delivery(); ok && id == s.d.ID && self.ours(m) {
			found = append(found, core.MessageID(m.TS))
		}
		return true
	})
	if core.ErrorCode(err) == core.CodeGone { // the channel is gone too
		return gone
	}
	if err == nil {
		err = s.remove(ctx, found)
	}
	if err != nil {
		return err
	}
	return gone
}

// posted returns the ts under which a part of this delivery already stands.
func (s *sending) posted(part int) string {
	for _, m := range s.found {
		if id, n, ok := m.Metadata.delivery(); ok && id == s.d.ID && n == part {
			return string(m.TS)
		}
	}
	return ""
}

// shared finds a file that an earlier try may have shared: by the mark in its title, among the messages and then among
// our uploads, since Slack shares a file some time after it was completed. An error means that nothing may be posted.
func (s *sending) shared(ctx context.Context, f core.File, part int) (id, ts string, err error) {
	if s.d.Attempt == 0 {
		return "", "", nil
	}
	sign := markOf(s.d.ID, part)
	for _, m := range s.found {
		if m.Metadata == nil && len(m.Files) == 1 && marked(m.Files[0], sign) {
			return m.Files[0].ID, string(m.TS), nil
		}
	}
	up, err := s.i.upload(ctx, s.d.Since, sign)
	if err != nil {
		return "", "", err
	}
	if up != "" {
		ts, err = s.i.landed(ctx, up, s.channel, string(s.d.Thread), s.i.a.tune.shareWait)
		if core.ErrorCode(err) == core.CodeGone {
			return "", "", nil // somebody deleted the file
		}
		return up, ts, err
	}
	// Where Slack dropped the mark, name and size decide, and nobody else may have recorded the message.
	since := formatTS(s.d.Since)
	for _, m := range s.found {
		if len(m.Files) != 1 || m.Metadata != nil || m.Files[0].Name != f.Name || f.Size != 0 && m.Files[0].Size != f.Size || string(m.TS) < since || s.taken(m) {
			continue
		}
		if _, other := cutMark(m.Files[0].Title); other != "" {
			continue
		}
		if s.i.a.o.Echo != nil {
			recorded, err := s.i.a.o.Echo.Ours(ctx, s.d.Room, s.d.Thread, core.MessageID(m.TS))
			if err != nil {
				return "", "", core.Wrap(core.CodeRetry, err)
			}
			if recorded {
				continue
			}
		}
		return m.Files[0].ID, string(m.TS), nil
	}
	return "", "", nil
}

func marked(f file, sign string) bool {
	_, found := cutMark(f.Title)
	return found == sign
}

// upload finds a completed upload of ours by the mark in its title.
func (i *installation) upload(ctx context.Context, since time.Time, sign string) (id string, err error) {
	self, err := i.identify(ctx)
	if err != nil {
		return "", err
	}
	if since.IsZero() {
		since = i.a.o.Clock.Now().Add(-firstTry)
	}
	form := url.Values{"user": {self.BotUser}, "count": {strconv.Itoa(fileList)}, "ts_from": {strconv.FormatInt(since.Add(-lookupSlack).Unix(), 10)}}
	for page := 1; page <= fileLists; page++ {
		var out struct {
			Files  []file `json:"files"`
			Paging struct {
				Pages int `json:"pages"`
			} `json:"paging"`
		}
		form.Set("page", strconv.Itoa(page))
		if err := i.do(ctx, "files.list", "", false, func(ctx context.Context) error { return i.call(ctx, "files.list", form, &out) }); err != nil {
			return "", err
		}
		for _, f := range out.Files {
			if marked(f, sign) {
				return f.ID, nil
			}
		}
		if page >= out.Paging.Pages {
			break
		}
	}
	return "", nil
}

// taken reports whether a message already stands for another part.
func (s *sending) taken(m *message) bool {
	for _, h := range s.handles {
		if _, ts := splitHandle(h); ts == string(m.TS) {
			return true
		}
	}
	return slices.Contains(s.d.Target, core.MessageID(m.TS))
}
