// Package facts reads what providers publish about themselves, as dated data: models, limits, prices, terms and which
// operations exist. None of it stands in code, because all of it changes without notice.
package facts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/prompt"
)

// Facts is a provider's data file.
type Facts struct {
	Checked string   `json:"checked"` // the day on which somebody read the sources, 2026-11-22
	Sources []string `json:"sources"` // where it was read
	// Assumed names what none of the sources gives and somebody put in as a guess: to be looked up before it is relied on.
	Assumed  []string   `json:"assumed"`
	BaseURL  string     `json:"baseURL"`  // of the API, without the paths that the adapter adds
	Hosts    []string   `json:"hosts"`    // further hosts that answers may point to
	KeyHosts []string   `json:"keyHosts"` // of those, where the API runs too: the credential may go there
	Activity string     `json:"activity"` // where a person sees what was billed
	Keys     string     `json:"keys"`     // where a person makes a key
	Terms    core.Terms `json:"terms"`
	// Images is the number of pictures of a generation that does not say; PerAccount how many runs an account has at once.
	Images     int              `json:"images"`
	PerAccount int              `json:"perAccount"`
	Ops        map[string]Op    `json:"ops"` // by operation, or "upscale:creative" for one strength of it
	Params     map[string]Param `json:"params"`
	Models     []Model          `json:"models"` // the first one is the default
	// Fields are fields of the API that are sent only when a source confirms them.
	Fields map[string]Field `json:"fields"`
	// Helpers are models that the adapter uses beside the chosen one, such as "describe".
	Helpers map[string]string `json:"helpers"`
	// Paths are API paths that the sources give for operations.
	Paths map[string]string `json:"paths"`
}

// Op says how an operation is done.
type Op struct {
	Support core.Support `json:"support"`
	How     string       `json:"how"` // for emulated ones, in a few words
	// Unconfirmed operations are off: no source says for sure that they work this way.
	Unconfirmed bool  `json:"unconfirmed"`
	Micros      int64 `json:"micros"` // estimated price of a call where it is not the model's, in millionths of a dollar
}

// Param says what becomes of a parameter.
type Param struct {
	Fidelity    core.Fidelity `json:"fidelity"`
	Unconfirmed bool          `json:"unconfirmed"`
}

// Field says whether a field of the API may be sent.
type Field struct {
	Unconfirmed bool `json:"unconfirmed"`
}

// Model is a model with its limits.
type Model struct {
	ID        string   `json:"id"`
	MaxPrompt int      `json:"maxPrompt"` // characters
	PerCall   int      `json:"perCall"`   // pictures per call
	MaxRefs   int      `json:"maxRefs"`   // input pictures
	Ratios    []string `json:"ratios"`    // when only these exist
	Size      Size     `json:"size"`      // of what is asked for where sizes are free, and of pictures sent along
	HD        bool     `json:"hd"`        // larger pictures can be had
	Price     Price    `json:"price"`
	// Params and Ops change the provider's own for this model.
	Params map[string]Param `json:"params"`
	Ops    map[string]Op    `json:"ops"`
	// Path is the API path of the model where each has its own; Send says that the id is sent along all the same.
	Path string `json:"path"`
	Send bool   `json:"send"`
}

// Size bounds free sizes, in pixels.
type Size struct {
	Side      int     `json:"side"`      // of an ordinary square picture
	HDSide    int     `json:"hdSide"`    // of a large one
	Step      int     `json:"step"`      // sides are multiples of it
	MinSide   int     `json:"minSide"`   //
	MaxSide   int     `json:"maxSide"`   // of the longer side
	MaxShort  int     `json:"maxShort"`  // of the shorter side; 0: as MaxSide
	MaxPixels int     `json:"maxPixels"` //
	MaxRatio  float64 `json:"maxRatio"`  // longer by shorter side; 0: no limit
}

