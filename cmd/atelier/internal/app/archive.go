package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"github.com/atelier-bridge/atelier/adapters/media"
	"github.com/atelier-bridge/atelier/feedback"
	"github.com/atelier-bridge/atelier/feedback/archive"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Lock says who can open an archive, or by what it is opened.
type Lock struct {
	// Recipients are age public keys. Where there are any, the passphrase is not used.
	Recipients []string
	// Identities is the text of a file of age identities.
	Identities string
	Passphrase string
}

func (l Lock) recipients() ([]age.Recipient, error) {
	if len(l.Recipients) > 0 {
		out, err := age.ParseRecipients(strings.NewReader(strings.Join(l.Recipients, "\n")))
		if err != nil {
			return nil, fmt.Errorf("--recipient: write the public key of an age identity, which begins with age1: %w", err)
		}
		return out, nil
	}
	r, err := age.NewScryptRecipient(l.Passphrase)
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	return []age.Recipient{r}, nil
}

// maxWorkFactor bounds how long, and with how much memory (a gigabyte), a passphrase is tried.
const maxWorkFactor = 20

func (l Lock) identities() (out []age.Identity, err error) {
	if l.Identities != "" {
		if out, err = age.ParseIdentities(strings.NewReader(l.Identities)); err != nil {
			return nil, fmt.Errorf("--identity: name a file that age-keygen wrote: %w", err)
		}
	}
	if l.Passphrase != "" {
		id, err := age.NewScryptIdentity(l.Passphrase)
		if err != nil {
			return nil, fmt.Errorf("passphrase: %w", err)
		}
		id.SetMaxWorkFactor(maxWorkFactor)
		out = append(out, id)
	}
	return out, nil
}

// storeConfig is the configuration of which only the store and the pictures matter.
func storeConfig() (Config, error) {
	cfg, _ := LoadConfig() // the other faults do not matter here
	if cfg.RedisURL == "" {
		return cfg, errors.New("ATELIER_REDIS_URL is missing: set it to the store that is meant")
	}
	return cfg, nil
}

// Export writes the installation that the environment names into an archive.
func Export(ctx context.Context, w io.Writer, l Lock, version string, tell archive.Progress) (r archive.Result, err error) {
	cfg, err := storeConfig()
	if err != nil {
		return r, err
	}
	to, err := l.recipients()
	if err != nil {
		return r, err
	}
	c, err := rdb.Dial(cfg.RedisURL, cfg.RedisMode)
	if err != nil {
		return r, err
	}
	began, err := rdb.Began(ctx, c, prefixOf(cfg))
	if err = errors.Join(err, c.Close()); err != nil {
		return r, fmt.Errorf("open store: %w", err)
	}
	if !began {
		return r, errors.New("the store is empty: there is nothing to export; check ATELIER_REDIS_URL (the demo keeps its keys under atelier-demo: and they are not exported)")
	}
	store, err := cfg.store(ctx)
	if err != nil {
		return r, fmt.Errorf("open store: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	blobs, err := media.OpenBlobs(ctx, cfg.BlobURL)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, blobs.Close()) }()
	return archive.Export(ctx, w, archive.Source{DB: store.DB, Blobs: blobs, Version: version, Tell: tell}, to...)
}

func prefixOf(cfg Config) string {
	if cfg.RedisPrefix == "" {
		return feedback.DefaultPrefix
	}
	return cfg.RedisPrefix
}

// Import fills the empty store that the environment names, verifies it and says whether ATELIER_KEYS opens its accounts.
func Import(ctx context.Context, in io.Reader, l Lock, force bool, tell archive.Progress) (r archive.Result, err error) {
	cfg, err := storeConfig()
	if err != nil {
		return r, err
	}
	ids, err := l.identities()
	if err != nil {
		return r, err
	}
	c, err := rdb.Dial(cfg.RedisURL, cfg.RedisMode)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	blobs, err := media.OpenBlobs(ctx, cfg.BlobURL)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, blobs.Close()) }()
	if err := blobs.Check(ctx); err != nil {
		return r, fmt.Errorf("the blob store cannot be written: check ATELIER_BLOB_URL: %w", err)
	}
	r, err = archive.Import(ctx, in, archive.Target{Client: c, Prefix: prefixOf(cfg), Blobs: blobs, Force: force, Tell: tell}, ids...)
	if err != nil {
		return r, err
	}
	if r.Families["account"] > 0 && len(cfg.Keys) == 0 {
		r.Warnings = append(r.Warnings, "ATELIER_KEYS is not set: without the key that sealed people's accounts they cannot be opened")
	}
	for _, f := range checkAccounts(ctx, cfg) {
		if !f.OK {
			r.Warnings = append(r.Warnings, f.Area+": "+f.What+"; "+f.Fix)
		}
	}
	return r, nil
}

// CheckArchive reads an archive through without a store.
func CheckArchive(ctx context.Context, in io.Reader, l Lock) (archive.Result, error) {
	ids, err := l.identities()
	if err != nil {
		return archive.Result{}, err
	}
	return archive.Check(ctx, in, ids...)
}
