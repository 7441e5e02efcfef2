package slack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/core"
)

// apiError is an `ok: false` answer.
type apiError struct {
	Method, Code, Needed string
	Messages             []string
}

// Error names method and code; neither is secret.
func (e *apiError) Error() string {
	s := "slack: " + e.Method + ": " + e.Code
	if e.Needed != "" {
		s += " (needs " + e.Needed + ")"
	}
	if len(e.Messages) > 0 {
		s += fmt.Sprintf(" %q", e.Messages[:min(3, len(e.Messages))])
	}
	return s
}

// limited is HTTP 429.
type limited struct{ after time.Duration }

// Error says how long.
func (e *limited) Error() string { return "slack: rate limited for " + e.after.String() }

// badStatus is any other HTTP status than 200.
type badStatus struct{ code int }

// Error names the status.
func (e *badStatus) Error() string { return fmt.Sprintf("slack: HTTP %d", e.code) }

// notSent says that a request never left: nothing can have happened.
type notSent struct{ err error }

// Error describes the cause.
func (e *notSent) Error() string { return "slack: not sent: " + e.err.Error() }

// Unwrap returns the cause.
func (e *notSent) Unwrap() error { return e.err }

var errUndecodable = errors.New("slack: the answer could not be read")

// transport strips the URL from an error of net/http, which may hold a ticket or a response URL, and tells apart what
// never left this machine.
func transport(err error) error {
	if err == nil {
		return nil
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	var dns *net.DNSError
	if errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial" {
		return &notSent{err}
	}
	return fmt.Errorf("slack: call cut off: %w", err)
}

// fromLibrary brings slack-go's errors into the forms above.
func fromLibrary(method string, err error) error {
	var rl *slackgo.RateLimitedError
	var st slackgo.StatusCodeError
	var api slackgo.SlackErrorResponse
	var u *url.Error
	var op *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &rl):
		return &limited{rl.RetryAfter}
	case errors.As(err, &st):
		return &badStatus{st.Code}
	case errors.As(err, &api):
		return &apiError{Method: method, Code: api.Err, Needed: api.Needed, Messages: api.ResponseMetadata.Messages}
	case errors.As(err, &u), errors.As(err, &op), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return transport(err)
	}
	return fmt.Errorf("%w: %s", errUndecodable, method)
}

// code returns the Slack error code in a chain, "" when there is none.
func code(err error) string {
	var e *apiError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// fatalCodes end an installation: the token will not get better by itself.
func fatalCodes() []string {
	return []string{"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type", "team_access_not_granted", "org_login_required"}
}

// socketFatalCodes also end Socket Mode.
func socketFatalCodes() []string {
	return append(fatalCodes(), "missing_scope", "no_permission", "access_denied", "link_disabled", "forbidden_team")
}

// classify turns a failed call into one of core's errors. creating says that the call makes something new, so that an
// answer that never came leaves the outcome open.
func classify(err error, creating bool) error {
	if err == nil {
		return nil
	}
	open := core.CodeRetry
	if creating {
		open = core.CodeUnknown
	}
	if _, known := err.(*core.Error); known { // only the outermost: a cause deeper down belongs to the context
		return err
	}
	var l *limited
	var st *badStatus
	var ns *notSent
	var api *apiError
	switch {
	case errors.As(err, &l):
		return &core.Error{Code: core.CodeRetry, RetryAfter: l.after, Err: err}
	case errors.As(err, &ns):
		return core.Wrap(core.CodeRetry, err)
	case errors.As(err, &api):
		return classifyCode(api, err, open)
	case errors.As(err, &st):
		if st.code >= http.StatusInternalServerError {
			return core.Wrap(open, err)
		}
		return core.Wrap(core.CodeInvalid, err)
	}
	return core.Wrap(open, err)
}

func classifyCode(api *apiError, err error, open core.Code) error {
	in := func(list ...string) bool { return slices.Contains(list, api.Code) }
	switch {
	case in("ratelimited", "rate_limited"):
		return &core.Error{Code: core.CodeRetry, RetryAfter: time.Second, Err: err}
	case in(fatalCodes()...):
		return core.Errorf(core.CodeFatal, "Slack refuses Atelier's token.").Because(err)
	case in("internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"):
		return core.Wrap(open, err)
	case in("message_not_found", "channel_not_found", "thread_not_found", "is_archived", "is_inactive", "used_url", "expired_url", "no_service",
		"channel_is_archived", "file_deleted", "file_not_found", "user_not_in_channel", "user_not_found", "cant_update_message_deleted"):
		return core.Wrap(core.CodeGone, err)
	case in("not_in_channel"):
		return core.Errorf(core.CodeForbidden, "Atelier is not in that channel.").WithNext("Invite it with /invite @atelier.").Because(err)
	case in("missing_scope"):
		return core.Errorf(core.CodeForbidden, "Atelier's Slack app lacks the permission %s.", api.Needed).WithNext("Reinstall it from the current manifest.").Because(err)
	case in("msg_too_long", "msg_blocks_too_long", "metadata_too_large", "file_upload_size_restricted", "view_too_large", "too_large"):
		return core.Errorf(core.CodeTooLarge, "That is too large for Slack.").Because(err)
	case in("invalid_name", "too_many_emoji", "too_many_reactions"):
		return core.Errorf(core.CodeUnsupp, "Slack cannot show that reaction.").Because(err)
	case in("edit_window_closed", "cant_update_message", "cant_delete_message", "restricted_action", "restricted_action_thread_only_channel",
		"restricted_action_read_only_channel", "restricted_action_non_threadable_channel", "cannot_dm_bot", "user_disabled", "user_not_visible",
		"messages_tab_disabled", "access_denied", "ekm_access_denied", "file_uploads_disabled", "no_permission"):
		return core.Errorf(core.CodeForbidden, "Slack does not allow that here.").Because(err)
	}
	return core.Wrap(core.CodeInvalid, err)
}
