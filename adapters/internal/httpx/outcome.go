package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// maxWait bounds what a Retry-After is believed.
const maxWait = 24 * time.Hour

// outcome turns an answer that is no success into an error. CodeRetry: nothing was billed. CodeUnknown: it may have
// been. A server error counts as accepted unless it says when to come back.
func (c *Client) outcome(k Call, status int, h http.Header, body []byte) error {
	if c.o.Classify != nil {
		if e := c.o.Classify(status, body); e != nil {
			if e.Code == core.CodeRetry && e.RetryAfter == 0 {
				e.RetryAfter = c.retryAfter(h)
			}
			return e.Because(StatusError(status))
		}
	}
	cause := StatusError(status)
	switch wait := c.retryAfter(h); {
	case status == http.StatusUnauthorized:
		return NoKey(c.o.Name).Because(cause) // some providers quote a part of the key here
	case status == http.StatusForbidden:
		e := NoKey(c.o.Name).Because(cause)
		if why := c.Said(k.Key, body); why != "" {
			_ = e.Say("%s did not accept the key for this: %s", c.o.Name, why)
		}
		if k.Billable {
			e.Code = core.CodeInvalid // this request is not allowed; the key may be good for others
		}
		return e
	case status == http.StatusPaymentRequired:
		return NoCredit(c.o.Name).Because(cause)
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable && h.Get("Retry-After") != "":
		e := core.Errorf(core.CodeRetry, "%s is busy.", c.o.Name).WithNext("Please try again in a few minutes.").Because(cause)
		e.RetryAfter = wait
		return e
	case status >= 500 || status == http.StatusRequestTimeout || status < 400:
		if k.Billable {
			return c.unknown(cause)
		}
		return core.Errorf(core.CodeRetry, "%s cannot be reached at the moment.", c.o.Name).WithNext("Please try again in a few minutes.").Because(cause)
	case status == http.StatusNotFound || status == http.StatusGone:
		if !k.Billable {
			return core.Errorf(core.CodeNotFound, "%s does not know that any more.", c.o.Name).Because(cause)
		}
	}
	e := core.Errorf(core.CodeInvalid, "%s did not take the request.", c.o.Name).WithNext("Nothing was billed. Change the request and try again.").Because(cause)
	if why := c.Said(k.Key, body); why != "" {
		_ = e.Say("%s did not take the request: %s", c.o.Name, why)
	}
	return e
}

// StatusError is the HTTP status behind an error, as its cause.
type StatusError int

// Error names the status.
func (s StatusError) Error() string { return "status " + strconv.Itoa(int(s)) }

// Status returns the HTTP status behind an error; 0 when it has none.
func Status(err error) int {
	var s StatusError
	if errors.As(err, &s) {
		return int(s)
	}
	return 0
}

// NoCredit is the error when an account at a provider is empty.
func NoCredit(name string) *core.Error {
	return core.Errorf(core.CodeInvalid, "There is no credit left on your account at %s.", name).WithNext("Add credit there and run it again; nothing was billed.")
}

// retryAfter reads a Retry-After in seconds or as a date; 0 when there is none that makes sense.
// https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func (c *Client) retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		if !(s > 0) {
			return 0
		}
		return time.Duration(min(s, maxWait.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(0, at.Sub(c.o.Clock.Now())), maxWait)
	}
	return 0
}

// maxSaid bounds what is quoted of a provider, in characters.
const maxSaid = 200

// Said finds the sentence with which a provider explains an error, in the shapes that they use, without anything that
// looks like a credential; "" when there is none.
func (*Client) Said(key core.Secret, body []byte) string {
	var in struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  json.RawMessage `json:"detail"`
		Errors  []string        `json:"errors"`
	}
	if json.Unmarshal(body, &in) != nil {
		return ""
	}
	text := in.Message
	var nested struct {
		Message string `json:"message"`
	}
	var plain string
	var list []struct {
		Msg string `json:"msg"`
	}
	switch {
	case json.Unmarshal(in.Error, &nested) == nil && nested.Message != "":
		text = nested.Message
	case json.Unmarshal(in.Error, &plain) == nil && plain != "":
		text = plain
	case json.Unmarshal(in.Detail, &plain) == nil && plain != "":
		text = plain
	case json.Unmarshal(in.Detail, &list) == nil && len(list) > 0:
		text = list[0].Msg
	case len(in.Errors) > 0:
		text = strings.Join(in.Errors, "; ")
	}
	return Clean(key, text)
}

// Clean makes a provider's words safe to show: one line, bounded, without anything that looks like a credential.
func Clean(key core.Secret, text string) string {
	if k := key.Reveal(); len(k) >= 8 {
		text = strings.ReplaceAll(text, k, core.MaskedCredential)
	}
	text, _ = core.MaskCredentials(text)
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	if r := []rune(text); len(r) > maxSaid {
		text = string(r[:maxSaid-1]) + "…"
	}
	return text
}

var errNotJSON = errors.New("the answer is no JSON")

// JSON decodes a successful answer. What cannot be read is CodeUnknown when the call may have been billed.
func (c *Client) JSON(k Call, r Reply, v any) error {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	err := errNotJSON
	if kind == "application/json" || kind == "" || strings.HasSuffix(kind, "+json") {
		err = Decode(r.Body, v)
	}
	if err != nil {
		return c.Unreadable(k, err)
	}
	return nil
}

// Unreadable is the error of a success that cannot be read.
func (c *Client) Unreadable(k Call, err error) error { return c.lost(k, true, err) }

// Decode reads exactly one JSON value and ignores fields that are not known: providers add them without notice.
func Decode(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return errNotJSON
	}
	if err := json.Unmarshal(body, v); err != nil {
		return errNotJSON // the text of the error may quote the answer
	}
	return nil
}
