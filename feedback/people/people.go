// Package people keeps people, identities, projects, rooms and roles.
package people

import (
	"context"
	"slices"
	"sort"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Store implements core.People and core.Projects.
type Store struct {
	db     *rdb.DB
	clock  core.Clock
	recent recent
}

var (
	_ core.People   = (*Store)(nil)
	_ core.Projects = (*Store)(nil)
)

// New returns the people store.
func New(db *rdb.DB, clock core.Clock) *Store { return &Store{db: db, clock: clock} }

// maxTries bounds how often an update is redone when others change the record at the same time.
const maxTries = 20

// update reads a record, changes it through f and writes it, again when somebody else was faster. f may run more than
// once. extra adds further writes of the same partition.
func update[T any](ctx context.Context, s *Store, key string, rev func(*T) *int64, f func(*T) error, extra func(*rdb.Batch, *T)) (*T, error) {
	for range maxTries {
		item := new(T)
		n, err := s.db.GetRecord(ctx, key, item)
		if err != nil && core.ErrorCode(err) != core.CodeNotFound {
			return nil, err
		}
		*rev(item) = n
		if err := f(item); err != nil {
			return nil, err
		}
		b := s.db.NewBatch(core.Lease{})
		if err := b.PutRecord(key, n, item); err != nil {
			return nil, err
		}
		if extra != nil {
			extra(b, item)
		}
		err = b.Commit(ctx)
		s.recent.drop(key)
		if err == nil {
			*rev(item) = n + 1
			return item, nil
		}
		if core.ErrorCode(err) != core.CodeConflict {
			return nil, err
		}
	}
	return nil, core.Errorf(core.CodeConflict, "Too many people changed this at once.").WithNext("Please try again.")
}

// Person returns a person by id, also by one that they had before.
func (s *Store) Person(ctx context.Context, id core.PersonID) (*core.Person, error) {
	for range maxTries {
		p := &core.Person{}
		rev, err := s.read(ctx, s.personKey(id), p)
		if err != nil {
			return nil, err
		}
		if p.Merged == "" {
			p.Rev = rev
			return p, nil
		}
		id = p.Merged
	}
	return nil, core.Errorf(core.CodeInternal, "%s is nobody in the end.", id)
}

func (s *Store) personKey(id core.PersonID) string {
	return s.db.Keys.Person(s.db.Parts.OfPerson(id), id)
}

func (s *Store) identityKey(id core.IdentityID) string {
	return s.db.Keys.Identity(s.db.Parts.OfKey(string(id)), id)
}

// ByIdentity returns the person behind an identity.
func (s *Store) ByIdentity(ctx context.Context, id core.IdentityID) (*core.Person, error) {
	pid, err := s.readID(ctx, s.identityKey(id))
	if err != nil {
		return nil, err
	}
	return s.Person(ctx, pid)
}

// Meet returns the person behind an actor and makes one when new. The person's id is derived from the identity, so
// that two replicas that meet somebody at once make the same person.
func (s *Store) Meet(ctx context.Context, a core.Actor) (*core.Person, error) {
	if a.Identity == "" {
		return nil, core.Errorf(core.CodeInternal, "An event without a person.")
	}
	p, err := s.ByIdentity(ctx, a.Identity)
	switch {
	case err == nil:
		known := a.Name == "" || p.Name != "" && (p.Name == a.Name || p.Identities[0] != a.Identity) && (p.Avatar != "" || a.Avatar == "")
		if known && spokenTo(p, a) {
			return p, nil
		}
	case core.ErrorCode(err) != core.CodeNotFound:
		return nil, err
	default:
		p = &core.Person{ID: core.MakePersonID(a.Identity)}
	}
	p, err = update(ctx, s, s.personKey(p.ID), func(p *core.Person) *int64 { return &p.Rev }, func(p *core.Person) error {
		p.V, p.ID = core.RecordVersion, core.MakePersonID(firstOr(p.Identities, a.Identity))
		if p.CreatedAt.IsZero() {
			p.CreatedAt = s.clock.Now().UTC().Truncate(time.Second)
		}
		if !slices.Contains(p.Identities, a.Identity) {
			p.Identities = append(p.Identities, a.Identity)
		}
		// The first identity names the person; the others only fill what is missing.
		if a.Name != "" && (p.Name == "" || p.Identities[0] == a.Identity) {
			p.Name = a.Name
		}
		if a.Locale != "" && (p.Locale == "" || p.Identities[0] == a.Identity) {
			p.Locale = a.Locale
		}
		if a.Zone != "" && (p.Zone == "" || p.Identities[0] == a.Identity) {
			p.Zone = a.Zone
		}
		if a.Avatar != "" && (p.Avatar == "" || p.Identities[0] == a.Identity) {
			p.Avatar = a.Avatar
		}
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	if err := s.db.Client.SetNX(ctx, s.identityKey(a.Identity), string(p.ID), 0).Err(); err != nil {
		return nil, rdb.Fault(err)
	}
	return p, nil
}

// spokenTo reports whether nothing is new of an actor's language and clock. Most events say nothing of them.
func spokenTo(p *core.Person, a core.Actor) bool {
	first := len(p.Identities) == 0 || p.Identities[0] == a.Identity
	told := func(said, kept string) bool { return said == "" || said == kept || kept != "" && !first }
	return told(string(a.Locale), string(p.Locale)) && told(a.Zone, p.Zone)
}

func firstOr(ids []core.IdentityID, first core.IdentityID) core.IdentityID {
	if len(ids) > 0 {
		return ids[0]
	}
	return first
}

// UpdatePerson changes a person through f.
func (s *Store) UpdatePerson(ctx context.Context, id core.PersonID, f func(*core.Person) error) (*core.Person, error) {
	p, err := s.Person(ctx, id)
	if err != nil {
		return nil, core.Errorf(core.ErrorCode(err), "That person is not known.").Because(err)
	}
	return s.updateRecord(ctx, p.ID, f)
}

// updateRecord changes a person's own record, whoever they are now.
func (s *Store) updateRecord(ctx context.Context, id core.PersonID, f func(*core.Person) error) (*core.Person, error) {
	return update(ctx, s, s.personKey(id), func(p *core.Person) *int64 { return &p.Rev }, func(p *core.Person) error {
		if p.Rev == 0 {
			return core.Errorf(core.CodeNotFound, "That person is not known.")
		}
		return f(p)
	}, nil)
}

// Join makes identities one person's. An identity that belongs to somebody else already is a conflict.
func (s *Store) Join(ctx context.Context, ids ...core.IdentityID) (*core.Person, error) {
	if len(ids) == 0 {
		return nil, core.Errorf(core.CodeInvalid, "No identity to join.")
	}
	p, err := s.Meet(ctx, core.Actor{Identity: ids[0]})
	if err != nil {
		return nil, err
	}
	for _, id := range ids[1:] {
		ok, err := s.db.Client.SetNX(ctx, s.identityKey(id), string(p.ID), 0).Result()
		if err != nil {
			return nil, rdb.Fault(err)
		}
		if !ok {
			owner, err := s.db.Client.Get(ctx, s.identityKey(id)).Result()
			if err != nil {
				return nil, rdb.Fault(err)
			}
			if core.PersonID(owner) != p.ID {
				return nil, core.Errorf(core.CodeConflict, "That identity belongs to another person already.")
			}
		}
	}
	return s.UpdatePerson(ctx, p.ID, func(p *core.Person) error {
		for _, id := range ids {
			if !slices.Contains(p.Identities, id) {
				p.Identities = append(p.Identities, id)
			}
		}
		return nil
	})
}

// Merge makes one person's record another person's. Nothing is moved, so that Split undoes it: what was made and linked
// stays where it is and is found by the former id. It may be repeated.
func (s *Store) Merge(ctx context.Context, into, from core.PersonID) (*core.Person, error) {
	old := &core.Person{}
	if _, err := s.db.GetRecord(ctx, s.personKey(from), old); err != nil {
		return nil, err
	}
	if into == from || old.Merged != "" && old.Merged != into {
		return nil, core.Errorf(core.CodeConflict, "These are one person already.")
	}
	p, err := s.updateRecord(ctx, into, func(p *core.Person) error {
		if p.Merged != "" {
			return core.Errorf(core.CodeConflict, "That person became another one meanwhile.").WithNext("Please begin again.")
		}
		for _, id := range old.IDs() {
			if !slices.Contains(p.Former, id) {
				p.Former = append(p.Former, id)
			}
		}
		for _, id := range old.Identities {
			if !slices.Contains(p.Identities, id) {
				p.Identities = append(p.Identities, id)
			}
		}
		shareTerms(p, old)
		return nil
	})
	if err != nil {
		return nil, err
	}
	_, err = s.updateRecord(ctx, from, func(p *core.Person) error { p.Merged = into; return nil })
	return p, err
}

// shareTerms lets what one of a person's ids accepted count for all of them: an account linked as one is used as the
// other.
func shareTerms(p, old *core.Person) {
	for name, version := range old.Terms {
		if p.Terms[name] != "" {
			continue
		}
		if p.Terms == nil {
			p.Terms = map[core.ProviderName]string{}
		}
		if p.TermsBy == nil {
			p.TermsBy = map[core.ProviderName]core.PersonID{}
		}
		p.Terms[name], p.TermsBy[name] = version, old.ID
		if by := old.TermsBy[name]; by != "" {
			p.TermsBy[name] = by
		}
	}
}

// Split undoes Merge where it was made: the former person is one of their own again, with their own identities and
// accounts, and with whoever became them before. It may be repeated.
func (s *Store) Split(ctx context.Context, into, from core.PersonID) error {
	old := &core.Person{}
	if _, err := s.db.GetRecord(ctx, s.personKey(from), old); err != nil {
		return err
	}
	ids := old.IDs()
	above := []core.PersonID{into}
	for at := old.Merged; at != "" && at != into && len(above) < maxTries; {
		p := &core.Person{}
		if _, err := s.db.GetRecord(ctx, s.personKey(at), p); err != nil {
			return err
		}
		above = append(above, at)
		at = p.Merged
	}
	if _, err := s.updateRecord(ctx, from, func(p *core.Person) error { p.Merged = ""; return nil }); err != nil {
		return err
	}
	for _, id := range above {
		if _, err := s.updateRecord(ctx, id, func(p *core.Person) error {
			p.Former = slices.DeleteFunc(p.Former, func(id core.PersonID) bool { return slices.Contains(ids, id) })
			p.Identities = slices.DeleteFunc(p.Identities, func(id core.IdentityID) bool { return slices.Contains(old.Identities, id) })
			for name, by := range p.TermsBy {
				if slices.Contains(ids, by) {
					delete(p.TermsBy, name)
					delete(p.Terms, name)
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) projectKey(key core.ProjectKey) string {
	return s.db.Keys.Project(s.db.Parts.OfKey(string(key)), key)
}

// Project returns a project.
func (s *Store) Project(ctx context.Context, key core.ProjectKey) (*core.Project, error) {
	p := &core.Project{}
	rev, err := s.read(ctx, s.projectKey(key), p)
	if core.ErrorCode(err) == core.CodeNotFound {
		return nil, core.Errorf(core.CodeNotFound, "There is no project %s.", key).Because(err)
	}
	if err != nil {
		return nil, err
	}
	p.Rev = rev
	return p, nil
}

// Projects lists all keys in order.
func (s *Store) Projects(ctx context.Context) ([]core.ProjectKey, error) {
	var out []core.ProjectKey
	for _, p := range s.db.Parts.All() {
		if p[0] != 'u' {
			continue
		}
		keys, err := s.db.Client.SMembers(ctx, s.db.Keys.ProjectList(p)).Result()
		if err != nil {
			return nil, rdb.Fault(err)
		}
		for _, k := range keys {
			out = append(out, core.ProjectKey(k))
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out, nil
}

// UpdateProject changes or makes a project through f.
func (s *Store) UpdateProject(ctx context.Context, key core.ProjectKey, f func(*core.Project) error) (*core.Project, error) {
	part := s.db.Parts.OfKey(string(key))
	return update(ctx, s, s.projectKey(key), func(p *core.Project) *int64 { return &p.Rev }, func(p *core.Project) error {
		p.V, p.Key = core.RecordVersion, key
		if p.CreatedAt.IsZero() {
			p.CreatedAt = s.clock.Now().UTC().Truncate(time.Second)
		}
		if p.Default == "" {
			p.Default = core.RoleEditor
		}
		if p.Grants == nil {
			p.Grants = map[core.PersonID]core.Role{}
		}
		if p.Mapped == nil {
			p.Mapped = map[string]core.Role{}
		}
		if p.Settings == nil {
			p.Settings = map[string]string{}
		}
		if p.Names == nil {
			p.Names = map[string]string{}
		}
		return f(p)
	}, func(b *rdb.Batch, p *core.Project) {
		b.Do("SADD", s.db.Keys.ProjectList(part), string(key))
	})
}

func (s *Store) roomKey(id core.RoomID) string {
	return s.db.Keys.Room(s.db.Parts.OfKey(string(id)), id)
}

// Room returns a room's binding.
func (s *Store) Room(ctx context.Context, id core.RoomID) (*core.Room, error) {
	r := &core.Room{}
	rev, err := s.read(ctx, s.roomKey(id), r)
	if err != nil {
		return nil, err
	}
	r.Rev = rev
	return r, nil
}

// UpdateRoom changes or makes a room through f.
func (s *Store) UpdateRoom(ctx context.Context, id core.RoomID, f func(*core.Room) error) (*core.Room, error) {
	return update(ctx, s, s.roomKey(id), func(r *core.Room) *int64 { return &r.Rev }, func(r *core.Room) error {
		r.V, r.ID = core.RecordVersion, id
		return f(r)
	}, nil)
}
