package slacksim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

func avatarHash(id string) string {
	h := sha256.Sum256([]byte(id))
	return hex.EncodeToString(h[:6])
}

func (s *Server) avatarURL(id, size string) string {
	return s.opt.BaseURL + "/files/avatars/" + id + "_" + size + ".png"
}

func (s *Server) userImage(u *User, size string) string {
	if u.Avatar != "" {
		return u.Avatar
	}
	return s.avatarURL(u.ID, size)
}

// startedAt stands in for the time of the last profile change.
func (s *Server) startedAt() int64 { return 1700000000 }

func tzOffset(name string, now time.Time) int {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return 0
	}
	_, off := now.In(loc).Zone()
	return off
}

var avatarName = regexp.MustCompile(`^([A-Za-z0-9]{1,40})_(\d{2,4})\.png$`)

// serveAvatar draws a person's generated picture. Avatars need no token, as on Slack.
func (s *Server) serveAvatar(w http.ResponseWriter, r *http.Request) {
	m := avatarName.FindStringSubmatch(r.PathValue("name"))
	if m == nil {
		http.NotFound(w, r)
		return
	}
	size, err := strconv.Atoi(m[2])
	if err != nil || size < 16 || size > 512 {
		http.NotFound(w, r)
		return
	}
	var b bytes.Buffer
	if err := png.Encode(&b, drawAvatar(m[1], size)); err != nil {
		http.Error(w, "avatar", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	w.Write(b.Bytes())
}

// drawAvatar paints soft overlapping discs on a gradient, all derived from the id.
func drawAvatar(id string, size int) image.Image {
	h := sha256.Sum256([]byte(id))
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	hue := float64(h[0]) / 255
	top, bottom := hsl(hue, .62, .58), hsl(math.Mod(hue+.12, 1), .66, .42)
	type disc struct {
		x, y, r float64
		c       [3]float64
	}
	discs := make([]disc, 4)
	for i := range discs {
		b := h[1+i*4 : 5+i*4]
		discs[i] = disc{x: float64(b[0]) / 255, y: float64(b[1]) / 255, r: .18 + float64(b[2])/255*.3, c: hsl(math.Mod(hue+float64(b[3])/255*.5, 1), .7, .62)}
	}
	for y := range size {
		for x := range size {
			fx, fy := (float64(x)+.5)/float64(size), (float64(y)+.5)/float64(size)
			c := mix(top, bottom, fy)
			for _, d := range discs {
				edge := (d.r - math.Hypot(fx-d.x, fy-d.y)) * float64(size) / 2
				c = mix(c, d.c, .75*math.Max(0, math.Min(1, edge)))
			}
			img.SetRGBA(x, y, color.RGBA{uint8(c[0] * 255), uint8(c[1] * 255), uint8(c[2] * 255), 255})
		}
	}
	return img
}

func mix(a, b [3]float64, t float64) [3]float64 {
	for i := range a {
		a[i] += (b[i] - a[i]) * t
	}
	return a
}

func hsl(h, s, l float64) [3]float64 {
	a := s * math.Min(l, 1-l)
	f := func(n float64) float64 {
		k := math.Mod(n+h*12, 12)
		return l - a*math.Max(-1, math.Min(math.Min(k-3, 9-k), 1))
	}
	return [3]float64{f(0), f(8), f(4)}
}
