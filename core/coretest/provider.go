package coretest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// ProviderFault is something that goes wrong at a provider's side.
type ProviderFault string

// Faults that a rig can switch on. They spoil every call that may bill until they are switched off.
const (
	FaultBusy         ProviderFault = "429 with Retry-After in seconds"
	FaultBusyDate     ProviderFault = "429 with Retry-After as a date"
	FaultBusyPlain    ProviderFault = "429 without Retry-After"
	FaultUnavailable  ProviderFault = "503 with Retry-After"
	FaultAccepted     ProviderFault = "502 after it was accepted"
	FaultHangUp       ProviderFault = "no answer"
	FaultHTML         ProviderFault = "a page instead of JSON"
	FaultCutOff       ProviderFault = "JSON that ends in the middle"
	FaultSlow         ProviderFault = "no answer for very long"
	FaultTruncated    ProviderFault = "pictures that end in the middle"
	FaultOneTruncated ProviderFault = "one picture that ends in the middle"
	FaultHuge         ProviderFault = "a picture that says it is 60000 by 60000"
	FaultEndless      ProviderFault = "an answer without an end"
	FaultRedirect     ProviderFault = "a redirect to the metadata address"
	FaultRefusal      ProviderFault = "a refusal"
	FaultUnauthorized ProviderFault = "a key that is not accepted"
	FaultNoCredit     ProviderFault = "no credit"
)

// FaultRetryAfter is what FaultBusy, FaultBusyDate and FaultUnavailable must tell.
const FaultRetryAfter = 7 * time.Second

// ProviderRig is a provider under test with a way to look at it from the other side.
type ProviderRig struct {
	Provider core.Automatic
	Account  core.Account
	// Request makes a request that the provider can run, for operations that it has.
	Request func(op core.Op) core.Request
	// Fault switches a fault on; false when this provider cannot have it.
	Fault func(ProviderFault) bool
	// Calls counts what reached the provider, Made what may have billed.
	Calls, Made func() int
	// Keys lists the credentials that the provider saw.
	Keys func() []string
	// Arrived gets a value for each call, before it is answered.
	Arrived func(ctx context.Context) bool
	// Environment are names of variables that the provider's own libraries read.
	Environment []string
}

// RunProvider runs the suite of core.Automatic and core.Keyed; rig makes a fresh provider for each test.
func RunProvider(t *testing.T, rig func(t *testing.T) ProviderRig) {
	t.Helper()
	for _, op := range []core.Op{core.OpGenerate, core.OpReroll, core.OpVary, core.OpUpscale, core.OpZoom, core.OpPan, core.OpEditRegion, core.OpEditWords, core.OpBlend, core.OpDescribe} {
		t.Run("operation "+string(op), func(t *testing.T) { newProviderSuite(t, rig).operation(op) })
	}
	for fault, want := range map[ProviderFault]core.Code{
		FaultBusy: core.CodeRetry, FaultBusyDate: core.CodeRetry, FaultBusyPlain: core.CodeRetry, FaultUnavailable: core.CodeRetry,
		FaultAccepted: core.CodeUnknown, FaultHangUp: core.CodeUnknown, FaultHTML: core.CodeUnknown, FaultCutOff: core.CodeUnknown,
		FaultTruncated: core.CodeUnknown, FaultHuge: core.CodeUnknown, FaultEndless: core.CodeUnknown, FaultRedirect: core.CodeUnknown,
		FaultRefusal: core.CodeRefused, FaultUnauthorized: core.CodeForbidden, FaultNoCredit: core.CodeInvalid,
	} {
		t.Run(string(fault), func(t *testing.T) { newProviderSuite(t, rig).fails(fault, want) })
	}
	for name, test := range map[string]func(*providerSuite){
		"one broken picture does not lose the others": (*providerSuite).oneBroken,
		"an ended context reaches nobody":             (*providerSuite).cancelledBefore,
		"a context that ends half-way":                (*providerSuite).cancelledWithin,
		"no key, whatever the environment holds":      (*providerSuite).noKey,
		"another key than the environment's":          (*providerSuite).ownKey,
		"a plan makes no call and says what it does":  (*providerSuite).plans,
		"verify":                (*providerSuite).verify,
		"nothing tells the key": (*providerSuite).secret,
	} {
		t.Run(name, func(t *testing.T) { test(newProviderSuite(t, rig)) })
	}
}

