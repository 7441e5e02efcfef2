package slacksim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"image"
	_ "image/gif"  // decoders for the size of a picture
	_ "image/jpeg" // "
	_ "image/png"  // "
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// fileJSON prints a file as the Web API and the events show it.
func (s *Server) fileJSON(f *File) obj {
	if f.Deleted {
		return obj{"id": f.ID, "mode": "tombstone"}
	}
	kind := fileType(f)
	base := s.opt.BaseURL + "/files/pri/" + s.opt.Team.ID + "-" + f.ID
	name := url.PathEscape(strings.ToLower(f.Name))
	link := "https://" + s.opt.Team.Domain + ".slack.com/files/" + f.User + "/" + f.ID + "/" + name
	out := obj{"id": f.ID, "created": f.Created, "timestamp": f.Created, "name": f.Name, "title": f.Title, "mimetype": "", "filetype": "", "pretty_type": "",
		"user": f.User, "user_team": s.opt.Team.ID, "editable": false, "size": f.Size, "mode": "hosted", "is_external": false, "external_type": "",
		"is_public": false, "public_url_shared": false, "display_as_bot": false, "username": "", "file_access": "visible",
		"url_private": base + "/" + name, "url_private_download": base + "/download/" + name, "media_display_type": "unknown",
		"permalink": link, "permalink_public": "https://slack-files.com/" + s.opt.Team.ID + "-" + f.ID + "-" + avatarHash(f.ID), "is_starred": false,
		"has_rich_preview": false, "comments_count": 0}
	if f.AltText != "" {
		out["alt_txt"] = f.AltText
	}
	if f.Ready {
		out["mimetype"], out["filetype"], out["pretty_type"] = f.MIME, kind, strings.ToUpper(kind)
		if f.Width > 0 {
			out["original_w"], out["original_h"] = f.Width, f.Height
			for _, n := range []int{64, 80, 160, 360, 480, 720} {
				k := "thumb_" + strconv.Itoa(n)
				out[k] = base + "/" + name
				if n >= 360 {
					w, h := fit(f.Width, f.Height, n)
					out[k+"_w"], out[k+"_h"] = w, h
				}
			}
		}
	}
	channels, groups, ims := []string{}, []string{}, []string{}
	public, private := map[string][]obj{}, map[string][]obj{}
	for _, sh := range f.Shares {
		c := s.st.byID[sh.Channel]
		if c == nil {
			continue
		}
		entry := obj{"ts": sh.TS, "channel_name": c.Name, "team_id": s.opt.Team.ID, "share_user_id": f.User, "reply_users": []string{}, "reply_users_count": 0, "reply_count": 0, "source": "UNKNOWN", "is_silent_share": false}
		if sh.ThreadTS != "" {
			entry["thread_ts"] = sh.ThreadTS
		}
		switch c.kind() {
		case "channel":
			channels = appendNew(channels, c.ID)
			public[c.ID] = append(public[c.ID], entry)
			out["is_public"] = true
		case "im":
			ims = appendNew(ims, c.ID)
			private[c.ID] = append(private[c.ID], entry)
		default:
			groups = appendNew(groups, c.ID)
			private[c.ID] = append(private[c.ID], entry)
		}
	}
	shares := obj{}
	if len(public) > 0 {
		shares["public"] = public
	}
	if len(private) > 0 {
		shares["private"] = private
	}
	out["channels"], out["groups"], out["ims"], out["shares"], out["has_more_shares"] = channels, groups, ims, shares, false
	return out
}

func fit(w, h, box int) (int, int) {
	if w <= box && h <= box {
		return w, h
	}
	if w >= h {
		return box, max(1, h*box/w)
	}
	return max(1, w*box/h), box
}

func fileType(f *File) string {
	if e := strings.TrimPrefix(path.Ext(f.Name), "."); e != "" {
		return strings.ToLower(strings.Replace(e, "jpeg", "jpg", 1))
	}
	return "binary"
}

// learn looks at the bytes, as Slack does while it processes an upload.
func learn(f *File, data []byte) {
	f.Size = int64(len(data))
	f.MIME = http.DetectContentType(data)
	if byName := mime.TypeByExtension(path.Ext(f.Name)); byName != "" && (strings.HasPrefix(f.MIME, "text/plain") || f.MIME == "application/octet-stream") {
		f.MIME = byName
	}
	f.MIME, _, _ = strings.Cut(f.MIME, ";")
	if cfg, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		f.Width, f.Height = cfg.Width, cfg.Height
	}
}

