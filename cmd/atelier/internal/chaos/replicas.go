package main

// The replicas: child processes of the real program, which are killed, stopped, frozen and started again.

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// readyWithin is how long a start may take.
	readyWithin = 30 * time.Second
	// stopWithin is how long a replica may take to end after SIGTERM.
	stopWithin = 20 * time.Second
	// again is how long a replica that ended by itself rests, as whoever supervises it would do.
	again = time.Second
)

// build makes the program's binary in a folder.
func build(ctx context.Context, dir string) (string, error) {
	bin := filepath.Join(dir, "atelier")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "github.com/atelier-bridge/atelier/cmd/atelier").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return bin, nil
}

// fleet is all replicas.
type fleet struct {
	bin string
	env []string
	dir string
	n   *notes

	mu     sync.Mutex
	slots  []*replica
	named  int
	panics []string
	next   int
}

// replica is one place in the fleet, with the process that is in it now. Whoever changes it holds its turn.
type replica struct {
	name string
	turn sync.Mutex

	mu      sync.Mutex
	cmd     *exec.Cmd
	ended   chan struct{} // closed when the process is gone
	ready   chan struct{} // closed when it serves
	addr    string
	wanted  bool // it should run
	frozen  bool
	removed bool
	bin     string
	handed  string // how long it held partitions after it was told to stop
}

// add puts a new replica into the fleet and starts it.
func (f *fleet) add(ctx context.Context) *replica {
	f.mu.Lock()
	f.named++
	r := &replica{name: fmt.Sprintf("r%d", f.named), bin: f.bin}
	f.slots = append(f.slots, r)
	f.mu.Unlock()
	r.turn.Lock()
	defer r.turn.Unlock()
	f.start(ctx, r)
	return r
}

// setBin chooses the program of replicas that are added from now on.
func (f *fleet) setBin(bin string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bin = bin
}

// all returns the replicas that belong to the fleet.
func (f *fleet) all() []*replica {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.slots)
}

// start runs a replica's process and keeps it running until somebody wants it gone. The caller holds its turn.
func (f *fleet) start(ctx context.Context, r *replica) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd != nil || r.removed || ctx.Err() != nil {
		return
	}
	r.wanted = true
	if err := f.launch(ctx, r); err != nil {
		f.n.say("%s not started: %v", r.name, err)
	}
}

// launch starts the process; the replica is locked.
func (f *fleet) launch(ctx context.Context, r *replica) error {
	log, err := os.OpenFile(filepath.Join(f.dir, r.name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	// Not bound to the context: it is ended by its own hand, in order.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), r.bin, "serve")
	cmd.Env = f.env
	pipe, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start replica: %w", err)
	}
	fmt.Fprintf(log, "--- %s pid %d\n", time.Now().UTC().Format(time.RFC3339Nano), cmd.Process.Pid)
	ended, ready := make(chan struct{}), make(chan struct{})
	r.cmd, r.ended, r.ready, r.addr, r.frozen = cmd, ended, ready, "", false
	read := make(chan struct{})
	go func() {
		defer close(read)
		f.read(r, pipe, log, ready)
	}()
	go func() {
		err := cmd.Wait()
		_ = w.Close() // a pipe in memory
		<-read
		fmt.Fprintf(log, "--- %s ended: %v\n", time.Now().UTC().Format(time.RFC3339Nano), err)
		_ = log.Close() // what could not be written is not missed by anybody
		r.mu.Lock()
		r.cmd, r.addr = nil, ""
		wanted := r.wanted
		r.mu.Unlock()
		close(ended)
		if wanted {
			f.n.say("   %s ended by itself: %v", r.name, err)
			f.revive(ctx, r)
		}
	}()
	return nil
}

// revive starts a replica that ended by itself.
func (f *fleet) revive(ctx context.Context, r *replica) {
	if !rest(ctx, again) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wanted && r.cmd == nil && ctx.Err() == nil {
		if err := f.launch(ctx, r); err != nil {
			f.n.say("%s not started: %v", r.name, err)
		}
	}
}

// read copies the log, and looks for the address and for panics.
func (f *fleet) read(r *replica, from io.Reader, log io.Writer, ready chan struct{}) {
	lines := bufio.NewReaderSize(from, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			_, _ = log.Write(line) // a full disk shows in the end
			f.look(r, line, ready)
		}
		if err != nil {
			return
		}
	}
}

