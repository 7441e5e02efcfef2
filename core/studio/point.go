package studio

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// pointLike is how a word begins that can only be meant as a point of the picture, however it goes on.
var pointLike = regexp.MustCompile(`^@[-.;\d]+(,|$)`)

// spotOf reads the point in front of a comment's words, or the area of its option; nil when there is neither.
func spotOf(c *call, words string) (*core.Area, string, error) {
	if p := c.inv.Arg("point"); p != "" {
		words = "@" + strings.TrimPrefix(p, "@") + " " + words
	}
	first, rest, _ := strings.Cut(words, " ")
	point := c.inv.Arg("point") != "" || pointLike.MatchString(first)
	switch a := c.inv.Arg("area"); {
	case a != "" && point:
		return nil, "", core.Errorf(core.CodeInvalid, "A comment is about a point or about an area, not about both.").WithNext("Leave one of them out.")
	case a != "":
		spot, err := area(a)
		return spot, words, err
	case !point:
		return nil, words, nil // a name, or nothing
	}
	xs, ys, _ := strings.Cut(strings.TrimPrefix(first, "@"), ",")
	x, err1 := strconv.ParseFloat(xs, 64)
	y, err2 := strconv.ParseFloat(ys, 64)
	var bad *core.Error
	switch {
	case err1 != nil || err2 != nil:
		bad = core.Errorf(core.CodeInvalid, "%s is no point of the picture.", clip(first, 20))
	case !(x >= 0 && x <= 1 && y >= 0 && y <= 1):
		bad = core.Errorf(core.CodeInvalid, "%s lies outside of the picture.", clip(first, 20))
	}
	if bad != nil {
		return nil, "", bad.WithNext("A point is @x,y with 0,0 at the top left and 1,1 at the bottom right, such as @0.4,0.6.")
	}
	return &core.Area{X: x, Y: y}, strings.TrimSpace(rest), nil
}

// pinned is the picture that a point lies on: the named one, else the picked one of that version, else its only one.
func (s *Studio) pinned(c *call) (core.ImageRef, error) {
	v, on := c.version, core.ImageRef{Version: c.version.ID.No, Image: c.inv.Ref.Image}
	switch {
	case v.State != core.JobDone || len(v.Images) == 0:
		return on, core.Errorf(core.CodeInvalid, "v%d has no pictures: it is %s.", v.ID.No, word(v.State))
	case on.Image > 0:
	case c.task.Picked.Version == v.ID.No:
		on.Image = c.task.Picked.Image
	case len(v.Images) == 1:
		on.Image = 1
	default:
		return on, core.Errorf(core.CodeInvalid, "On which picture of v%d?", v.ID.No).WithNext("Type for example: comment v%d.2 @0.4,0.6 too dark", v.ID.No)
	}
	return on, nil
}
