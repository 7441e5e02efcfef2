// Package rdb is the only place that talks to Redis: the client, the keys, the script runner, the atomic change and
// the fenced leases. Everything above it works with core's types.
package rdb

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
)

// Mode says what kind of server the URL names.
type Mode string

// Modes of ATELIER_REDIS_MODE.
const (
	Single   Mode = "single"
	Sentinel Mode = "sentinel"
	Cluster  Mode = "cluster"
)

// DB is a Redis, Valkey, Sentinel or Cluster with Atelier's keys.
type DB struct {
	Client redis.UniversalClient
	Keys   Keys
	Parts  core.Partitions
	// Workspace names the installation whose data this is; made at random at its first start.
	Workspace string
	// Wait is how many replicas must have an inbound before it counts as stored; 0 waits for none.
	Wait int
}

// node is one server: what is sent through it goes over that server's connections.
type node interface {
	redis.Cmdable
	Do(ctx context.Context, args ...any) *redis.Cmd
}

// Node returns the server that holds a key, so that commands without a key can follow it there.
func (db *DB) Node(ctx context.Context, key string) (node, error) {
	c, ok := db.Client.(*redis.ClusterClient)
	if !ok || db.Wait == 0 {
		return db.Client, nil
	}
	n, err := c.MasterForKey(ctx, key)
	if err != nil {
		c.ReloadState(ctx)
	}
	return n, err
}

const (
	dialTimeout = 3 * time.Second
	// readTimeout bounds every command; blocking reads get their own bound on top from go-redis.
	readTimeout = 3 * time.Second
	// poolSize leaves room for one blocked reader per partition and for the work beside them.
	poolSize = 96
	// idleConns is how many connections wait for work: what a start or a burst opened beyond them is closed when it is done.
	idleConns = 24
	// bufferSize is what each connection keeps for reading and again for writing; the library's 32 KiB, and 128 KiB for
	// pipelines, would cost an idle process many megabytes, and few answers are longer than this.
	bufferSize = 8 << 10
)

// Dial makes a client. It does no I/O; Init does.
func Dial(url string, mode Mode) (redis.UniversalClient, error) {
	switch mode {
	case "", Single:
		o, err := redis.ParseURL(url)
		if err != nil {
			return nil, safeURLError(err)
		}
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, readTimeout, readTimeout
		o.PoolSize, o.MaxIdleConns, o.ContextTimeoutEnabled, o.DisableIdentity = poolSize, idleConns, true, true
		o.ReadBufferSize, o.WriteBufferSize = bufferSize, bufferSize
		o.PipelineReadBufferSize, o.PipelineWriteBufferSize = bufferSize, bufferSize
		return redis.NewClient(o), nil
	case Sentinel:
		o, err := redis.ParseFailoverURL(url)
		if err != nil {
			return nil, safeURLError(err)
		}
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, readTimeout, readTimeout
		o.PoolSize, o.MaxIdleConns, o.ContextTimeoutEnabled, o.DisableIdentity = poolSize, idleConns, true, true
		o.ReadBufferSize, o.WriteBufferSize = bufferSize, bufferSize
		o.PipelineReadBufferSize, o.PipelineWriteBufferSize = bufferSize, bufferSize
		return redis.NewFailoverClient(o), nil
	case Cluster:
		o, err := redis.ParseClusterURL(url)
		if err != nil {
			return nil, safeURLError(err)
		}
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, readTimeout, readTimeout
		o.PoolSize, o.MaxIdleConns, o.ContextTimeoutEnabled, o.DisableIdentity = poolSize, idleConns, true, true
		o.ReadBufferSize, o.WriteBufferSize = bufferSize, bufferSize
		o.PipelineReadBufferSize, o.PipelineWriteBufferSize = bufferSize, bufferSize
		return redis.NewClusterClient(o), nil
	}
	return nil, fmt.Errorf("unknown Redis mode %q: use single, sentinel or cluster", mode)
}

// safeURLError drops the URL, which may carry a password, from a parse error.
func safeURLError(err error) error {
	msg := err.Error()
	if i := strings.Index(msg, "parse \""); i >= 0 {
		msg = "it cannot be read as a URL; write redis://host:6379/0, or rediss:// for TLS"
	}
	return fmt.Errorf("redis URL: %s", msg)
}

// formatVersion is the version of the key layout; a newer one is refused.
const formatVersion = 1

