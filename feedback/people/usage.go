package people

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

var (
	_ core.Quotas = (*Store)(nil)
	_ core.Usage  = (*Store)(nil)
)

const (
	holdFor   = time.Hour           // a reservation whose request was never stored
	keepFor   = 35 * 24 * time.Hour // longer than any period
	spentTTL  = 70 * 24 * time.Hour
	usageTTL  = 400 * 24 * time.Hour
	countTTL  = 60 * 24 * time.Hour
	lapseOnce = 20 // reservations that one call lets lapse
	maxDays   = 366
)

// spentKeys are the counters of a project and of a person in it, for each period.
func (s *Store) spentKeys(project core.ProjectKey, person core.PersonID, at time.Time) []string {
	p := s.db.Parts.OfKey(string(project))
	var out []string
	for _, who := range []core.PersonID{"", person} {
		for _, per := range core.Periods() {
			out = append(out, s.db.Keys.Spent(p, project, who, per.Key(at)))
		}
	}
	return out
}

// reserveScript holds an amount if every hard limit has room for it.
//
//	KEYS[1] reservation  KEYS[2] holds  KEYS[3..8] what was spent; the reservations that lapse lie in the same slot
//	ARGV[1] now in ms  ARGV[2] lapses at, in ms  ARGV[3] pictures  ARGV[4] micros  ARGV[5] TTL of what was spent in ms
//	ARGV[6] how many may lapse  ARGV[7...] per limit: number of its key from 1, pictures, micros, soft (1 or 0), name
//
// Returns {1, limit from 0, pictures left, micros left} when a limit has no room, else {0, then per share of a limit that was
// reached for the first time: limit from 0, percent}.
var reserveScript = redis.NewScript(`
local now, wantp, wantm = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('EXISTS', KEYS[1]) == 1 then return {0} end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, ARGV[6])) do
  local r = redis.call('HMGET', id, 'p', 'm', 'k')
  if r[1] then
    for key in string.gmatch(r[3], '[^\n]+') do
      if redis.call('EXISTS', key) == 1 then
        redis.call('HINCRBY', key, 'hp', 0 - tonumber(r[1]))
        redis.call('HINCRBY', key, 'hm', 0 - tonumber(r[2]))
      end
    end
  end
  redis.call('DEL', id)
  redis.call('ZREM', KEYS[2], id)
end
local function used(key)
  local v = redis.call('HMGET', key, 'p', 'm', 'hp', 'hm')
  local n = {}
  for i = 1, 4 do n[i] = tonumber(v[i] or '0') or 0 end
  return n[1] + n[3], n[2] + n[4]
end
local n = (#ARGV - 6) / 5
for i = 0, n - 1 do
  local a = 7 + i * 5
  local p, m = used(KEYS[2 + tonumber(ARGV[a])])
  local maxp, maxm = tonumber(ARGV[a+1]), tonumber(ARGV[a+2])
  if ARGV[a+3] == '0' and ((maxp > 0 and p + wantp > maxp) or (maxm > 0 and m + wantm > maxm)) then
    return {1, i, math.max(0, maxp - p), math.max(0, maxm - m)}
  end
end
local keys = {}
for i = 3, #KEYS do
  redis.call('HINCRBY', KEYS[i], 'hp', wantp)
  redis.call('HINCRBY', KEYS[i], 'hm', wantm)
  redis.call('PEXPIRE', KEYS[i], ARGV[5])
  keys[#keys+1] = KEYS[i]
end
redis.call('HSET', KEYS[1], 'p', wantp, 'm', wantm, 'k', table.concat(keys, '\n'))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[2], ARGV[2], KEYS[1])
local out = {0}
for i = 0, n - 1 do
  local a = 7 + i * 5
  local key = KEYS[2 + tonumber(ARGV[a])]
  local p, m = used(key)
  local maxp, maxm = tonumber(ARGV[a+1]), tonumber(ARGV[a+2])
  local share = 0
  if maxp > 0 then share = p / maxp end
  if maxm > 0 and m / maxm > share then share = m / maxm end
  local told = 0
  for _, percent in ipairs({80, 100}) do
    if share * 100 >= percent and redis.call('HSETNX', key, 'told/' .. ARGV[a+4] .. '/' .. percent, 1) == 1 then told = percent end
  end
  if told > 0 then
    out[#out+1] = i
    out[#out+1] = told
  end
end
return out
`)

