package studio

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// compare shows two versions together and says what differs.
func (s *Studio) compare(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t := c.task
	newest, err := s.newestDone(ctx, t)
	if err != nil {
		return core.Change{}, err
	}
	refs := [2]core.ImageRef{c.inv.Ref, {Version: newest}}
	if w := c.inv.Arg("with"); w != "" {
		ref, ok := core.ParseImageRef(w)
		if !ok {
			return core.Change{}, core.Errorf(core.CodeInvalid, "%q is no version.", clip(w, 40)).WithNext("Versions are written v2, their pictures v2.3.")
		}
		refs[1] = ref
	}
	if refs[0].Version == 0 {
		return core.Change{}, core.Errorf(core.CodeInvalid, "Which two?").WithNext("Type for example: compare v1 v2")
	}
	if refs[0] == refs[1] {
		return core.Change{}, core.Errorf(core.CodeInvalid, "Both are %s.", refs[0]).WithNext("Name two, such as compare v1 v2.")
	}
	var both [2]*core.Version
	var show core.Compare
	for i, ref := range refs {
		next := *c
		next.inv.Ref = ref
		if err := s.findVersion(ctx, &next); err != nil {
			return core.Change{}, err
		}
		v := next.version
		if v.State != core.JobDone || len(v.Images) == 0 {
			return core.Change{}, core.Errorf(core.CodeInvalid, "v%d has no pictures: it is %s.", v.ID.No, word(v.State))
		}
		both[i], show.Labels[i] = v, ref.String()
		show.Pictures[i] = comparable(t, v, ref.Image)
	}
	share := c.inv.Arg("share") == "true"
	l := c.Lang
	if share {
		l = s.shared(c.Project)
	}
	show.Blink, show.Name = c.inv.Arg("blink") == "true", fmt.Sprintf("%s-%s-%s", t.ID, refs[0], refs[1])
	show.Alt = l.T("%s and %s of %s beside each other", refs[0], refs[1], t.ID)
	card := core.Card{Title: l.T("%s: %s and %s", t.ID, refs[0], refs[1]), Body: bullets(differences(l, both[0], both[1])), Compare: &show}
	if !share {
		return c.say(card)
	}
	outs := notices(t, "compare-"+core.Digest(12, string(c.In.ID)), c, nil)
	for i := range outs {
		outs[i].Card = &card
	}
	return core.Change{Out: append(outs, c.answer(text(c.T("The comparison is in the threads of %s.", t.ID))))}, nil
}

// comparable is what stands for a version: the picture that was named, the picked one, its only one, or all of them.
func comparable(t *core.Task, v *core.Version, image int) core.BlobKey {
	if image == 0 && t.Picked.Version == v.ID.No {
		image = t.Picked.Image
	}
	switch {
	case image > 0 && image <= len(v.Images):
		return v.Images[image-1].Blob
	case len(v.Images) > 1 && v.Grid != nil:
		return v.Grid.Blob
	}
	return v.Images[0].Blob
}

// differences says in words what differs between two versions.
func differences(l core.Lang, a, b *core.Version) []string {
	var out []string
	if a.Request.Prompt != b.Request.Prompt {
		gone, come := wordDiff(a.Request.Prompt, b.Request.Prompt)
		switch {
		case gone == "":
			out = append(out, l.T("Prompt: “%s” came in", come))
		case come == "":
			out = append(out, l.T("Prompt: “%s” went out", gone))
		default:
			out = append(out, l.T("Prompt: “%s” instead of “%s”", come, gone))
		}
	} else {
		out = append(out, l.T("The same prompt"))
	}
	names := maps.Clone(a.Request.Params)
	if names == nil {
		names = map[string]string{}
	}
	maps.Copy(names, b.Request.Params)
	for _, n := range slices.Sorted(maps.Keys(names)) {
		was, had := a.Request.Params[n]
		is, has := b.Request.Params[n]
		switch {
		case had && has && was != is:
			out = append(out, fmt.Sprintf("--%s: %s → %s", n, was, is))
		case had && !has:
			out = append(out, l.T("--%s %s only in v%d", n, was, a.ID.No))
		case has && !had:
			out = append(out, l.T("--%s %s only in v%d", n, is, b.ID.No))
		}
	}
	for _, x := range []struct{ what, was, is string }{
		{l.T("Made by"), madeBy(l, a), madeBy(l, b)}, {l.T("Person"), a.PersonName, b.PersonName}, {l.T("Provider"), string(a.Provider), string(b.Provider)}, {l.T("Model"), a.Model, b.Model},
		{l.T("Size"), sizeOf(a), sizeOf(b)}, {l.T("Seed"), seedOf(a), seedOf(b)},
	} {
		if x.was != x.is {
			out = append(out, l.T("%s: %s → %s", x.what, orDash(x.was), orDash(x.is)))
		}
	}
	return out
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func sizeOf(v *core.Version) string {
	return fmt.Sprintf("%d×%d", v.Images[0].Width, v.Images[0].Height)
}

func seedOf(v *core.Version) string {
	if v.Seed == nil {
		return ""
	}
	return fmt.Sprint(*v.Seed)
}

// wordDiff returns the words that stand only in one of two texts, without what they begin and end with in common.
func wordDiff(a, b string) (gone, come string) {
	x, y := strings.Fields(a), strings.Fields(b)
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	x, y = x[n:], y[n:]
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	return clip(strings.Join(x, " "), 150), clip(strings.Join(y, " "), 150)
}
