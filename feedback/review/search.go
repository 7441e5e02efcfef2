package review

import (
	"context"
	"encoding/json"
	"errors"
	"math/bits"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

var (
	_ core.Search     = (*Store)(nil)
	_ core.Reindexing = (*Store)(nil)
)

// bitmap has a bit for each task of a chunk.
type bitmap [rdb.IndexChunk / 64]uint64

// postings are the tasks that have each of some terms, by chunk; nil where none has.
type postings map[string][]*bitmap

// firstStretch is how many chunks a search that need not count everything reads first; each further stretch is twice as long.
const firstStretch = 8

// Search returns a page of the tasks that are found. Where everything is counted it costs a bit for each task and term;
// otherwise the index is read from the newest tasks on until there is enough.
func (s *Store) Search(ctx context.Context, f core.Find) (core.Found, error) {
	p := s.db.Parts.OfProject(f.Project)
	top, whole, err := s.extent(ctx, p, f)
	if err != nil {
		return core.Found{}, err
	}
	out := core.Found{Top: top, Partial: !whole}
	low, high := 1, top
	if !f.After.IsZero() {
		if low, err = s.firstSince(ctx, p, f.Project, f.After, top); err != nil {
			return core.Found{}, err
		}
	}
	if !f.Before.IsZero() {
		if high, err = s.firstSince(ctx, p, f.Project, f.Before, top); err != nil {
			return core.Found{}, err
		}
		high--
	}
	if low > high {
		return out, nil
	}
	terms := append(base(f), query.Gone, query.Private, query.ID("room", string(f.Room)))
	tiers := [][]string(nil)
	if f.Best {
		tiers = bestFirst()
		for _, c := range tiers {
			terms = append(terms, c...)
		}
	}
	for _, c := range f.All {
		terms = append(terms, c.Any...)
	}
	newest, hits := high, make([]tier, len(tiers)+1)
	oldest, last, stretch := low/rdb.IndexChunk, high/rdb.IndexChunk, firstStretch
	if f.Count <= 0 {
		stretch = last + 1
	}
	for ; last >= oldest; stretch *= 2 {
		first := max(oldest, last-stretch+1)
		found, err := s.postings(ctx, p, f.Project, terms, first, last)
		if err != nil {
			return core.Found{}, err
		}
		for i, list := range found.sortOut(found.match(f, max(low, first*rdb.IndexChunk), high), tiers) {
			hits[i].add(list, f.Offset+f.Limit)
		}
		high, last = min(high, first*rdb.IndexChunk-1), first-1
		// The rest cannot change the page once all of it is of the first tier.
		if f.Count > 0 && count(hits) >= max(f.Count, f.Offset+f.Limit+1) && hits[0].total >= f.Offset+f.Limit {
			break
		}
	}
	out.Total = count(hits)
	if last >= oldest {
		out.About = true
		out.Total = about(out.Total, newest-high, newest-low+1)
	}
	out.Tasks = page(hits, f)
	return out, nil
}

// tier is what was found of one rank: how much, and the newest of it.
type tier struct {
	total  int
	newest []int
}

// add takes hits that are older than those before; no more than so many of the newest are kept.
func (t *tier) add(list []*bitmap, keep int) {
	for chunk := len(list) - 1; chunk >= 0; chunk-- {
		if list[chunk] == nil {
			continue
		}
		for i := len(list[chunk]) - 1; i >= 0; i-- {
			w := list[chunk][i]
			t.total += bits.OnesCount64(w)
			for w != 0 && len(t.newest) < keep {
				high := 63 - bits.LeadingZeros64(w)
				w &^= 1 << high
				t.newest = append(t.newest, chunk*rdb.IndexChunk+64*i+high)
			}
		}
	}
}

func count(tiers []tier) (total int) {
	for _, t := range tiers {
		total += t.total
	}
	return total
}

// page is what a search shows of what it found.
func page(tiers []tier, f core.Find) []core.TaskID {
	var out []core.TaskID
	skip := f.Offset
	for _, t := range tiers {
		for _, n := range t.newest[min(skip, len(t.newest)):] {
			if len(out) == f.Limit {
				return out
			}
			out = append(out, core.MakeTaskID(f.Project, n))
		}
		skip = max(0, skip-t.total)
	}
	return out
}

// about estimates how much is found of all from what was found of a part, to two digits.
func about(found, of, all int) int {
	n := max(found+1, int(float64(found)*float64(all)/float64(of)))
	unit := 1
	for n/unit >= 100 {
		unit *= 10
	}
	return (n + unit - 1) / unit * unit // upwards: there is more than was found
}

// bestFirst are the terms of which one puts a task before those that have none of them.
func bestFirst() [][]string {
	return [][]string{
		{query.Key("status", string(core.StatusApproved)), query.Key("status", string(core.StatusDelivered))},
		{"is=picked", "verdict=approved"},
	}
}

// extent returns the newest task that counts, and whether the index is whole.
func (s *Store) extent(ctx context.Context, p core.Partition, f core.Find) (top int, whole bool, err error) {
	pipe := s.db.Client.Pipeline()
	newest, format := pipe.Get(ctx, s.db.Keys.Sequence(p, f.Project)), pipe.Get(ctx, s.db.Keys.Indexed(p))
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return 0, false, rdb.Fault(err)
	}
	top, _ = newest.Int()
	if f.Top > 0 && f.Top < top {
		top = f.Top
	}
	return top, format.Val() == rdb.IndexFormat, nil
}

