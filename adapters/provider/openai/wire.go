package openai

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/base"
	"github.com/atelier-bridge/atelier/core"
)

// answer is the part of an images answer that is read.
type answer struct {
	Data []struct {
		B64 string `json:"b64_json"`
	} `json:"data"`
	Usage *usage `json:"usage"`
}

type usage struct {
	Input   int64 `json:"input_tokens"`
	Output  int64 `json:"output_tokens"`
	Details struct {
		Text  int64 `json:"text_tokens"`
		Image int64 `json:"image_tokens"`
	} `json:"input_tokens_details"`
}

// pictures decodes what there is; what is no base64 counts as a broken picture.
func (a answer) pictures() (out [][]byte) {
	for _, d := range a.Data {
		data, _ := base.Base64(d.B64)
		out = append(out, data)
	}
	return out
}

// said is the part of an answer of the Responses API that is read.
type said struct {
	Output []struct {
		Type    string `json:"type"`
		Content []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"content"`
	} `json:"output"`
}

var errNoText = errors.New("the answer holds no text")

func (s said) text() (text string, refused bool) {
	var b strings.Builder
	for _, o := range s.Output {
		for _, c := range o.Content {
			switch c.Type {
			case "output_text":
				b.WriteString(c.Text + "\n")
			case "refusal":
				refused = true
			}
		}
	}
	return b.String(), refused && b.Len() == 0
}

// fault is an error body.
type fault struct {
	Error struct {
		Message    string `json:"message"`
		Code       any    `json:"code"`
		Stage      string `json:"stage"`
		Moderation struct {
			Stage      string   `json:"moderation_stage"`
			Plain      string   `json:"stage"`
			Categories []string `json:"categories"`
		} `json:"moderation_details"`
	} `json:"error"`
}

var violations = regexp.MustCompile(`safety_violations=\[([a-z_/, -]{1,100})\]`)

// classify finds refusals and empty accounts, which have statuses of other meanings.
func classify(status int, body []byte) *core.Error {
	var f fault
	if !base.Reads(body, &f) {
		return nil
	}
	code, _ := f.Error.Code.(string)
	switch {
	case code == "moderation_blocked" || code == "content_policy_violation":
		return base.Refused("OpenAI", f.stage(), f.category())
	case code == "insufficient_quota" || code == "billing_hard_limit_reached":
		return httpx.NoCredit("OpenAI")
	case status == http.StatusBadRequest && code == "invalid_api_key":
		return httpx.NoKey("OpenAI")
	}
	return nil
}

func (f fault) stage() string {
	for _, s := range []string{f.Error.Moderation.Stage, f.Error.Moderation.Plain, f.Error.Stage} {
		if s == "input" || s == "output" {
			return s
		}
	}
	return ""
}

func (f fault) category() string {
	text := strings.Join(f.Error.Moderation.Categories, ", ")
	if m := violations.FindStringSubmatch(f.Error.Message); text == "" && m != nil {
		text = m[1]
	}
	return base.Category(text)
}