// Reserve holds an amount against all limits, or against none.
func (s *Store) Reserve(ctx context.Context, r core.Reservation) (core.Reserved, error) {
	part := s.db.Parts.OfKey(string(r.Project))
	keys := append([]string{s.db.Keys.Reservation(part, r.ID), s.db.Keys.Holds(part)}, s.spentKeys(r.Project, r.Person, r.At)...)
	now := s.clock.Now()
	argv := []any{now.UnixMilli(), now.Add(holdFor).UnixMilli(), r.Amount.Pictures, r.Amount.Micros, spentTTL.Milliseconds(), lapseOnce}
	for _, l := range r.Limits {
		n := 1
		if l.Who != "" {
			n += len(core.Periods())
		}
		for i, per := range core.Periods() {
			if per == l.Per {
				n += i
			}
		}
		soft := 0
		if l.Soft {
			soft = 1
		}
		argv = append(argv, n, l.Pictures, l.Micros, soft, string(l.Per)+":"+strconv.Itoa(l.Pictures)+":"+strconv.FormatInt(l.Micros, 10))
	}
	got, err := reserveScript.Run(ctx, s.db.Client, keys, argv...).Int64Slice()
	if err != nil {
		return core.Reserved{}, rdb.Fault(err)
	}
	var out core.Reserved
	if got[0] == 1 {
		l := r.Limits[got[1]]
		out.Over, out.Left = &l, core.Amount{Pictures: int(got[2]), Micros: got[3]}
		return out, nil
	}
	for got = got[1:]; len(got) > 1; got = got[2:] {
		out.Reached = append(out.Reached, core.Reached{Limit: r.Limits[got[0]], Percent: int(got[1])})
	}
	return out, nil
}

// Keep makes a reservation last until its runs are recorded.
func (s *Store) Keep(ctx context.Context, p core.ProjectKey, id string) error {
	part := s.db.Parts.OfKey(string(p))
	return rdb.Fault(s.db.Client.ZAddXX(ctx, s.db.Keys.Holds(part), redis.Z{Score: float64(s.clock.Now().Add(keepFor).UnixMilli()), Member: s.db.Keys.Reservation(part, id)}).Err())
}

// recordScript counts what a run used, once.
//
//	KEYS[1] counted  KEYS[2] the day  KEYS[3] reservation  KEYS[4] holds  KEYS[5..] what was spent; only the first two for a person's own days
//	ARGV[1] TTL of the mark in ms  ARGV[2] TTL of the day in ms  ARGV[3] "person|provider"  ARGV[4] pictures  ARGV[5] micros
//	ARGV[6] minutes  ARGV[7] estimated (1 or 0)  ARGV[8] pictures of its share  ARGV[9] micros of its share  ARGV[10] TTL of what was spent in ms
//
// Where nothing was used, a share of a limit that is not reached any more may be told again: the fields that remember
// it are named told/PERIOD:PICTURES:MICROS/PERCENT.
var recordScript = redis.NewScript(`
local function untell(key)
  local v = redis.call('HMGET', key, 'p', 'm', 'hp', 'hm')
  local n = {}
  for i = 1, 4 do n[i] = tonumber(v[i] or '0') or 0 end
  for _, f in ipairs(redis.call('HKEYS', key)) do
    local maxp, maxm, percent = string.match(f, '^told/%a+:(%d+):(%d+)/(%d+)$')
    if percent then
      maxp, maxm = tonumber(maxp), tonumber(maxm)
      local share = 0
      if maxp > 0 then share = (n[1] + n[3]) / maxp end
      if maxm > 0 and (n[2] + n[4]) / maxm > share then share = (n[2] + n[4]) / maxm end
      if share * 100 < tonumber(percent) then redis.call('HDEL', key, f) end
    end
  end
end
if not redis.call('SET', KEYS[1], 1, 'NX', 'PX', ARGV[1]) then return 0 end
local who = ARGV[3] .. '|'
if ARGV[4] ~= '0' or ARGV[5] ~= '0' or ARGV[6] ~= '0' then
  redis.call('HINCRBY', KEYS[2], who .. 'p', ARGV[4])
  redis.call('HINCRBY', KEYS[2], who .. 'm', ARGV[5])
  if ARGV[6] ~= '0' then redis.call('HINCRBYFLOAT', KEYS[2], who .. 'min', ARGV[6]) end
  if ARGV[7] == '1' then redis.call('HSET', KEYS[2], who .. 'e', 1) end
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
if #KEYS < 3 then return 1 end
local r = redis.call('HMGET', KEYS[3], 'p', 'm', 'k')
if r[1] then
  local p, m = math.min(tonumber(ARGV[8]), tonumber(r[1])), math.min(tonumber(ARGV[9]), tonumber(r[2]))
  for key in string.gmatch(r[3], '[^\n]+') do
    if redis.call('EXISTS', key) == 1 then
      redis.call('HINCRBY', key, 'hp', 0 - p)
      redis.call('HINCRBY', key, 'hm', 0 - m)
      if ARGV[4] == '0' and ARGV[5] == '0' then untell(key) end
    end
  end
  if tonumber(r[1]) == p and tonumber(r[2]) == m then
    redis.call('DEL', KEYS[3])
    redis.call('ZREM', KEYS[4], KEYS[3])
  else
    redis.call('HSET', KEYS[3], 'p', tonumber(r[1]) - p, 'm', tonumber(r[2]) - m)
  end
end
if ARGV[4] ~= '0' or ARGV[5] ~= '0' then
  for i = 5, #KEYS do
    redis.call('HINCRBY', KEYS[i], 'p', ARGV[4])
    redis.call('HINCRBY', KEYS[i], 'm', ARGV[5])
    redis.call('PEXPIRE', KEYS[i], ARGV[10])
  end
end
return 1
`)

