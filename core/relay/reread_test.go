package relay

import (
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// TestHistoryDiffers: only where a history shows another content of the very edit that we have is it told by another id.
func TestHistoryDiffers(t *testing.T) {
	second := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	ours := func() *core.Comment { return &core.Comment{Text: core.Plain("first"), EditedAt: second} }
	shown := func() *core.Inbound {
		return &core.Inbound{Kind: core.InboundEdit, Message: &core.Message{ID: "m", Text: core.Plain("second"), EditedAt: second}}
	}
	for name, c := range map[string]struct {
		is   func(*core.Comment, *core.Inbound)
		want bool
	}{
		"another content of the same edit": {func(*core.Comment, *core.Inbound) {}, true},
		"what we have":                     {func(_ *core.Comment, in *core.Inbound) { in.Message.Text = core.Plain("first") }, false},
		"a later edit":                     {func(_ *core.Comment, in *core.Inbound) { in.Message.EditedAt = second.Add(time.Second) }, false},
		"a deleted comment":                {func(c *core.Comment, _ *core.Inbound) { c.Deleted = true }, false},
		"a key that was masked":            {func(_ *core.Comment, in *core.Inbound) { in.Message.Masked = true }, false},
		"a message that was not edited":    {func(_ *core.Comment, in *core.Inbound) { in.Kind = core.InboundMessage }, false},
		"an unknown message":               {func(_ *core.Comment, in *core.Inbound) { in.Message.ID = "n" }, false},
	} {
		m, in := ours(), shown()
		c.is(m, in)
		k := &knownComments{by: map[core.MessageID]*core.Comment{"m": m}}
		if got := k.differs(in); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (*knownComments)(nil).differs(shown()) {
		t.Error("nothing is known and differs")
	}
}
