package rdb

import (
	"github.com/atelier-bridge/atelier/core"
)

// IndexFormat is the number of the search index's form. It is part of the names of its keys, so that an older version may
// keep its own while one replaces the other. A new one is built by whoever serves first.
const IndexFormat = "1"

const (
	// IndexChunk is how many tasks one posting of the index covers.
	IndexChunk = 8192
	// IndexDense is the length of a posting that holds a bit for each task of its chunk, the lowest first. A shorter one
	// lists their numbers in order, two bytes each, the higher first.
	IndexDense = IndexChunk / 8
	// IndexRevision is the field of a task's terms that counts their changes; no term looks like it.
	IndexRevision = "@"
)

// Index adds the write of what a record's terms came to be: terms that are new and terms that it had before. A term stays
// as long as another record of the task has it.
func (b *Batch) Index(p core.Partition, task core.TaskID, add, remove []string) {
	k := b.db.Keys
	args := make([]any, 0, 4+len(add)+len(remove))
	args = append(args, b.key(k.Words(p, task.Project())), b.key(k.Names(p, task.Project())), task.Number(), len(add))
	for _, list := range [][]string{add, remove} {
		for _, term := range list {
			args = append(args, term)
		}
	}
	b.Do("index", k.Terms(p, task), args...)
}

// IndexAnew adds the write of all terms of a task instead of what was there: how many of its records have each. had are
// those that were there.
func (b *Batch) IndexAnew(p core.Partition, task core.TaskID, had []string, terms map[string]int) {
	k := b.db.Keys
	args := []any{b.key(k.Words(p, task.Project())), b.key(k.Names(p, task.Project())), task.Number()}
	gone := 0
	args = append(args, gone)
	for _, term := range had {
		if terms[term] == 0 && term != IndexRevision {
			args = append(args, term)
			gone++
		}
	}
	args[3] = gone
	for term, n := range terms {
		args = append(args, term, n)
	}
	b.Do("reindex", k.Terms(p, task), args...)
}

// indexScript is the part of changeScript that keeps the search index.
//
// index (key: a task's terms, with how many records have each; arguments: key numbers of the postings and of the names,
// the task's number, how many terms are added, these, and those that are taken away) and reindex (likewise, but for how
// many terms go, these, and each term that there is with its number). A word that only one record of the task has is not
// among the task's terms: its posting says as much, and most words of comments are such.
const indexScript = `
local function posting(words, names, term, doc, on)
  local n = doc % 8192
  local field = math.floor(doc / 8192) .. ' ' .. term
  local v = redis.call('HGET', words, field) or ''
  if #v < 1024 then
    local lo, hi = 0, #v / 2
    while lo < hi do
      local mid = math.floor((lo + hi) / 2)
      local a, b = string.byte(v, 2*mid + 1, 2*mid + 2)
      if a * 256 + b < n then lo = mid + 1 else hi = mid end
    end
    local a, b = string.byte(v, 2*lo + 1, 2*lo + 2)
    local there = a ~= nil and a * 256 + b == n
    if there == on then return there end
    if on then
      v = string.sub(v, 1, 2*lo) .. string.char(math.floor(n / 256), n % 256) .. string.sub(v, 2*lo + 1)
    else
      v = string.sub(v, 1, 2*lo) .. string.sub(v, 2*lo + 3)
    end
    if #v == 1024 then
      local bits = {}
      for i = 1, 1024 do bits[i] = 0 end
      for i = 1, 1024, 2 do
        local x, y = string.byte(v, i, i + 1)
        local m = x * 256 + y
        local at = math.floor(m / 8) + 1
        bits[at] = bits[at] + 2 ^ (m % 8)
      end
      for i = 1, 1024 do bits[i] = string.char(bits[i]) end
      v = table.concat(bits)
    end
  else
    local at, bit = math.floor(n / 8) + 1, 2 ^ (n % 8)
    local have = string.byte(v, at)
    local there = math.floor(have / bit) % 2 == 1
    if there == on then return there end
    have = on and have + bit or have - bit
    v = string.sub(v, 1, at - 1) .. string.char(have) .. string.sub(v, at + 1)
  end
  if #v == 0 then
    redis.call('HDEL', words, field)
  else
    redis.call('HSET', words, field, v)
  end
  if on and (string.sub(term, 1, 4) == 'tag=' or string.sub(term, 1, 7) == 'folder=') then
    redis.call('SADD', names, term)
  end
  return not on
end
local function noted(term, n)
  return n > 1 or string.find(term, '[=~]') ~= nil
end
local function index(key, i, argc)
  local words, names, doc = KEYS[tonumber(ARGV[i+3])], KEYS[tonumber(ARGV[i+4])], tonumber(ARGV[i+5])
  local adds = tonumber(ARGV[i+6])
  local get = {'HMGET', key}
  for a = 5, argc do get[#get+1] = ARGV[i+2+a] end
  if #get == 2 then return end
  local have = redis.call(unpack(get))
  local set, del = {'HSET', key}, {'HDEL', key}
  for a = 5, argc do
    local term, n = ARGV[i+2+a], tonumber(have[a-4] or '0')
    local was = n
    if a - 4 <= adds then
      if n == 0 and posting(words, names, term, doc, true) then n = 1 end
      n = n + 1
    elseif n > 1 then
      n = n - 1
    else
      posting(words, names, term, doc, false)
      n = 0
    end
    if n > 0 and noted(term, n) then
      set[#set+1] = term
      set[#set+1] = n
    elseif was > 0 then
      del[#del+1] = term
    end
  end
  if #set > 2 then redis.call(unpack(set)) end
  if #del > 2 then redis.call(unpack(del)) end
  redis.call('HINCRBY', key, '@', 1)
end
local function reindex(key, i, argc)
  local words, names, doc = KEYS[tonumber(ARGV[i+3])], KEYS[tonumber(ARGV[i+4])], tonumber(ARGV[i+5])
  local gone = tonumber(ARGV[i+6])
  local rev = tonumber(redis.call('HGET', key, '@') or '0')
  redis.call('DEL', key)
  for a = 5, 4 + gone do posting(words, names, ARGV[i+2+a], doc, false) end
  for a = 5 + gone, argc, 2 do
    posting(words, names, ARGV[i+2+a], doc, true)
    if noted(ARGV[i+2+a], tonumber(ARGV[i+3+a])) then redis.call('HSET', key, ARGV[i+2+a], ARGV[i+3+a]) end
  end
  redis.call('HSET', key, '@', rev + 1)
end
`