// postings reads which tasks of some chunks have some terms, in one round trip.
func (s *Store) postings(ctx context.Context, p core.Partition, key core.ProjectKey, terms []string, first, last int) (postings, error) {
	out := postings{}
	asked := map[string]*redis.SliceCmd{}
	pipe := s.db.Client.Pipeline()
	for _, t := range terms {
		if asked[t] != nil {
			continue
		}
		fields := make([]string, last-first+1)
		for i := range fields {
			fields[i] = strconv.Itoa(first+i) + " " + t
		}
		asked[t] = pipe.HMGet(ctx, s.db.Keys.Words(p, key), fields...)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, rdb.Fault(err)
	}
	for t, a := range asked {
		list := make([]*bitmap, last+1)
		for i, v := range a.Val() {
			if data, ok := v.(string); ok {
				list[first+i] = decodePosting(data)
			}
		}
		out[t] = list
	}
	return out, nil
}

// decodePosting reads what the index's script writes; see rdb.IndexDense.
func decodePosting(data string) *bitmap {
	b := &bitmap{}
	if len(data) == rdb.IndexDense {
		for i := range b {
			w := data[8*i : 8*i+8]
			b[i] = uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 | uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
		}
		return b
	}
	for i := 0; i+1 < len(data); i += 2 {
		n := int(data[i])<<8 | int(data[i+1])
		b[n/64] |= 1 << (n % 64)
	}
	return b
}

// any adds up what has one of some terms. It is only read.
func (ps postings) any(terms []string, chunk int) *bitmap {
	if len(terms) == 1 {
		if b := ps[terms[0]][chunk]; b != nil {
			return b
		}
		return &bitmap{}
	}
	out := new(bitmap)
	for _, t := range terms {
		if b := ps[t][chunk]; b != nil {
			for i, w := range b {
				out[i] |= w
			}
		}
	}
	return out
}

// base are terms of which every task that is found has one: those of the first clause that demands any, else one that all
// tasks have.
func base(f core.Find) []string {
	for _, c := range f.All {
		if !c.Not {
			return slices.Clone(c.Any)
		}
	}
	return []string{query.All}
}

// match returns the tasks from low to high for which every clause holds.
func (ps postings) match(f core.Find, low, high int) []*bitmap {
	out := make([]*bitmap, high/rdb.IndexChunk+1)
	room := query.ID("room", string(f.Room))
	for chunk := low / rdb.IndexChunk; chunk < len(out); chunk++ {
		all := *ps.any(base(f), chunk)
		gone, private, ours := ps.any([]string{query.Gone}, chunk), ps.any([]string{query.Private}, chunk), ps.any([]string{room}, chunk)
		if f.Whole {
			private = &bitmap{}
		}
		for i := range all {
			all[i] &^= gone[i] | private[i]&^ours[i]
		}
		for _, c := range f.All {
			has := ps.any(c.Any, chunk)
			for i := range all {
				if c.Not {
					all[i] &^= has[i]
				} else {
					all[i] &= has[i]
				}
			}
		}
		all.bound(low-chunk*rdb.IndexChunk, high-chunk*rdb.IndexChunk)
		out[chunk] = &all
	}
	return out
}

