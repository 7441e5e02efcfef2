package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/atelier-bridge/atelier/feedback/archive"
)

// lineEvery is how often a line is written where nobody looks at a terminal.
const lineEvery = 3 * time.Second

// progress shows on stderr how far a long command is: a bar on a terminal, otherwise a line every few seconds. It is
// used by one goroutine.
type progress struct {
	out   io.Writer // nil: quiet
	bars  bool
	now   func() time.Time
	bar   *progressbar.ProgressBar
	phase archive.Phase
	last  time.Time
}

func newProgress(quiet bool) *progress {
	p := &progress{out: os.Stderr, bars: term.IsTerminal(int(os.Stderr.Fd())), now: time.Now}
	if quiet {
		p.out = nil
	}
	return p
}

// tell shows that a phase is so far; total is 0 when nobody knows.
func (p *progress) tell(phase archive.Phase, done, total int64) {
	if p.out == nil {
		return
	}
	if phase != p.phase {
		p.finish()
		p.phase, p.last = phase, p.now()
	}
	bytes := phase == archive.Pictures || phase == archive.Reading
	if p.bars && total > 0 {
		if p.bar == nil {
			p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(fmt.Sprintf("%-10s", phase)), progressbar.OptionSetWidth(30),
				progressbar.OptionShowCount(), progressbar.OptionShowBytes(bytes), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true))
		}
		if total != p.bar.GetMax64() {
			p.bar.ChangeMax64(total)
		}
		_ = p.bar.Set64(done) // it fails only beyond the total
		return
	}
	if p.now().Sub(p.last) < lineEvery {
		return
	}
	p.last = p.now()
	show := func(n int64) string {
		if bytes {
			return size(n)
		}
		return fmt.Sprint(n)
	}
	if total > 0 {
		fmt.Fprintf(p.out, "atelier: %s: %s of %s\n", phase, show(done), show(total))
	} else {
		fmt.Fprintf(p.out, "atelier: %s: %s\n", phase, show(done))
	}
}

// counting returns what tells of one phase.
func (p *progress) counting(phase archive.Phase) func(done, total int64) {
	return func(done, total int64) { p.tell(phase, done, total) }
}

// finish leaves the bar as it is and goes to the next line.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Exit() // it only draws once more
		fmt.Fprintln(p.out)
	}
	p.bar, p.phase = nil, ""
}

// size writes a number of bytes for people.
func size(n int64) string {
	for _, u := range []struct {
		name string
		of   int64
	}{{"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}} {
		if n >= u.of {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.of), u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