func (f *fleet) look(r *replica, line []byte, ready chan struct{}) {
	if bytes.Contains(line, []byte("panic:")) || bytes.Contains(line, []byte("panicked")) || bytes.HasPrefix(line, []byte("fatal error:")) || bytes.Contains(line, []byte("DATA RACE")) {
		f.mu.Lock()
		f.panics = append(f.panics, r.name+": "+strings.TrimSpace(string(line)))
		f.mu.Unlock()
	}
	var l struct {
		Addr  string `json:"addr"`
		After int64  `json:"after_ms"`
	}
	if bytes.Contains(line, []byte("all partitions are handed over")) && json.Unmarshal(line, &l) == nil {
		r.mu.Lock()
		r.handed = (time.Duration(l.After) * time.Millisecond).String()
		r.mu.Unlock()
	}
	if !bytes.Contains(line, []byte("atelier is running")) {
		return
	}
	if json.Unmarshal(line, &l) == nil && l.Addr != "" {
		r.mu.Lock()
		r.addr = l.Addr
		r.mu.Unlock()
		close(ready)
	}
}

// end makes a process end by f and waits; kill -9 follows when it does not. The caller holds its turn.
func (r *replica) end(how func(*os.Process) error) error {
	r.mu.Lock()
	cmd, ended := r.cmd, r.ended
	r.wanted = false
	r.mu.Unlock()
	if cmd == nil {
		return nil
	}
	if err := how(cmd.Process); err != nil {
		return err
	}
	timer := time.NewTimer(stopWithin)
	defer timer.Stop()
	select {
	case <-ended:
		return nil
	case <-timer.C:
		_ = cmd.Process.Kill() // it may have ended just now
		<-ended
		return fmt.Errorf("did not end within %s", stopWithin)
	}
}

func kill(p *os.Process) error { return p.Kill() }

// signal sends something to the process, if there is one.
func (r *replica) signal(how func(*os.Process) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return nil
	}
	return how(r.cmd.Process)
}

// remove takes a replica out of the fleet; its process must be gone.
func (f *fleet) remove(r *replica) {
	r.mu.Lock()
	r.removed = true
	r.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slots = slices.DeleteFunc(f.slots, func(x *replica) bool { return x == r })
}

// await waits until every replica serves.
func (f *fleet) await(ctx context.Context) error {
	for _, r := range f.all() {
		deadline := time.Now().Add(readyWithin)
		for {
			r.mu.Lock()
			addr := r.addr
			r.mu.Unlock()
			if addr != "" {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s is not ready after %s", r.name, readyWithin)
			}
			if !rest(ctx, 50*time.Millisecond) {
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// serving returns the address of a living replica, in turn; skip counts how many to pass over.
func (f *fleet) serving(skip int) string {
	f.mu.Lock()
	f.next++
	start, slots := f.next, slices.Clone(f.slots)
	f.mu.Unlock()
	var live []string
	for _, r := range slots {
		r.mu.Lock()
		if r.addr != "" && r.cmd != nil {
			live = append(live, r.addr)
		}
		r.mu.Unlock()
	}
	if skip >= len(live) {
		return ""
	}
	return live[(start+skip)%len(live)]
}

// close ends everything at once.
func (f *fleet) close() {
	for _, r := range f.all() {
		_ = r.signal(thaw) // else it cannot end
		_ = r.end(kill)
	}
}

// rest waits; false when the context ended first.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
