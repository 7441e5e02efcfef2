package people

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

var _ core.Accounts = (*Store)(nil)

func (s *Store) accountKey(person core.PersonID, provider core.ProviderName) string {
	return s.db.Keys.Account(s.db.Parts.OfPerson(person), person, provider)
}

// Account returns a person's account.
func (s *Store) Account(ctx context.Context, person core.PersonID, provider core.ProviderName) (*core.AccountRecord, error) {
	a := &core.AccountRecord{}
	rev, err := s.db.GetRecord(ctx, s.accountKey(person, provider), a)
	if err != nil {
		return nil, err
	}
	a.Rev = rev
	return a, nil
}

// Accounts lists a person's accounts by provider.
func (s *Store) Accounts(ctx context.Context, person core.PersonID) ([]*core.AccountRecord, error) {
	names, err := s.db.Client.ZRangeByLex(ctx, s.db.Keys.AccountList(s.db.Parts.OfPerson(person)), &redis.ZRangeBy{Min: "[" + string(person) + "/", Max: "(" + string(person) + "0"}).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	var out []*core.AccountRecord
	for _, n := range names {
		_, provider, _ := strings.Cut(n, "/")
		a, err := s.Account(ctx, person, core.ProviderName(provider))
		if core.ErrorCode(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// claimScript notes whose a fingerprint is.
//
//	KEYS[1] fingerprint  ARGV[1] "person/provider"  ARGV[2] the owner that may be replaced, or ""
//
// Returns whose it is afterwards.
var claimScript = redis.NewScript(`
local have = redis.call('GET', KEYS[1])
if have and have ~= ARGV[2] then return have end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
`)

// releaseScript forgets a fingerprint that is still its owner's.
//
//	KEYS[1] fingerprint  ARGV[1] "person/provider"
var releaseScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`)

func (s *Store) fingerprintKey(fp string) string {
	return s.db.Keys.Fingerprint(s.db.Parts.OfKey(fp), fp)
}

// errShared is what somebody reads whose credential is somebody else's, whoever that is.
var errShared = core.Errorf(core.CodeForbidden, "This key is linked already, to another person or provider.").WithNext("Each person links a key of their own; keys are not shared.")

// claim makes a fingerprint an account's. What somebody claimed and did not link, because they stopped in between, is
// free again.
func (s *Store) claim(ctx context.Context, fp, owner string) error {
	free := ""
	for range maxTries {
		have, err := claimScript.Run(ctx, s.db.Client, []string{s.fingerprintKey(fp)}, owner, free).Text()
		if err != nil {
			return rdb.Fault(err)
		}
		if have == owner {
			return nil
		}
		person, provider, _ := strings.Cut(have, "/")
		a, err := s.Account(ctx, core.PersonID(person), core.ProviderName(provider))
		if err != nil && core.ErrorCode(err) != core.CodeNotFound {
			return err
		}
		if err == nil && a.Fingerprint == fp {
			return errShared
		}
		free = have
	}
	return core.Errorf(core.CodeConflict, "Somebody links this key at the same moment.").WithNext("Please try again.")
}

// PutAccount stores an account: first its fingerprint, then its record, then the former fingerprint goes.
func (s *Store) PutAccount(ctx context.Context, a *core.AccountRecord) error {
	part, owner := s.db.Parts.OfPerson(a.Person), string(a.Person)+"/"+string(a.Provider)
	former := ""
	if a.Rev > 0 {
		old, err := s.Account(ctx, a.Person, a.Provider)
		if err != nil {
			return err
		}
		former = old.Fingerprint
	}
	if a.Fingerprint != "" {
		if err := s.claim(ctx, a.Fingerprint, owner); err != nil {
			return err
		}
	}
	a.V = core.RecordVersion
	b := s.db.NewBatch(core.Lease{})
	if err := b.PutRecord(s.accountKey(a.Person, a.Provider), a.Rev, a); err != nil {
		return err
	}
	b.Do("ZADD", s.db.Keys.AccountList(part), 0, owner)
	if a.AtOnce > 0 {
		b.Do("HSET", s.db.Keys.Limits(part), owner, a.AtOnce)
	} else {
		b.Do("HDEL", s.db.Keys.Limits(part), owner)
	}
	if err := b.Commit(ctx); err != nil {
		return err
	}
	a.Rev++
	if a.Fingerprint != "" {
		// Somebody who claimed the same credential at the same moment may have taken this claim for an abandoned one.
		have, err := s.db.Client.Get(ctx, s.fingerprintKey(a.Fingerprint)).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return rdb.Fault(err)
		}
		if have != owner {
			return errors.Join(errShared, s.DropAccount(ctx, a.Person, a.Provider))
		}
	}
	if former != "" && former != a.Fingerprint {
		return rdb.Fault(releaseScript.Run(ctx, s.db.Client, []string{s.fingerprintKey(former)}, owner).Err())
	}
	return nil
}

// DropAccount deletes an account with everything that is known of its credential.
func (s *Store) DropAccount(ctx context.Context, person core.PersonID, provider core.ProviderName) error {
	a, err := s.Account(ctx, person, provider)
	if err != nil {
		return err
	}
	part, owner := s.db.Parts.OfPerson(person), string(person)+"/"+string(provider)
	b := s.db.NewBatch(core.Lease{})
	b.Do("DEL", s.accountKey(person, provider))
	b.Do("ZREM", s.db.Keys.AccountList(part), owner)
	b.Do("HDEL", s.db.Keys.Limits(part), owner)
	if err := b.Commit(ctx); err != nil {
		return err
	}
	if a.Fingerprint == "" {
		return nil
	}
	return rdb.Fault(releaseScript.Run(ctx, s.db.Client, []string{s.fingerprintKey(a.Fingerprint)}, owner).Err())
}

// EachAccount calls f with every account.
func (s *Store) EachAccount(ctx context.Context, f func(*core.AccountRecord) error) error {
	for _, p := range s.db.Parts.All() {
		if p[0] != 'u' {
			continue
		}
		it := s.db.Client.ZScan(ctx, s.db.Keys.AccountList(p), 0, "", 100).Iterator()
		for it.Next(ctx) {
			person, provider, ok := strings.Cut(it.Val(), "/")
			if !it.Next(ctx) || !ok {
				break // the score follows each member
			}
			a, err := s.Account(ctx, core.PersonID(person), core.ProviderName(provider))
			if core.ErrorCode(err) == core.CodeNotFound {
				continue
			}
			if err == nil {
				err = f(a)
			}
			if err != nil {
				return err
			}
		}
		if err := it.Err(); err != nil {
			return rdb.Fault(err)
		}
	}
	return nil
}

// CountAccounts returns how many accounts EachAccount tells.
func (s *Store) CountAccounts(ctx context.Context) (int64, error) {
	all := int64(0)
	for _, p := range s.db.Parts.All() {
		n, err := s.db.Client.ZCard(ctx, s.db.Keys.AccountList(p)).Result()
		if err != nil {
			return 0, rdb.Fault(err)
		}
		all += n
	}
	return all, nil
}

// FingerprintKey returns the sealed key of the fingerprints, and stores the proposed one when there is none yet.
func (s *Store) FingerprintKey(ctx context.Context, proposed core.Sealed) (core.Sealed, error) {
	data, err := json.Marshal(proposed)
	if err != nil {
		return proposed, core.Wrap(core.CodeInternal, err)
	}
	if err := s.db.Client.SetNX(ctx, s.db.Keys.FingerprintKey(), data, 0).Err(); err != nil {
		return proposed, rdb.Fault(err)
	}
	have, err := s.db.Client.Get(ctx, s.db.Keys.FingerprintKey()).Bytes()
	if err != nil {
		return proposed, rdb.Fault(err)
	}
	var out core.Sealed
	return out, core.Wrap(core.CodeInternal, json.Unmarshal(have, &out))
}

// RewrapFingerprintKey replaces the sealed key of the fingerprints by the same one under another keeper.
func (s *Store) RewrapFingerprintKey(ctx context.Context, k core.Sealed) error {
	data, err := json.Marshal(k)
	if err != nil {
		return core.Wrap(core.CodeInternal, err)
	}
	return rdb.Fault(s.db.Client.Set(ctx, s.db.Keys.FingerprintKey(), data, 0).Err())
}

// errTicket is what a person reads of a ticket that is not there.
var errTicket = core.Errorf(core.CodeNotFound, "This step was used already or has expired.").WithNext("Please begin again.")

var _ core.Tickets = (*Store)(nil)

func (s *Store) ticketKey(kind core.TicketKind, token string) string {
	d := core.Digest(32, "ticket", string(kind), strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(token)))
	return s.db.Keys.Ticket(s.db.Parts.OfKey(d), kind, d)
}

// Issue stores a ticket until it expires.
func (s *Store) Issue(ctx context.Context, t core.Ticket, code bool) (string, error) {
	token, err := newToken(code)
	if err != nil {
		return "", core.Wrap(core.CodeInternal, err)
	}
	ttl := t.Expires.Sub(s.clock.Now())
	if ttl <= 0 {
		return "", core.Wrap(core.CodeInternal, errors.New("a ticket that has expired already"))
	}
	t.V = core.RecordVersion
	key := s.ticketKey(t.Kind, token)
	b := s.db.NewBatch(core.Lease{})
	if err := b.PutRecord(key, 0, t); err != nil {
		return "", err
	}
	b.Do("PEXPIRE", key, ttl.Milliseconds())
	return token, b.Commit(ctx)
}

func (s *Store) ticket(ctx context.Context, kind core.TicketKind, token string) (core.Ticket, int64, error) {
	var t core.Ticket
	rev, err := s.db.GetRecord(ctx, s.ticketKey(kind, token), &t)
	if core.ErrorCode(err) == core.CodeNotFound || err == nil && !s.clock.Now().Before(t.Expires) {
		return t, rev, errTicket
	}
	return t, rev, err
}

// Look returns a ticket without using it.
func (s *Store) Look(ctx context.Context, kind core.TicketKind, token string) (core.Ticket, error) {
	t, _, err := s.ticket(ctx, kind, token)
	return t, err
}

// Redeem returns a ticket once.
func (s *Store) Redeem(ctx context.Context, kind core.TicketKind, token string) (core.Ticket, error) {
	for range maxTries {
		t, rev, err := s.ticket(ctx, kind, token)
		if err != nil {
			return t, err
		}
		key := s.ticketKey(kind, token)
		b := s.db.NewBatch(core.Lease{})
		b.ExpectRevision(key, rev)
		b.Do("DEL", key)
		err = b.Commit(ctx)
		if err == nil {
			return t, nil
		}
		if core.ErrorCode(err) != core.CodeConflict {
			return t, err
		}
	}
	return core.Ticket{}, errTicket
}

// Change changes a ticket that was not used yet through f.
func (s *Store) Change(ctx context.Context, kind core.TicketKind, token string, f func(*core.Ticket) error) (core.Ticket, error) {
	for range maxTries {
		t, rev, err := s.ticket(ctx, kind, token)
		if err != nil {
			return t, err
		}
		if err := f(&t); err != nil {
			return t, err
		}
		b := s.db.NewBatch(core.Lease{})
		if err := b.PutRecord(s.ticketKey(kind, token), rev, t); err != nil {
			return t, err
		}
		if err = b.Commit(ctx); core.ErrorCode(err) != core.CodeConflict {
			return t, err
		}
	}
	return core.Ticket{}, core.Errorf(core.CodeConflict, "Somebody else answered at the same moment.").WithNext("Please try again.")
}

// attemptScript counts a try.
//
//	KEYS[1] count  ARGV[1] span in ms
//
// Returns the number of tries within the span that began with the first one.
var attemptScript = redis.NewScript(`
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return n
`)

// Attempt counts what somebody tries within a span of time.
func (s *Store) Attempt(ctx context.Context, who string, span time.Duration) (int, error) {
	n, err := attemptScript.Run(ctx, s.db.Client, []string{s.db.Keys.Attempts(s.db.Parts.OfKey(who), who)}, span.Milliseconds()).Int()
	return n, rdb.Fault(err)
}
