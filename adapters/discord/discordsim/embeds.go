package discordsim

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

type embedIn struct {
	Type        string       `json:"type"`
	Title       string       `json:"title"`
	Description string       `json:"description"`
	URL         string       `json:"url"`
	Timestamp   string       `json:"timestamp"`
	Color       *int         `json:"color"`
	Footer      *part        `json:"footer"`
	Image       *part        `json:"image"`
	Thumbnail   *part        `json:"thumbnail"`
	Author      *part        `json:"author"`
	Provider    *part        `json:"provider"`
	Fields      []embedField `json:"fields"`
}

type part struct {
	Text    string `json:"text"`
	Name    string `json:"name"`
	URL     string `json:"url"`
	IconURL string `json:"icon_url"`
}

type embedField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline"`
}

// checkEmbeds validates embeds and gives back what the platform would store.
func checkEmbeds(tree errTree, b fields) []obj {
	if !b.has("embeds") || b.null("embeds") {
		return nil
	}
	var in []embedIn
	if !b.get("embeds", &in) {
		tree.add([]any{"embeds"}, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		return nil
	}
	if len(in) > 10 {
		tree.tooLong([]any{"embeds"}, 10)
		return nil
	}
	total := 0
	var out []obj
	for i, e := range in {
		o, n := checkEmbed(tree, []any{"embeds", i}, e)
		total += n
		out = append(out, o)
	}
	if total > 6000 {
		tree.add([]any{"embeds"}, "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
	}
	return out
}

func checkEmbed(tree errTree, p []any, e embedIn) (obj, int) {
	o := obj{"type": "rich"}
	size := 0
	text := func(to obj, key, v string, max int, path ...any) {
		v = strings.TrimSpace(v)
		n := utf8.RuneCountInString(v)
		size += n
		if n > max {
			tree.tooLong(at(p, path...), max)
		}
		if v != "" {
			to[key] = v
		}
	}
	link := func(to obj, key, v string, path ...any) {
		if v == "" {
			return
		}
		if !goodURL(v, strings.HasPrefix(v, "attachment://")) {
			tree.add(at(p, path...), "URL_TYPE_INVALID_URL", "Not a well formed URL.")
		}
		if len(v) > 2048 {
			tree.tooLong(at(p, path...), 2048)
		}
		to[key] = v
	}
	text(o, "title", e.Title, 256, "title")
	text(o, "description", e.Description, 4096, "description")
	link(o, "url", e.URL, "url")
	if e.Timestamp != "" {
		ts, err := time.Parse(time.RFC3339, e.Timestamp)
		if err != nil {
			tree.add(at(p, "timestamp"), "DATE_TIME_TYPE_PARSE", "Could not parse "+e.Timestamp+". Should be ISO8601.")
		}
		o["timestamp"] = stamp(ts)
	}
	if e.Color != nil {
		if *e.Color < 0 || *e.Color > 0xffffff {
			tree.add(at(p, "color"), "NUMBER_TYPE_MAX", "int value should be less than or equal to 16777215.")
		}
		o["color"] = *e.Color
	}
	if f := e.Footer; f != nil {
		x := obj{}
		text(x, "text", f.Text, 2048, "footer", "text")
		link(x, "icon_url", f.IconURL, "footer", "icon_url")
		o["footer"] = x
	}
	if a := e.Author; a != nil {
		x := obj{}
		text(x, "name", a.Name, 256, "author", "name")
		link(x, "url", a.URL, "author", "url")
		link(x, "icon_url", a.IconURL, "author", "icon_url")
		if a.Name != "" {
			o["author"] = x
		}
	}
	for key, img := range map[string]*part{"image": e.Image, "thumbnail": e.Thumbnail} {
		if img == nil || img.URL == "" {
			continue
		}
		x := obj{}
		link(x, "url", img.URL, key, "url")
		o[key] = x
	}
	if len(e.Fields) > 25 {
		tree.tooLong(at(p, "fields"), 25)
	}
	var fs []obj
	for i, f := range e.Fields {
		x := obj{"inline": f.Inline}
		text(x, "name", f.Name, 256, "fields", i, "name")
		text(x, "value", f.Value, 1024, "fields", i, "value")
		if strings.TrimSpace(f.Name) == "" {
			tree.required(at(p, "fields", i, "name"))
		}
		if strings.TrimSpace(f.Value) == "" {
			tree.required(at(p, "fields", i, "value"))
		}
		fs = append(fs, x)
	}
	if len(fs) > 0 {
		o["fields"] = fs
	}
	if len(o) == 1 {
		tree.required(at(p, "description"))
	}
	return o, size
}

func goodURL(v string, attachment bool) bool {
	u, err := url.Parse(v)
	if err != nil {
		return false
	}
	if attachment {
		return u.Host != ""
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// linkMedia resolves attachment:// links in embeds and components to the uploaded files. What an embed shows leaves the list.
func (s *Server) linkMedia(d *draft) error {
	byName := func(link string) *attachment {
		name, ok := strings.CutPrefix(link, "attachment://")
		if !ok {
			return nil
		}
		if u, err := url.PathUnescape(name); err == nil {
			name = u
		}
		i := slices.IndexFunc(d.attachments, func(a attachment) bool { return a.Filename == name || a.Filename == cleanName(name) })
		if i < 0 {
			return nil
		}
		return &d.attachments[i]
	}
	for _, e := range d.embeds {
		for _, k := range []string{"image", "thumbnail", "footer", "author"} {
			x, ok := e[k].(obj)
			if !ok {
				continue
			}
			field := "url"
			if k == "footer" || k == "author" {
				field = "icon_url"
			}
			link, _ := x[field].(string)
			if a := byName(link); a != nil {
				a.Embedded = true
				x[field] = s.cdnURL(*a)
				if field == "url" {
					x["proxy_url"] = s.cdnURL(*a)
					x["width"], x["height"], x["content_type"], x["flags"] = a.Width, a.Height, a.ContentType, 0
				}
			} else if strings.HasPrefix(link, "attachment://") {
				// An embed keeps a link that leads nowhere; the picture is just not there.
				delete(e, k)
			} else if link != "" && field == "url" {
				if _, known := x["proxy_url"]; !known {
					x["proxy_url"], x["width"], x["height"], x["flags"] = link, 0, 0, 0
				}
			}
		}
	}
	tree := errTree{}
	for i, c := range d.components {
		s.linkComponent(tree, []any{"components", i}, c, byName)
	}
	return tree.err()
}

func (s *Server) linkComponent(tree errTree, p []any, c obj, byName func(string) *attachment) {
	for k, v := range c {
		switch k {
		case "media", "file":
			m, ok := v.(obj)
			if !ok {
				continue
			}
			link, _ := m["url"].(string)
			a := byName(link)
			switch {
			case a != nil:
				media := obj{"id": s.newID(), "url": s.cdnURL(*a), "proxy_url": s.cdnURL(*a), "content_type": a.ContentType, "attachment_id": a.ID, "loading_state": 2, "flags": 0}
				media["width"], media["height"] = nil, nil
				if a.Width > 0 {
					media["width"], media["height"] = a.Width, a.Height
				}
				c[k] = media
				if k == "file" {
					c["name"], c["size"] = a.Filename, a.Size
				}
			case strings.HasPrefix(link, "attachment://"):
				tree.add(at(p, k, "url"), "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", "The referenced attachment was not found")
			case m["id"] == nil:
				c[k] = obj{"id": s.newID(), "url": link, "proxy_url": link, "width": nil, "height": nil, "content_type": nil, "loading_state": 2, "flags": 0}
			}
		case "components", "items":
			kids, _ := v.([]obj)
			for i, kid := range kids {
				s.linkComponent(tree, at(p, k, i), kid, byName)
			}
		case "accessory":
			if kid, ok := v.(obj); ok {
				s.linkComponent(tree, at(p, k), kid, byName)
			}
		}
	}
}

// unfurl makes the embeds that links in a text grow on their own, a moment after posting.
func unfurl(text string) []obj {
	var out []obj
	plain := codeSpan.ReplaceAllString(text, " ")
	for _, w := range strings.Fields(plain) {
		u, err := url.Parse(strings.TrimRight(w, ".,;:!?)"))
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || !strings.Contains(u.Host, ".") {
			continue
		}
		if _, err := strconv.Atoi(strings.ReplaceAll(u.Hostname(), ".", "")); err == nil {
			continue
		}
		out = append(out, obj{"type": "link", "url": u.String(), "title": u.Host + u.Path, "provider": obj{"name": u.Host}, "content_scan_version": 0})
		if len(out) == 5 {
			break
		}
	}
	return out
}
