package selfhosted

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/base"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/canvas"
	"github.com/atelier-bridge/atelier/core"
)

// lastWords bounds what is still said to a server when nobody waits any more.
const lastWords = 5 * time.Second

// post sends a JSON body and reads a JSON answer.
func post(ctx context.Context, b *base.Base, path string, body, answer any, n int) error {
	data, err := httpx.Marshal(body)
	if err != nil {
		return err
	}
	k := httpx.Call{Method: http.MethodPost, Path: path, ContentType: "application/json", Accept: "application/json", Body: data, Max: base.MaxAnswer(n)}
	reply, err := b.HTTP.Do(ctx, k)
	if err != nil {
		return err
	}
	return b.HTTP.JSON(k, reply, answer)
}

// result takes pictures out of base64.
func result(ctx context.Context, b *base.Base, j *base.Job, list []string) (core.Result, error) {
	var data [][]byte
	for _, s := range list {
		d, _ := base.Base64(s)
		data = append(data, d)
	}
	pics, note, err := b.Pictures(ctx, data)
	if err != nil {
		return core.Result{}, b.HTTP.Unreadable(httpx.Call{}, err)
	}
	return core.Result{Images: pics, Note: base.Notes(note, base.Short(len(list), max(1, j.N))), Model: j.Model.ID}, nil
}

// seeded is result with the seeds that a batch counts up from.
func seeded(ctx context.Context, b *base.Base, j *base.Job, list []string) (core.Result, error) {
	res, err := result(ctx, b, j, list)
	if err == nil {
		s := j.Seed(0, maxSeed)
		res.Seed = &s
	}
	return res, err
}

// sdserver speaks stable-diffusion.cpp's own API.
// https://github.com/leejet/stable-diffusion.cpp/blob/master/examples/server/api.md
type sdserver struct{ *base.Base }

func (s *sdserver) run(ctx context.Context, j *base.Job, in work, progress core.Progress) (core.Result, error) {
	body := map[string]any{"prompt": j.Words, "negative_prompt": j.Req.Params["no"], "width": in.w, "height": in.h, "seed": j.Seed(0, maxSeed), "batch_count": j.N, "output_format": "png"}
	if in.picture != nil {
		body["init_image"], body["strength"] = base.DataURL(*in.picture), in.strength
	}
	if in.mask != nil {
		body["mask_image"] = base64.StdEncoding.EncodeToString(in.mask)
	}
	var started struct {
		ID string `json:"id"`
	}
	if err := post(ctx, s.Base, "/sdcpp/v1/img_gen", body, &started, 1); err != nil {
		return core.Result{}, err
	}
	if started.ID == "" || base.ID(started.ID) == "" {
		return core.Result{}, s.HTTP.Unreadable(httpx.Call{}, errors.New("the answer holds no id of a job"))
	}
	progress(core.Step{Percent: 10})
	path := "/sdcpp/v1/jobs/" + url.PathEscape(started.ID)
	var state job
	err := s.Await(ctx, func(ctx context.Context) (bool, error) {
		k := httpx.Call{Path: path, Accept: "application/json", Max: base.MaxAnswer(j.N)}
		reply, err := s.HTTP.Do(ctx, k)
		if err != nil {
			return false, err
		}
		state = job{}
		if err := s.HTTP.JSON(k, reply, &state); err != nil {
			return false, err
		}
		return state.done()
	})
	if ctx.Err() != nil {
		s.cancel(ctx, path)
		return core.Result{}, core.Wrap(core.CodeRetry, context.Cause(ctx))
	}
	if core.ErrorCode(err) == core.CodeUnknown || core.ErrorCode(err) == core.CodeNotFound {
		return core.Result{}, core.Errorf(core.CodeRetry, "%s lost the job.", title).Because(err) // it costs nothing to begin again
	}
	if err != nil {
		return core.Result{}, err
	}
	return seeded(ctx, s.Base, j, state.pictures())
}

func (s *sdserver) cancel(ctx context.Context, path string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	_, _ = s.HTTP.Do(ctx, httpx.Call{Method: http.MethodPost, Path: path + "/cancel"}) // nobody is left to tell
}

// job is the state of a job.
type job struct {
	Status string `json:"status"`
	Result struct {
		Images []struct {
			B64 string `json:"b64_json"`
		} `json:"images"`
	} `json:"result"`
	Error struct {
		Message string `json:"message"`
	} `json:"error"`
}

func (j job) done() (bool, error) {
	switch j.Status {
	case "completed":
		return true, nil
	case "failed", "cancelled":
		e := core.Errorf(core.CodeInvalid, "%s could not make the pictures.", title)
		if why := httpx.Clean(core.Secret{}, j.Error.Message); why != "" {
			_ = e.Say("%s could not make the pictures: %s", title, why)
		}
		return true, e
	}
	return false, nil
}

func (j job) pictures() (out []string) {
	for _, im := range j.Result.Images {
		out = append(out, im.B64)
	}
	return out
}

// a1111 speaks the API of AUTOMATIC1111's web UI. Its interrupt stops whatever runs, so one job of this process is sent
// at a time, and it is told to stop only while that one is there; jobs of others on the same server may still be hit,
// which is why that is off until the operator says that nobody else uses it.
type a1111 struct {
	*base.Base
	turn chan struct{}
}

