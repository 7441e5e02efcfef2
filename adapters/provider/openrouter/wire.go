package openrouter

import (
	"net/http"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/base"
	"github.com/atelier-bridge/atelier/core"
)

// envelope is what all answers share: the upstream's error may come with a 200.
type envelope struct {
	ID    string `json:"id"`
	Error *fault `json:"error"`
	Usage *struct {
		Cost float64 `json:"cost"` // US dollars
	} `json:"usage"`
}

type fault struct {
	Code     any    `json:"code"`
	Message  string `json:"message"`
	Metadata struct {
		Reasons []string `json:"reasons"`
	} `json:"metadata"`
}

// cost is exact: OpenRouter tells what it took.
func (e envelope) cost() core.Cost {
	if e.Usage == nil {
		return core.Cost{}
	}
	return core.Cost{Micros: max(0, micros(e.Usage.Cost))}
}

// failed is the error inside an answer that came as a success. What the upstream's own failure cost is not known.
func (e envelope) failed() error {
	if e.Error == nil {
		return nil
	}
	if r := e.Error.refusal(); r != nil {
		return r
	}
	switch code, _ := e.Error.Code.(float64); int(code) {
	case http.StatusPaymentRequired:
		return httpx.NoCredit("OpenRouter")
	case http.StatusTooManyRequests:
		return core.Errorf(core.CodeRetry, "OpenRouter is busy.").WithNext("Please try again in a few minutes.")
	}
	return core.Errorf(core.CodeUnknown, "Whoever runs the model for OpenRouter failed. It may have been billed.").WithNext("Look at your activity there before you run it again.")
}

// refusal is the error when a moderation flagged something.
func (f fault) refusal() *core.Error {
	code, _ := f.Code.(string)
	if len(f.Metadata.Reasons) == 0 && code != "moderation_blocked" && code != "content_policy_violation" {
		return nil
	}
	category := ""
	if len(f.Metadata.Reasons) > 0 {
		category = base.Category(f.Metadata.Reasons[0])
	}
	return base.Refused("OpenRouter", "input", category)
}

func classify(_ int, body []byte) *core.Error {
	var e envelope
	if !base.Reads(body, &e) || e.Error == nil {
		return nil
	}
	return e.Error.refusal()
}

// answer is the part of an images answer that is read.
type answer struct {
	envelope
	Data []struct {
		B64 string `json:"b64_json"`
	} `json:"data"`
}

// pictures decodes what there is; what is no base64 counts as a broken picture.
func (a answer) pictures() (out [][]byte) {
	for _, d := range a.Data {
		data, _ := base.Base64(d.B64)
		out = append(out, data)
	}
	return out
}

// chat is the part of a chat answer that is read.
type chat struct {
	envelope
	Model   string `json:"model"`
	Choices []struct {
		Message struct {
			Content string `json:"content"`
		} `json:"message"`
	} `json:"choices"`
}

func (c chat) text() string {
	if len(c.Choices) == 0 {
		return ""
	}
	return c.Choices[0].Message.Content
}