// Price estimates what a picture costs, in millionths of a US dollar.
type Price struct {
	Image int64 `json:"image"` // an ordinary picture
	HD    int64 `json:"hd"`    // a large one
	Draft int64 `json:"draft"` // one of the lowest quality
	Fine  int64 `json:"fine"`  // one of the highest quality
	Input int64 `json:"input"` // each picture sent along
	// Of a million tokens, for providers that tell how many they counted.
	TextIn  int64 `json:"textIn"`
	ImageIn int64 `json:"imageIn"`
	TextOut int64 `json:"textOut"`
	Out     int64 `json:"out"`
	// Native is the provider's unit with its price: "credits" at 10,000.
	Native     string `json:"native"`
	NativeUnit int64  `json:"nativeUnit"`
}

// maxFile bounds a data file.
const maxFile = 1 << 20

// Load reads the built-in facts, changed by an override where there is one. The override is a JSON merge patch (RFC
// 7396): what it names replaces what is built in, null removes it, so that {"ops":{"vary":{"unconfirmed":false}}} is
// enough to switch an operation on, and a whole file works too. All faults are reported at once.
func Load(provider string, builtin, override []byte) (*Facts, error) {
	data := builtin
	if override != nil {
		var err error
		if data, err = merge(builtin, override); err != nil {
			return nil, fmt.Errorf("facts of %s: %w", provider, err)
		}
	}
	f := &Facts{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(f); err != nil {
		return nil, fmt.Errorf("facts of %s: %w", provider, err)
	}
	if err := errors.Join(f.faults()...); err != nil {
		return nil, fmt.Errorf("facts of %s: %w", provider, err)
	}
	return f, nil
}

func merge(base, patch []byte) ([]byte, error) {
	if len(patch) > maxFile {
		return nil, fmt.Errorf("the file is larger than %d bytes", maxFile)
	}
	var b, p any
	if err := json.Unmarshal(base, &b); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(patch))
	if err := dec.Decode(&p); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something behind the JSON object")
	}
	if _, ok := p.(map[string]any); !ok {
		return nil, errors.New("the file is no JSON object")
	}
	return json.Marshal(patched(b, p))
}

func patched(base, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	b, ok := base.(map[string]any)
	if !ok {
		b = map[string]any{}
	}
	for k, v := range p {
		if v == nil {
			delete(b, k)
		} else {
			b[k] = patched(b[k], v)
		}
	}
	return b
}

func (f *Facts) faults() (out []error) {
	wrong := func(format string, a ...any) { out = append(out, fmt.Errorf(format, a...)) }
	if _, err := time.Parse(time.DateOnly, f.Checked); err != nil {
		wrong("checked: %q is no day such as 2026-11-22", f.Checked)
	}
	for name, link := range map[string]string{"activity": f.Activity, "keys": f.Keys, "terms.source": f.Terms.Source} {
		if u, err := url.Parse(link); link != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
			wrong("%s: %q is no https link", name, link)
		}
	}
	if f.Images < 1 || f.Images > 10 || f.PerAccount < 1 || f.PerAccount > 100 {
		wrong("images and perAccount: give 1 to 10 and 1 to 100")
	}
	checkOps := func(where string, ops map[string]Op) {
		for name, op := range ops {
			base, _, _ := strings.Cut(name, ":")
			if !slices.Contains(Ops(), core.Op(base)) {
				wrong("%sops: there is no operation %q", where, name)
			}
			if !slices.Contains([]core.Support{core.SupportNative, core.SupportEmulated, core.SupportNone}, op.Support) {
				wrong("%sops.%s: support is native, emulated or none", where, name)
			}
			if op.Support == core.SupportEmulated && op.How == "" {
				wrong("%sops.%s: say how it is emulated", where, name)
			}
			if op.Micros < 0 {
				wrong("%sops.%s: the price is negative", where, name)
			}
		}
	}
	checkParams := func(where string, params map[string]Param) {
		for name, p := range params {
			if !slices.Contains([]core.Fidelity{core.FidelityExact, core.FidelityApprox, core.FidelityWords, core.FidelityDropped}, p.Fidelity) {
				wrong("%sparams.%s: fidelity is exact, approximate, prompt-only or dropped", where, name)
			}
		}
	}
	checkOps("", f.Ops)
	checkParams("", f.Params)
	for name, path := range f.Paths {
		if !validPath(path) {
			wrong("paths.%s: %q is no path", name, path)
		}
	}
	if len(f.Models) == 0 {
		wrong("models: there is none")
	}
	seen := map[string]bool{}
	for i := range f.Models {
		m := &f.Models[i]
		where := fmt.Sprintf("models[%d].", i)
		if m.ID == "" || seen[m.ID] {
			wrong("%sid: %q is empty or there twice", where, m.ID)
		}
		seen[m.ID] = true
		if m.MaxPrompt < 1 || m.PerCall < 1 || m.MaxRefs < 0 {
			wrong("%smaxPrompt and perCall are at least 1, maxRefs at least 0", where)
		}
		if m.Path != "" && !validPath(m.Path) {
			wrong("%spath: %q is no path", where, m.Path)
		}
		for _, r := range m.Ratios {
			if _, _, err := prompt.ParseRatio(r); err != nil {
				wrong("%sratios: %q is no ratio", where, r)
			}
		}
		if s := m.Size; s.Side < 16 || s.HDSide < s.Side || s.Step < 1 || s.MinSide < 1 || s.MaxSide < s.Side || s.MaxPixels < s.Side*s.Side {
			wrong("%ssize: give side, hdSide, step, minSide, maxSide and maxPixels that fit together", where)
		}
		for _, v := range []int64{m.Price.Image, m.Price.HD, m.Price.Draft, m.Price.Fine, m.Price.Input, m.Price.TextIn, m.Price.ImageIn, m.Price.TextOut, m.Price.Out, m.Price.NativeUnit} {
			if v < 0 || v > math.MaxInt32*1000 {
				wrong("%sprice: a figure is negative or beyond reason", where)
				break
			}
		}
		checkOps(where, m.Ops)
		checkParams(where, m.Params)
	}
	return out
}

