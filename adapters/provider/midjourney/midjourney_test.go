package midjourney

import (
	"fmt"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/prompt"
)

func TestCompose(t *testing.T) {
	p, err := New(prompt.Builtin(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, full, discord, warning string
	}{
		{"plain gets the version", "a lighthouse", "/imagine prompt:a lighthouse --v 8.2", ""},
		{"kept in order", "a lighthouse --ar 3:2 --s 250", "/imagine prompt:a lighthouse --ar 3:2 --stylize 250 --v 8.2", ""},
		{"dropped for the version", "x --q 2", "/imagine prompt:x --v 8.2", "--quality was left out"},
		{"known in the older one", "x --q 2 --v 7", "/imagine prompt:x --quality 2 --v 7", ""},
		{"own option", "x --mine", "/imagine prompt:x --mine --v 8.2", "option of your own"},
		{"niji", "x --niji 7", "/imagine prompt:x --niji 7", ""},
		{"permutations", "a {red, green} door --r 2", "/imagine prompt:a {red, green} door --repeat 2 --v 8.2", "4 runs"},
		{"weights", "cat::2 dog", "/imagine prompt:cat::2 dog --v 8.2", "Weights"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := p.Compose(core.Request{Op: core.OpGenerate, Full: c.full})
			if err != nil {
				t.Fatal(err)
			}
			if h.Forms[0].Text != c.discord {
				t.Errorf("got  %s\nwant %s", h.Forms[0].Text, c.discord)
			}
			if got := strings.Trim(fmt.Sprint(h.Warnings), "[]"); c.warning != "" && !strings.Contains(got, c.warning) {
				t.Errorf("warnings %q lack %q", got, c.warning)
			} else if c.warning == "" && got != "" {
				t.Errorf("unexpected warnings %q", got)
			}
		})
	}
}

func TestEvidenceInMessages(t *testing.T) {
	const job = "0f5c8e9a-1234-4abc-8def-0123456789ab"
	for _, c := range []struct {
		name    string
		content string
		buttons []string
		file    string
		id      string
		words   string
	}{
		{"grid", "**a lighthouse --ar 3:2** - <@1> (fast)", []string{"MJ::JOB::upsample::1::" + job}, "", job, "a lighthouse --ar 3:2"},
		{"with the website link", "**a lighthouse** - [(Open on website for full quality)](<https://midjourney.com/jobs/" + job + ">) <@1> (fast, stealth)", nil, "u_a_lighthouse_" + job + ".png", job, "a lighthouse"},
		{"stars in the prompt", "**a **bold** claim** - <@1> (relaxed)", []string{"MJ::JOB::reroll::0::" + job + "::SOLO"}, "", job, "a **bold** claim"},
		{"upscale", "**p** - Image #2 <@1>", nil, "", "", "p"},
		{"something else", "hello", []string{"other::1"}, "x.png", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := &core.MenuTarget{Content: c.content, CustomIDs: c.buttons}
			if c.file != "" {
				target.Message.Files = []core.FileRef{{Name: c.file}}
			}
			id, words := Evidence(target, nil)
			if id != c.id || words != c.words {
				t.Errorf("got %q %q, want %q %q", id, words, c.id, c.words)
			}
		})
	}
}

func FuzzEvidence(f *testing.F) {
	f.Add("**a** - <@1> (fast)", "MJ::JOB::upsample::1::0f5c8e9a-1234-4abc-8def-0123456789ab", []byte("\x89PNG\r\n\x1a\n"))
	f.Fuzz(func(t *testing.T, content, button string, picture []byte) {
		Evidence(&core.MenuTarget{Content: content, CustomIDs: []string{button}}, picture)
	})
}
