package rdb

import (
	"context"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
)

// Batch collects the checks and writes of one atomic change inside one partition.
type Batch struct {
	db     *DB
	lease  core.Lease
	keys   []string
	index  map[string]int
	checks []any
	nCheck int
	ops    []any
	nOps   int
	sheets []*sheetWrite

	settled bool
	settle  [2]any // stream's key number and entry id; zero for none
	hands   [3]any // stream's key number, how many entries, and the newest id in hand; zero for none
}

// NewBatch begins a change. With a lease, it is written only while no newer holder of that name exists.
func (db *DB) NewBatch(lease core.Lease) *Batch {
	return &Batch{db: db, lease: lease, index: map[string]int{}, settle: [2]any{0, ""}, hands: [3]any{0, 0, ""}}
}

func (b *Batch) key(k string) int {
	if i, ok := b.index[k]; ok {
		return i
	}
	b.keys = append(b.keys, k)
	b.index[k] = len(b.keys)
	return len(b.keys)
}

// Expect makes the change fail with CodeConflict unless the hash field has this value; "" means absent. The field is
// not empty and not "#".
func (b *Batch) Expect(key, field, value string) {
	b.checks = append(b.checks, b.key(key), field, value)
	b.nCheck++
}

// ExpectValue is Expect for a plain string key.
func (b *Batch) ExpectValue(key, value string) {
	b.checks = append(b.checks, b.key(key), "", value)
	b.nCheck++
}

// ExpectScore makes the change fail with CodeConflict unless the member of a sorted set has this score.
func (b *Batch) ExpectScore(key, member string, score int64) {
	b.checks = append(b.checks, -b.key(key), member, score)
	b.nCheck++
}

// Settles says which stream entry the change removes. When it is gone already, an earlier commit was written and only its
// answer was lost: the change then counts as written and nothing is done twice.
func (b *Batch) Settles(stream, id string) { b.settle = [2]any{b.key(stream), id} }

// HandsOut says that the change, once written, hands out what lies in a stream of the group "w": what is pending behind the
// newest id in hand, or else what is new, at most count entries. Commit returns them. That spares the holder a round trip to
// read what it has just written; only the holder may ask, since the lease is what says whose the entries are.
func (b *Batch) HandsOut(stream string, count int, inHand string) {
	b.hands = [3]any{b.key(stream), count, inHand}
}

// Settled reports, after a commit, that the entry was settled before: another commit wrote what it led to.
func (b *Batch) Settled() bool { return b.settled }

// Handed is an entry that a change handed out.
type Handed struct {
	ID, Entry string
	Old       bool // handed out before
}

// Do adds a write: a command whose first argument is the key.
func (b *Batch) Do(cmd, key string, args ...any) {
	b.ops = append(b.ops, len(args), cmd, b.key(key))
	b.ops = append(b.ops, args...)
	b.nOps++
}

