package base

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// firstWait and longestWait bound the time between two questions about a job.
	firstWait   = 500 * time.Millisecond
	longestWait = 3 * time.Second
	// patience is how long a job may take.
	patience = 15 * time.Minute
	// failures is how many questions in a row may go wrong.
	failures = 10
)

var errImpatient = errors.New("the job was not done in time")

// Await asks after a job that the provider has accepted until it is done. Questions cost nothing, so those that fail for
// a moment are repeated; when it gives up, the job may have been billed, which is CodeUnknown. ask returns what is
// final as an error of its own code, never CodeRetry.
func (b *Base) Await(ctx context.Context, ask func(ctx context.Context) (done bool, err error)) error {
	wait, bad, begun := firstWait, 0, b.Clock.Now()
	for {
		if err := b.Clock.Sleep(ctx, wait); err != nil {
			return b.lost(err)
		}
		done, err := ask(ctx)
		switch code := core.ErrorCode(err); {
		case err == nil && done:
			return nil
		case err == nil:
			bad = 0
		case code != core.CodeRetry:
			return err
		default:
			if bad++; bad >= failures || ctx.Err() != nil {
				return b.lost(err)
			}
		}
		if b.Clock.Now().Sub(begun) > patience {
			return b.lost(errImpatient)
		}
		wait = max(min(wait*13/10, longestWait), min(core.RetryAfter(err), time.Minute))
	}
}

// lost is the error when nobody waits for an accepted job any more.
func (b *Base) lost(err error) error {
	return core.Errorf(core.CodeUnknown, "%s took the request, and its answer did not come. It may have been billed.", b.Title).
		WithNext("Look at your activity there before you run it again.").Because(err)
}

// Accepted turns an error of a step behind the billable one into what it means there: what could be tried again, or
// was not found, was paid for all the same.
func (b *Base) Accepted(err error) error {
	switch core.ErrorCode(err) {
	case "", core.CodeRefused, core.CodeUnknown:
		return err
	}
	return b.lost(err)
}
