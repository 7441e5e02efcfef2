package base

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// ours are parameters that the studio itself acts on.
func ours() []string { return []string{"repeat", "relax", "v", "niji"} }

// params sorts a request's parameters into what has no effect and what has another one than its name says.
func (b *Base) params(j *Job) {
	if !j.flags() {
		return
	}
	for name, value := range j.Req.Params {
		if slices.Contains(ours(), name) {
			continue
		}
		f := b.Facts.Param(j.Model, name)
		if f != core.FidelityDropped && !b.applies(j, name, value) {
			f = core.FidelityDropped
		}
		switch f {
		case core.FidelityExact:
			if name == "ar" && len(j.Model.Ratios) > 0 && j.Req.Source == nil {
				if _, same := nearest(j.Model.Ratios, value); !same {
					j.Approx = append(j.Approx, name)
				}
			}
		case core.FidelityApprox, core.FidelityWords:
			j.Approx = append(j.Approx, name)
		default:
			j.Dropped = append(j.Dropped, name)
		}
	}
}

// flags reports whether flags mean anything to a job. An upscale and a description carry those of the picture that they
// start from, where they have had their effect.
func (j *Job) flags() bool { return j.Req.Op != core.OpUpscale && j.Req.Op != core.OpDescribe }

// applies reports whether a parameter can have an effect on this very request.
func (b *Base) applies(j *Job, name, value string) bool {
	switch name {
	case "sref", "oref", "cref", "edit", "iw", "sw", "ow", "cw":
		// Links are not fetched, and codes mean something at Midjourney only: what counts are pictures that came along.
		return len(j.Req.Refs) > 0 && j.Req.Op == core.OpGenerate
	case "style":
		return value == "raw"
	case "hd":
		return j.Model.HD
	case "stylize", "exp":
		return mood(value) != "" || b.Native[name]
	}
	return true
}

// weights matches the weight behind a part of a prompt: "cat::2", "::-.5".
var weights = regexp.MustCompile(`::-?\d*\.?\d*`)

// Plain returns the words of a request without weights.
func Plain(r core.Request) string {
	return strings.Join(strings.Fields(weights.ReplaceAllString(r.Prompt, " ")), " ")
}

// words writes the prompt: what the operation asks for, the person's words, and words for flags.
func (b *Base) words(j *Job) {
	r := j.Req
	if weights.MatchString(r.Prompt) {
		j.Dropped = append(j.Dropped, "weights")
	}
	text := Plain(r)
	if j.Op.Support == core.SupportEmulated || r.Op == core.OpBlend || r.Op == core.OpEditWords || r.Op == core.OpDescribe {
		text = instruction(r, text)
	}
	parts := []string{text}
	for _, name := range []string{"no", "raw", "style", "stylize", "exp", "tile", "sref", "oref", "cref", "edit"} {
		value, given := r.Params[name]
		if !given || !j.flags() || b.Facts.Param(j.Model, name) != core.FidelityWords || b.Native[name] || !b.applies(j, name, value) {
			continue
		}
		if s := phrase(name, value); s != "" && !slices.Contains(parts, s) {
			parts = append(parts, s)
		}
	}
	j.Words = strings.TrimSpace(strings.Join(parts, "\n"))
}

// phrase puts a flag into words.
func phrase(name, value string) string {
	switch name {
	case "no":
		return "Without " + strings.TrimSpace(value) + "."
	case "raw", "style":
		return "Literal and unembellished, without an added style."
	case "stylize", "exp":
		return mood(value)
	case "tile":
		return "A seamless pattern that can be repeated on all sides without a visible edge."
	case "sref":
		return "Take the style of the pictures given, not their subject."
	case "oref", "cref", "edit":
		return "Keep the same subject as in the pictures given."
	}
	return ""
}

// mood puts --stylize and --exp into words, where they are far from their usual values.
func mood(value string) string {
	switch n, err := strconv.Atoi(value); {
	case err != nil:
		return ""
	case n >= 400:
		return "Strongly stylised, with artistic freedom."
	case n <= 25:
		return "Close to the words, with little stylisation."
	}
	return ""
}

// instruction says in words what an operation does that the API has no name for.
func instruction(r core.Request, text string) string {
	about := ""
	if text != "" {
		about = " The picture shows: " + text
	}
	switch r.Op {
	case core.OpVary:
		if r.Strength == "subtle" {
			return "Make a subtle variation of this picture: same composition, subject and mood, small differences in detail." + about
		}
		return "Make a clearly different variation of this picture: same subject and mood, another composition." + about
	case core.OpUpscale:
		if r.Strength == "creative" {
			return "Redraw this picture at a higher resolution and add fitting fine detail. Keep composition, subject and colours." + about
		}
		return "Redraw this picture at a higher resolution, as faithfully as possible. Change nothing." + about
	case core.OpZoom:
		return "Extend the scene: fill the grey border around the picture so that it seems seen from further away. Keep what is there unchanged." + about
	case core.OpPan:
		return fmt.Sprintf("Extend the scene to the %s: fill the grey part so that the picture goes on there. Keep what is there unchanged.%s", side(r.Dir), about)
	case core.OpEditRegion:
		a := core.Area{W: 1, H: 1}
		if r.Area != nil {
			a = *r.Area
		}
		return fmt.Sprintf("Change only the part of this picture from %.0f%% to %.0f%% of its width and from %.0f%% to %.0f%% of its height, measured from the top left: %s. Keep everything else unchanged.",
			100*a.X, 100*(a.X+a.W), 100*a.Y, 100*(a.Y+a.H), text)
	case core.OpBlend:
		return strings.TrimSpace("Blend the given pictures into one new picture that takes something of each. " + text)
	case core.OpEditWords:
		return "Change this picture: " + text
	case core.OpDescribe:
		return DescribePrompt
	}
	return text
}

func side(dir string) string {
	switch dir {
	case "up":
		return "top"
	case "down":
		return "bottom"
	case "left":
		return "left"
	}
	return "right"
}

// DescribePrompt asks for what a describe returns: prompts, one a line.
const DescribePrompt = "Write four different prompts that could have made this picture, for an image generator. One prompt a line, no numbering, no quotation marks, nothing else. Name subject, style, light, colours and composition."