type providerSuite struct {
	ProviderRig
	t     *testing.T
	mu    sync.Mutex
	steps []core.Step
}

func newProviderSuite(t *testing.T, rig func(t *testing.T) ProviderRig) *providerSuite {
	return &providerSuite{ProviderRig: rig(t), t: t}
}

func (s *providerSuite) progress(st core.Step) {
	if !s.mu.TryLock() {
		s.t.Error("progress is called concurrently")
		return
	}
	defer s.mu.Unlock()
	if st.Percent < 0 || st.Percent > 100 {
		s.t.Errorf("progress of %d percent", st.Percent)
	}
	s.steps = append(s.steps, st)
}

func (s *providerSuite) run(op core.Op) (core.Result, error) {
	return s.Provider.Run(s.t.Context(), s.Account, s.Request(op), s.progress)
}

func (s *providerSuite) free() bool { return s.Provider.Capabilities("").Free }

func (s *providerSuite) operation(op core.Op) {
	caps := s.Provider.Capabilities("")
	if op != core.OpReroll && caps.Ops[op] == core.SupportEmulated && caps.How[op] == "" {
		s.t.Errorf("it does not say how %s is emulated", op)
	}
	r := s.Request(op)
	plan := s.Provider.Plan(r)
	if plan.Support != caps.Ops[op] && len(plan.Blockers) == 0 && op != core.OpReroll {
		s.t.Errorf("the plan says %s, the capabilities %s", plan.Support, caps.Ops[op])
	}
	res, err := s.run(op)
	if caps.Ops[op] == core.SupportNone {
		if c := core.ErrorCode(err); c != core.CodeUnsupp && c != core.CodeInvalid || s.Calls() > 0 {
			s.t.Errorf("it cannot do that, and says %v after %d calls", err, s.Calls())
		}
		return
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if len(plan.Blockers) > 0 {
		s.t.Errorf("planned with blockers: %v", plan.Blockers)
	}
	if made := s.Made(); made != plan.Calls {
		s.t.Errorf("%d calls were planned, %d made", plan.Calls, made)
	}
	if len(res.Images) != plan.Images || op == core.OpDescribe && res.Text == "" {
		s.t.Errorf("%d pictures were planned, %d made, text %q", plan.Images, len(res.Images), res.Text)
	}
	if !caps.Free && plan.Cost.Micros <= 0 {
		s.t.Error("the plan does not estimate what it costs")
	}
	for i, p := range res.Images {
		if len(p.Bytes) == 0 || !strings.HasPrefix(p.MIME, "image/") {
			s.t.Errorf("picture %d is %d bytes of %q", i, len(p.Bytes), p.MIME)
		}
	}
	if !res.Note.IsZero() {
		s.t.Errorf("a note without a reason: %q", res.Note)
	}
}

func (s *providerSuite) fails(f ProviderFault, want core.Code) {
	if !s.Fault(f) {
		s.t.Skipf("%s has no such fault", s.Provider.Name())
	}
	if s.free() && want == core.CodeUnknown {
		want = core.CodeRetry // it may run again: it costs nothing
		if f == FaultEndless {
			want = core.CodeTooLarge // the same again would be as long
		}
	}
	plan := s.Provider.Plan(s.Request(core.OpGenerate))
	res, err := s.run(core.OpGenerate)
	if err == nil {
		s.t.Fatalf("it went well: %d pictures", len(res.Images))
	}
	if got := core.ErrorCode(err); got != want {
		s.t.Errorf("the code is %s, want %s: %v", got, want, err)
	}
	if made := s.Made(); made > plan.Calls {
		s.t.Errorf("%d calls were planned, and %d made: one was repeated", plan.Calls, made)
	}
	switch f {
	case FaultBusy, FaultUnavailable:
		if got := core.RetryAfter(err); got != FaultRetryAfter {
			s.t.Errorf("to be tried after %s", got)
		}
	case FaultBusyDate:
		if got := core.RetryAfter(err); got <= 0 || got > FaultRetryAfter {
			s.t.Errorf("to be tried after %s", got)
		}
	case FaultNoCredit:
		if m := core.SafeMessage(err); !strings.Contains(m, "credit") {
			s.t.Errorf("the person reads %q", m)
		}
	}
	s.leaks(err)
}

func (s *providerSuite) leaks(err error) {
	s.t.Helper()
	key := s.Account.Key.Reveal()
	if key == "" || err == nil {
		return
	}
	var e *core.Error
	if !errors.As(err, &e) || e.Message == "" && core.ErrorCode(err) != core.CodeRetry {
		s.t.Errorf("the person reads nothing of use: %v", err)
	}
	for _, text := range []string{err.Error(), core.SafeMessage(err), fmt.Sprintf("%v %+v %#v", err, err, e)} {
		for _, part := range []string{key, key[len(key)-8:]} {
			if strings.Contains(text, part) {
				s.t.Errorf("the error tells the key: %s", text)
			}
		}
		if strings.Contains(text, "http://") || strings.Contains(text, "https://") {
			s.t.Errorf("the error tells an address: %s", text)
		}
	}
}

func (s *providerSuite) oneBroken() {
	if !s.Fault(FaultOneTruncated) {
		s.t.Skip("it makes one picture a call")
	}
	plan := s.Provider.Plan(s.Request(core.OpGenerate))
	res, err := s.run(core.OpGenerate)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(res.Images) != plan.Images-1 || res.Note.IsZero() {
		s.t.Errorf("%d of %d pictures, note %q", len(res.Images), plan.Images, res.Note)
	}
}

func (s *providerSuite) cancelledBefore() {
	ctx, cancel := context.WithCancelCause(s.t.Context())
	cancel(errors.New("stopping"))
	_, err := s.Provider.Run(ctx, s.Account, s.Request(core.OpGenerate), s.progress)
	if core.ErrorCode(err) != core.CodeRetry || s.Calls() > 0 {
		s.t.Errorf("%v after %d calls", err, s.Calls())
	}
}

func (s *providerSuite) cancelledWithin() {
	if !s.Fault(FaultSlow) {
		s.t.Skip("it is never slow")
	}
	ctx, cancel := context.WithCancelCause(s.t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Provider.Run(ctx, s.Account, s.Request(core.OpGenerate), func(core.Step) {})
		done <- err
	}()
	if !s.Arrived(s.t.Context()) {
		s.t.Fatal("no call arrived")
	}
	cancel(errors.New("stopping"))
	err := <-done
	want := core.CodeUnknown
	if s.free() {
		want = core.CodeRetry
	}
	if core.ErrorCode(err) != want {
		s.t.Errorf("the code is %s, want %s: %v", core.ErrorCode(err), want, err)
	}
	s.leaks(err)
}

// planted stands in the environment in place of somebody's key.
const planted = "sk-from-the-environment-0123456789abcdef"

func (s *providerSuite) plant() {
	for _, name := range s.Environment {
		s.t.Setenv(name, planted)
	}
}

func (s *providerSuite) noKey() {
	k, ok := s.Provider.(core.Keyed)
	if !ok {
		s.t.Skip("it takes no key")
	}
	s.plant()
	for _, empty := range []string{"", "  "} {
		a := s.Account
		a.Key = core.NewSecret(empty)
		if _, err := k.Run(s.t.Context(), a, s.Request(core.OpGenerate), s.progress); core.ErrorCode(err) != core.CodeForbidden {
			s.t.Errorf("run with %q: %v", empty, err)
		}
		if _, err := k.Verify(s.t.Context(), a); core.ErrorCode(err) != core.CodeForbidden {
			s.t.Errorf("verify with %q: %v", empty, err)
		}
	}
	if n := s.Calls(); n > 0 {
		s.t.Errorf("%d calls were made without a key", n)
	}
}

func (s *providerSuite) ownKey() {
	s.plant()
	if _, err := s.run(core.OpGenerate); err != nil {
		s.t.Fatal(err)
	}
	for _, k := range s.Keys() {
		if k != s.Account.Key.Reveal() && k != "" {
			s.t.Errorf("a call was made with the key %q", k)
		}
	}
}

func (s *providerSuite) plans() {
	long := s.Request(core.OpGenerate)
	long.Prompt = strings.Repeat("word ", 200_000)
	if p := s.Provider.Plan(long); len(p.Blockers) == 0 {
		s.t.Error("a prompt of a million characters is no blocker")
	}
	none := s.Request(core.OpGenerate)
	none.Prompt = ""
	if p := s.Provider.Plan(none); len(p.Blockers) == 0 {
		s.t.Error("no prompt is no blocker")
	}
	odd := s.Request(core.OpGenerate)
	odd.Params = map[string]string{"sref": "12345", "p": "abc", "stealth": "true", "no": "cars", "ar": "3:2", "mine": "1"}
	p := s.Provider.Plan(odd)
	for _, name := range []string{"sref", "p", "stealth", "mine"} {
		if !slices.Contains(p.Dropped, name) {
			s.t.Errorf("--%s is not among what is dropped: %v", name, p.Dropped)
		}
	}
	if slices.Contains(p.Dropped, "no") {
		s.t.Error("--no is dropped")
	}
	strange := s.Request(core.OpGenerate)
	strange.Model = "no-such-model"
	if p := s.Provider.Plan(strange); len(p.Blockers) == 0 {
		s.t.Error("an unknown model is no blocker")
	}
	strange.Model = "8.2"
	if p := s.Provider.Plan(strange); len(p.Blockers) > 0 || !slices.Contains(p.Dropped, "v") {
		s.t.Errorf("a version of Midjourney: %+v", p)
	}
	if n := s.Calls(); n > 0 {
		s.t.Errorf("planning made %d calls", n)
	}
}

func (s *providerSuite) verify() {
	k, ok := s.Provider.(core.Keyed)
	if !ok {
		s.t.Skip("it takes no key")
	}
	if _, err := k.Verify(s.t.Context(), s.Account); err != nil {
		s.t.Fatal(err)
	}
	if n := s.Made(); n > 0 {
		s.t.Errorf("verifying made %d calls that may bill", n)
	}
	a := s.Account
	a.Key = core.NewSecret("a-key-that-nobody-knows-0123456789")
	_, err := k.Verify(s.t.Context(), a)
	if core.ErrorCode(err) != core.CodeForbidden {
		s.t.Errorf("a key that nobody knows: %v", err)
	}
	a.Key = core.NewSecret("two\nlines\r\nX-Injected: yes")
	if _, err := k.Verify(s.t.Context(), a); core.ErrorCode(err) != core.CodeForbidden {
		s.t.Errorf("a key of two lines: %v", err)
	}
}

func (s *providerSuite) secret() {
	if _, err := s.run(core.OpGenerate); err != nil {
		s.t.Fatal(err)
	}
	key := s.Account.Key.Reveal()
	if key == "" {
		s.t.Skip("it takes no key")
	}
	for _, st := range s.steps {
		if strings.Contains(st.Handle, key) {
			s.t.Errorf("the handle holds the key: %s", st.Handle)
		}
	}
	for _, text := range []string{fmt.Sprintf("%v", s.Provider), fmt.Sprintf("%+v", s.Provider), fmt.Sprintf("%#v", s.Provider)} {
		if strings.Contains(text, key) {
			s.t.Errorf("the provider keeps the key: %s", text)
		}
	}
}
