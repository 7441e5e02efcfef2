// Package midjourney is the hand-off: Midjourney has no official API and forbids automation, so this composes the exact
// prompt for the person to run by hand, and reads what the person brings back. Nothing here opens a connection, and
// there is nothing to store a password or token in.
package midjourney

import (
	"bytes"
	_ "embed" // the built-in facts
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/atelier-bridge/atelier/adapters/media"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/prompt"
)

// Provider implements core.Handoff. It has no way to run anything and no place for a credential.
type Provider struct {
	table *prompt.Table
	facts facts
}

var _ core.Handoff = (*Provider)(nil)

// facts is what Midjourney publishes of its terms and plans.
type facts struct {
	Checked string             `json:"checked"`
	Terms   core.Terms         `json:"terms"`
	Plans   []core.HandoffPlan `json:"plans"`
	// MinutesPerRun estimates what four pictures take of a plan's fast minutes.
	MinutesPerRun float64 `json:"minutesPerRun"`
	MinutesHD     float64 `json:"minutesHD"`
}

//go:embed facts.json
var builtin []byte

// New returns the hand-off with a parameter table and its facts; data replaces the built-in facts when it is not nil.
func New(t *prompt.Table, data []byte) (*Provider, error) {
	p := &Provider{table: t}
	if data == nil {
		data = builtin
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p.facts); err != nil {
		return nil, fmt.Errorf("facts of midjourney: %w", err)
	}
	if len(p.facts.Plans) == 0 || p.facts.Terms.Version == "" {
		return nil, errors.New("facts of midjourney: plans or terms are missing")
	}
	return p, nil
}

// Name returns "midjourney".
func (*Provider) Name() core.ProviderName { return "midjourney" }

// Capabilities says that every operation is done by hand.
func (p *Provider) Capabilities(string) core.ProviderCapabilities {
	caps := core.ProviderCapabilities{Ops: map[core.Op]core.Support{}, Params: map[string]core.Fidelity{}, Images: 4, PerAccount: 1, Models: p.table.Versions}
	for _, op := range []core.Op{core.OpGenerate, core.OpReroll, core.OpVary, core.OpUpscale, core.OpZoom, core.OpPan, core.OpEditRegion, core.OpEditWords, core.OpBlend, core.OpDescribe} {
		caps.Ops[op] = core.SupportHandoff
	}
	for _, d := range p.table.Params {
		caps.Params[d.Name] = core.FidelityExact
	}
	return caps
}

// Plan counts the runs and estimates what they take of the person's plan.
func (p *Provider) Plan(r core.Request) core.Plan {
	plan := core.Plan{Calls: 1, Support: core.SupportHandoff}
	if pr, err := p.table.Parse(r.Full); err == nil {
		plan.Calls = prompt.Runs(pr)
	}
	plan.Images = 4 * plan.Calls
	if r.Op == core.OpUpscale || r.Op == core.OpDescribe {
		plan.Images = plan.Calls
	}
	if m := p.Minutes(r); m > 0 {
		plan.Cost = core.Cost{Native: fmt.Sprintf("about %.1f fast minutes", m), Estimated: true}
	}
	return plan
}

// Minutes estimates the fast minutes that a request takes; relaxed runs take none.
func (p *Provider) Minutes(r core.Request) float64 {
	if _, relax := r.Params["relax"]; relax || r.Op == core.OpDescribe {
		return 0
	}
	runs, per := 1, p.facts.MinutesPerRun
	if pr, err := p.table.Parse(r.Full); err == nil && r.Op == core.OpGenerate {
		runs = prompt.Runs(pr)
	}
	if _, hd := r.Params["hd"]; hd {
		per = p.facts.MinutesHD
	}
	return float64(runs) * per
}

// Terms returns what Midjourney demands, as dated data.
func (p *Provider) Terms() core.Terms { return p.facts.Terms }

// Plans lists Midjourney's plans.
func (p *Provider) Plans() []core.HandoffPlan { return p.facts.Plans }

// home is where the person goes. It is shown as a link and never requested.
const home = "https://www.midjourney.com/imagine"

