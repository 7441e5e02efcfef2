package people

import (
	"context"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

var _ core.Feeds = (*Store)(nil)

func (s *Store) feedKey(digest string) string {
	return s.db.Keys.CalendarLink(s.db.Parts.OfKey(digest), digest)
}

// PutFeed notes whose calendar a link opens. Whether it still does stands in the person's record, which is written after.
func (s *Store) PutFeed(ctx context.Context, digest string, who core.PersonID, key core.ProjectKey, older string) error {
	if err := s.db.Client.Set(ctx, s.feedKey(digest), string(who)+" "+string(key), 0).Err(); err != nil {
		return rdb.Fault(err)
	}
	if older == "" || older == digest {
		return nil
	}
	return rdb.Fault(s.db.Client.Del(ctx, s.feedKey(older)).Err())
}

// Feed returns whose calendar a link opens.
func (s *Store) Feed(ctx context.Context, digest string) (core.PersonID, core.ProjectKey, error) {
	v, err := s.db.Client.Get(ctx, s.feedKey(digest)).Result()
	if err != nil {
		return "", "", rdb.Fault(err)
	}
	who, key, _ := strings.Cut(v, " ")
	return core.PersonID(who), core.ProjectKey(key), nil
}
