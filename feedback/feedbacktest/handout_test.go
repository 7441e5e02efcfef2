package feedbacktest

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

// outbox changes one partition and collects what was handed out.
type outbox struct {
	t   *testing.T
	s   *feedback.Store
	p   core.Partition
	got []string // "id" or "id again"
}

func (o *outbox) took(outs []core.Entry[core.Outgoing]) {
	for _, e := range outs {
		name := string(e.Item.ID)
		if e.Replayed {
			name += " again"
		}
		o.got = append(o.got, name)
	}
}

// write applies a change that sends something; with a lease, as the holder's loop does.
func (o *outbox) write(l core.Lease, ids ...string) error {
	c := core.Change{Partition: o.p, Lease: l}
	if l.Name != "" {
		c.Took = o.took
	}
	for _, id := range ids {
		c.Out = append(c.Out, core.Outgoing{ID: core.DeliveryID(id), Kind: core.OutNotice})
	}
	return o.s.Review.Apply(o.t.Context(), c)
}

func (o *outbox) read(l core.Lease, most int) {
	o.t.Helper()
	_, outs, err := o.s.Journal.Read(o.t.Context(), o.p, l, most, 0)
	if err != nil {
		o.t.Fatal(err)
	}
	o.took(outs)
}

func (o *outbox) want(ids ...string) {
	o.t.Helper()
	if !slices.Equal(o.got, ids) {
		o.t.Fatalf("handed out %q, want %q", o.got, ids)
	}
	o.got = nil
}

func (o *outbox) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func TestChangeHandsOut(t *testing.T) {
	s := Open(t)
	o := &outbox{t: t, s: s, p: "p02"}
	l := Lease(t, s, o.p)

	o.must(o.write(l, "unread"))
	o.want() // whoever never read may have something to finish first
	o.read(l, 10)
	o.want("unread")

	o.must(o.write(l, "a", "b"))
	o.want("a", "b")
	o.read(l, 10)
	o.want() // not a second time

	o.must(o.write(core.Lease{}, "elsewhere"))
	o.must(o.write(l, "c"))
	o.want("elsewhere", "c") // in the order in which they were written
	o.read(l, 10)
	o.want()

	var many []string
	for i := range 130 {
		many = append(many, fmt.Sprint("m", i))
	}
	o.must(o.write(l, many...))
	o.read(l, 100)
	o.want(many...)
}

func TestChangeHandsOutToTheHolder(t *testing.T) {
	s := Open(t)
	o := &outbox{t: t, s: s, p: "p02"}
	l := Lease(t, s, o.p)
	o.must(o.write(core.Lease{}, "a", "b", "c"))
	o.read(l, 10)
	o.want("a", "b", "c")

	l2 := Steal(t, s, l)
	o.must(o.write(l2, "d"))
	o.want() // what the earlier holder left comes first
	o.read(l2, 10)
	o.want("a again", "b again", "c again")
	o.must(o.write(l2, "e"))
	o.want("d", "e")
	want(t, o.write(l, "late"), core.CodeGone)
	o.want()
	o.read(l2, 10)
	o.want()
}

// TestChangeHandsOutAgainWhatGotLost loses the answer of a change that was written: what it handed out is read again.
func TestChangeHandsOutAgainWhatGotLost(t *testing.T) {
	s := Open(t)
	o := &outbox{t: t, s: s, p: "p02"}
	l := Lease(t, s, o.p)
	o.read(l, 10)
	loss := &answerLost{}
	s.DB.Client.AddHook(loss)

	loss.on = true
	want(t, o.write(l, "a"), core.CodeRetry)
	loss.on = false
	o.want()
	o.must(o.write(l, "b"))
	o.want("a again")
	o.read(l, 10)
	o.want("b")
}

// answerLost is a connection that breaks after scripts were run and before they answered.
type answerLost struct{ on bool }

func (*answerLost) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (a *answerLost) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if a.on && err == nil && strings.HasPrefix(cmd.Name(), "eval") {
			err = io.ErrUnexpectedEOF
			cmd.SetErr(err)
		}
		return err
	}
}

func (*answerLost) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
