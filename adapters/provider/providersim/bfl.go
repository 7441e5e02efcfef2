package providersim

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// bfl stands in for https://docs.bfl.ai: submissions, the address to ask at, and results at an address of their own.
func (s *Sim) bfl(mux *http.ServeMux) {
	auth := header("X-Key")
	s.route(mux, "GET /bfl/v1/credits", BFL, StepInfo, auth, func(x *exchange) {
		x.json(http.StatusOK, obj{"credits": float64(s.Balance(BFL, x.Key)) / 10_000})
	})
	s.route(mux, "POST /bfl/v1/", BFL, StepMake, auth, (*exchange).submit)
	s.route(mux, "GET /bfl/v1/get_result", BFL, StepPoll, auth, func(x *exchange) {
		id := x.r.URL.Query().Get("id")
		switch j, done := s.poll(id); {
		case j == nil:
			x.json(http.StatusNotFound, obj{"id": id, "status": "Task not found"})
		case !done:
			x.json(http.StatusOK, obj{"id": id, "status": "Pending", "progress": .5, "result": nil})
		case j.status != "":
			x.json(http.StatusOK, obj{"id": id, "status": j.status, "details": obj{"Moderation Reasons": []string{"Safety Filter"}}})
		default:
			x.json(http.StatusOK, obj{"id": id, "status": "Ready", "result": obj{"sample": x.base() + "/results/" + id + ".png", "seed": 1}})
		}
	})
	s.route(mux, "GET /bfl/results/{file}", BFL, StepFetch, nil, func(x *exchange) {
		s.mu.Lock()
		j := s.jobs[strings.TrimSuffix(x.r.PathValue("file"), ".png")]
		s.mu.Unlock()
		if j == nil || len(x.r.Header.Get("X-Key")) > 0 {
			http.Error(x.w, "AuthenticationFailed", http.StatusForbidden)
			return
		}
		x.w.Header().Set("Content-Type", "image/png")
		_, _ = x.w.Write(j.data)
	})
}

func (x *exchange) submit() {
	prompt := x.Text("prompt")
	w, h := x.number("width", 1024), x.number("height", 1024)
	paths := []string{"/v1/flux-2-pro", "/v1/flux-2-max", "/v1/flux-2-flex", "/v1/flux-2-klein-4b", "/v1/flux-2-klein-9b", "/v1/flux-tools/outpainting-v1", "/v1/flux-pro-1.0-fill"}
	known := false
	for _, p := range paths {
		known = known || p == x.Path
	}
	pictures := 0
	for _, name := range []string{"input_image", "input_image_2", "input_image_3", "input_image_4", "input_image_5", "input_image_6", "input_image_7", "input_image_8", "image", "mask"} {
		if v := x.Text(name); v != "" {
			raw, err := base64.StdEncoding.DecodeString(v)
			if pw, _ := sizeOf(raw); err != nil || pw == 0 {
				x.json(http.StatusUnprocessableEntity, obj{"detail": []obj{{"loc": []string{"body", name}, "msg": "Invalid image", "type": "value_error"}}})
				return
			}
			pictures++
		}
	}
	switch {
	case !known:
		x.fail(http.StatusNotFound, "not_found", "Not Found")
		return
	case w%16 != 0 || h%16 != 0 || w < 64 || h < 64 || w*h > 4_000_000 || x.number("reference_offset_x", 0)%16 != 0 || x.number("reference_offset_y", 0)%16 != 0:
		x.json(http.StatusUnprocessableEntity, obj{"detail": []obj{{"loc": []string{"body", "width"}, "msg": "Width and height are multiples of 16 up to 4 megapixels", "type": "value_error"}}})
		return
	case strings.Contains(prompt, RefuseWord):
		x.refuse("input")
		return
	case !x.pay(price, 1):
		x.noCredit()
		return
	}
	j := &job{provider: BFL, data: x.picture(prompt, x.number("seed", 0)+pictures, 0, float64(w)/float64(h))}
	id := x.s.add(j)
	address := x.base() + "/v1/get_result?id=" + id
	if x.fault == ForeignURL {
		address = "https://api.bfl.ai.example.org/v1/get_result?id=" + id
	}
	x.json(http.StatusOK, obj{"id": id, "polling_url": address, "cost": float64(price) / 10_000, "input_mp": 0, "output_mp": 1})
}
