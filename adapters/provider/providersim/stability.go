package providersim

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// stability stands in for https://platform.stability.ai/docs/api-reference, as far as it is known.
func (s *Sim) stability(mux *http.ServeMux) {
	s.route(mux, "GET /stability/v1/user/balance", Stability, StepInfo, bearer, func(x *exchange) {
		x.json(http.StatusOK, obj{"credits": float64(s.Balance(Stability, x.Key)) / 10_000})
	})
	s.route(mux, "POST /stability/v2beta/stable-image/", Stability, StepMake, bearer, (*exchange).stableImage)
	s.route(mux, "GET /stability/v2beta/results/{id}", Stability, StepPoll, bearer, func(x *exchange) {
		id := x.r.PathValue("id")
		switch j, done := s.poll(id); {
		case j == nil:
			x.fail(http.StatusNotFound, "not_found", "No such result.")
		case !done:
			x.json(http.StatusAccepted, obj{"id": id, "status": "in-progress"})
		default:
			x.json(http.StatusOK, obj{"image": base64.StdEncoding.EncodeToString(j.data), "seed": 1, "finish_reason": "SUCCESS"})
		}
	})
}

func (x *exchange) stableImage() {
	op := strings.TrimPrefix(x.Path, "/v2beta/stable-image/")
	images := x.Files["image"]
	needs := map[string][]string{"generate/core": {"prompt"}, "generate/ultra": {"prompt"}, "generate/sd3": {"prompt"}, "upscale/fast": {"image"}, "upscale/conservative": {"image", "prompt"},
		"upscale/creative": {"image", "prompt"}, "edit/inpaint": {"image", "prompt", "mask"}, "edit/outpaint": {"image"}}
	fields, known := needs[op]
	if !known {
		x.fail(http.StatusNotFound, "not_found", "Not found.")
		return
	}
	if x.Type != "multipart/form-data" {
		x.fail(http.StatusBadRequest, "bad_request", "Content-Type: must be multipart/form-data")
		return
	}
	for _, f := range fields {
		if len(x.Fields[f]) == 0 && len(x.Files[f]) == 0 {
			x.fail(http.StatusBadRequest, "bad_request", f+": is required")
			return
		}
	}
	ratio := ratioOf(x.Text("aspect_ratio"))
	if len(images) > 0 {
		w, h := sizeOf(images[0])
		if w == 0 {
			x.fail(http.StatusBadRequest, "bad_request", "image: cannot be read")
			return
		}
		l, r, u, d := x.number("left", 0), x.number("right", 0), x.number("up", 0), x.number("down", 0)
		if op == "edit/outpaint" && (l+r+u+d == 0 || max(l, r, u, d) > 2000) {
			x.fail(http.StatusBadRequest, "bad_request", "at least one of left, right, up, down must be given")
			return
		}
		ratio = float64(w+l+r) / float64(h+u+d)
		if m := x.Files["mask"]; len(m) > 0 {
			if mw, mh := sizeOf(m[0]); mw != w || mh != h {
				x.fail(http.StatusBadRequest, "bad_request", "mask: must have the size of the image")
				return
			}
		}
	}
	if a := x.Text("aspect_ratio"); a != "" && !slices.Contains([]string{"1:1", "21:9", "16:9", "3:2", "5:4", "4:5", "2:3", "9:16", "9:21"}, a) {
		x.fail(http.StatusBadRequest, "bad_request", "aspect_ratio: is invalid")
		return
	}
	prompt := x.Text("prompt")
	if strings.Contains(prompt, RefuseWord) {
		x.refuse("input")
		return
	}
	if !x.pay(price, 1) {
		x.noCredit()
		return
	}
	data := x.picture(prompt+op, x.number("seed", 0), 0, ratio)
	if op == "upscale/creative" {
		x.json(http.StatusAccepted, obj{"id": x.s.add(&job{provider: Stability, data: data})})
		return
	}
	if strings.HasPrefix(x.r.Header.Get("Accept"), "image/") {
		x.w.Header().Set("Content-Type", "image/png")
		_, _ = x.w.Write(data)
		return
	}
	x.json(http.StatusOK, obj{"image": base64.StdEncoding.EncodeToString(data), "seed": x.number("seed", 0), "finish_reason": "SUCCESS"})
}
