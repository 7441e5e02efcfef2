package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/feedback/archive"
)

// TestProgressByLines: where nobody looks at a terminal, a line comes every few seconds and not more often.
func TestProgressByLines(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	p := &progress{out: &out, now: func() time.Time { return now }}
	for i := range int64(100) {
		p.tell(archive.Records, i, 100)
		now = now.Add(time.Second / 10)
	}
	p.tell(archive.Pictures, 0, 5_000_000)
	now = now.Add(lineEvery)
	p.tell(archive.Pictures, 2_500_000, 5_000_000)
	now = now.Add(lineEvery)
	p.tell("reading", 999, 0)
	now = now.Add(lineEvery)
	p.tell("reading", 1999, 0)
	p.finish()
	want := "atelier: records: 30 of 100\natelier: records: 60 of 100\natelier: records: 90 of 100\natelier: pictures: 2.5 MB of 5.0 MB\natelier: reading: 2.0 KB\n"
	if out.String() != want {
		t.Errorf("it says\n%s", out.String())
	}
}

// TestProgressByBar: on a terminal each phase has one bar, which ends its line.
func TestProgressByBar(t *testing.T) {
	var out bytes.Buffer
	p := &progress{out: &out, bars: true, now: time.Now}
	p.tell(archive.Records, 50, 100)
	p.tell(archive.Records, 120, 120) // more than was thought
	p.tell(archive.Pictures, 1, 2)
	p.finish()
	got := out.String()
	if !strings.Contains(got, "records") || !strings.Contains(got, "pictures") || strings.Count(got, "\n") != 2 || !strings.HasSuffix(got, "\n") {
		t.Errorf("it says %q", got)
	}
}

func TestQuiet(t *testing.T) {
	p := newProgress(true)
	p.tell(archive.Records, 1, 2)
	p.finish()
}