func (s *Server) filesGetUploadURL(q *request) (obj, error) {
	n := q.num("length", 0)
	if n <= 0 {
		return nil, fail("invalid_arguments", "[ERROR] must be greater than 0 [json-pointer:/length]")
	}
	if int64(n) > s.opt.MaxFileBytes {
		return nil, fail("file_upload_size_restricted")
	}
	f := &File{ID: newID("F0"), Name: q.str("filename"), Title: q.str("filename"), AltText: cutRunes(q.str("alt_txt"), 1000), Size: int64(n),
		User: s.opt.BotUserID, Created: s.opt.Now().Unix(), ticket: randomHex(24)}
	s.st.files[f.ID] = f
	s.save("file", f)
	return obj{"upload_url": s.opt.BaseURL + "/files/upload/v1/" + f.ticket, "file_id": f.ID}, nil
}

// serveUpload takes the bytes, raw or as the first part of a form. A ticket is good for one upload.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	var f *File
	for _, x := range s.st.files {
		if x.ticket != "" && x.ticket == r.PathValue("ticket") {
			f = x
			f.ticket = ""
		}
	}
	s.mu.Unlock()
	if f == nil {
		http.Error(w, "upload not found", http.StatusNotFound)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.opt.MaxFileBytes+64<<10)
	data, err := uploadBytes(r)
	if err != nil {
		http.Error(w, "cannot read upload", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	f.Uploaded = true
	learn(f, data)
	s.st.data[f.ID] = data
	s.save("file_data", fileDataRecord{ID: f.ID, Data: data})
	s.save("file", f)
	err = s.storeErr()
	s.mu.Unlock()
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "OK - %d", len(data))
}

func uploadBytes(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return io.ReadAll(r.Body)
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	for {
		p, err := parts.NextPart()
		if err != nil {
			return nil, err
		}
		if p.FileName() != "" || p.FormName() == "file" || p.FormName() == "body" {
			return io.ReadAll(p)
		}
	}
}

func (s *Server) filesComplete(q *request) (obj, error) {
	var list []struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	if err := json.Unmarshal(q.raw("files"), &list); err != nil || len(list) == 0 {
		return nil, fail("invalid_arguments", "[ERROR] must be an array of files [json-pointer:/files]")
	}
	var files []*File
	for _, l := range list {
		f := s.st.files[l.ID]
		if f == nil || !f.Uploaded || f.User != s.opt.BotUserID {
			return nil, fail("file_not_found")
		}
		if l.Title != "" {
			f.Title = l.Title
		}
		files = append(files, f)
	}
	targets := q.list("channels")
	if id := q.str("channel_id"); id != "" {
		targets = append(targets, id)
	}
	if len(targets) > 100 {
		return nil, fail("invalid_arguments", "[ERROR] must be no more than 100 channels [json-pointer:/channels]")
	}
	var where []*channel
	for _, id := range targets {
		c, err := s.postable(id)
		if err != nil {
			return nil, err
		}
		if !c.has(s.opt.BotUserID) {
			return nil, fail("not_in_channel")
		}
		where = append(where, c)
	}
	in := &content{text: q.str("initial_comment")}
	if raw := q.raw("blocks"); len(raw) > 0 && in.text == "" {
		checked, err := s.checkBlocks(raw, "message")
		if err != nil {
			return nil, err
		}
		in.blocks = checked
	}
	out := make([]obj, len(files))
	for i, f := range files {
		f.Complete = true
		s.save("file", f)
		out[i] = s.fileJSON(f)
	}
	thread := q.str("thread_ts")
	s.later(s.opt.FileDelay, func() {
		for _, f := range files {
			s.ready(f)
		}
		for _, c := range where {
			m := s.botMessage(c)
			m.Subtype, m.Text = "file_share", ""
			if !in.nothing() {
				m.Text, m.Blocks = in.shownText(), in.blocks
			}
			s.share(c, m, files, thread, false)
		}
	})
	return obj{"files": out}, nil
}

func (s *Server) ready(f *File) {
	f.Ready = true
	s.save("file", f)
}

// resumeFiles finishes what was being processed when the data file ended.
func (s *Server) resumeFiles() {
	for _, f := range s.st.files {
		f.Ready = f.Ready || f.Complete
	}
}

// share posts a message that carries files, and tells the app of both.
func (s *Server) share(c *channel, m *Message, files []*File, thread string, broadcast bool) {
	for _, f := range files {
		m.FileIDs = append(m.FileIDs, f.ID)
		sh := Share{Channel: c.ID, TS: m.TS}
		if root := c.byTS[thread]; root != nil && !root.IsReply() && root.Subtype != "tombstone" {
			sh.ThreadTS = thread
		}
		f.Shares = append(f.Shares, sh)
		s.save("file", f)
	}
	s.place(c, m, thread, broadcast)
	for _, f := range files {
		s.emitIn(c, "file_shared", obj{"type": "file_shared", "file_id": f.ID, "user_id": f.User, "file": obj{"id": f.ID}, "channel_id": c.ID, "event_ts": s.st.nextTS()})
	}
}

