package discordsim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"image"
	_ "image/gif"  // attachments are measured as the platform does
	_ "image/jpeg" // likewise
	_ "image/png"  // likewise
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	_ "golang.org/x/image/webp" // likewise
)

const linkLife = 24 * time.Hour

func (s *Server) sign(p string, ex, is string) string {
	mac := hmac.New(sha256.New, s.o.PrivateKey.Seed())
	mac.Write([]byte(p + "?" + ex + "&" + is))
	return hex.EncodeToString(mac.Sum(nil))
}

func (s *Server) cdnURL(a attachment) string {
	return s.signed("/attachments/" + a.ChannelID + "/" + a.ID + "/" + url.PathEscape(a.Filename))
}

// signed makes a link that dies after a day; the times are hex seconds, as on the real CDN.
func (s *Server) signed(p string) string {
	made := s.now().Unix()
	if !s.cdnFloor.IsZero() {
		// After a fault killed all links, new ones live at once.
		made = max(made, s.cdnFloor.Unix()+1)
	}
	ex, is := strconv.FormatInt(made+int64(linkLife.Seconds()), 16), strconv.FormatInt(made, 16)
	return s.o.BaseURL + "/cdn" + p + "?ex=" + ex + "&is=" + is + "&hm=" + s.sign(p, ex, is) + "&"
}

func (s *Server) resign(link string) string {
	rest := strings.TrimPrefix(link, s.o.BaseURL+"/cdn")
	rest, _, _ = strings.Cut(rest, "?")
	return s.signed(rest)
}

// serveCDN answers attachments, avatars and emojis.
func (s *Server) serveCDN(w http.ResponseWriter, r *http.Request) {
	if s.cdnFault(w, r) {
		return
	}
	p := strings.TrimPrefix(r.URL.EscapedPath(), "/cdn")
	part := strings.Split(strings.Trim(p, "/"), "/")
	switch {
	case len(part) == 4 && (part[0] == "attachments" || part[0] == "ephemeral-attachments"):
		q := r.URL.Query()
		ex, err := strconv.ParseInt(q.Get("ex"), 16, 64)
		is, err2 := strconv.ParseInt(q.Get("is"), 16, 64)
		s.mu.Lock()
		dead := s.now().Unix() >= ex || is <= s.cdnFloor.Unix()
		s.mu.Unlock()
		if err != nil || err2 != nil || dead || !hmac.Equal([]byte(q.Get("hm")), []byte(s.sign(p, q.Get("ex"), q.Get("is")))) {
			cdnGone(w)
			return
		}
		s.serveFile(w, part[2], part[3])
	case len(part) >= 3 && (part[0] == "avatars" || part[0] == "emojis" || part[0] == "guilds"):
		w.Header().Set("Cache-Control", "public, max-age=31536000")
		servePNG(w, avatarPNG(part[1]))
	case len(part) >= 2 && part[0] == "emojis":
		servePNG(w, avatarPNG(strings.TrimSuffix(part[1], path.Ext(part[1]))))
	case len(part) >= 3 && part[0] == "embed":
		servePNG(w, avatarPNG("default"+part[2]))
	default:
		cdnGone(w)
	}
}

func cdnGone(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte("This content is no longer available."))
}

func servePNG(w http.ResponseWriter, b []byte) {
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b)
}

// serveFile sends the bytes of one attachment with a type that makes no browser run it.
func (s *Server) serveFile(w http.ResponseWriter, id, name string) {
	if snow(id) == 0 {
		cdnGone(w)
		return
	}
	s.mu.Lock()
	data, ok := s.store.file(id)
	s.mu.Unlock()
	if !ok {
		cdnGone(w)
		return
	}
	ct := sniff(data, name)
	if !strings.HasPrefix(ct, "image/") || strings.HasPrefix(ct, "image/svg") {
		w.Header().Set("Content-Disposition", "attachment")
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", ct)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data)
}

// sniff names the type by content, with the name deciding among kinds of text.
func sniff(data []byte, name string) string {
	ct := http.DetectContentType(data)
	if strings.HasPrefix(ct, "text/") || ct == "application/octet-stream" {
		switch strings.ToLower(path.Ext(name)) {
		case ".json":
			return "application/json; charset=utf-8"
		case ".svg":
			return "image/svg+xml"
		case ".md":
			return "text/markdown; charset=utf-8"
		}
	}
	return ct
}

// keepFile stores an upload and describes it; the caller names the channel it went to.
func (s *Server) keepFile(name string, data []byte, channelID string) (attachment, error) {
	a := attachment{ID: s.newID(), Filename: cleanName(name), Size: len(data), ChannelID: channelID, ContentType: sniff(data, name)}
	if cfg, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		a.Width, a.Height = cfg.Width, cfg.Height
	}
	if strings.HasPrefix(a.Filename, "SPOILER_") {
		a.Flags |= 1 << 3
	}
	return a, s.store.putFile(a.ID, storedFile{Name: a.Filename, Type: a.ContentType, Data: data})
}

// cleanName drops what the platform drops from file names: folders, spaces and signs outside its small alphabet.
func cleanName(name string) string {
	name = path.Base(strings.ReplaceAll(name, "\\", "/"))
	var b strings.Builder
	for _, r := range name {
		switch {
		case r == ' ':
			b.WriteByte('_')
		case r == '.', r == '-', r == '_', r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r > 127:
			b.WriteRune(r)
		}
	}
	if b.Len() == 0 {
		return "unknown"
	}
	return b.String()
}
