package slack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/core"
)

// Slack shows only these inside an image block; the others are shared as files.
func showable(mime string) bool {
	switch strings.ToLower(mime) {
	case "image/png", "image/jpeg", "image/jpg", "image/gif":
		return true
	}
	return false
}

// maxUnsized bounds a file whose size is not known before it is read.
const maxUnsized = 64 << 20

// put uploads a file's bytes and returns Slack's id. Nobody sees it before it is completed.
func (i *installation) put(ctx context.Context, f core.File) (string, error) {
	if f.Open == nil {
		return "", core.Errorf(core.CodeInternal, "slack: file %s cannot be opened", f.Name)
	}
	r, err := f.Open(ctx)
	if err != nil {
		return "", fmt.Errorf("slack: open file: %w", err)
	}
	defer r.Close()
	var body io.Reader = r
	size := f.Size
	if size <= 0 {
		data, err := io.ReadAll(io.LimitReader(r, maxUnsized+1))
		if err != nil {
			return "", core.Wrap(core.CodeRetry, fmt.Errorf("slack: read file: %w", err))
		}
		if len(data) > maxUnsized || len(data) == 0 {
			return "", core.Errorf(core.CodeTooLarge, "%s has %d bytes.", f.Name, len(data))
		}
		size, body = int64(len(data)), bytes.NewReader(data)
	}
	var up *slackgo.GetUploadURLExternalResponse
	err = i.do(ctx, "files.getUploadURLExternal", "", false, func(ctx context.Context) error {
		var err error
		up, err = i.api.GetUploadURLExternalContext(ctx, slackgo.GetUploadURLExternalParameters{FileName: firstOf(f.Name, "file"), FileSize: int(size), AltTxt: clip(f.Alt, 1000)})
		return fromLibrary("files.getUploadURLExternal", err)
	})
	if err != nil {
		return "", err
	}
	if !i.a.trusted(up.UploadURL) {
		return "", core.Errorf(core.CodeForbidden, "slack: the upload address is not Slack's")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, up.UploadURL, body)
	if err != nil {
		return "", core.Wrap(core.CodeInternal, transport(err))
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := i.a.stream.Do(req)
	if err != nil {
		return "", core.Wrap(core.CodeRetry, transport(err))
	}
	defer drain(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return "", classify(&badStatus{resp.StatusCode}, false)
	}
	return up.FileID, nil
}

// complete finishes an upload; with a channel it shares the file there, which cannot be taken back by trying again.
func (i *installation) complete(ctx context.Context, file, title, channel, thread string) error {
	return i.do(ctx, "files.completeUploadExternal", "", channel != "", func(ctx context.Context) error {
		_, err := i.api.CompleteUploadExternalContext(ctx, slackgo.CompleteUploadExternalParameters{Files: []slackgo.FileSummary{{ID: file, Title: title}}, Channel: channel, ThreadTimestamp: thread})
		return fromLibrary("files.completeUploadExternal", err)
	})
}

func (i *installation) info(ctx context.Context, id string) (file, error) {
	var out struct {
		File file `json:"file"`
	}
	err := i.do(ctx, "files.info", "", false, func(ctx context.Context) error {
		return i.call(ctx, "files.info", url.Values{"file": {id}}, &out)
	})
	return out.File, err
}

var errSlow = errors.New("slack: the file is not ready yet")

// await asks for a file until ok says that it is as wanted. Slack announces readiness nowhere.
func (i *installation) await(ctx context.Context, id string, most time.Duration, ok func(file) bool) (file, error) {
	end := i.a.o.Clock.Now().Add(most)
	for wait := i.a.tune.filePoll; ; wait = min(wait*2, time.Second) {
		f, err := i.info(ctx, id)
		if err != nil {
			return f, err
		}
		if ok(f) {
			return f, nil
		}
		if i.a.o.Clock.Now().After(end) {
			return f, &core.Error{Code: core.CodeRetry, RetryAfter: 2 * time.Second, Err: errSlow}
		}
		if err := i.a.o.Clock.Sleep(ctx, wait); err != nil {
			return f, core.Wrap(core.CodeRetry, err)
		}
	}
}

// picture makes sure that an image lies at Slack, ready to be shown in a block. ok is false when Slack cannot show it.
func (i *installation) picture(ctx context.Context, f core.File, known string) (id string, ok bool, err error) {
	key := "blob/" + string(f.Blob)
	now := i.a.o.Clock.Now()
	if id = known; id == "" {
		id, _ = i.uploads.get(key, now)
	}
	if id != "" {
		return id, true, nil
	}
	pending := "pending/" + string(f.Blob)
	if id, _ = i.uploads.get(pending, now); id == "" {
		if id, err = i.put(ctx, f); err != nil {
			return "", false, err
		}
		if err := i.complete(ctx, id, firstOf(f.Name, "picture"), "", ""); err != nil {
			return "", false, err
		}
		i.uploads.put(pending, id, now)
	}
	info, err := i.await(ctx, id, i.a.tune.fileWait, func(f file) bool { return f.MIME != "" })
	if err != nil {
		if core.ErrorCode(err) != core.CodeRetry {
			i.uploads.drop(pending)
		}
		return "", false, err
	}
	i.uploads.drop(pending)
	if !showable(info.MIME) {
		return "", false, nil
	}
	i.uploads.put(key, id, now)
	return id, true, nil
}

// share posts a file as a message of its own and returns its ts. The mark in its title names this part of this
// delivery, so that a second try, perhaps of another replica, finds what the first one did.
func (i *installation) share(ctx context.Context, f core.File, sign, channel, thread string) (id, ts string, err error) {
	if id, err = i.put(ctx, f); err != nil {
		return "", "", err
	}
	if err := i.complete(ctx, id, firstOf(f.Name, "file")+sign, channel, thread); err != nil {
		return id, "", err
	}
	ts, err = i.landed(ctx, id, channel, thread, i.a.tune.fileWait)
	return id, ts, err
}

// landed waits for a completed file to show in its channel.
func (i *installation) landed(ctx context.Context, id, channel, thread string, most time.Duration) (ts string, err error) {
	info, err := i.await(ctx, id, most, func(f file) bool { return f.Shares.in(channel, thread) != "" })
	if err != nil && core.ErrorCode(err) != core.CodeGone {
		return "", core.Wrap(core.CodeUnknown, err)
	}
	return info.Shares.in(channel, thread), err
}

const loginWait = time.Second

// Fetch opens a file that an inbound named.
func (a *Adapter) Fetch(ctx context.Context, room core.RoomID, ref core.FileRef) (io.ReadCloser, error) {
	i, err := a.some()
	if err != nil {
		return nil, err
	}
	if team, _, err := parseRoom(room); err == nil {
		if i, err = a.in(ctx, team); err != nil {
			return nil, err
		}
	}
	if ref.Skip != "" {
		return nil, core.Errorf(core.CodeGone, "%s cannot be fetched: %s.", ref.Name, ref.Skip)
	}
	link := ref.URL
	for n := 0; ; n++ {
		if link == "" {
			f, err := i.info(ctx, ref.ID)
			if err != nil {
				return nil, err
			}
			r := f.ref()
			if r.Skip != "" || r.URL == "" {
				return nil, core.Errorf(core.CodeGone, "%s cannot be fetched.", ref.Name)
			}
			link = r.URL
		}
		if !a.trusted(link) {
			return nil, core.Errorf(core.CodeForbidden, "%s does not lie at Slack.", ref.Name)
		}
		body, login, err := i.open(ctx, link, ref.MIME)
		if err != nil || !login {
			return body, err
		}
		if n == 2 {
			return nil, core.Errorf(core.CodeForbidden, "Slack does not let Atelier read %s.", ref.Name).WithNext("Its app needs the permission files:read.")
		}
		link = "" // ask for the address of this moment
		if err := a.o.Clock.Sleep(ctx, loginWait); err != nil {
			return nil, core.Wrap(core.CodeRetry, err)
		}
	}
}

// open gets a file's bytes. Whoever may not have them is shown the login page, with status 200.
func (i *installation) open(ctx context.Context, link, mime string) (body io.ReadCloser, login bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, false, core.Wrap(core.CodeInvalid, transport(err))
	}
	req.Header.Set("Authorization", "Bearer "+i.token.Reveal())
	resp, err := i.a.stream.Do(req)
	if err != nil {
		return nil, false, core.Wrap(core.CodeRetry, transport(err))
	}
	html := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") && !strings.HasPrefix(mime, "text/html")
	switch {
	case resp.StatusCode == http.StatusOK && !html:
		return resp.Body, false, nil
	case resp.StatusCode == http.StatusOK, resp.StatusCode/100 == 3:
		drain(resp.Body)
		return nil, true, nil
	}
	drain(resp.Body)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return nil, false, classify(&limited{retryAfter(resp.Header)}, false)
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		return nil, false, core.Wrap(core.CodeGone, &badStatus{resp.StatusCode})
	case resp.StatusCode/100 == 5:
		return nil, false, core.Wrap(core.CodeRetry, &badStatus{resp.StatusCode})
	}
	return nil, false, core.Wrap(core.CodeForbidden, &badStatus{resp.StatusCode})
}