// seesFile reports whether the bot may look at a file: its own, and those shared where it is.
func (s *Server) seesFile(f *File) bool {
	return f.Granted || f.User == s.opt.BotUserID || slices.ContainsFunc(f.Shares, func(sh Share) bool {
		c := s.st.byID[sh.Channel]
		return c != nil && c.has(s.opt.BotUserID)
	})
}

func (s *Server) filesInfo(q *request) (obj, error) {
	f := s.st.files[q.str("file")]
	switch {
	case f == nil || !s.seesFile(f):
		return nil, fail("file_not_found")
	case f.Deleted:
		return nil, fail("file_deleted")
	}
	out := s.fileJSON(f)
	if s.takeFault("slow_files", "files.info", "") != nil {
		out["mimetype"], out["filetype"] = "", ""
	}
	return obj{"file": out, "comments": []any{}, "response_metadata": obj{"next_cursor": ""}}, nil
}

// filesList lists files by page, newest first. Those that were not completed are nowhere to be seen.
func (s *Server) filesList(q *request) (obj, error) {
	lo, hi := q.num("ts_from", 0), q.num("ts_to", math.MaxInt)
	var list []*File
	for _, f := range s.st.files {
		in := q.str("channel") == "" || slices.ContainsFunc(f.Shares, func(sh Share) bool { return sh.Channel == q.str("channel") })
		if f.Complete && !f.Deleted && in && s.seesFile(f) && (q.str("user") == "" || f.User == q.str("user")) && int(f.Created) >= lo && int(f.Created) <= hi {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b *File) int { return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(a.ID, b.ID)) })
	count, page := min(max(q.num("count", 100), 1), 1000), max(q.num("page", 1), 1)
	from := min((page-1)*count, len(list))
	files := []obj{}
	for _, f := range list[from:min(from+count, len(list))] {
		o := s.fileJSON(f)
		delete(o, "shares") // only files.info tells in which messages it stands
		files = append(files, o)
	}
	return obj{"files": files, "paging": obj{"count": count, "total": len(list), "page": page, "pages": (len(list) + count - 1) / count}}, nil
}

func (s *Server) filesDelete(q *request) (obj, error) {
	f := s.st.files[q.str("file")]
	switch {
	case f == nil || !s.seesFile(f):
		return nil, fail("file_not_found")
	case f.Deleted:
		return nil, fail("file_deleted")
	case f.User != s.opt.BotUserID:
		return nil, fail("cant_delete_file")
	}
	f.Deleted = true
	delete(s.st.data, f.ID)
	s.save("file", f)
	var in []string
	for _, sh := range f.Shares {
		c := s.st.byID[sh.Channel]
		if m := s.st.message(sh.Channel, sh.TS); m != nil {
			in = appendNew(in, c.ID)
			if m.Text == "" && len(m.FileIDs) == 1 {
				s.erase(c, m)
				continue
			}
			s.emitChanged(c, m, s.render(m, metadataType))
		}
	}
	s.emit("file_deleted", "", obj{"type": "file_deleted", "file_id": f.ID, "channel_ids": in, "event_ts": s.st.nextTS()})
	return obj{}, nil
}

const loginPage = "<!DOCTYPE html><html lang=\"en-US\"><head><title>Sign in | Slack</title></head><body><h1>Sign in to your workspace</h1><form method=\"post\"><input name=\"email\"></form></body></html>\n"

// serveFile hands out bytes to whoever bears a good token; everybody else gets the login page, with status 200.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	_, id, _ := strings.Cut(r.PathValue("id"), "-")
	s.mu.Lock()
	f, data := s.st.files[id], s.st.data[id]
	allowed := s.tokenFault(bearer(r)) == "" && s.granted("files:read")
	if f != nil {
		cp := *f
		allowed = allowed && s.seesFile(f)
		f = &cp
	}
	s.mu.Unlock()
	if !allowed {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, loginPage)
		return
	}
	if f == nil || f.Deleted || data == nil {
		http.NotFound(w, r)
		return
	}
	sendFile(w, r, f, data, strings.Contains(r.URL.Path, "/download/"))
}

func sendFile(w http.ResponseWriter, r *http.Request, f *File, data []byte, attach bool) {
	h := w.Header()
	h.Set("Content-Type", f.MIME)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox")
	if attach {
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	}
	http.ServeContent(w, r, "", timeOf(f.Created), bytes.NewReader(data))
}
