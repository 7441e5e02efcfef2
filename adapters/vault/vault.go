// Package vault seals people's credentials. Each one is encrypted with AES-256-GCM under a data key of its own, bound to
// whose it is; the data key is wrapped by a keeper, such as a key of the operator's or a cloud's key service. Only the
// wrapped form is stored, and clear text lives for one call.
package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gocloud.dev/secrets"

	"github.com/atelier-bridge/atelier/core"
)

const dataKeySize = 32

// Keyring keeps the sealed key of the fingerprints, which all processes share.
type Keyring interface {
	// FingerprintKey returns the stored key, and stores the proposed one when there is none yet.
	FingerprintKey(ctx context.Context, proposed core.Sealed) (core.Sealed, error)
	// RewrapFingerprintKey replaces the stored key by the same one under another keeper.
	RewrapFingerprintKey(ctx context.Context, k core.Sealed) error
}

// Vault implements core.Vault.
type Vault struct {
	workspace string
	keepers   []keeper // the first one seals, all open
	keyring   Keyring

	mu          sync.Mutex
	fingerprint []byte
}

type keeper struct {
	name string // a digest of its URL: tells keepers apart and says nothing about them
	*secrets.Keeper
}

var _ core.Vault = (*Vault)(nil)

// Open opens the keepers by their URLs; the first one seals, all of them open. The workspace is part of every label, so
// that what one installation sealed does not open in another. Close releases them.
func Open(ctx context.Context, urls []string, workspace string, ring Keyring) (*Vault, error) {
	v := &Vault{workspace: workspace, keyring: ring}
	for i, u := range urls {
		k, err := secrets.OpenKeeper(ctx, u)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("keeper %d of ATELIER_KEYS cannot be opened: %w", i+1, hideKey(err, u)), v.Close())
		}
		v.keepers = append(v.keepers, keeper{name: core.Digest(12, "keeper", u), Keeper: k})
	}
	if len(v.keepers) == 0 {
		return nil, errors.New("ATELIER_KEYS names no keeper")
	}
	return v, nil
}

// hideKey keeps a URL, which may hold the key itself, out of an error.
func hideKey(err error, url string) error {
	return fmt.Errorf("%T (the URL is not shown: it may hold the key; it begins with %.12q)", err, scheme(url))
}

