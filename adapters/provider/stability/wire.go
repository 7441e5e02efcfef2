package stability

import (
	"errors"
	"strings"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/base"
	"github.com/atelier-bridge/atelier/core"
)

var errNoID = errors.New("the answer holds no id of a job")

// answer is the part of a JSON answer that is read. Its fields are not confirmed, so each may be missing.
type answer struct {
	Image  string `json:"image"`
	Seed   *int64 `json:"seed"`
	Finish string `json:"finish_reason"`
}

// picture takes the picture out of an answer, which is JSON or the picture itself.
func (p *Provider) picture(k httpx.Call, reply httpx.Reply) (data []byte, seed *int64, err error) {
	if strings.HasPrefix(reply.Header.Get("Content-Type"), "image/") {
		return reply.Body, nil, nil
	}
	var in answer
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return nil, nil, err
	}
	if err := in.refused(); err != nil {
		return nil, nil, err
	}
	if data, err = base.Base64(in.Image); err != nil {
		return nil, nil, p.HTTP.Unreadable(k, err)
	}
	return data, in.Seed, nil
}

// refused is the error when the picture was held back.
func (a answer) refused() error {
	if strings.Contains(strings.ToLower(a.Finish), "filter") {
		return base.Refused(title, "output", "")
	}
	return nil
}

// classify tells content that is moderated, which has the status of a key without permission, by its name.
func classify(_ int, body []byte) *core.Error {
	var in struct {
		Name string `json:"name"`
	}
	if base.Reads(body, &in) && strings.Contains(in.Name, "moderation") {
		return base.Refused(title, "input", "")
	}
	return nil
}
