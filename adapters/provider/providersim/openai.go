package providersim

import (
	"net/http"
	"strings"
)

// openai stands in for https://platform.openai.com/docs/api-reference/images and the vision part of the Responses API.
func (s *Sim) openai(mux *http.ServeMux) {
	s.route(mux, "GET /openai/v1/models", OpenAI, StepInfo, bearer, func(x *exchange) {
		x.json(http.StatusOK, obj{"object": "list", "data": []obj{{"id": "gpt-image-2.6-sunburst", "object": "model"}, {"id": "gpt-image-2.6-flare", "object": "model"}, {"id": "gpt-image-2", "object": "model"}, {"id": "gpt-5.6-luna", "object": "model"}}})
	})
	s.route(mux, "POST /openai/v1/images/generations", OpenAI, StepMake, bearer, (*exchange).imagesAPI)
	s.route(mux, "POST /openai/v1/images/edits", OpenAI, StepMake, bearer, (*exchange).imagesAPI)
	s.route(mux, "POST /openai/v1/responses", OpenAI, StepMake, bearer, func(x *exchange) {
		if !x.pay(price/10, 0) {
			x.noCredit()
			return
		}
		x.w.Header().Set("X-Request-Id", "req_"+token(8))
		x.json(http.StatusOK, obj{"id": "resp_" + token(8), "object": "response", "status": "completed", "model": x.Text("model"), "output": []obj{{"type": "message", "role": "assistant",
			"content": []obj{{"type": "output_text", "text": "a quiet harbour at dusk, soft light\na harbour painted in blue and gold", "annotations": []any{}}}}},
			"usage": obj{"input_tokens": 800, "output_tokens": 40, "total_tokens": 840}})
	})
}

// imagesAPI answers generations and edits as OpenAI does.
func (x *exchange) imagesAPI() {
	prompt, n := x.Text("prompt"), x.number("n", 1)
	bad := func(message string) { x.fail(http.StatusBadRequest, "invalid_value", message) }
	edits := strings.HasSuffix(x.Path, "/edits")
	pics := append(append([][]byte(nil), x.Files["image[]"]...), x.Files["image"]...)
	mask := x.Files["mask"]
	var w, h int
	if a, b, ok := strings.Cut(x.Text("size"), "x"); ok {
		w, h = atoi(a), atoi(b)
	}
	switch {
	case prompt == "":
		bad("Missing required parameter: 'prompt'.")
		return
	case len([]rune(prompt)) > 32000:
		bad("Invalid 'prompt': string too long.")
		return
	case n < 1 || n > 10:
		bad("Invalid 'n': integer above maximum value.")
		return
	case w%16 != 0 || h%16 != 0 || w <= 0 || h <= 0 || w > 3*h || h > 3*w || max(w, h) > 3840 || min(w, h) > 2160:
		bad("Invalid size.")
		return
	case edits && (len(pics) == 0 || len(pics) > 16):
		bad("Between 1 and 16 images are needed.")
		return
	case edits && x.Type != "multipart/form-data", !edits && x.Type != "application/json":
		bad("Unsupported content type.")
		return
	}
	for _, p := range pics {
		if pw, _ := sizeOf(p); pw == 0 {
			bad("Invalid image file.")
			return
		}
	}
	if len(mask) > 0 {
		mw, mh := sizeOf(mask[0])
		if pw, ph := sizeOf(pics[0]); mw != pw || mh != ph || len(mask[0]) > 4<<20 {
			bad("Invalid mask image size: it must have the image's size.")
			return
		}
	}
	if strings.Contains(prompt, RefuseWord) {
		x.refuse("input")
		return
	}
	if !x.pay(int64(n)*price, n) {
		x.noCredit()
		return
	}
	var data []obj
	for i := range n {
		data = append(data, obj{"b64_json": x.b64(prompt, len(pics), i, float64(w)/float64(h))})
	}
	x.w.Header().Set("X-Request-Id", "req_"+token(8))
	in := obj{"text_tokens": 20, "image_tokens": 300 * len(pics)}
	x.json(http.StatusOK, obj{"created": x.s.o.Clock.Now().Unix(), "background": "opaque", "output_format": "png", "quality": "medium", "data": data,
		"usage": obj{"input_tokens": 20 + 300*len(pics), "input_tokens_details": in, "output_tokens": 1000 * n, "output_tokens_details": obj{"image_tokens": 1000 * n, "text_tokens": 0}, "total_tokens": 20 + 300*len(pics) + 1000*n}})
}

func atoi(s string) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 1_000_000 {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}
