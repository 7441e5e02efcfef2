package bench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/demo"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

const (
	millionRelayed = 1000 // comments that are really relayed, to know what relaying leaves
	millionWarm    = 600  // before them, so that lists and references are already those of many
	millionPerTask = 1000
	millionBatch   = 100
	millionRooms   = 10
	millionTalk    = 6 // replies per room before the program is weighed
	growthWanted   = 1.2
	bytesWanted    = 1200.0
	agreeWanted    = 0.05           // what was written straight into the store may weigh this much more or less than what was relayed
	seenBefore     = 20_000         // marks of stored inbounds in a partition, so that its sets are already there
	seenSpan       = 48 * time.Hour // of a generation of marks
)

// BenchmarkMillion weighs Redis per comment, and the program on a store with few and with very many of them. First a
// thousand replies are really relayed; then comments are written with everything that relaying left of those (record,
// list entry, references, placements, seen mark), once beside them to see that both weigh the same, and then in bulk.
func BenchmarkMillion(b *testing.B) {
	bin := program(b)
	few, many := size(10_000), 50_000
	if long() {
		many = 1_000_000
	}
	var relayed, written stock
	var bulk float64
	var kinds string
	var small, large float64
	for b.Loop() {
		var like *leftover
		relayed, written, like = relayAndWrite(b)
		w := startPlatforms(b, millionRooms)
		st := w.store(b)
		like.write(b, st, 1, few)
		small = w.talk(b, bin, st, 1)
		bulk = weigh(b, st, many-few, func() { like.write(b, st, 1+few/millionPerTask, many-few) })
		kinds = like.kinds(b, st, 1+few/millionPerTask)
		large = w.talk(b, bin, st, 2)
	}
	growth := large / small
	b.ReportMetric(bulk, "B/comment")
	b.ReportMetric(small, "rss-few-MiB")
	b.ReportMetric(large, "rss-many-MiB")
	b.ReportMetric(growth, "growth")
	b.ReportMetric(0, "ns/op")
	b.Logf("a comment of 200 bytes takes %.0f bytes of redis-server over %d comments (wanted: below %.0f; its keys alone take %.0f over %d really relayed ones and %.0f over as many written beside them): %s",
		bulk, many-few, bytesWanted, relayed.bytes, millionRelayed, written.bytes, kinds)
	b.Logf("the program after a start and some talk: %.1f MiB resident with %d comments, %.1f MiB with %d: growth %.2f (wanted: at most %.1f)", small, few, large, many, growth, growthWanted)
	if math.Abs(written.bytes/relayed.bytes-1) > agreeWanted || math.Abs(written.keys-relayed.keys) > agreeWanted {
		b.Errorf("what was written takes %.0f bytes in %.2f keys a comment, what was relayed %.0f in %.2f", written.bytes, written.keys, relayed.bytes, relayed.keys)
	}
	if bulk >= bytesWanted {
		b.Errorf("%.0f bytes a comment are not below %.0f", bulk, bytesWanted)
	}
	if growth > growthWanted {
		b.Errorf("growth %.2f is above %.1f", growth, growthWanted)
	}
}

// weigh measures by how much Redis grows for each comment, without the change feed, which is bounded.
func weigh(b *testing.B, st *feedback.Store, n int, grow func()) float64 {
	b.Helper()
	before, feed := used(b, st), feeds(b, st)
	grow()
	return float64(used(b, st)-before-(feeds(b, st)-feed)) / float64(n)
}

// stock is what all keys take together, and how many there are.
type stock struct{ bytes, keys float64 }

// since is what was added for each of n comments.
func (s stock) since(old stock, n int) stock {
	return stock{(s.bytes - old.bytes) / float64(n), (s.keys - old.keys) / float64(n)}
}

// stocktake adds up all keys but the change feeds. It is exact where the server's own count is not: a few megabytes of
// that are buffers of its clients.
func stocktake(b *testing.B, st *feedback.Store) (s stock) {
	b.Helper()
	var cursor uint64
	for {
		keys, next, err := st.DB.Client.Scan(b.Context(), cursor, "*", 1000).Result()
		if err != nil {
			b.Fatal(err)
		}
		pipe := st.DB.Client.Pipeline()
		var sizes []*redis.IntCmd
		for _, k := range keys {
			if !strings.HasSuffix(k, ":feed") {
				sizes = append(sizes, pipe.MemoryUsage(b.Context(), k, 0))
			}
		}
		_, _ = pipe.Exec(b.Context()) // a key that ran out meanwhile counts as nothing
		for _, n := range sizes {
			s.bytes += float64(n.Val())
			s.keys++
		}
		if cursor = next; cursor == 0 {
			return s
		}
	}
}

