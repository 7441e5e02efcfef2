package vault

import (
	"context"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

// ring is a keyring in memory.
type ring struct{ key core.Sealed }

func (r *ring) FingerprintKey(_ context.Context, proposed core.Sealed) (core.Sealed, error) {
	if r.key.Keeper == "" {
		r.key = proposed
	}
	return r.key, nil
}

func (r *ring) RewrapFingerprintKey(_ context.Context, k core.Sealed) error { r.key = k; return nil }

func open(t testing.TB, r Keyring, urls ...string) *Vault {
	t.Helper()
	v, err := Open(t.Context(), urls, "w1", r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

var (
	label = core.SealLabel{Person: "p-ana", Provider: "openai", Number: 1}
	key   = core.NewSecret("sk-very-secret-1234")
)

func code(t *testing.T, err error, want core.Code) {
	t.Helper()
	if core.ErrorCode(err) != want {
		t.Fatalf("%v, want %s", err, want)
	}
}

func TestSealedTextOpensOnlyUnderItsLabel(t *testing.T) {
	v := open(t, &ring{}, NewKeyURL())
	s, err := v.Seal(t.Context(), label, key)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(s.Text)+string(s.Key), "very-secret") {
		t.Fatal("clear text in a sealed credential")
	}
	got, err := v.Unseal(t.Context(), label, s)
	if err != nil || got.Reveal() != key.Reveal() {
		t.Fatal(got, err)
	}
	for _, l := range []core.SealLabel{{Person: "p-ben", Provider: "openai", Number: 1}, {Person: "p-ana", Provider: "bfl", Number: 1}, {Person: "p-ana", Provider: "openai", Number: 2}} {
		_, err := v.Unseal(t.Context(), l, s)
		code(t, err, core.CodeInternal)
	}
	other, err := Open(t.Context(), []string{NewKeyURL()}, "w1", &ring{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.Unseal(t.Context(), label, s)
	code(t, err, core.CodeInternal)
	s.Text[len(s.Text)-1] ^= 1
	_, err = v.Unseal(t.Context(), label, s)
	code(t, err, core.CodeInternal)
	_, err = v.Seal(t.Context(), label, core.Secret{})
	code(t, err, core.CodeInvalid)
}

func TestTheSameCredentialSealsDifferentlyAndHasOneFingerprint(t *testing.T) {
	r := &ring{}
	url := NewKeyURL()
	a, b := open(t, r, url), open(t, r, url)
	s1, err1 := a.Seal(t.Context(), label, key)
	s2, err2 := a.Seal(t.Context(), label, key)
	if err1 != nil || err2 != nil || string(s1.Text) == string(s2.Text) || string(s1.Key) == string(s2.Key) {
		t.Fatal("two seals are the same", err1, err2)
	}
	f1, err1 := a.Fingerprint(t.Context(), key)
	f2, err2 := b.Fingerprint(t.Context(), key)
	f3, err3 := b.Fingerprint(t.Context(), core.NewSecret("sk-another"))
	if err1 != nil || err2 != nil || err3 != nil || f1 != f2 || f1 == f3 {
		t.Fatal(f1, f2, f3, err1, err2, err3)
	}
}

func TestRotationKeepsTextAndFingerprints(t *testing.T) {
	r := &ring{}
	old, fresh := NewKeyURL(), NewKeyURL()
	v := open(t, r, old)
	s, err := v.Seal(t.Context(), label, key)
	if err != nil {
		t.Fatal(err)
	}
	before, err := v.Fingerprint(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	both := open(t, r, fresh, old)
	next, changed, err := both.Rewrap(t.Context(), s)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	if _, changed, err := both.Rewrap(t.Context(), next); err != nil || changed {
		t.Fatal("wrapped twice", err)
	}
	if changed, err := both.RotateFingerprints(t.Context()); err != nil || !changed {
		t.Fatal(changed, err)
	}
	only := open(t, r, fresh)
	if got, err := only.Unseal(t.Context(), label, next); err != nil || got.Reveal() != key.Reveal() {
		t.Fatal(got, err)
	}
	if after, err := only.Fingerprint(t.Context(), key); err != nil || after != before {
		t.Fatal(before, after, err)
	}
}

func TestBadKeeperIsNamedWithoutItsKey(t *testing.T) {
	_, err := Open(t.Context(), []string{"base64key://c2VjcmV0LWtleS1tYXRlcmlhbA=="}, "w1", &ring{})
	if err == nil || strings.Contains(err.Error(), "c2VjcmV0") {
		t.Fatal(err)
	}
}

// BenchmarkSealAndOpen measures the CPU of sealing and opening an account together, the keeper's own work included.
func BenchmarkSealAndOpen(b *testing.B) {
	v := open(b, &ring{}, NewKeyURL())
	for b.Loop() {
		s, err := v.Seal(b.Context(), label, key)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.Unseal(b.Context(), label, s); err != nil {
			b.Fatal(err)
		}
	}
}
