package rdb

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
)

// importing is the field of Meta that stands while an import is under way, and when one did not get to its end.
const importing = "importing"

func errImporting() error {
	return core.Errorf(core.CodeConflict, "An import into this store is under way or did not get to its end.").WithNext("Wait for it, or begin anew with: atelier import --force FILE")
}

// BeginImport marks an empty store as being imported into, so that nothing else opens it until EndImport, and returns
// it. A store that holds anything but what its first start wrote is refused. With force, what an earlier import left is
// removed first; what is no import's is not touched.
func BeginImport(ctx context.Context, c redis.UniversalClient, prefix, workspace string, parts core.Partitions, force bool) (*DB, error) {
	db := &DB{Client: c, Keys: Keys{Prefix: prefix}, Parts: parts, Workspace: workspace}
	meta := db.Keys.Meta()
	have, err := c.HGetAll(ctx, meta).Result()
	if err != nil {
		return nil, Fault(err)
	}
	if have[importing] != "" {
		if !force {
			return nil, errImporting()
		}
		return db, db.clear(ctx)
	}
	if n := (core.Partitions{Projects: atoi(have["projects"]), People: atoi(have["people"])}); len(have) > 0 && n != parts {
		return nil, core.Errorf(core.CodeConflict, "The store was begun with %d and %d partitions, the archive has %d and %d.", n.Projects, n.People, parts.Projects, parts.People).
			WithNext("Import into an empty database.")
	}
	if err := db.wantEmpty(ctx); err != nil {
		return nil, err
	}
	if err := c.HSet(ctx, meta, importing, workspace).Err(); err != nil {
		return nil, Fault(err)
	}
	// Somebody may have begun to serve in the meantime; from now on nobody can.
	if err := db.wantEmpty(ctx); err != nil {
		if undo := c.HDel(ctx, meta, importing).Err(); undo != nil {
			return nil, Fault(undo)
		}
		return nil, err
	}
	return db, nil
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func (db *DB) wantEmpty(ctx context.Context) error {
	return db.ScanNames(ctx, func(names []string) error {
		for _, n := range names {
			if db.Keys.Prefix+":"+n != db.Keys.Meta() {
				return core.Errorf(core.CodeConflict, "The store is not empty: it holds %s.", n).WithNext("Import into an empty database, such as .../1; an import never mixes with what is there.")
			}
		}
		return nil
	})
}

// clear removes what an import left, its mark excepted.
func (db *DB) clear(ctx context.Context) error {
	return db.ScanNames(ctx, func(names []string) error {
		pipe := db.Client.Pipeline()
		for _, n := range names {
			if key := db.Keys.Prefix + ":" + n; key != db.Keys.Meta() {
				pipe.Unlink(ctx, key)
			}
		}
		_, err := pipe.Exec(ctx)
		return Fault(err)
	})
}

// EndImport makes the store an ordinary one, with the workspace and the partitions that BeginImport was told.
func (db *DB) EndImport(ctx context.Context) error {
	pipe := db.Client.TxPipeline()
	pipe.HSet(ctx, db.Keys.Meta(), "format", formatVersion, "projects", db.Parts.Projects, "people", db.Parts.People, "workspace", db.Workspace)
	pipe.HDel(ctx, db.Keys.Meta(), importing)
	_, err := pipe.Exec(ctx)
	return Fault(err)
}

// Began reports whether anything was ever opened under a prefix, without beginning it.
func Began(ctx context.Context, c redis.UniversalClient, prefix string) (bool, error) {
	n, err := c.Exists(ctx, Keys{Prefix: prefix}.Meta()).Result()
	return n > 0, Fault(err)
}

// Living counts the processes that serve this store now.
func (db *DB) Living(ctx context.Context) (int64, error) {
	now, err := db.Client.Time(ctx).Result()
	if err != nil {
		return 0, Fault(err)
	}
	n, err := db.Client.ZCount(ctx, db.Keys.Members(), strconv.FormatInt(now.UnixMilli(), 10), "+inf").Result()
	return n, Fault(err)
}

// scanPage is how many keys the server looks at for one answer.
const scanPage = 1000

// ScanNames calls f with the names of all keys, without their prefix, some hundreds at a time. A key that was there all
// along is told at least once, and may be told twice.
func (db *DB) ScanNames(ctx context.Context, f func(names []string) error) error {
	nodes, err := db.masters(ctx)
	if err != nil {
		return err
	}
	start := db.Keys.Prefix + ":"
	pattern := strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `\`, `\\`).Replace(start) + "{*"
	for _, c := range nodes {
		for cursor := uint64(0); ; {
			keys, next, err := c.Scan(ctx, cursor, pattern, scanPage).Result()
			if err != nil {
				return Fault(err)
			}
			// The embedded server answers with everything at once.
			for len(keys) > 0 {
				n := min(len(keys), scanPage)
				names := make([]string, n)
				for i, k := range keys[:n] {
					names[i] = strings.TrimPrefix(k, start)
				}
				if err := f(names); err != nil {
					return err
				}
				keys = keys[n:]
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	return nil
}

// Size is about how many keys ScanNames tells: all of the database.
func (db *DB) Size(ctx context.Context) (int64, error) {
	nodes, err := db.masters(ctx)
	if err != nil {
		return 0, err
	}
	all := int64(0)
	for _, c := range nodes {
		n, err := c.DBSize(ctx).Result()
		if err != nil {
			return 0, Fault(err)
		}
		all += n
	}
	return all, nil
}

// masters are the servers that hold keys, one after the other: go-redis would ask all at the same time.
func (db *DB) masters(ctx context.Context) ([]redis.Cmdable, error) {
	c, ok := db.Client.(*redis.ClusterClient)
	if !ok {
		return []redis.Cmdable{db.Client}, nil
	}
	var mu sync.Mutex
	var out []redis.Cmdable
	err := c.ForEachMaster(ctx, func(_ context.Context, n *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		out = append(out, n)
		return nil
	})
	return out, Fault(err)
}
