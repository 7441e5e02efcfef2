package relay

import (
	"context"

	"github.com/atelier-bridge/atelier/core"
)

// Echo implements core.Echo on what is recorded of a room's messages.
type Echo struct{ Accept *Accept }

var _ core.Echo = Echo{}

// Ours reports whether a message is recorded as showing something: a comment, a card or a notice.
func (e Echo) Ours(ctx context.Context, room core.RoomID, thread core.ThreadID, msg core.MessageID) (bool, error) {
	p, err := e.Accept.partition(ctx, core.Inbound{Room: room, Thread: thread})
	if err != nil {
		return false, err
	}
	_, _, err = e.Accept.Refs.Object(ctx, p, room, msg)
	if core.ErrorCode(err) == core.CodeNotFound {
		return false, nil
	}
	return err == nil, err
}
