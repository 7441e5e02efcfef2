package providersim_test

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/atelier-bridge/atelier/adapters/provider/providersim"
	"github.com/atelier-bridge/atelier/core"
)

func TestOpenAICostFromUsage(t *testing.T) {
	k := newKit(t, find(t, providersim.OpenAI), "")
	r := k.request(core.OpGenerate)
	r.Params = map[string]string{"ar": "3:2", "quality": "4", "no": "cars", "seed": "7", "chaos": "10"}
	res := k.must(r)
	// 20 text tokens at $5 and 4,000 picture tokens at $30 a million.
	if res.Cost.Micros != 100+120_000 || res.Cost.Estimated {
		t.Errorf("cost %+v", res.Cost)
	}
	c := k.last()
	if c.JSON["size"] != "1248x832" || c.JSON["quality"] != "high" || c.JSON["n"] != 4.0 || c.JSON["safety_identifier"] != k.account().EndUser() || !strings.Contains(c.Text("prompt"), "Without cars.") {
		t.Errorf("sent %v", c.JSON)
	}
	if !slices.Equal(res.Dropped, []string{"chaos", "seed"}) || res.Model == "" || res.RequestID == "" {
		t.Errorf("dropped %v, model %q, request %q", res.Dropped, res.Model, res.RequestID)
	}
	for _, name := range []string{"Openai-Organization", "Openai-Project", "Cookie"} {
		if c.Header.Get(name) != "" {
			t.Errorf("%s was sent", name)
		}
	}
	if c.Key != goodKey || c.Owner != "Ana" {
		t.Errorf("key %q of %q", c.Key, c.Owner)
	}
}

func TestOpenAIMasksAreTransparentWhereTheyChange(t *testing.T) {
	k := newKit(t, find(t, providersim.OpenAI), "")
	k.must(k.request(core.OpEditRegion))
	c := k.last()
	if len(c.Files["mask"]) != 1 || len(c.Files["image[]"]) != 1 {
		t.Fatalf("files %v", slices.Collect(maps.Keys(c.Files)))
	}
	img, err := png.Decode(bytes.NewReader(c.Files["mask"][0]))
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	if _, _, _, a := img.At(b.Dx()/2, b.Dy()/2).RGBA(); a != 0 {
		t.Error("the middle, which is to change, is not transparent")
	}
	if _, _, _, a := img.At(2, 2).RGBA(); a != 0xffff {
		t.Error("the corner, which stays, is not opaque")
	}
}

func TestOpenAIRefusalsAndEmptyAccounts(t *testing.T) {
	k := newKit(t, find(t, providersim.OpenAI), "")
	k.Fault(providersim.Fault{Kind: providersim.Refusal})
	_, err := k.run(k.request(core.OpGenerate))
	if m := core.SafeMessage(err); core.ErrorCode(err) != core.CodeRefused || !strings.Contains(m, "prompt") || !strings.Contains(m, "violence") {
		t.Errorf("%v says %q", err, m)
	}
	k.Clear()
	k.AddKey(providersim.OpenAI, goodKey, "Ana", 10)
	if _, err := k.run(k.request(core.OpGenerate)); core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(core.SafeMessage(err), "credit") {
		t.Errorf("an empty account: %v", err)
	}
}

// spec validates requests against OpenAI's own OpenAPI document.
func spec(t *testing.T) func(name string, v any) {
	t.Helper()
	dir := os.Getenv("ATELIER_SPECS")
	if dir == "" {
		t.Skip("ATELIER_SPECS names no folder with openai-images.json")
	}
	f, err := os.Open(filepath.Join(dir, "openai-images.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("openai.json", doc); err != nil {
		t.Fatal(err)
	}
	return func(name string, v any) {
		t.Helper()
		s, err := c.Compile("openai.json#/components/schemas/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenAIRequestsAgainstTheSpecification(t *testing.T) {
	check := spec(t)
	// These are newer than the document, which does not forbid them.
	unknown := []string{"safety_identifier"}
	doc := []string{"prompt", "model", "n", "quality", "size", "output_format", "image", "mask"}
	k := newKit(t, find(t, providersim.OpenAI), "")
	for _, op := range []core.Op{core.OpGenerate, core.OpReroll, core.OpVary, core.OpUpscale, core.OpZoom, core.OpPan, core.OpEditRegion, core.OpEditWords, core.OpBlend} {
		k.must(k.request(op))
		c := k.last()
		if c.Type == "application/json" {
			body := map[string]any{}
			for name, v := range c.JSON {
				body[name] = v
				if !slices.Contains(doc, name) && !slices.Contains(unknown, name) {
					t.Errorf("%s: a field %q that the document does not have", op, name)
				}
			}
			check("CreateImageRequest", body)
			continue
		}
		body := map[string]any{}
		for name, v := range c.Fields {
			body[name] = v[0]
			if n, err := strconv.Atoi(v[0]); err == nil && name == "n" {
				body[name] = n
			}
			if !slices.Contains(doc, name) && !slices.Contains(unknown, name) {
				t.Errorf("%s: a field %q that the document does not have", op, name)
			}
		}
		var pics []any
		for _, p := range c.Files["image[]"] {
			pics = append(pics, base64.StdEncoding.EncodeToString(p))
		}
		body["image"] = pics
		for name, list := range c.Files {
			if name == "mask" {
				body["mask"] = base64.StdEncoding.EncodeToString(list[0])
			} else if name != "image[]" {
				t.Errorf("%s: a file %q", op, name)
			}
		}
		check("CreateImageEditRequest", body)
	}
}
