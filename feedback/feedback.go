// Package feedback holds everything a team said and did, kept in Redis: opening and closing the store.
package feedback

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/jobs"
	"github.com/atelier-bridge/atelier/feedback/journal"
	"github.com/atelier-bridge/atelier/feedback/people"
	"github.com/atelier-bridge/atelier/feedback/rdb"
	"github.com/atelier-bridge/atelier/feedback/review"
)

// Store is an open store with all its parts.
type Store struct {
	DB      *rdb.DB
	Review  *review.Store
	Journal *journal.Journal
	People  *people.Store
	Jobs    *jobs.Queue
	Leases  *rdb.Leases
	Members *rdb.Members
	Gaps    *rdb.Gaps
	Limiter *rdb.Limiter
	Glances *Glances

	client   redis.UniversalClient
	embedded *rdb.Embedded
}

// Options say where the data lies.
type Options struct {
	// URL of the server; empty starts an embedded one whose data lives until Close.
	URL  string
	Mode rdb.Mode
	// Prefix of every key; DefaultPrefix when empty. Tests give their own.
	Prefix string
	// Guard adds the hook that refuses commands across partitions; for tests.
	Guard bool
	Clock core.Clock
	// Wait is how many replicas must have an inbound before it is acknowledged.
	Wait int
	// Partitions of a new store; core.DefaultPartitions when zero.
	Partitions core.Partitions
}

// DefaultPrefix starts every key outside tests.
const DefaultPrefix = "atelier"

// Open connects, checks the format and returns the store.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if o.Clock == nil {
		o.Clock = core.SystemClock{}
	}
	if o.Partitions.Projects == 0 {
		o.Partitions = core.DefaultPartitions
	}
	s := &Store{}
	if o.URL == "" {
		e, err := rdb.StartEmbedded() //nolint:contextcheck // it lives until Close, not until Open returns
		if err != nil {
			return nil, err
		}
		s.embedded, s.client = e, e.Client()
	} else {
		c, err := rdb.Dial(o.URL, o.Mode)
		if err != nil {
			return nil, err
		}
		s.client = c
	}
	if o.Guard {
		s.client.AddHook(rdb.Guard{})
	}
	db, err := rdb.Init(ctx, s.client, o.Prefix, o.Partitions)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.DB, db.Wait = db, o.Wait
	s.Journal = journal.New(db)
	s.Review, s.People, s.Jobs = review.New(db, s.Journal), people.New(db, o.Clock), jobs.New(db, o.Clock)
	s.Glances = &Glances{db: db, review: s.Review, people: s.People, journal: s.Journal}
	s.Journal.Ahead = s.Glances.ahead
	holder := rdb.NewHolder()
	s.Leases = &rdb.Leases{DB: db, Holder: holder, Clock: o.Clock}
	s.Members, s.Gaps = &rdb.Members{DB: db, Holder: holder}, &rdb.Gaps{DB: db, Holder: holder}
	s.Limiter = &rdb.Limiter{DB: db, Clock: o.Clock}
	return s, nil
}

// Close releases the connections and stops an embedded server.
func (s *Store) Close() error {
	err := s.client.Close()
	if s.embedded != nil {
		s.embedded.Close()
	}
	return err
}