// Compose writes the prompt for Discord and for the web, checked against the version's table.
func (p *Provider) Compose(r core.Request) (core.Handover, error) {
	out := core.Handover{URL: home}
	if step := pressed(r); step != "" {
		out.Forms = []core.HandoverForm{{Where: "On the picture that you ran", Text: step}}
		return out, nil
	}
	pr, err := p.table.Parse(r.Full)
	if err != nil {
		return out, err
	}
	text, warnings := p.table.Compose(pr)
	out.Warnings = warnings
	out.Forms = append(out.Forms, core.HandoverForm{Where: "In Discord", Text: "/imagine prompt:" + text})
	web, files := webForm(text)
	out.Forms = append(out.Forms, core.HandoverForm{Where: "On the web", Text: web})
	if r.Op == core.OpGenerate {
		for _, ref := range r.Refs {
			out.Warnings = append(out.Warnings, core.Say("Add the reference picture \"%s\" to the prompt yourself.", ref.Name))
		}
	}
	if len(files) > 0 {
		out.Warnings = append(out.Warnings, core.Say("On the web, add the linked pictures with the + beside the prompt: %s", strings.Join(files, ", ")))
	}
	return out, nil
}

// pressed says which button the person presses for an operation on a picture that is at Midjourney already.
func pressed(r core.Request) string {
	n := ""
	if r.Of.Image > 0 {
		n = " on picture " + string(rune('0'+r.Of.Image))
	}
	switch r.Op {
	case core.OpVary:
		if r.Strength == "subtle" {
			return "Vary (Subtle)" + n
		}
		return "Vary (Strong)" + n
	case core.OpUpscale:
		if r.Strength == "creative" {
			return "Upscale (Creative)" + n
		}
		return "Upscale (Subtle)" + n
	case core.OpZoom:
		return "Zoom Out" + n
	case core.OpPan:
		return "Pan " + r.Dir + n
	case core.OpEditRegion:
		return "Vary (Region)" + n + ", with the words: " + r.Prompt
	case core.OpEditWords:
		return "Editor" + n + ", with the words: " + r.Prompt
	case core.OpDescribe:
		return "/describe with the picture" + n
	case core.OpBlend:
		return "/blend with the pictures"
	}
	return ""
}

// webForm takes leading links out of a prompt: the web form takes pictures in slots of their own.
func webForm(text string) (web string, files []string) {
	words := strings.Fields(text)
	i := 0
	for i < len(words) && (strings.HasPrefix(words[i], "https://") || strings.HasPrefix(words[i], "http://")) {
		files = append(files, words[i])
		i++
	}
	return strings.Join(words[i:], " "), files
}

// AppID is Midjourney's application and bot on Discord, as seen by users from 2023 to 2025.
const AppID = "936929561302675456"

const uuid = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`

var (
	customID    = regexp.MustCompile(`^MJ::.*?(` + uuid + `)`)
	fileName    = regexp.MustCompile(`_(` + uuid + `)\.(?:png|webp|jpe?g)$`)
	description = regexp.MustCompile(`Job ID: (` + uuid + `)`)
	openLink    = regexp.MustCompile(`\s*\[\(Open on website[^\]]*\)\]\(<[^>]*>\)\s*`)
	tail        = regexp.MustCompile(`(?s)^\*\*(.*)\*\* - .*$`)
)

// Evidence finds the job id and the prompt in a message that a person pointed at, and in a picture's own metadata. Both
// are best effort: formats change, and a picture without evidence can still be attached.
func Evidence(t *core.MenuTarget, picture []byte) (id, words string) {
	if t != nil {
		id, words = fromMessage(t)
	}
	text := media.PNGText(picture)
	d := text["Description"]
	if m := description.FindStringSubmatch(d); m != nil {
		if id == "" {
			id = m[1]
		}
		if words == "" {
			words = strings.TrimSpace(description.ReplaceAllString(d, ""))
		}
	}
	return id, words
}

func fromMessage(t *core.MenuTarget) (id, words string) {
	for _, c := range t.CustomIDs {
		if m := customID.FindStringSubmatch(c); m != nil {
			id = m[1]
			break
		}
	}
	for _, f := range t.Message.Files {
		if m := fileName.FindStringSubmatch(f.Name); m != nil && id == "" {
			id = m[1]
		}
	}
	if m := tail.FindStringSubmatch(openLink.ReplaceAllString(t.Content, " ")); m != nil {
		words = strings.TrimSpace(m[1])
	}
	return id, words
}