// images is an answer of the web UI.
type images struct {
	Images []string `json:"images"`
}

func (s *a1111) run(ctx context.Context, j *base.Job, in work, progress core.Progress) (core.Result, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return core.Result{}, core.Wrap(core.CodeRetry, context.Cause(ctx))
	}
	if ctx.Err() != nil { // both were ready
		return core.Result{}, core.Wrap(core.CodeRetry, context.Cause(ctx))
	}
	res, err := s.once(ctx, j, in)
	if ctx.Err() != nil && err != nil && s.Facts.Sends("interrupt") {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		defer cancel()
		_, _ = s.HTTP.Do(ctx, httpx.Call{Method: http.MethodPost, Path: "/sdapi/v1/interrupt"}) // nobody is left to tell
	}
	progress(core.Step{Percent: 95})
	return res, err
}

func (s *a1111) once(ctx context.Context, j *base.Job, in work) (core.Result, error) {
	switch j.Req.Op {
	case core.OpUpscale:
		var out struct {
			Image string `json:"image"`
		}
		err := post(ctx, s.Base, "/sdapi/v1/extra-single-image", map[string]any{"image": base.DataURL(*in.picture), "upscaling_resize": 2, "upscaler_1": s.Facts.Helpers["upscaler"]}, &out, 1)
		if err != nil {
			return core.Result{}, err
		}
		return result(ctx, s.Base, j, []string{out.Image})
	case core.OpDescribe:
		var out struct {
			Caption string `json:"caption"`
		}
		err := post(ctx, s.Base, "/sdapi/v1/interrogate", map[string]any{"image": base.DataURL(*in.picture), "model": s.Facts.Helpers["interrogate"]}, &out, 1)
		if err != nil {
			return core.Result{}, err
		}
		text := base.Texts(out.Caption)
		if text == "" {
			return core.Result{}, s.HTTP.Unreadable(httpx.Call{}, errors.New("the answer holds no text"))
		}
		return core.Result{Text: text, Model: j.Model.ID}, nil
	}
	body := map[string]any{"prompt": j.Words, "negative_prompt": j.Req.Params["no"], "width": in.w, "height": in.h, "seed": j.Seed(0, maxSeed), "batch_size": j.N}
	if _, tile := j.Req.Params["tile"]; tile && s.Facts.Param(j.Model, "tile") != core.FidelityDropped {
		body["tiling"] = true
	}
	path := "/sdapi/v1/txt2img"
	if in.picture != nil {
		path = "/sdapi/v1/img2img"
		body["init_images"], body["denoising_strength"] = []string{base.DataURL(*in.picture)}, in.strength
	}
	if in.mask != nil {
		body["mask"] = "data:image/png;base64," + base64.StdEncoding.EncodeToString(in.mask)
	}
	var out images
	if err := post(ctx, s.Base, path, body, &out, j.N); err != nil {
		return core.Result{}, err
	}
	// The web UI may put a sheet of all pictures in front of them.
	if n := len(out.Images); n == j.N+1 && n > 2 {
		out.Images = out.Images[1:]
	}
	return seeded(ctx, s.Base, j, out.Images)
}

// openai speaks a likeness of OpenAI's image API.
type openai struct{ *base.Base }

func (s *openai) run(ctx context.Context, j *base.Job, in work, progress core.Progress) (core.Result, error) {
	size := strconv.Itoa(in.w) + "x" + strconv.Itoa(in.h)
	k := httpx.Call{Method: http.MethodPost, Path: "/v1/images/generations", ContentType: "application/json", Accept: "application/json", Max: base.MaxAnswer(j.N)}
	var err error
	if in.picture == nil {
		k.Body, err = httpx.Marshal(map[string]any{"prompt": j.Words, "n": j.N, "size": size, "response_format": "b64_json"})
	} else {
		f := httpx.NewForm()
		f.Field("prompt", j.Words)
		f.Field("n", strconv.Itoa(j.N))
		f.Field("size", size)
		f.Field("response_format", "b64_json")
		f.File("image[]", "picture.png", in.picture.MIME, in.picture.Data)
		if in.mask != nil && j.Req.Op == core.OpEditRegion {
			f.File("mask", "mask.png", "image/png", in.mask)
		}
		k.Path = "/v1/images/edits"
		k.Body, k.ContentType, err = f.Body()
	}
	if err != nil {
		return core.Result{}, err
	}
	reply, err := s.HTTP.Do(ctx, k)
	if err != nil {
		return core.Result{}, err
	}
	progress(core.Step{Percent: 90})
	var out struct {
		Data []struct {
			B64 string `json:"b64_json"`
			URL string `json:"url"`
		} `json:"data"`
	}
	if err := s.HTTP.JSON(k, reply, &out); err != nil {
		return core.Result{}, err
	}
	var list []string
	for _, d := range out.Data {
		if d.B64 == "" && d.URL != "" {
			// LocalAI may answer with addresses of its own.
			r, err := s.HTTP.Do(ctx, httpx.Call{URL: d.URL, Accept: "image/*", Max: canvas.MaxBytes})
			if err != nil {
				continue
			}
			d.B64 = base64.StdEncoding.EncodeToString(r.Body)
		}
		list = append(list, d.B64)
	}
	return result(ctx, s.Base, j, list)
}