// Check says what is wrong with a keeper's URL, as far as that shows without asking anybody; nil when nothing does.
func Check(url string) error {
	known := secrets.DefaultURLMux().KeeperSchemes()
	slices.Sort(known)
	if !slices.Contains(known, scheme(url)) {
		return fmt.Errorf("is no keeper URL; it must begin with %s://; make one with: atelier keys new", strings.Join(known, ":// or "))
	}
	text, ok := strings.CutPrefix(url, "base64key://")
	if !ok {
		return nil
	}
	key, err := base64.URLEncoding.DecodeString(text)
	if err != nil {
		key, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil || len(key) != keySize { // without any, each start would make another one
		return errors.New("is no key of 32 bytes in base64; make one with: atelier keys new")
	}
	return nil
}

// keySize is that of a base64key, in bytes.
const keySize = 32

func scheme(url string) string {
	for i := range len(url) {
		if url[i] == ':' {
			return url[:i]
		}
	}
	return ""
}

// Close releases the keepers.
func (v *Vault) Close() error {
	var errs []error
	for _, k := range v.keepers {
		errs = append(errs, k.Close())
	}
	return errors.Join(errs...)
}

// label is what a sealed text is bound to.
func (v *Vault) label(l core.SealLabel) []byte {
	return []byte(v.workspace + "|" + string(l.Person) + "|" + string(l.Provider) + "|" + strconv.Itoa(l.Number))
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal seals a credential under a new data key. An empty one is refused.
func (v *Vault) Seal(ctx context.Context, l core.SealLabel, s core.Secret) (core.Sealed, error) {
	if s.IsZero() {
		return core.Sealed{}, core.Errorf(core.CodeInvalid, "There is no key to seal.")
	}
	return v.seal(ctx, v.label(l), []byte(s.Reveal()))
}

func (v *Vault) seal(ctx context.Context, label, text []byte) (core.Sealed, error) {
	key := make([]byte, dataKeySize)
	defer clear(key)
	_, _ = rand.Read(key) // never fails; see crypto/rand.Read
	aead, err := gcm(key)
	if err != nil {
		return core.Sealed{}, core.Wrap(core.CodeInternal, err)
	}
	wrapped, err := v.keepers[0].Encrypt(ctx, key)
	if err != nil {
		return core.Sealed{}, away(err)
	}
	return core.Sealed{Keeper: v.keepers[0].name, Key: wrapped, Text: aead.Seal(nil, nil, text, label)}, nil //nolint:gosec // the nonce is random: NewGCMWithRandomNonce puts it in front
}

// away is the error of a keeper that does not do its work now. Its own text may name keys and stays out of messages.
func away(err error) error {
	return core.Errorf(core.CodeRetry, "The key service does not answer.").WithNext("Please try again in a moment.").Because(err)
}

// dataKey unwraps a data key by the keeper that wrapped it, or by any when that one is not named any more.
func (v *Vault) dataKey(ctx context.Context, s core.Sealed) ([]byte, error) {
	var errs []error
	for _, named := range []bool{true, false} {
		for _, k := range v.keepers {
			if (k.name == s.Keeper) != named {
				continue
			}
			key, err := k.Decrypt(ctx, s.Key)
			if err == nil && len(key) == dataKeySize {
				return key, nil
			}
			errs = append(errs, err)
		}
	}
	return nil, core.Wrap(core.CodeInternal, fmt.Errorf("no keeper of ATELIER_KEYS opens a key wrapped by %s: %w", s.Keeper, errors.Join(errs...)))
}

// Unseal opens what Seal sealed under the same label.
func (v *Vault) Unseal(ctx context.Context, l core.SealLabel, s core.Sealed) (core.Secret, error) {
	text, err := v.unseal(ctx, v.label(l), s)
	if err != nil {
		return core.Secret{}, err
	}
	defer clear(text)
	return core.NewSecret(string(text)), nil
}

func (v *Vault) unseal(ctx context.Context, label []byte, s core.Sealed) ([]byte, error) {
	key, err := v.dataKey(ctx, s)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	aead, err := gcm(key)
	if err != nil {
		return nil, core.Wrap(core.CodeInternal, err)
	}
	text, err := aead.Open(nil, nil, s.Text, label)
	if err != nil {
		return nil, core.Wrap(core.CodeInternal, errors.New("a sealed credential is damaged or belongs to another account"))
	}
	return text, nil
}

// Rewrap wraps the data key by the first keeper; the text stays as it is.
func (v *Vault) Rewrap(ctx context.Context, s core.Sealed) (core.Sealed, bool, error) {
	if s.Keeper == v.keepers[0].name {
		return s, false, nil
	}
	key, err := v.dataKey(ctx, s)
	if err != nil {
		return s, false, err
	}
	defer clear(key)
	wrapped, err := v.keepers[0].Encrypt(ctx, key)
	if err != nil {
		return s, false, away(err)
	}
	return core.Sealed{Keeper: v.keepers[0].name, Key: wrapped, Text: s.Text}, true, nil
}

// fingerprintLabel is not the label of any account: those have four parts.
func (v *Vault) fingerprintLabel() []byte { return []byte(v.workspace + "|fingerprints") }

// fingerprintKey returns the key that all processes share, made by whoever needed it first.
func (v *Vault) fingerprintKey(ctx context.Context) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fingerprint != nil {
		return v.fingerprint, nil
	}
	fresh := make([]byte, dataKeySize)
	_, _ = rand.Read(fresh) // never fails; see crypto/rand.Read
	proposed, err := v.seal(ctx, v.fingerprintLabel(), fresh)
	if err != nil {
		return nil, err
	}
	stored, err := v.keyring.FingerprintKey(ctx, proposed)
	if err != nil {
		return nil, err
	}
	key, err := v.unseal(ctx, v.fingerprintLabel(), stored)
	if err != nil {
		return nil, err
	}
	v.fingerprint = key
	return key, nil
}

// Fingerprint returns a keyed digest of a credential.
func (v *Vault) Fingerprint(ctx context.Context, s core.Secret) (string, error) {
	key, err := v.fingerprintKey(ctx)
	if err != nil {
		return "", err
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(s.Reveal()))
	return hex.EncodeToString(m.Sum(nil)[:20]), nil
}

// RotateFingerprints wraps the key of the fingerprints by the first keeper. The key stays, and so do all fingerprints.
func (v *Vault) RotateFingerprints(ctx context.Context) (changed bool, err error) {
	if _, err := v.fingerprintKey(ctx); err != nil {
		return false, err
	}
	stored, err := v.keyring.FingerprintKey(ctx, core.Sealed{})
	if err != nil {
		return false, err
	}
	next, changed, err := v.Rewrap(ctx, stored)
	if err != nil || !changed {
		return false, err
	}
	return true, v.keyring.RewrapFingerprintKey(ctx, next)
}

// NewKeyURL makes a keeper URL with a random key, for ATELIER_KEYS.
func NewKeyURL() string {
	key := make([]byte, dataKeySize)
	_, _ = rand.Read(key) // never fails; see crypto/rand.Read
	return "base64key://" + base64.URLEncoding.EncodeToString(key)
}

// Opens reports whether some keeper opens a credential's data key, without opening the credential; newest tells that the
// first keeper wrapped it.
func (v *Vault) Opens(ctx context.Context, s core.Sealed) (newest bool, err error) {
	key, err := v.dataKey(ctx, s)
	clear(key)
	return s.Keeper == v.keepers[0].name, err
}

// Try opens one keeper and has it open what it sealed.
func Try(ctx context.Context, url string) error {
	k, err := secrets.OpenKeeper(ctx, url)
	if err != nil {
		return hideKey(err, url)
	}
	sealed, err := k.Encrypt(ctx, []byte("ok"))
	if err == nil {
		_, err = k.Decrypt(ctx, sealed)
	}
	return errors.Join(err, k.Close())
}
