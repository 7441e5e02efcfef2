package providersim

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// grant is what a code of the OAuth page stands for.
type grant struct{ challenge, owner string }

// authPage is the page on which somebody allows a key.
const authPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>OpenRouter (stand-in)</title>
<body style="font:16px system-ui;max-width:28rem;margin:4rem auto"><h1>Authorize Atelier</h1>
<p>{{.Host}} asks for a key that bills the account below. This is a stand-in: nothing is billed.</p>
<form method="post"><input type="hidden" name="callback_url" value="{{.Callback}}"><input type="hidden" name="code_challenge" value="{{.Challenge}}">
<label>Account <input name="owner" value="{{.Owner}}" required></label> <button>Authorize</button></form>`

// openrouter stands in for https://openrouter.ai/docs/api/api-reference: images, chat, the key's facts, and OAuth with
// PKCE. New keys have ten dollars.
func (s *Sim) openrouter(mux *http.ServeMux) {
	page := template.Must(template.New("auth").Parse(authPage))
	mux.HandleFunc("GET /openrouter/auth", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		back, err := url.Parse(q.Get("callback_url"))
		if err != nil || !goodCallback(back) || q.Get("code_challenge") == "" || q.Get("code_challenge_method") != "S256" {
			http.Error(w, "callback_url, code_challenge or code_challenge_method is wrong", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, map[string]string{"Host": back.Host, "Callback": q.Get("callback_url"), "Challenge": q.Get("code_challenge"), "Owner": "demo"})
	})
	mux.HandleFunc("POST /openrouter/auth", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		back, err := url.Parse(r.FormValue("callback_url"))
		if err != nil || !goodCallback(back) || r.FormValue("code_challenge") == "" {
			http.Error(w, "wrong form", http.StatusBadRequest)
			return
		}
		q := back.Query()
		q.Set("code", s.Allow(r.FormValue("owner"), r.FormValue("code_challenge")))
		back.RawQuery = q.Encode()
		http.Redirect(w, r, back.String(), http.StatusSeeOther)
	})
	s.route(mux, "POST /openrouter/api/v1/auth/keys", OpenRouter, StepInfo, nil, func(x *exchange) {
		code, sum := x.Text("code"), sha256.Sum256([]byte(x.Text("code_verifier")))
		s.mu.Lock()
		g, ok := s.codes[code]
		delete(s.codes, code) // once, whatever comes of it
		s.mu.Unlock()
		if !ok || x.Text("code_challenge_method") != "S256" || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
			x.fail(http.StatusForbidden, "forbidden", "Invalid code or code_verifier or already used code")
			return
		}
		key := "sk-or-v1-" + token(32)
		s.AddKey(OpenRouter, key, g.owner, 10_000_000)
		x.json(http.StatusOK, obj{"key": key, "user_id": "user_" + g.owner})
	})
	s.route(mux, "GET /openrouter/api/v1/key", OpenRouter, StepInfo, bearer, func(x *exchange) {
		left := float64(s.Balance(OpenRouter, x.Key)) / 1e6
		label := x.Key
		if len(label) > 15 {
			label = label[:12] + "..." + label[len(label)-3:]
		}
		x.json(http.StatusOK, obj{"data": obj{"label": label, "limit": 10, "limit_remaining": left, "usage": 10 - left, "is_free_tier": false, "is_provisioning_key": false}})
	})
	s.route(mux, "POST /openrouter/api/v1/images", OpenRouter, StepMake, bearer, (*exchange).orImages)
	s.route(mux, "POST /openrouter/api/v1/chat/completions", OpenRouter, StepMake, bearer, func(x *exchange) {
		if !x.pay(price/10, 0) {
			x.noCredit()
			return
		}
		x.json(http.StatusOK, obj{"id": "gen-" + token(8), "model": x.Text("model"), "choices": []obj{{"finish_reason": "stop", "message": obj{"role": "assistant", "content": "a quiet harbour at dusk\na harbour in blue and gold"}}},
			"usage": obj{"prompt_tokens": 800, "completion_tokens": 40, "cost": float64(price/10) / 1e6}})
	})
}

// Allow is what the page's button does: it returns a code that works once, for a new key of the owner.
func (s *Sim) Allow(owner, challenge string) (code string) {
	code = token(16)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = grant{challenge, owner}
	return code
}

// goodCallback allows https on 443 or 3000, and anything on this machine.
func goodCallback(u *url.URL) bool {
	if h := u.Hostname(); h == "localhost" || h == "127.0.0.1" || h == "::1" {
		return u.Scheme == "http" || u.Scheme == "https"
	}
	return u.Scheme == "https" && u.Host != "" && slices.Contains([]string{"", "443", "3000"}, u.Port())
}

func (x *exchange) orImages() {
	prompt, n := x.Text("prompt"), x.number("n", 1)
	refs, _ := x.JSON["input_references"].([]any)
	known := []string{"model", "prompt", "aspect_ratio", "resolution", "size", "n", "seed", "background", "output_format", "input_references", "stream"}
	for name := range x.JSON {
		if !slices.Contains(known, name) {
			x.fail(http.StatusBadRequest, "bad_request", "Unrecognized key: "+name)
			return
		}
	}
	ratios := []string{"1:1", "1:2", "1:4", "1:8", "2:1", "2:3", "3:2", "3:4", "4:1", "4:3", "4:5", "5:4", "8:1", "9:16", "16:9", "9:20", "20:9", "9:21", "21:9", "auto", ""}
	switch {
	case x.Text("model") == "" || prompt == "":
		x.fail(http.StatusBadRequest, "bad_request", "model and prompt are needed")
		return
	case n < 1 || n > 10 || len(refs) > 16 || !slices.Contains(ratios, x.Text("aspect_ratio")):
		x.fail(http.StatusBadRequest, "bad_request", "a parameter is out of range")
		return
	}
	for _, r := range refs {
		part, _ := r.(map[string]any)
		link, _ := part["image_url"].(map[string]any)
		address, _ := link["url"].(string)
		_, data, ok := strings.Cut(address, ";base64,")
		raw, err := base64.StdEncoding.DecodeString(data)
		if w, _ := sizeOf(raw); part["type"] != "image_url" || !ok || err != nil || w == 0 {
			x.fail(http.StatusBadRequest, "bad_request", "input_references: no picture")
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
		data = append(data, obj{"b64_json": x.b64(prompt, x.number("seed", 0)+len(refs), i, ratioOf(x.Text("aspect_ratio")))})
	}
	x.json(http.StatusOK, obj{"created": x.s.o.Clock.Now().Unix(), "data": data, "usage": obj{"prompt_tokens": 0, "completion_tokens": 4175, "total_tokens": 4175, "cost": float64(n) * price / 1e6}})
}
