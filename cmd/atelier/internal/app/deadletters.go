package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

// DeadLetters are what could not be handled or delivered, for the operator at a shell.
type DeadLetters struct{ store *feedback.Store }

// OpenDeadLetters opens the store that the environment names. The caller closes it.
func OpenDeadLetters(ctx context.Context) (*DeadLetters, error) {
	s, _, err := openForTool(ctx)
	if err != nil {
		return nil, err
	}
	return &DeadLetters{store: s}, nil
}

// Close closes the store.
func (d *DeadLetters) Close() error { return d.store.Close() }

// Dead is a dead letter with the name that the commands take, such as "p07/1700000000000-0".
type Dead struct {
	Name string `json:"name"`
	core.DeadLetter
	partition core.Partition
}

// perPartition bounds how many dead letters of one partition are listed.
const perPartition = 1000

// List returns all dead letters, newest first, at most 1,000 of each partition.
func (d *DeadLetters) List(ctx context.Context) ([]Dead, error) {
	out := []Dead{}
	for _, p := range d.store.DB.Parts.All() {
		list, err := d.store.Journal.Dead(ctx, p, perPartition)
		if err != nil {
			return nil, err
		}
		for _, l := range list {
			out = append(out, Dead{Name: string(p) + "/" + string(l.Entry), DeadLetter: l, partition: p})
		}
	}
	slices.SortStableFunc(out, func(a, b Dead) int { return b.At.Compare(a.At) })
	return out, nil
}

// Find returns the dead letters that names mean; "all" means all.
func (d *DeadLetters) Find(ctx context.Context, names []string) ([]Dead, error) {
	all, err := d.List(ctx)
	if err != nil || slices.Equal(names, []string{"all"}) {
		return all, err
	}
	var out []Dead
	for _, n := range names {
		i := slices.IndexFunc(all, func(l Dead) bool { return l.Name == n || l.ID == n })
		if i < 0 {
			return nil, core.Errorf(core.CodeNotFound, "There is no dead letter %s.", n).WithNext("List them with: atelier deadletters list")
		}
		out = append(out, all[i])
	}
	return out, nil
}

// Retry has one handled or delivered again by the running program.
func (d *DeadLetters) Retry(ctx context.Context, l Dead) error {
	return d.store.Journal.Retry(ctx, l.partition, l.Entry)
}

// Drop forgets one.
func (d *DeadLetters) Drop(ctx context.Context, l Dead) error {
	return d.store.Journal.Drop(ctx, l.partition, l.Entry)
}

// Line describes a dead letter in one line.
func (l Dead) Line() string {
	reason, _, _ := strings.Cut(l.Reason, "\n")
	return fmt.Sprintf("%s  %s  %-8s  %s  %s", l.Name, l.At.UTC().Format("2006-01-02 15:04:05"), l.Kind, l.Room, reason)
}
