package bfl

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/base"
	"github.com/atelier-bridge/atelier/core"
)

var (
	errNoAddress = errors.New("the answer holds no address to ask at that is allowed")
	errHandle    = errors.New("the handle is none of ours")
)

// accepted is the answer to a submission.
type accepted struct {
	PollingURL string   `json:"polling_url"`
	Cost       *float64 `json:"cost"` // in credits
}

// cost is in millionths of a dollar, with the price of a credit in them.
func (a accepted) cost(credit int64) int64 {
	if a.Cost == nil || !(*a.Cost >= 0 && *a.Cost < 1e6) {
		return 0
	}
	return int64(math.Round(*a.Cost * float64(credit)))
}

// handle is what Resume needs; it holds no credential.
type handle struct {
	Jobs []task `json:"jobs"`
}

type task struct {
	URL  string `json:"url"`
	Seed int64  `json:"seed"`
	Cost int64  `json:"cost,omitempty"`
}

func (h handle) text() string {
	b, err := json.Marshal(h)
	if err != nil {
		return ""
	}
	return string(b)
}

// maxJobs bounds the jobs of a handle.
const maxJobs = 16

func readHandle(s string) (handle, error) {
	var h handle
	if err := json.Unmarshal([]byte(s), &h); err != nil || len(h.Jobs) == 0 || len(h.Jobs) > maxJobs {
		return h, core.Wrap(core.CodeNotFound, errHandle)
	}
	return h, nil
}

// state is the answer when a job is asked after.
type state struct {
	Status string `json:"status"`
	Result struct {
		Sample string `json:"sample"`
	} `json:"result"`
	Details json.RawMessage `json:"details"`
}

// done reports whether a job has ended, with the error when it ended badly. The names of refusals are not confirmed, so
// anything that is moderated counts as one.
func (s state) done() (bool, error) {
	status := strings.ToLower(s.Status)
	switch {
	case status == "ready" && s.Result.Sample != "":
		return true, nil
	case status == "ready":
		return true, core.Wrap(core.CodeUnknown, errNoAddress)
	case strings.Contains(status, "moderated"):
		stage := "output"
		if strings.HasPrefix(status, "request") {
			stage = "input"
		}
		return true, base.Refused(title, stage, "")
	case strings.Contains(status, "not found"):
		return true, core.Errorf(core.CodeNotFound, "%s does not know that job any more.", title)
	case status == "error" || status == "failed":
		return true, core.Errorf(core.CodeUnknown, "%s could not finish the picture. It may have been billed.", title).WithNext("Look at your activity there before you run it again.")
	}
	return false, nil
}

// classify finds refusals that come at once.
func classify(status int, body []byte) *core.Error {
	var in struct {
		Detail any    `json:"detail"`
		Status string `json:"status"`
	}
	if !base.Reads(body, &in) {
		return nil
	}
	text, _ := in.Detail.(string)
	switch {
	case strings.Contains(strings.ToLower(text+in.Status), "moderat") && status < http.StatusInternalServerError:
		return base.Refused(title, "input", "")
	case status == http.StatusForbidden && strings.Contains(strings.ToLower(text), "authenticat"):
		return httpx.NoKey(title)
	}
	return nil
}