// Record counts what a run used, for its project and for its person.
func (s *Store) Record(ctx context.Context, e core.UsageEntry) error {
	estimated := 0
	if e.Estimated {
		estimated = 1
	}
	argv := []any{countTTL.Milliseconds(), usageTTL.Milliseconds(), string(e.Person) + "|" + string(e.Provider), e.Amount.Pictures, e.Amount.Micros,
		strconv.FormatFloat(e.Minutes, 'f', -1, 64), estimated, e.Share.Pictures, e.Share.Micros, spentTTL.Milliseconds()}
	if e.Asker == "" {
		e.Asker = e.Person
	}
	day := core.PeriodDay.Key(e.At)
	part := s.db.Parts.OfKey(string(e.Project))
	of := "project/" + string(e.Project)
	keys := append([]string{s.db.Keys.Counted(part, of, e.Job), s.db.Keys.UsageDay(part, of, day), s.db.Keys.Reservation(part, e.Reservation), s.db.Keys.Holds(part)},
		s.spentKeys(e.Project, e.Asker, e.At)...)
	if err := recordScript.Run(ctx, s.db.Client, keys, argv...).Err(); err != nil {
		return rdb.Fault(err)
	}
	part = s.db.Parts.OfPerson(e.Person)
	of = "person/" + string(e.Person)
	return rdb.Fault(recordScript.Run(ctx, s.db.Client, []string{s.db.Keys.Counted(part, of, e.Job), s.db.Keys.UsageDay(part, of, day)}, argv...).Err())
}

// Used returns what was used and is held in the period of a time.
func (s *Store) Used(ctx context.Context, p core.ProjectKey, who core.PersonID, per core.Period, at time.Time) (used, held core.Amount, err error) {
	vals, err := s.db.Client.HMGet(ctx, s.db.Keys.Spent(s.db.Parts.OfKey(string(p)), p, who, per.Key(at)), "p", "m", "hp", "hm").Result()
	if err != nil {
		return used, held, rdb.Fault(err)
	}
	n := func(i int) int64 {
		t, _ := vals[i].(string)
		v, _ := strconv.ParseInt(t, 10, 64)
		return v
	}
	return core.Amount{Pictures: int(n(0)), Micros: n(1)}, core.Amount{Pictures: int(n(2)), Micros: n(3)}, nil
}

// OfProject returns what was used in a project, by day.
func (s *Store) OfProject(ctx context.Context, p core.ProjectKey, from, to time.Time) ([]core.UsageDay, error) {
	return s.days(ctx, s.db.Parts.OfKey(string(p)), "project/"+string(p), from, to)
}

// OfPerson returns what a person used in all projects, by day.
func (s *Store) OfPerson(ctx context.Context, id core.PersonID, from, to time.Time) ([]core.UsageDay, error) {
	return s.days(ctx, s.db.Parts.OfPerson(id), "person/"+string(id), from, to)
}

func (s *Store) days(ctx context.Context, part core.Partition, of string, from, to time.Time) ([]core.UsageDay, error) {
	pipe := s.db.Client.Pipeline()
	var out []core.UsageDay
	var cmds []*redis.MapStringStringCmd
	for at := from.UTC(); !at.After(to) && len(out) < maxDays; at = at.AddDate(0, 0, 1) {
		day := core.PeriodDay.Key(at)
		out = append(out, core.UsageDay{Day: day})
		cmds = append(cmds, pipe.HGetAll(ctx, s.db.Keys.UsageDay(part, of, day)))
	}
	if len(out) == 0 {
		return nil, nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, rdb.Fault(err)
	}
	for i, c := range cmds {
		out[i].Rows = rows(c.Val())
	}
	return out, nil
}

// rows reads a day's hash.
func rows(m map[string]string) []core.UsageRow {
	by := map[string]int{}
	var out []core.UsageRow
	for field, val := range m {
		part := strings.Split(field, "|")
		if len(part) != 3 {
			continue
		}
		name := part[0] + "|" + part[1]
		i, ok := by[name]
		if !ok {
			i = len(out)
			by[name] = i
			out = append(out, core.UsageRow{Person: core.PersonID(part[0]), Provider: core.ProviderName(part[1])})
		}
		switch part[2] {
		case "p":
			out[i].Amount.Pictures, _ = strconv.Atoi(val)
		case "m":
			out[i].Amount.Micros, _ = strconv.ParseInt(val, 10, 64)
		case "min":
			out[i].Minutes, _ = strconv.ParseFloat(val, 64)
		case "e":
			out[i].Estimated = true
		}
	}
	return out
}
