package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/atelier-bridge/atelier/adapters/vault"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/people"
)

// RotateKeys wraps the data key of every account, and of every team that installed the Slack app, by the first keeper of
// ATELIER_KEYS, while the program may go on serving. It returns how many there are and how many were changed; it may be run
// again at any time. After each account it tells how many are done, and how many there are.
func RotateKeys(ctx context.Context, tell func(done, total int64)) (all, changed int, err error) {
	cfg, err := LoadConfig()
	if cfg.RedisURL == "" || len(cfg.Keys) == 0 {
		return 0, 0, err // the other faults do not matter here
	}
	store, err := cfg.store(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("open store: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	v, err := vault.Open(ctx, cfg.Keys, store.DB.Workspace, store.People)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	if _, err := v.RotateFingerprints(ctx); err != nil {
		return 0, 0, err
	}
	total, err := store.People.CountAccounts(ctx)
	if err != nil {
		return 0, 0, err
	}
	err = store.People.EachAccount(ctx, func(a *core.AccountRecord) error {
		all++
		did, err := rewrap(ctx, v, store.People, a)
		if did {
			changed++
		}
		tell(int64(all), max(int64(all), total))
		return err
	})
	if err != nil {
		return all, changed, err
	}
	teams, anew, err := rewrapInstalls(ctx, v, store.People)
	return all + teams, changed + anew, err
}

// rewrapTries bounds how often an account is read again when its person changes it at the same moment.
const rewrapTries = 5

func rewrap(ctx context.Context, v *vault.Vault, accounts *people.Store, a *core.AccountRecord) (bool, error) {
	for range rewrapTries {
		if a.Sealed == nil {
			return false, nil
		}
		next, changed, err := v.Rewrap(ctx, *a.Sealed)
		if err != nil || !changed {
			return false, err
		}
		a.Sealed = &next
		err = accounts.PutAccount(ctx, a)
		if core.ErrorCode(err) != core.CodeConflict {
			return err == nil, err
		}
		a, err = accounts.Account(ctx, a.Person, a.Provider)
		if core.ErrorCode(err) == core.CodeNotFound {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, core.Errorf(core.CodeConflict, "The account at %s of %s kept changing.", a.Provider, a.Person)
}