// bound clears what is below low or above high.
func (b *bitmap) bound(low, high int) {
	for i := range b {
		from, to := max(0, low-64*i), min(64, high-64*i+1)
		if from >= to {
			b[i] = 0
			continue
		}
		b[i] &= ^uint64(0) << from
		if to < 64 {
			b[i] &= 1<<to - 1
		}
	}
}

// sortOut deals hits out to tiers: each takes what has one of its terms and is in none before, the last one the rest.
func (ps postings) sortOut(hits []*bitmap, tiers [][]string) [][]*bitmap {
	out := make([][]*bitmap, 0, len(tiers)+1)
	for _, terms := range tiers {
		tier := make([]*bitmap, len(hits))
		for chunk, h := range hits {
			if h == nil {
				continue
			}
			has := *ps.any(terms, chunk)
			for i := range has {
				has[i] &= h[i]
				h[i] &^= has[i]
			}
			tier[chunk] = &has
		}
		out = append(out, tier)
	}
	return append(out, hits)
}

// probes is how many tasks are looked at in one round trip while a moment is looked for.
const probes = 15

// firstSince returns the number of the first task that was begun at a moment or later, top+1 when none was. Tasks are
// numbered as they are begun, so that no index of times is needed.
func (s *Store) firstSince(ctx context.Context, p core.Partition, key core.ProjectKey, at time.Time, top int) (int, error) {
	low, high := 1, top+1 // the answer is one of low...high
	for low < high {
		step := max(1, (high-low)/(probes+1))
		pipe := s.db.Client.Pipeline()
		var asked []*redis.SliceCmd
		var numbers []int
		for n := low + step - 1; n < high && len(numbers) < probes+1; n += step {
			numbers = append(numbers, n)
			asked = append(asked, pipe.HMGet(ctx, s.db.Keys.Task(p, core.MakeTaskID(key, n)), "v", "d"))
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return 0, rdb.Fault(err)
		}
		for i, a := range asked {
			began, ok := begun(a.Val())
			if !ok || began.Before(at) { // a number without a task is passed over
				low = numbers[i] + 1
				continue
			}
			high = numbers[i]
			break
		}
	}
	return low, nil
}

func begun(vals []any) (time.Time, bool) {
	if len(vals) != 2 {
		return time.Time{}, false
	}
	data, ok := vals[1].(string)
	var head struct {
		CreatedAt time.Time `json:"createdAt"`
	}
	return head.CreatedAt, ok && json.Unmarshal([]byte(data), &head) == nil
}

// Holds returns which of some terms a task has.
func (s *Store) Holds(ctx context.Context, task core.TaskID, terms []string) (map[string]bool, error) {
	out := map[string]bool{}
	if len(terms) == 0 {
		return out, nil
	}
	chunk, n := task.Number()/rdb.IndexChunk, task.Number()%rdb.IndexChunk
	fields := make([]string, len(terms))
	for i, t := range terms {
		fields[i] = strconv.Itoa(chunk) + " " + t
	}
	got, err := s.db.Client.HMGet(ctx, s.db.Keys.Words(s.partition(task), task.Project()), fields...).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	for i, v := range got {
		data, ok := v.(string)
		out[terms[i]] = ok && decodePosting(data)[n/64]>>(n%64)&1 == 1
	}
	return out, nil
}

// Values lists the values of a field that tasks seen from a room have.
func (s *Store) Values(ctx context.Context, key core.ProjectKey, field string, room core.RoomID) ([]core.Counted, error) {
	p := s.db.Parts.OfProject(key)
	names, err := s.db.Client.SMembers(ctx, s.db.Keys.Names(p, key)).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	var mine []string
	for _, n := range names {
		if strings.HasPrefix(n, field+"=") {
			mine = append(mine, n)
		}
	}
	f := core.Find{Project: key, Room: room}
	top, _, err := s.extent(ctx, p, f)
	if err != nil || len(mine) == 0 || top == 0 {
		return nil, err
	}
	sort.Strings(mine)
	terms := append([]string{query.Gone, query.Private, query.ID("room", string(room))}, mine...)
	found, err := s.postings(ctx, p, key, terms, 0, top/rdb.IndexChunk)
	if err != nil {
		return nil, err
	}
	var out []core.Counted
	for _, n := range mine {
		f.All = []core.Clause{{Any: []string{n}}}
		var has tier
		if has.add(found.match(f, 1, top), 0); has.total > 0 {
			out = append(out, core.Counted{Value: strings.TrimPrefix(n, field+"="), Tasks: has.total})
		}
	}
	return out, nil
}
