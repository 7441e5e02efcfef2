package providersim

import (
	"net/http"
	"strings"
	"time"
)

// Kind is a fault.
type Kind string

// Faults. Where nothing else is said, nothing is billed.
const (
	Busy         Kind = "429 with Retry-After in seconds"
	BusyDate     Kind = "429 with Retry-After as a date"
	BusyPlain    Kind = "429 without Retry-After"
	Unavailable  Kind = "503 with Retry-After"
	ErrorBefore  Kind = "500, and nothing was done"
	ErrorAfter   Kind = "502, and it was billed"
	Slow         Kind = "no answer until the caller gives up, and it was billed"
	Held         Kind = "no answer until Release, then as usual; billed as usual"
	HangUp       Kind = "the connection ends without an answer, and it was billed"
	HTML         Kind = "a page instead of JSON, and it was billed"
	CutOff       Kind = "JSON that ends in the middle, and it was billed"
	Truncated    Kind = "a picture that ends in the middle, and it was billed"
	OneTruncated Kind = "the first picture ends in the middle, and all were billed"
	Huge         Kind = "a picture whose header says 60000 by 60000, and it was billed"
	Endless      Kind = "an answer without an end, and it was billed"
	Redirect     Kind = "a redirect to the metadata address"
	Refusal      Kind = "the rules refuse it"
	Unauthorized Kind = "the key is not accepted"
	NoCredit     Kind = "no credit left"
	ForeignURL   Kind = "an address on another host to ask at, and it was billed"
)

// RetryAfter is what Busy and Unavailable tell.
const RetryAfter = 7 * time.Second

// Fault is a fault that is switched on.
type Fault struct {
	Kind     Kind
	Provider string // all when empty
	Step     Step   // StepMake when empty
	Skip     int    // calls that go well before it
	Times    int    // calls that it spoils; all when zero
}

// Fault switches a fault on.
func (s *Sim) Fault(f Fault) {
	if f.Step == "" {
		f.Step = StepMake
	}
	if f.Times == 0 {
		f.Times = -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Clear switches all faults off.
func (s *Sim) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Release lets calls go on that are held by Held.
func (s *Sim) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.released)
	s.released = make(chan struct{})
}

// hold waits for Release; false when the caller gave up before.
func (x *exchange) hold() bool {
	x.s.mu.Lock()
	released := x.s.released
	x.s.mu.Unlock()
	select {
	case <-released:
		return true
	case <-x.r.Context().Done():
	case <-x.s.closed:
	}
	return false
}