// used is Redis's own count of the memory it holds.
func used(b *testing.B, st *feedback.Store) int64 {
	b.Helper()
	info, err := st.DB.Client.Info(b.Context(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Skip("this Redis does not tell what it holds")
	return 0
}

// feeds is what the change feeds of all partitions take.
func feeds(b *testing.B, st *feedback.Store) (sum int64) {
	b.Helper()
	for _, p := range st.DB.Parts.All() {
		sum += keySize(b, st, st.DB.Keys.Feed(p))
	}
	return sum
}

func keySize(b *testing.B, st *feedback.Store, key string) int64 {
	b.Helper()
	n, err := st.DB.Client.MemoryUsage(b.Context(), key, 0).Result()
	if err != nil && err != redis.Nil { //nolint:errorlint // the client returns it bare
		b.Fatal(err)
	}
	return n
}

// leftover is what relaying a reply from Slack to Discord left in the store.
type leftover struct {
	comment core.Comment
	placed  map[core.RoomID]core.Placement
	inbound string // its id, without the message's at its end
}

// relayAndWrite relays replies and weighs them, writes as many others of the same form beside them and weighs those.
func relayAndWrite(b *testing.B) (relayed, written stock, like *leftover) {
	b.Helper()
	w := startWorld(b, 1, true, func(c *app.Config) { c.Unpaced, c.RedisPrefix = true, programPrefix })
	w.answerDiscord(b)
	p, st := w.pairs[0], w.App().Store()
	ours := path{name: "million", slack: "http://" + w.App().Addr() + "/slack/events"}
	w.take(ours)
	say := func(n int) {
		w.paced(b, ours, fmt.Sprintf("million%d", n), longTalk, 2*time.Millisecond, func(int) pair { return p }, n)
		w.settle(b)
	}
	say(millionWarm)
	part := st.DB.Parts.OfProject(p.project)
	pipe := st.DB.Client.Pipeline()
	for i := range seenBefore {
		markSeen(b, st, pipe, part, core.InboundID(fmt.Sprintf("before-%d", i)))
	}
	if _, err := pipe.Exec(b.Context()); err != nil {
		b.Fatal(err)
	}
	before := stocktake(b, st)
	say(millionRelayed)
	relayed = stocktake(b, st).since(before, millionRelayed)
	list, total, err := st.Review.Comments(b.Context(), p.task(), 500, 1)
	if err != nil || len(list) != 1 {
		b.Fatalf("no comment among %d: %v", total, err)
	}
	placed, err := st.Review.Placed(b.Context(), part, core.CommentObject(p.task(), list[0].ID))
	if err != nil || len(placed) != 2 {
		b.Fatalf("a relayed comment is placed %d times: %v", len(placed), err)
	}
	inbound := "slack-msg-" + demo.SlackTeam + "/" + p.slack + "/"
	key, mark := seenIn(st, part, core.InboundID(inbound+string(list[0].Source.ID)))
	if known, err := st.DB.Client.SIsMember(b.Context(), key, mark).Result(); err != nil || !known {
		b.Fatalf("the inbound of a relayed comment has another name or mark: %v", err)
	}
	like = &leftover{comment: *list[0], placed: placed, inbound: inbound}
	like.write(b, st, 2, millionWarm)
	before = stocktake(b, st)
	like.write(b, st, 3, millionRelayed)
	return relayed, stocktake(b, st).since(before, millionRelayed), like
}

// project is where comments are written that nobody said.
const writtenProject = core.ProjectKey("R00")

// task makes the n-th task that comments are written to.
func (l *leftover) task(n int) core.TaskID { return core.MakeTaskID(writtenProject, 1000+n) }

// message makes the id of a task's i-th message in a room, of the length that it has there.
func message(room core.RoomID, n, i int) core.MessageID {
	if room.Platform() == core.Slack {
		return core.MessageID(fmt.Sprintf("%010d.%06d", 1600000000+n, i))
	}
	return core.MessageID(fmt.Sprintf("%019d", 1100000000000000000+int64(n)*1_000_000+int64(i)))
}

// write writes comments, a thousand for a task from the n-th on, with everything that relaying leaves.
func (l *leftover) write(b *testing.B, st *feedback.Store, n, count int) {
	b.Helper()
	ctx := b.Context()
	part := st.DB.Parts.OfProject(writtenProject)
	for done := 0; done < count; n++ {
		for i := 0; i < millionPerTask && done < count; i += millionBatch {
			c := core.Change{Partition: part}
			pipe := st.DB.Client.Pipeline()
			for j := range min(millionBatch, count-done) {
				l.add(&c, n, i+j)
				markSeen(b, st, pipe, part, core.InboundID(l.inbound+string(message(l.comment.Source.Room, n, i+j))))
			}
			done += len(c.Comments)
			if err := st.Review.Apply(ctx, c); err != nil {
				b.Fatal(err)
			}
			if _, err := pipe.Exec(ctx); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// seenIn returns where an inbound that comes now is noted, and how.
func seenIn(st *feedback.Store, p core.Partition, id core.InboundID) (key string, mark int64) {
	part, mark := rdb.SeenMark(id)
	return st.DB.Keys.Seen(p, int(seenTurn()%2), part), mark
}

func seenTurn() int64 { return time.Now().Unix() / int64(seenSpan.Seconds()) }

// markSeen notes an inbound as the journal does.
func markSeen(b *testing.B, st *feedback.Store, pipe redis.Pipeliner, p core.Partition, id core.InboundID) {
	b.Helper()
	key, mark := seenIn(st, p, id)
	pipe.SAdd(b.Context(), key, mark)
	pipe.ExpireAt(b.Context(), key, time.Unix((seenTurn()+2)*int64(seenSpan.Seconds()), 0))
}

// add adds a task's i-th comment to a change, like the one that was relayed.
func (l *leftover) add(c *core.Change, n, i int) {
	m := l.comment
	m.Rev, m.Task = 0, l.task(n)
	m.Source.ID = message(m.Source.Room, n, i)
	m.ID = core.MakeCommentID(m.Source.Room, m.Source.ID)
	m.At = m.At.Add(time.Duration(i) * time.Millisecond)
	// Each begins with a word that no other has, as those that were relayed do: the search index keeps it.
	label, rest, _ := strings.Cut(m.Text.String(), " ")
	m.Text = core.Plain(fmt.Sprintf("m%0*d %s", len(label)-1, n*millionPerTask+i, rest))
	c.Comments = append(c.Comments, &m)
	for room, at := range l.placed {
		at.Parts = slices.Clone(at.Parts)
		at.Parts[0] = message(room, n, i)
		c.Place = append(c.Place, core.PlaceWrite{Object: core.CommentObject(m.Task, m.ID), Room: room, Placement: at, Posted: !at.Source})
	}
}

// kinds says what a comment takes by kind of key, from the comments of one task.
func (l *leftover) kinds(b *testing.B, st *feedback.Store, n int) string {
	b.Helper()
	const sample = 100
	part, task, k := st.DB.Parts.OfProject(writtenProject), l.task(n), st.DB.Keys
	var record, seen int64
	refs := map[core.PlatformName]int64{}
	each := func(key string, count *redis.IntCmd) int64 {
		if count.Err() != nil || count.Val() == 0 {
			b.Fatalf("%s holds %d: %v", key, count.Val(), count.Err())
		}
		return keySize(b, st, key) / count.Val()
	}
	for i := range sample {
		source := message(l.comment.Source.Room, n, i)
		id := core.MakeCommentID(l.comment.Source.Room, source)
		record += keySize(b, st, k.Comment(part, task, id))
		key, _ := seenIn(st, part, core.InboundID(l.inbound+string(source)))
		seen += each(key, st.DB.Client.SCard(b.Context(), key))
		for room := range l.placed {
			key, _ := k.Ref(part, room, message(room, n, i))
			refs[room.Platform()] += each(key, st.DB.Client.HLen(b.Context(), key))
		}
	}
	list := keySize(b, st, k.CommentList(part, task)) / millionPerTask
	return fmt.Sprintf("record with placements %d, reference on Slack %d, on Discord %d, seen mark %d, list entry %d, the rest is Redis's table of keys",
		record/sample, refs[core.Slack]/sample, refs[core.Discord]/sample, seen/sample, list)
}

// talk runs the program, opens a thread in every room, lets people say some things there until all of it is on the other
// side, and returns the resident memory in MiB once it is at rest.
func (w *platforms) talk(b *testing.B, bin string, st *feedback.Store, n int) float64 {
	b.Helper()
	c := w.serve(b, bin)
	defer c.stop(b)
	w.openTasks(b, st, n)
	for i := range millionTalk {
		for r, p := range w.pairs {
			if i%2 == 0 {
				w.sayOnSlack(b, p, fmt.Sprintf("away%02dn%02ds%03dx %s", r, n, i, longTalk))
			} else {
				w.sayOnDiscord(b, p, fmt.Sprintf("away%02dn%02dd%03dx %s", r, n, i, longTalk))
			}
		}
	}
	until(b, "all that was said is on the other side", func() bool { return w.arrived(nil) == millionTalk*millionRooms })
	return c.rest(b, 10)
}
