package people

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

var _ core.Installs = (*Store)(nil)

// installs are all installs of a platform, one record: they change seldom, are read as a whole, and their number is that
// of the teams.
type installs struct {
	V     int                     `json:"v"`
	Rev   int64                   `json:"-"`
	Teams map[string]core.Install `json:"teams"`
}

// InstallRevision returns the revision of a platform's installs; 0 when there never was one.
func (s *Store) InstallRevision(ctx context.Context, p core.PlatformName) (int64, error) {
	n, err := s.db.Client.HGet(ctx, s.db.Keys.Installs(p), "v").Int64()
	if err = rdb.Fault(err); core.ErrorCode(err) == core.CodeNotFound {
		return 0, nil
	}
	return n, err
}

// Installs returns a platform's installs by team.
func (s *Store) Installs(ctx context.Context, p core.PlatformName) ([]core.Install, int64, error) {
	var all installs
	rev, err := s.db.GetRecord(ctx, s.db.Keys.Installs(p), &all)
	if core.ErrorCode(err) == core.CodeNotFound {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	out := make([]core.Install, 0, len(all.Teams))
	for _, team := range slices.Sorted(maps.Keys(all.Teams)) {
		out = append(out, all.Teams[team])
	}
	return out, rev, nil
}

// ChangeInstall changes one team's install.
func (s *Store) ChangeInstall(ctx context.Context, p core.PlatformName, team string, f func(*core.Install) error) error {
	return s.changeInstalls(ctx, p, func(all *installs) error {
		i := all.Teams[team]
		if err := f(&i); err != nil {
			return err
		}
		i.V, i.Team = core.RecordVersion, team
		all.Teams[team] = i
		return nil
	})
}

// DropInstall forgets one team's install.
func (s *Store) DropInstall(ctx context.Context, p core.PlatformName, team string, until time.Time) (dropped bool, err error) {
	err = s.changeInstalls(ctx, p, func(all *installs) error {
		i, ok := all.Teams[team]
		dropped = ok && !i.At.After(until)
		if dropped {
			delete(all.Teams, team)
		}
		return nil
	})
	return dropped && err == nil, err
}

func (s *Store) changeInstalls(ctx context.Context, p core.PlatformName, f func(*installs) error) error {
	_, err := update(ctx, s, s.db.Keys.Installs(p), func(all *installs) *int64 { return &all.Rev }, func(all *installs) error {
		all.V = core.RecordVersion
		if all.Teams == nil {
			all.Teams = map[string]core.Install{}
		}
		return f(all)
	}, nil)
	return err
}