func (s *Sim) take(provider string, step Step) Kind {
	for _, f := range s.faults {
		if f.Provider != "" && f.Provider != provider || f.Step != step || f.Times == 0 {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		return f.Kind
	}
	return ""
}

// price of a picture at any stand-in, in millionths of a dollar.
const price = 40_000

// before applies faults that need no answer of the provider's own; true when the call is answered.
func (x *exchange) before() bool {
	switch x.fault {
	case Busy:
		x.w.Header().Set("Retry-After", "7")
		x.fail(http.StatusTooManyRequests, "rate_limit_exceeded", "Rate limit reached.")
	case BusyDate:
		x.w.Header().Set("Retry-After", x.s.o.Clock.Now().Add(RetryAfter).UTC().Format(http.TimeFormat))
		x.fail(http.StatusTooManyRequests, "rate_limit_exceeded", "Rate limit reached.")
	case BusyPlain:
		x.fail(http.StatusTooManyRequests, "rate_limit_exceeded", "Rate limit reached.")
	case Unavailable:
		x.w.Header().Set("Retry-After", "7")
		x.fail(http.StatusServiceUnavailable, "overloaded", "The engine is overloaded.")
	case ErrorBefore:
		x.fail(http.StatusInternalServerError, "server_error", "The server had an error.")
	case ErrorAfter:
		x.pay(price, 1)
		x.fail(http.StatusBadGateway, "server_error", "Bad gateway.")
	case Slow:
		x.pay(price, 1)
		select {
		case <-x.r.Context().Done():
		case <-x.s.closed:
		}
	case Held:
		return !x.hold()
	case HangUp:
		x.pay(price, 1)
		panic(http.ErrAbortHandler)
	case HTML:
		x.pay(price, 1)
		x.w.Header().Set("Content-Type", "text/html")
		_, _ = x.w.Write([]byte("<!doctype html><title>One moment</title><p>Checking your browser."))
	case CutOff:
		x.pay(price, 1)
		x.w.Header().Set("Content-Type", "application/json")
		_, _ = x.w.Write([]byte(`{"created":1,"data":[{"b64_json":"iVBORw0KGgo`))
	case Endless:
		x.pay(price, 1)
		x.endless()
	case Redirect:
		x.w.Header().Set("Location", "http://169.254.169.254/latest/meta-data/")
		x.w.WriteHeader(http.StatusTemporaryRedirect)
	case Unauthorized:
		x.unauthorized()
	case NoCredit:
		x.noCredit()
	case Refusal:
		x.refuse("input")
	default:
		return false
	}
	return true
}

// endless writes until the caller has had enough.
func (x *exchange) endless() {
	x.w.Header().Set("Content-Type", "application/json")
	_, _ = x.w.Write([]byte(`{"data":[{"b64_json":"`))
	chunk := []byte(strings.Repeat("A", 1<<20))
	for x.r.Context().Err() == nil {
		select {
		case <-x.s.closed:
			return
		default:
		}
		if _, err := x.w.Write(chunk); err != nil {
			return
		}
	}
}

// fail writes an error body in the provider's own shape.
func (x *exchange) fail(status int, code, message string) {
	switch x.Provider {
	case Gemini:
		x.json(status, obj{"error": obj{"code": status, "message": message, "status": strings.ToUpper(code)}})
	case Stability:
		x.json(status, obj{"id": token(16), "name": code, "errors": []string{message}})
	case BFL:
		x.json(status, obj{"detail": message})
	case OpenRouter:
		x.json(status, obj{"error": obj{"code": status, "message": message}})
	default:
		x.json(status, obj{"error": obj{"message": message, "type": "invalid_request_error", "code": code, "param": nil}})
	}
}

// unauthorized quotes a part of the key, as OpenAI does.
func (x *exchange) unauthorized() {
	part := x.Key
	if len(part) > 12 {
		part = part[:6] + "****" + part[len(part)-4:]
	}
	switch x.Provider {
	case Gemini:
		// https://ai.google.dev/gemini-api/docs/troubleshooting: a wrong key is a bad request there.
		x.json(http.StatusBadRequest, obj{"error": obj{"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT",
			"details": []obj{{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}}}})
	case BFL:
		x.fail(http.StatusForbidden, "forbidden", "Not authenticated - Invalid Authentication")
	default:
		x.fail(http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided: "+part+".")
	}
}

func (x *exchange) noCredit() {
	switch x.Provider {
	case OpenAI:
		x.fail(http.StatusTooManyRequests, "insufficient_quota", "You exceeded your current quota, please check your plan and billing details.")
	default:
		x.fail(http.StatusPaymentRequired, "payment_required", "Insufficient credits.")
	}
}

// refuse answers as the provider does when its rules refuse the content.
func (x *exchange) refuse(stage string) {
	switch x.Provider {
	case Gemini:
		if stage == "input" {
			x.json(http.StatusOK, obj{"promptFeedback": obj{"blockReason": "PROHIBITED_CONTENT"}})
			return
		}
		x.json(http.StatusOK, obj{"candidates": []obj{{"finishReason": "IMAGE_SAFETY", "finishMessage": "Unable to show the generated image."}}})
	case Stability:
		x.json(http.StatusForbidden, obj{"id": token(16), "name": "content_moderation", "errors": []string{"Your request was flagged by our content moderation system."}})
	case BFL:
		id := x.s.add(&job{provider: BFL, status: "Request Moderated"})
		x.json(http.StatusOK, obj{"id": id, "polling_url": x.base() + "/v1/get_result?id=" + id, "cost": 0})
	case OpenRouter:
		x.json(http.StatusForbidden, obj{"error": obj{"code": 403, "message": "The prompt was flagged.", "metadata": obj{"reasons": []string{"violence"}, "flagged_input": "…", "provider_name": "Sim"}}})
	default:
		x.json(http.StatusBadRequest, obj{"error": obj{"message": "Your request was rejected by the safety system. safety_violations=[violence].", "type": "image_generation_user_error",
			"code": "moderation_blocked", "moderation_details": obj{"moderation_stage": stage, "categories": []string{"violence"}}}})
	}
}