func validPath(p string) bool {
	return strings.HasPrefix(p, "/") && !strings.Contains(p, "..") && !strings.ContainsAny(p, "?#@ \\")
}

// Ops lists the operations that a provider may run.
func Ops() []core.Op {
	return []core.Op{core.OpGenerate, core.OpReroll, core.OpVary, core.OpUpscale, core.OpZoom, core.OpPan, core.OpEditRegion, core.OpEditWords, core.OpBlend, core.OpDescribe}
}

// Model finds a model; the empty name is the default one.
func (f *Facts) Model(id string) (*Model, bool) {
	if id == "" {
		return &f.Models[0], true
	}
	for i := range f.Models {
		if f.Models[i].ID == id {
			return &f.Models[i], true
		}
	}
	return nil, false
}

// Op returns how a model does an operation at a strength, the most particular entry first. What no source confirms is
// SupportNone, with confirmed false.
func (f *Facts) Op(m *Model, op core.Op, strength string) (o Op, confirmed bool) {
	for _, key := range []string{string(op) + ":" + strength, string(op)} {
		for _, ops := range []map[string]Op{m.Ops, f.Ops} {
			o, ok := ops[key]
			if !ok {
				continue
			}
			if o.Unconfirmed && o.Support != core.SupportNone {
				o.Support = core.SupportNone
				return o, false
			}
			return o, true
		}
	}
	return Op{Support: core.SupportNone}, true
}

// Param returns what becomes of a parameter at a model.
func (f *Facts) Param(m *Model, name string) core.Fidelity {
	for _, params := range []map[string]Param{m.Params, f.Params} {
		if p, ok := params[name]; ok {
			if p.Unconfirmed {
				return core.FidelityDropped
			}
			return p.Fidelity
		}
	}
	return core.FidelityDropped
}

// Sends reports whether a field of the API is there and confirmed.
func (f *Facts) Sends(field string) bool {
	x, ok := f.Fields[field]
	return ok && !x.Unconfirmed
}

// Unconfirmed lists what is off because no source says for sure that it works.
func (f *Facts) Unconfirmed() core.Unconfirmed {
	var out core.Unconfirmed
	for name, o := range f.Ops {
		if o.Unconfirmed {
			out.Ops = append(out.Ops, name)
		}
	}
	for name, p := range f.Params {
		if p.Unconfirmed {
			out.Params = append(out.Params, name)
		}
	}
	for name, x := range f.Fields {
		if x.Unconfirmed {
			out.Fields = append(out.Fields, name)
		}
	}
	slices.Sort(out.Ops)
	slices.Sort(out.Params)
	slices.Sort(out.Fields)
	return out
}
