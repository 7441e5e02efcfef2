package rdb

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// comments starts the id of the objects that most references lead to; it is left out of what is stored.
	comments = "comment/"
	isTomb   = "tomb"
)

// Claim adds the writing of a reference: what a message shows. Inbounds that wait for it (Await) go back into the stream
// of inbounds, and what was known of it before is forgotten.
func (b *Batch) Claim(p core.Partition, room core.RoomID, msg core.MessageID, obj core.ObjectID) {
	k := b.db.Keys
	key, field := k.Ref(p, room, msg)
	value := string(obj)
	if rest, ok := strings.CutPrefix(value, comments); ok {
		value = "/" + rest
	}
	b.Do("claim", key, field, value, b.key(k.Early(p, room, msg)), b.key(k.Journal(p)))
}

// Await adds an inbound that is to be handled again once the reference of a message is claimed; at once, if it is
// already; never, if the message is known to be deleted. It waits at most an hour.
func (b *Batch) Await(p core.Partition, room core.RoomID, msg core.MessageID, inbound []byte) {
	k := b.db.Keys
	key, field := k.Ref(p, room, msg)
	b.Do("await", key, field, inbound, b.key(k.Early(p, room, msg)), b.key(k.Journal(p)))
}

// Tomb adds that a message is deleted: it shows nothing, and that is remembered for a while.
func (b *Batch) Tomb(p core.Partition, room core.RoomID, msg core.MessageID, remember time.Duration) {
	key, field := b.db.Keys.Ref(p, room, msg)
	b.Do("tomb", key, field, b.key(b.db.Keys.Early(p, room, msg)), int(remember.Seconds()))
}

// AskRef asks what a message shows, best in a pipeline. The answer's tomb is true when it was deleted before it was known.
// CodeNotFound when it is not known.
func (db *DB) AskRef(ctx context.Context, c redis.Cmdable, p core.Partition, room core.RoomID, msg core.MessageID) func() (obj core.ObjectID, tomb bool, err error) {
	key, field := db.Keys.Ref(p, room, msg)
	ref, early := c.HGet(ctx, key, field), c.Get(ctx, db.Keys.Early(p, room, msg))
	return func() (core.ObjectID, bool, error) {
		switch value, err := ref.Result(); {
		case err == nil:
			if rest, ok := strings.CutPrefix(value, "/"); ok {
				value = comments + rest
			}
			return core.ObjectID(value), false, nil
		case !errors.Is(err, redis.Nil):
			return "", false, Fault(err)
		}
		value, err := early.Result()
		if err == nil && value != isTomb {
			err = redis.Nil // inbounds wait for it
		}
		return "", err == nil, Fault(err)
	}
}
