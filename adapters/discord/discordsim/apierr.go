package discordsim

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// apiError is an error as the REST interface reports it.
type apiError struct {
	Status  int
	Code    int
	Message string
	Tree    errTree
}

// Error names the code, so that wrapped errors in logs can be told apart.
func (e *apiError) Error() string { return fmt.Sprintf("discord error %d: %s", e.Code, e.Message) }

// ErrorCode is the JSON error code that err carries, such as 50001 of an Act that the platform refuses; 0 when it carries none.
func ErrorCode(err error) int {
	var e *apiError
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

func (e *apiError) body() obj {
	b := obj{"message": e.Message, "code": e.Code}
	if len(e.Tree) > 0 {
		b["errors"] = obj(e.Tree)
	}
	return b
}

func fail(status, code int, msg string) *apiError {
	return &apiError{Status: status, Code: code, Message: msg}
}

func errUnauthorized() *apiError { return fail(http.StatusUnauthorized, 0, "401: Unauthorized") }
func errNotFound() *apiError     { return fail(http.StatusNotFound, 0, "404: Not Found") }
func errMethod() *apiError       { return fail(http.StatusMethodNotAllowed, 0, "405: Method Not Allowed") }
func errAccess() *apiError       { return fail(http.StatusForbidden, 50001, "Missing Access") }
func errPermission() *apiError   { return fail(http.StatusForbidden, 50013, "Missing Permissions") }
func errUnknown(code int, what string) *apiError {
	return fail(http.StatusNotFound, code, "Unknown "+what)
}
func errUnknownChannel() *apiError { return errUnknown(10003, "Channel") }
func errUnknownMessage() *apiError { return errUnknown(10008, "Message") }
func errUnknownUser() *apiError    { return errUnknown(10013, "User") }
func errUnknownWebhook() *apiError { return errUnknown(10015, "Webhook") }
func errUnknownInteraction() *apiError {
	return fail(http.StatusNotFound, 10062, "Unknown interaction")
}
func errInvalidWebhookToken() *apiError {
	return fail(http.StatusUnauthorized, 50027, "Invalid Webhook Token")
}
func errArchived() *apiError {
	return fail(http.StatusBadRequest, 50083, "Tried to perform an operation on an archived thread, such as editing a message or adding a user to the thread")
}
func errEmptyMessage() *apiError {
	return fail(http.StatusBadRequest, 50006, "Cannot send an empty message")
}
func errTooLarge() *apiError {
	return fail(http.StatusRequestEntityTooLarge, 40005, "Request entity too large")
}

// errTree is the nested "errors" object of code 50035.
type errTree obj

// add records a fault at the place that path names: field names and list indexes.
func (t errTree) add(path []any, code, msg string) {
	at := obj(t)
	for _, p := range path {
		key := ""
		switch p := p.(type) {
		case string:
			key = p
		case int:
			key = strconv.Itoa(p)
		}
		next, ok := at[key].(obj)
		if !ok {
			next = obj{}
			at[key] = next
		}
		at = next
	}
	list, _ := at["_errors"].([]obj)
	at["_errors"] = append(list, obj{"code": code, "message": msg})
}

// at extends a path without touching the one that the caller holds.
func at(path []any, more ...any) []any {
	out := make([]any, 0, len(path)+len(more))
	return append(append(out, path...), more...)
}

func (t errTree) required(path []any) {
	t.add(path, "BASE_TYPE_REQUIRED", "This field is required")
}

func (t errTree) tooLong(path []any, max int) {
	t.add(path, "BASE_TYPE_MAX_LENGTH", fmt.Sprintf("Must be %d or fewer in length.", max))
}

func (t errTree) badLength(path []any, min, max int) {
	t.add(path, "BASE_TYPE_BAD_LENGTH", fmt.Sprintf("Must be between %d and %d in length.", min, max))
}

func (t errTree) choice(path []any, want string) {
	t.add(path, "BASE_TYPE_CHOICES", fmt.Sprintf("Value must be one of {%s}.", want))
}

// err is nil as long as nothing was added.
func (t errTree) err() error {
	if len(t) == 0 {
		return nil
	}
	return &apiError{Status: http.StatusBadRequest, Code: 50035, Message: "Invalid Form Body", Tree: t}
}

func invalid(code, msg string, path ...any) error {
	t := errTree{}
	t.add(path, code, msg)
	return t.err()
}
