package core

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Code classifies an error. The set is closed; it becomes metric labels and HTTP statuses.
type Code string

// What can go wrong, from the point of view of whoever must act on it.
const (
	CodeInternal  Code = "internal"    // a fault of ours; the person reads "internal error"
	CodeInvalid   Code = "invalid"     // the person typed something that cannot be done; Message says what instead
	CodeNotFound  Code = "not_found"   // no such task, version, person, message
	CodeForbidden Code = "forbidden"   // the role or the platform's permission does not allow it
	CodeConflict  Code = "conflict"    // somebody else changed it first; try again or choose
	CodeRetry     Code = "retry"       // not now: rate limit, 5xx, Redis away; nothing happened
	CodeUnknown   Code = "unknown"     // it may or may not have happened; look before doing it again
	CodeRefused   Code = "refused"     // a provider's or platform's rules refuse the content
	CodeGone      Code = "gone"        // the target message, thread or room is no longer there
	CodeTooLarge  Code = "too_large"   // over a size limit
	CodeFatal     Code = "fatal"       // a token or an intent was refused for good: stop this installation, alarm
	CodeUnsupp    Code = "unsupported" // this platform or provider cannot do it
)

// Error is the one error type that crosses package borders. Message is safe to show to the person who asked; Next says
// what they can do. Err is the cause, for the log only.
type Error struct {
	Code       Code
	Message    string
	Next       string
	RetryAfter time.Duration // with CodeRetry: not before this long; 0 when unknown
	Global     bool          // with CodeRetry: the limit holds for the whole token, not for one room
	Err        error

	// What Message and Next were made of, so that they can be said in another language.
	message, next said
}

// said is a sentence with its arguments.
type said struct {
	format string
	args   []any
}

func (s said) in(l Lang, plain string) string {
	if s.format == "" {
		return plain
	}
	if len(s.args) == 0 && l.Translator == nil {
		return plain
	}
	return l.T(s.format, s.args...)
}

// Errorf makes an Error whose message the person may read.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), message: said{format, args}}
}

// Wrap gives a cause a code. A nil cause gives nil.
func Wrap(code Code, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: code, Err: err}
}

// Error returns the message and the chain of causes; it is for logs.
func (e *Error) Error() string {
	s := string(e.Code)
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Say replaces what the person may read and returns the same error.
func (e *Error) Say(format string, args ...any) *Error {
	e.Message, e.message = fmt.Sprintf(format, args...), said{format, args}
	return e
}

// Because adds the cause and returns the same error.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

// WithNext adds what the person can do and returns the same error.
func (e *Error) WithNext(format string, args ...any) *Error {
	e.Next, e.next = fmt.Sprintf(format, args...), said{format, args}
	return e
}

// ErrorCode returns the code of the first Error in the chain; CodeInternal for any other error, "" for nil. A context
// that ended counts as CodeRetry: nothing is known to be wrong.
func ErrorCode(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return CodeRetry
	}
	return CodeInternal
}

// SafeMessage returns what the person may read: the first message in the chain with its next step, or a neutral
// sentence. It never contains a cause. Lang.Error says the same in another language.
func SafeMessage(err error) string { return safeMessage(Lang{}, err) }

func safeMessage(l Lang, err error) string {
	for e := (*Error)(nil); errors.As(err, &e); err = e.Err {
		if e.Message == "" {
			continue
		}
		if e.Next != "" {
			return e.message.in(l, e.Message) + " " + e.next.in(l, e.Next)
		}
		return e.message.in(l, e.Message)
	}
	return l.T("Something went wrong on our side. It was logged; please try again in a moment.")
}

// RetryAfter returns how long to wait before another try, 0 when the error does not say.
func RetryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
