package discord

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// Error codes of Discord that decide what happens next.
// https://docs.discord.com/developers/topics/opcodes-and-status-codes
const (
	codeUnknownChannel     = 10003
	codeUnknownMessage     = 10008
	codeUnknownEmoji       = 10014
	codeUnknownWebhook     = 10015
	codeUnknownInteraction = 10062
	codeMaxWebhooks        = 30007
	codeMaxReactions       = 30010
	codeMaxFiles           = 30015
	codeOldEdits           = 30046
	codeTooLarge           = 40005
	codeFileTooLarge       = 50045
	codeMissingAccess      = 50001
	codeCannotDM           = 50007
	codeMissingPermission  = 50013
	codeInvalidToken       = 50027
	codeArchived           = 50083
	codeReactionBlocked    = 90001
	codeThreadExists       = 160004
	codeThreadLocked       = 160005
)

// apiError is Discord's answer to a refused call. It holds no URL and no body of ours: both can carry tokens.
type apiError struct {
	status int
	code   int
	what   string
}

func (e *apiError) Error() string {
	return fmt.Sprintf("discord answered %d, code %d: %s", e.status, e.code, e.what)
}

// apiCode returns Discord's error code in a chain, 0 when there is none.
func apiCode(err error) int {
	var e *apiError
	if errors.As(err, &e) {
		return e.code
	}
	return 0
}

// effect says what a call does to the world, for judging an outcome that is not known.
type effect int

const (
	repeatable effect = iota // doing it twice is doing it once
	creating                 // a second time makes a second one
)

// refused turns a refusal into the error that the relay acts on.
func refused(e *apiError, retryAfter time.Duration, global bool, eff effect) error {
	out := &core.Error{Err: e}
	switch {
	case e.status == http.StatusTooManyRequests, e.code == codeOldEdits:
		out.Code, out.RetryAfter, out.Global = core.CodeRetry, retryAfter, global
		if e.code == codeOldEdits {
			out.RetryAfter = max(retryAfter, time.Minute)
		}
	case e.status >= 500 && eff == creating:
		out.Code = core.CodeUnknown
	case e.status >= 500:
		out.Code = core.CodeRetry
	case e.code == codeInvalidToken, e.code == codeUnknownWebhook, e.code == codeUnknownInteraction:
		out.Code = core.CodeGone
	case e.status == http.StatusUnauthorized:
		out.Code = core.CodeFatal
		_ = out.Say("Discord refuses the bot token.").WithNext("Set a valid bot token and restart.")
	case e.code == codeUnknownEmoji, e.code == codeMaxReactions:
		out.Code = core.CodeUnsupp
		_ = out.Say("Discord cannot show this reaction there.")
	case e.code == codeTooLarge, e.code == codeFileTooLarge, e.code == codeMaxFiles, e.status == http.StatusRequestEntityTooLarge:
		out.Code = core.CodeTooLarge
		_ = out.Say("That is larger than Discord takes.")
	case e.code == codeCannotDM:
		out.Code = core.CodeForbidden
		_ = out.Say("This person takes no direct messages from the app.")
	case e.code == codeThreadLocked:
		out.Code = core.CodeForbidden
		_ = out.Say("The Discord thread is locked.")
	case e.code == codeMaxWebhooks:
		out.Code = core.CodeForbidden
		_ = out.Say("The Discord channel has all the webhooks it can have.").WithNext("Delete one that nobody uses.")
	case e.code == codeMissingAccess, e.code == codeMissingPermission, e.code == codeReactionBlocked, e.status == http.StatusForbidden:
		out.Code = core.CodeForbidden
		_ = out.Say("Atelier lacks a permission in this Discord channel.")
	case e.status == http.StatusNotFound:
		out.Code = core.CodeGone
	case e.status == http.StatusBadRequest:
		out.Code = core.CodeInvalid
	default:
		out.Code = core.CodeInternal
	}
	return out
}

// cut turns a failed exchange into an error. What never left us is known not to have happened.
func cut(ctx context.Context, err error, sent bool, eff effect) error {
	// The message of a url.Error is the URL, and webhook URLs are secrets.
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		sent = false
	}
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	if sent && eff == creating {
		return &core.Error{Code: core.CodeUnknown, Err: fmt.Errorf("discord call was cut: %w", err)}
	}
	return &core.Error{Code: core.CodeRetry, Err: fmt.Errorf("discord call failed: %w", err)}
}
