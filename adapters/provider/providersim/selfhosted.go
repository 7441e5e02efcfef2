package providersim

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// selfhosted stands in for servers of one's own, in three shapes below one address: OpenAI's, AUTOMATIC1111's and
// stable-diffusion.cpp's. They take no key.
func (s *Sim) selfhosted(mux *http.ServeMux) {
	const p = SelfHosted
	for _, path := range []string{"generations", "edits"} {
		s.route(mux, "POST /selfhosted/v1/images/"+path, p, StepMake, nil, (*exchange).imagesAPI)
	}
	batch := func(count string) func(*exchange) {
		return func(x *exchange) {
			n, w, h := x.number(count, 1), x.number("width", 512), x.number("height", 512)
			if _, init := x.JSON["init_images"]; strings.HasSuffix(x.Path, "img2img") && !init || n < 1 || n > 16 || w < 64 || h < 64 {
				x.json(http.StatusUnprocessableEntity, obj{"detail": []obj{{"msg": "a field is missing or out of range"}}})
				return
			}
			var out []string
			for i := range n {
				out = append(out, x.b64(x.Text("prompt"), x.number("seed", 0)+len(x.Text("mask")), i, float64(w)/float64(h)))
			}
			x.pay(0, n)
			x.json(http.StatusOK, obj{"images": out, "parameters": obj{}, "info": ""})
		}
	}
	s.route(mux, "POST /selfhosted/sdapi/v1/txt2img", p, StepMake, nil, batch("batch_size"))
	s.route(mux, "POST /selfhosted/sdapi/v1/img2img", p, StepMake, nil, batch("batch_size"))
	s.route(mux, "POST /selfhosted/sdapi/v1/extra-single-image", p, StepMake, nil, func(x *exchange) {
		x.json(http.StatusOK, obj{"html_info": "", "image": x.b64("upscaled", 0, 0, 1)})
	})
	s.route(mux, "POST /selfhosted/sdapi/v1/interrogate", p, StepMake, nil, func(x *exchange) {
		x.json(http.StatusOK, obj{"caption": "a harbour at dusk"})
	})
	s.route(mux, "POST /selfhosted/sdapi/v1/interrupt", p, StepInfo, nil, func(x *exchange) { x.json(http.StatusOK, obj{}) })
	s.sdcpp(mux)
}

func (s *Sim) sdcpp(mux *http.ServeMux) {
	const p = SelfHosted
	s.route(mux, "GET /selfhosted/sdcpp/v1/capabilities", p, StepInfo, nil, func(x *exchange) {
		x.json(http.StatusOK, obj{"supported_modes": []string{"img_gen"}, "limits": obj{"min_width": 64, "max_width": 2048, "min_height": 64, "max_height": 2048, "max_batch_count": 8, "max_queue_size": 16}})
	})
	s.route(mux, "POST /selfhosted/sdcpp/v1/img_gen", p, StepMake, nil, func(x *exchange) {
		n, w, h := x.number("batch_count", 1), x.number("width", 512), x.number("height", 512)
		if x.Text("prompt") == "" || n < 1 || n > 8 || w < 64 || h < 64 || w > 2048 || h > 2048 {
			x.json(http.StatusBadRequest, obj{"error": "invalid generation parameters"})
			return
		}
		j := &job{provider: p}
		for i := range n {
			j.list = append(j.list, x.picture(x.Text("prompt"), x.number("seed", 0)+len(x.Text("mask_image")), i, float64(w)/float64(h)))
		}
		id := "job_" + s.add(j)
		x.pay(0, n)
		x.json(http.StatusAccepted, obj{"id": id, "kind": "img_gen", "status": "queued", "created": s.o.Clock.Now().Unix(), "poll_url": "/sdcpp/v1/jobs/" + id})
	})
	s.route(mux, "GET /selfhosted/sdcpp/v1/jobs/{id}", p, StepPoll, nil, func(x *exchange) {
		id := x.r.PathValue("id")
		state := obj{"id": id, "kind": "img_gen", "status": "generating", "queue_position": 0, "result": nil, "error": nil}
		j, done := s.poll(strings.TrimPrefix(id, "job_"))
		switch {
		case j == nil:
			x.json(http.StatusNotFound, obj{"error": "no such job"})
			return
		case s.Stopped(id):
			state["status"], state["error"] = "cancelled", obj{"code": "cancelled", "message": "job cancelled by client"}
		case done:
			var images []obj
			for i, data := range j.list {
				images = append(images, obj{"index": i, "b64_json": base64.StdEncoding.EncodeToString(data)})
			}
			state["status"], state["result"] = "completed", obj{"output_format": "png", "images": images}
		}
		x.json(http.StatusOK, state)
	})
	s.route(mux, "POST /selfhosted/sdcpp/v1/jobs/{id}/cancel", p, StepInfo, nil, func(x *exchange) {
		s.mu.Lock()
		s.stopped[x.r.PathValue("id")] = true
		s.mu.Unlock()
		x.json(http.StatusOK, obj{"id": x.r.PathValue("id"), "status": "cancelled"})
	})
}

// Stopped reports whether a job of the self-hosted server was cancelled.
func (s *Sim) Stopped(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped[id]
}