// changeScript applies a batch.
//
//	KEYS[1..n]  the keys that checks and writes name by number; the last one is the fence when ARGV[1] is set
//	ARGV[1]     the holder's fencing number, or ""
//	ARGV[2..3]  the stream's key number and the entry that the change settles; 0 and "" for none
//	ARGV[4..6]  the key number of a stream to hand entries out from, how many, and the newest id in hand; 0, 0 and "" for none
//	ARGV[7]     number of checks, then per check: key number, hash field ("" for a plain string, "#" for a sheet's
//	            revision), expected value ("" for absent); with a negative key number, a sorted set's member and its score
//	ARGV[...]   number of writes, then per write: number of arguments, command, key number, arguments; the script's own
//	            commands are
//	            "sheet" (revision, record, then name and line of each) and "line" (name, line): see PutSheet and PutLine
//	            "claim" (field, value, key numbers of what came early and of the stream), "await" (field, inbound, the
//	            same key numbers) and "tomb" (field, key number of what came early, seconds): see Claim, Await and Tomb
//	            "index" and "reindex": see indexScript
//
// Returns 0 when written, 1 when a check failed, 2 when a newer holder exists, 3 when the entry was settled before. Nothing is
// written unless 0. When entries are
// handed out they are returned instead of 0, in order: {{id, entry, "old"|"new"}, ...}. They are read as the journal's own
// script reads them; a stream without its group hands out nothing, since the change is written by then.
var changeScript = redis.NewScript(indexScript + `
local function withLine(sheet, name, line)
  local head = '\n' .. name .. ' '
  local from, to = string.find(sheet, head, 1, true)
  if from then
    local after = string.find(sheet, '\n', to + 1, true) or #sheet + 1
    sheet = string.sub(sheet, 1, from - 1) .. string.sub(sheet, after)
  end
  return sheet .. head .. line
end
if ARGV[1] ~= '' then
  local f = redis.call('GET', KEYS[#KEYS])
  if f ~= ARGV[1] then return 2 end
end
local stream = tonumber(ARGV[2])
if stream > 0 and #redis.call('XRANGE', KEYS[stream], ARGV[3], ARGV[3]) == 0 then return 3 end
local i = 7
local n = tonumber(ARGV[i])
i = i + 1
for _ = 1, n do
  local no, field, want = tonumber(ARGV[i]), ARGV[i+1], ARGV[i+2]
  local key = KEYS[math.abs(no)]
  local have
  if no < 0 then
    have = redis.call('ZSCORE', key, field)
    if have and tonumber(have) == tonumber(want) then have = want end
  elseif field == '' then
    have = redis.call('GET', key)
  elseif field == '#' then
    have = redis.call('GET', key)
    if have then have = string.match(have, '^%d+') end
    if have == '0' then have = '' end
  else
    have = redis.call('HGET', key, field)
  end
  if not have then have = '' end
  if have ~= want then return 1 end
  i = i + 3
end
n = tonumber(ARGV[i])
i = i + 1
for _ = 1, n do
  local argc = tonumber(ARGV[i])
  local cmd, key = ARGV[i+1], KEYS[tonumber(ARGV[i+2])]
  if cmd == 'sheet' then
    local old = redis.call('GET', key)
    local from = old and string.find(old, '\n', 1, true)
    local lines = from and string.sub(old, from) or ''
    local sheet = ARGV[i+3] .. ' ' .. ARGV[i+4] .. lines
    for a = 3, argc, 2 do sheet = withLine(sheet, ARGV[i+2+a], ARGV[i+3+a]) end
    redis.call('SET', key, sheet)
  elseif cmd == 'line' then
    redis.call('SET', key, withLine(redis.call('GET', key) or '0 ', ARGV[i+3], ARGV[i+4]))
  elseif cmd == 'claim' then
    local early = KEYS[tonumber(ARGV[i+5])]
    local old = redis.call('GET', early)
    redis.call('HSET', key, ARGV[i+3], ARGV[i+4])
    if old then
      redis.call('DEL', early)
      if string.sub(old, 1, 6) == 'await:' then
        for line in string.gmatch(string.sub(old, 7), '[^\n]+') do
          redis.call('XADD', KEYS[tonumber(ARGV[i+6])], '*', 'e', line)
        end
      end
    end
  elseif cmd == 'await' then
    local early = KEYS[tonumber(ARGV[i+5])]
    local old = redis.call('GET', early) or 'await:'
    if redis.call('HEXISTS', key, ARGV[i+3]) == 1 then
      redis.call('XADD', KEYS[tonumber(ARGV[i+6])], '*', 'e', ARGV[i+4])
    elseif string.sub(old, 1, 6) == 'await:' and #old < 65536 then
      redis.call('SET', early, old .. ARGV[i+4] .. '\n', 'EX', 3600)
    end
  elseif cmd == 'index' then
    index(key, i, argc)
  elseif cmd == 'reindex' then
    reindex(key, i, argc)
  elseif cmd == 'tomb' then
    redis.call('HDEL', key, ARGV[i+3])
    redis.call('SET', KEYS[tonumber(ARGV[i+4])], 'tomb', 'EX', ARGV[i+5])
  else
    local call = {cmd, key}
    for a = 1, argc do call[a+2] = ARGV[i+2+a] end
    redis.call(unpack(call))
  end
  i = i + 3 + argc
end
local outbox = tonumber(ARGV[4])
if outbox == 0 then return 0 end
local out = {}
for _, from in ipairs({ARGV[6], '>'}) do
  if #out == 0 then
    local got = redis.pcall('XREADGROUP', 'GROUP', 'w', 'w', 'COUNT', ARGV[5], 'STREAMS', KEYS[outbox], from)
    if got and not got.err then
      for _, s in ipairs(got) do
        for _, e in ipairs(s[2]) do
          local v = ''
          if e[2] then v = e[2][2] end
          out[#out+1] = {e[1], v, from == '>' and 'new' or 'old'}
        end
      end
    end
  end
end
return out
`)

