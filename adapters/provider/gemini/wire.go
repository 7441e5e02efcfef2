package gemini

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/base"
	"github.com/atelier-bridge/atelier/core"
)

// answer is the part of an answer that is read.
type answer struct {
	ResponseID string `json:"responseId"`
	Candidates []struct {
		Content struct {
			Parts []part `json:"parts"`
		} `json:"content"`
		FinishReason string `json:"finishReason"`
	} `json:"candidates"`
	PromptFeedback struct {
		BlockReason string `json:"blockReason"`
	} `json:"promptFeedback"`
}

type part struct {
	Text       string `json:"text"`
	Thought    bool   `json:"thought"` // a sketch on the way, or what the model thought
	InlineData *struct {
		Data string `json:"data"`
	} `json:"inlineData"`
}

func (a answer) parts() (out []part) {
	for _, c := range a.Candidates {
		for _, p := range c.Content.Parts {
			if !p.Thought {
				out = append(out, p)
			}
		}
	}
	return out
}

// pictures decodes what there is; what is no base64 counts as a broken picture.
func (a answer) pictures() (out [][]byte) {
	for _, p := range a.parts() {
		if p.InlineData != nil {
			data, _ := base.Base64(p.InlineData.Data)
			out = append(out, data)
		}
	}
	return out
}

func (a answer) text() string {
	var b strings.Builder
	for _, p := range a.parts() {
		if p.Text != "" {
			b.WriteString(p.Text + "\n")
		}
	}
	return b.String()
}

// without says why an answer holds nothing. NO_IMAGE, and words instead of a picture, are no refusals: the same again
// may well work, but it is billed again, so that is the person's to say.
// https://ai.google.dev/api/generate-content#FinishReason
func (a answer) without() error {
	if r := a.PromptFeedback.BlockReason; r != "" && r != "BLOCK_REASON_UNSPECIFIED" {
		return base.Refused(title, "input", base.Category(r))
	}
	for _, c := range a.Candidates {
		if slices.Contains([]string{"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER"}, c.FinishReason) {
			return base.Refused(title, "output", base.Category(c.FinishReason))
		}
	}
	if a.text() != "" {
		return core.Errorf(core.CodeInvalid, "Gemini answered in words and made no picture.").WithNext("Say more clearly what to show, or press Reroll.")
	}
	return core.Errorf(core.CodeInvalid, "Gemini made no picture this time.").WithNext("That is no refusal: press Reroll to try again.")
}

// classify finds wrong keys, which come as bad requests, and how long to wait, which stands in the body.
func classify(status int, body []byte) *core.Error {
	var in struct {
		Error struct {
			Details []struct {
				Reason     string `json:"reason"`
				RetryDelay string `json:"retryDelay"`
			} `json:"details"`
		} `json:"error"`
	}
	if !base.Reads(body, &in) {
		return nil
	}
	for _, d := range in.Error.Details {
		if strings.HasPrefix(d.Reason, "API_KEY_") && status < http.StatusInternalServerError {
			return httpx.NoKey(title)
		}
		if wait, err := time.ParseDuration(d.RetryDelay); err == nil && wait > 0 && wait <= time.Hour && status == http.StatusTooManyRequests {
			e := core.Errorf(core.CodeRetry, "%s is busy.", title).WithNext("Please try again in a few minutes.")
			e.RetryAfter = wait
			return e
		}
	}
	return nil
}
