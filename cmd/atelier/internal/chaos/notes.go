package main

// What is printed while a run goes on, and what it says afterwards about the moments around a message.

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// event is something that broke or was mended, with its time.
type event struct {
	at   time.Time
	text string
}

// notes prints lines with the time since the start and remembers those about faults.
type notes struct {
	mu     sync.Mutex
	out    io.Writer
	began  time.Time
	events []event
	faults int
	last   string // the last line of a run
}

func newNotes(out io.Writer) *notes { return &notes{out: out, began: time.Now()} }

// say prints a progress line.
func (n *notes) say(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.out, "%7.1fs  %s\n", time.Since(n.began).Seconds(), fmt.Sprintf(format, args...))
}

// plain prints a line as it is.
func (n *notes) plain(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.out, format+"\n", args...)
}

// fault prints and counts something that breaks.
func (n *notes) fault(format string, args ...any) {
	n.remember(true, format, args...)
}

// change prints something that belongs to a fault, such as its end.
func (n *notes) change(format string, args ...any) {
	n.remember(false, format, args...)
}

func (n *notes) remember(counts bool, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	n.mu.Lock()
	if counts {
		n.faults++
	}
	n.events = append(n.events, event{time.Now(), text})
	n.mu.Unlock()
	mark := "  "
	if counts {
		mark = "! "
	}
	n.say("%s%s", mark, text)
}

// count returns how many faults there were.
func (n *notes) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.faults
}

// near returns what happened within d of any of the moments, in order.
func (n *notes) near(d time.Duration, moments ...time.Time) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for _, e := range n.events {
		for _, m := range moments {
			if e.at.Sub(m).Abs() <= d {
				out = append(out, fmt.Sprintf("%.1fs %s", e.at.Sub(n.began).Seconds(), e.text))
				break
			}
		}
	}
	return out
}

// since is a moment as the progress lines show it.
func (n *notes) since(t time.Time) string { return fmt.Sprintf("%.1fs", t.Sub(n.began).Seconds()) }