// Init connects, checks or writes the store's format and number of partitions, and returns the store.
func Init(ctx context.Context, c redis.UniversalClient, prefix string, want core.Partitions) (*DB, error) {
	db := &DB{Client: c, Keys: Keys{Prefix: prefix}, Parts: want}
	meta := db.Keys.Meta()
	pipe := c.TxPipeline()
	pipe.HSetNX(ctx, meta, "format", formatVersion)
	pipe.HSetNX(ctx, meta, "projects", want.Projects)
	pipe.HSetNX(ctx, meta, "people", want.People)
	pipe.HSetNX(ctx, meta, "workspace", rand.Text())
	all := pipe.HGetAll(ctx, meta)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, Fault(err)
	}
	m := all.Val()
	if m[importing] != "" {
		return nil, errImporting()
	}
	if f, _ := strconv.Atoi(m["format"]); f > formatVersion {
		return nil, core.ErrNewerRecord
	}
	db.Workspace = m["workspace"]
	db.Parts.Projects, _ = strconv.Atoi(m["projects"])
	db.Parts.People, _ = strconv.Atoi(m["people"])
	if db.Parts.Projects < 1 || db.Parts.People < 1 {
		return nil, core.Errorf(core.CodeInternal, "The store's number of partitions is damaged.")
	}
	return db, nil
}

// Ping reports whether Redis answers and takes writes.
func (db *DB) Ping(ctx context.Context) error {
	return Fault(db.Client.Ping(ctx).Err())
}

// Fault classifies an error of Redis. redis.Nil becomes CodeNotFound; what may pass by itself becomes CodeRetry.
func Fault(err error) error {
	if err == nil {
		return nil
	}
	var e *core.Error
	if errors.As(err, &e) {
		return err
	}
	if errors.Is(err, redis.Nil) {
		return core.Wrap(core.CodeNotFound, err)
	}
	var ne net.Error
	msg := err.Error()
	for _, passing := range []string{"LOADING", "READONLY", "OOM", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "MISCONF", "NOREPLICAS", "NOPERM", "NOAUTH", "WRONGPASS", "MOVED", "ASK", "BUSY ", "ERR max number of clients"} {
		if strings.HasPrefix(msg, passing) {
			return core.Wrap(core.CodeRetry, err)
		}
	}
	for _, passing := range []string{"-READONLY", "-OOM", "-MISCONF", "-NOREPLICAS"} { // as Redis 6.2 tells of them in scripts
		if strings.Contains(msg, passing) {
			return core.Wrap(core.CodeRetry, err)
		}
	}
	if errors.As(err, &ne) || errors.Is(err, redis.ErrClosed) || errors.Is(err, redis.ErrPoolTimeout) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || strings.Contains(msg, "EOF") || strings.Contains(msg, "connection") {
		return core.Wrap(core.CodeRetry, err)
	}
	return core.Wrap(core.CodeInternal, err)
}

// NewHolder names this process among the holders of leases.
func NewHolder() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// EachNode calls f for the server, or for each master of a Cluster, one after the other.
func (db *DB) EachNode(ctx context.Context, f func(ctx context.Context, c *redis.Client) error) error {
	switch c := db.Client.(type) {
	case *redis.ClusterClient:
		var mu sync.Mutex
		return Fault(c.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			return f(ctx, c)
		}))
	case *redis.Client:
		return f(ctx, c)
	}
	return core.Errorf(core.CodeInternal, "an unknown kind of client")
}

// EachKey calls f for each key that matches a pattern. Keys that come or go meanwhile may be seen or not, and one may be
// seen twice.
func (db *DB) EachKey(ctx context.Context, pattern string, f func(key string) error) error {
	return db.EachNode(ctx, func(ctx context.Context, c *redis.Client) error {
		for cursor := uint64(0); ; {
			keys, next, err := c.Scan(ctx, cursor, pattern, 1000).Result()
			if err != nil {
				return Fault(err)
			}
			for _, k := range keys {
				if err := f(k); err != nil {
					return err
				}
			}
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	})
}

// LogTo sends what the client library says by itself to a log, at level debug: what matters comes back as an error. It
// concerns the whole process, so that only main calls it.
func LogTo(log *slog.Logger) { redis.SetLogger(libraryLog{log}) }

type libraryLog struct{ log *slog.Logger }

// Printf implements the library's logger.
func (l libraryLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "redis library", "said", fmt.Sprintf(format, v...))
}