// Commit writes the batch, all or nothing. CodeConflict: a check failed. CodeGone: the lease has a newer holder.
func (b *Batch) Commit(ctx context.Context) error {
	_, _, err := b.run(ctx, nil)
	return err
}

// CommitAndTake is Commit that returns the entries that the change handed out. What also asks travels with the change and is
// answered behind it; answered is false when it has to be asked again, as after an error.
func (b *Batch) CommitAndTake(ctx context.Context, also func(redis.Cmdable)) (out []Handed, answered bool, err error) {
	got, answered, err := b.run(ctx, also)
	if err != nil {
		return nil, false, err
	}
	rows, _ := got.([]any)
	return handed(rows), answered, nil
}

// run writes the batch and returns the script's answer.
func (b *Batch) run(ctx context.Context, also func(redis.Cmdable)) (got any, answered bool, err error) {
	for _, w := range b.sheets {
		b.Do("sheet", w.key, w.args...)
	}
	b.sheets = nil
	argv := make([]any, 0, 9+len(b.checks)+len(b.ops))
	keys := b.keys
	if b.lease.Name != "" {
		argv = append(argv, strconv.FormatInt(b.lease.Fence, 10))
		keys = append(keys, b.db.Keys.Fence(b.lease.Name))
	} else {
		argv = append(argv, "")
	}
	argv = append(argv, b.settle[0], b.settle[1], b.hands[0], b.hands[1], b.hands[2])
	argv = append(append(argv, b.nCheck), b.checks...)
	argv = append(append(argv, b.nOps), b.ops...)
	if len(keys) == 0 {
		return nil, false, nil
	}
	if also != nil {
		pipe := b.db.Client.Pipeline()
		asked := changeScript.EvalSha(ctx, pipe, keys, argv...)
		also(pipe)
		_, _ = pipe.Exec(ctx) // each command has its own error
		got, err = asked.Result()
		answered = err == nil
	}
	if also == nil || redis.HasErrorPrefix(err, "NOSCRIPT") { // the server forgot it
		got, err = changeScript.Run(ctx, b.db.Client, keys, argv...).Result()
	}
	if err != nil {
		return nil, false, Fault(err)
	}
	switch got { // entries that were handed out are none of these
	case int64(1):
		return nil, false, core.Errorf(core.CodeConflict, "Somebody else changed this at the same moment.").WithNext("Please try again.")
	case int64(2):
		return nil, false, core.Wrap(core.CodeGone, errFenced)
	case int64(3):
		b.settled = true
	}
	return got, answered, nil
}

func handed(rows []any) []Handed {
	out := make([]Handed, 0, len(rows))
	for _, row := range rows {
		cells, ok := row.([]any)
		if !ok || len(cells) != 3 {
			continue
		}
		id, _ := cells[0].(string)
		entry, _ := cells[1].(string)
		out = append(out, Handed{ID: id, Entry: entry, Old: cells[2] == "old"})
	}
	return out
}
