package main

// A rolling update: replicas of a new version replace those of an old one while people talk, as a Deployment does it with
// maxSurge 1 and maxUnavailable 0.

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const breakRollout = "rollout"

// rollout replaces every replica. What a supervisor waits for is that the new one is ready, and that the old one ended.
func (b *breaker) rollout(ctx context.Context) {
	f := b.w.fleet
	f.setBin(b.w.next)
	began := time.Now()
	for _, old := range f.all() {
		b.w.n.fault("%s (old) is replaced", old.name)
		x := f.add(ctx)
		if err := f.await(ctx); err != nil {
			b.note(x, err)
			return
		}
		at := time.Now()
		old.turn.Lock()
		b.note(old, old.end(term))
		f.remove(old)
		old.turn.Unlock()
		b.w.n.change("%s (new) serves; %s handed over %s after SIGTERM and ended after %.1fs", x.name, old.name, old.handover(), time.Since(at).Seconds())
	}
	b.w.n.change("rolled out after %.1fs", time.Since(began).Seconds())
}

// handover is how long a replica that was told to stop still held partitions, as its log says.
func (r *replica) handover() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.handed == "" {
		return "never"
	}
	return r.handed
}

// buildTag builds the program as it was at a tag. The repository's history must be there.
func buildTag(ctx context.Context, dir, tag string) (string, error) {
	src := filepath.Join(dir, "src-"+strings.ReplaceAll(tag, "/", "-"))
	if err := os.MkdirAll(src, 0o755); err != nil {
		return "", err
	}
	root, err := exec.CommandContext(ctx, "git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return "", fmt.Errorf("this is no clone: %w", err)
	}
	tar := filepath.Join(dir, "src.tar")
	archive := exec.CommandContext(ctx, "git", "archive", "--format=tar", "-o", tar, tag)
	archive.Dir = strings.TrimSpace(string(root))
	if out, err := archive.CombinedOutput(); err != nil {
		return "", fmt.Errorf("git archive %s: %w\n%s", tag, err, out)
	}
	if out, err := exec.CommandContext(ctx, "tar", "-xf", tar, "-C", src).CombinedOutput(); err != nil {
		return "", fmt.Errorf("unpack %s: %w\n%s", tag, err, out)
	}
	bin := filepath.Join(dir, "atelier-old")
	build := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/atelier")
	build.Dir = src
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", tag, err, out)
	}
	return bin, nil
}
