package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretNeverPrints(t *testing.T) {
	s := NewSecret("hunter2")
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "secret", s, "in", struct{ S Secret }{s})
	js, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x", s, s, s, s, s, s), fmt.Sprintf("%v", struct{ S Secret }{s}), string(js), b.String()} {
		if strings.Contains(got, "hunter2") || strings.Contains(got, "68756e74657232") {
			t.Errorf("printed: %s", got)
		}
	}
	if s.Reveal() != "hunter2" {
		t.Error("the value is gone")
	}
}

func TestErrorsAreSafe(t *testing.T) {
	cause := errors.New("dial tcp 10.0.0.1: token xoxb-1")
	for _, c := range []struct {
		err  error
		code Code
		says string
	}{
		{nil, "", ""},
		{cause, CodeInternal, "our side"},
		{Errorf(CodeInvalid, "No prompt.").WithNext("Type one.").Because(cause), CodeInvalid, "No prompt. Type one."},
		{fmt.Errorf("while: %w", Errorf(CodeNotFound, "No task.")), CodeNotFound, "No task."},
		{Wrap(CodeRetry, cause), CodeRetry, "our side"},
		{context.Canceled, CodeRetry, "our side"},
	} {
		if got := ErrorCode(c.err); got != c.code {
			t.Errorf("%v has code %q, want %q", c.err, got, c.code)
		}
		if got := SafeMessage(c.err); c.err != nil && (!strings.Contains(got, c.says) || strings.Contains(got, "xoxb")) {
			t.Errorf("%v says %q", c.err, got)
		}
	}
}

func TestActionsSurviveThePlatforms(t *testing.T) {
	for _, a := range []Action{
		{Verb: "vary", Task: "ACME-1", Ref: ImageRef{Version: 2, Image: 3}, Arg: "subtle"},
		{Verb: "changes", Task: "ACME-12", Ref: ImageRef{Version: 2}, Modal: true},
		{Verb: "project bind", Arg: "confirm,ACME"},
		{Verb: "attach", Task: "ABCDEFGHIJ-123456", Ref: ImageRef{Version: 100}, Arg: "b." + strings.Repeat("f", 32)},
	} {
		s := a.Encode()
		if len(s) > MaxActionLength {
			t.Errorf("%s has %d characters", s, len(s))
		}
		got, err := ParseAction(s)
		if err != nil || got != a {
			t.Errorf("%s came back as %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "a2:d:x::::", "a1:d", "a1:d::::", "MJ::JOB::upsample::1"} {
		if _, err := ParseAction(s); ErrorCode(err) != CodeInvalid {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestIDs(t *testing.T) {
	if id, err := ParseTaskID(" acme-42 "); err != nil || id != "ACME-42" || id.Number() != 42 || id.Project() != "ACME" {
		t.Error(id, err)
	}
	for _, s := range []string{"", "ACME", "ACME-0", "ACME-x", "A-1", "1A-1"} {
		if _, err := ParseTaskID(s); err == nil {
			t.Errorf("%q is a task", s)
		}
	}
	n := DefaultPartitions
	if p := n.OfProject("ACME"); p != "p07" && p[0] != 'p' || len(n.All()) != 32 {
		t.Error("partitions move")
	}
	p := Person{Identities: []IdentityID{"slack:T1/U1", "discord:7"}}
	for room, want := range map[RoomID]IdentityID{"slack:T1/C1": "slack:T1/U1", "discord:G/C": "discord:7", "slack:T2/C1": ""} {
		if got, ok := p.IdentityOn(room); got != want && ok {
			t.Errorf("in %s they are %s", room, got)
		}
	}
}

func TestMaskCredentials(t *testing.T) {
	for _, s := range []string{"sk-proj-abcdefghijklmnopqrstuvwxyz", "xoxb-1234567890-abcdef", "AIzaSyA1234567890abcdefghijklmnopqrstu", "hf_abcdefghijklmnopqrstuvwxyzabcdef"} {
		got, found := MaskCredentials("my key is " + s + " ok?")
		if !found || strings.Contains(got, s) {
			t.Errorf("%s stayed", s)
		}
	}
	if _, found := MaskCredentials("a sketch of a task-list, sky-blue"); found {
		t.Error("plain words were masked")
	}
	r, found := MaskRichText(RichText{Para(Text("x"), Bold("sk-abcdefghijklmnopqrstuvwx"))})
	if !found || strings.Contains(r.String(), "sk-") {
		t.Error(r.String())
	}
}

func TestEmojiKeys(t *testing.T) {
	if (Emoji{Name: "heart", Unicode: "❤️"}).Key() != (Emoji{Unicode: "❤"}).Key() {
		t.Error("a variation selector makes another emoji")
	}
	if (Emoji{Name: "shipit"}).Key() != ":shipit:" {
		t.Error("a custom emoji goes by its name")
	}
}
