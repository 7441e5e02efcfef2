package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// trimEvery is how often an idle process looks whether it holds memory that it does not need.
	trimEvery = 5 * time.Second
	// idleCycles is how many garbage collections there are at most in that time while a process is idle.
	idleCycles = 3
	// trimAbove is how much must have been allocated since the last look to be worth it, in bytes.
	trimAbove = 256 << 10
)

// trim gives the system back what an idle process does not need, until the context ends. After a start, or after much
// talk, the runtime would keep it for minutes. A process that has work to do is left alone.
func trim(ctx context.Context) {
	read := func() (cycles, allocated uint64) {
		s := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/allocs:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64(), s[1].Value.Uint64()
	}
	t := time.NewTicker(trimEvery)
	defer t.Stop()
	cycles, allocated := read()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		c, a := read()
		if c-cycles <= idleCycles && a-allocated > trimAbove {
			debug.FreeOSMemory()
			c, a = read()
		}
		cycles, allocated = c, a
	}
}
