package feedback

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Server says what a Redis server tells of itself, as far as this store depends on it.
type Server struct {
	Version   string // of Redis, or the one that a relative says it is compatible with
	Policy    string // what it does when its memory is full
	MaxMemory int64  // bytes; 0: no limit
	AOF       bool   // every write is logged
	Snapshots bool   // it has saved a snapshot, or is told to
	Replica   bool
}

// Servers asks each server of the store what it is. A server that does not tell is left out.
func (s *Store) Servers(ctx context.Context) ([]Server, error) {
	var out []Server
	err := s.DB.EachNode(ctx, func(ctx context.Context, c *redis.Client) error {
		info := map[string]string{}
		for _, section := range []string{"server", "memory", "persistence", "replication"} {
			text, err := c.Info(ctx, section).Result()
			if err != nil {
				if core.ErrorCode(rdb.Fault(err)) == core.CodeRetry && !strings.HasPrefix(err.Error(), "NOPERM") {
					return rdb.Fault(err)
				}
				return nil // it tells nothing: the embedded one, or a user without that right
			}
			for line := range strings.Lines(text) {
				if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
					info[k] = v
				}
			}
		}
		if info["redis_version"] == "" {
			return nil
		}
		v := Server{Version: info["redis_version"], Policy: info["maxmemory_policy"], AOF: info["aof_enabled"] == "1", Replica: info["role"] == "slave"}
		v.MaxMemory, _ = strconv.ParseInt(info["maxmemory"], 10, 64)
		// A saved snapshot is the sign that a server without the right to CONFIG gives.
		last, _ := strconv.ParseInt(info["rdb_last_save_time"], 10, 64)
		up, _ := strconv.ParseInt(info["uptime_in_seconds"], 10, 64)
		v.Snapshots = last > time.Now().Unix()-up+1
		if save, err := c.ConfigGet(ctx, "save").Result(); err == nil {
			v.Snapshots = save["save"] != ""
		}
		out = append(out, v)
		return nil
	})
	return out, err
}

// The oldest Redis that has what the scripts use.
const oldestMajor, oldestMinor = 6, 2

// Verdict says what is wrong with a server for keeping what a team said; all good when both are nil. Refused is fatal:
// data would be lost without a word.
func (v Server) Verdict() (refused, warnings []core.Finding) {
	if major, minor, ok := v.version(); ok && (major < oldestMajor || major == oldestMajor && minor < oldestMinor) {
		refused = append(refused, core.Finding{Area: "redis", What: "is version " + v.Version + "; 6.2 or newer is needed", Fix: "upgrade Redis, or use Valkey"})
	}
	evicts := v.Policy != "" && v.Policy != "noeviction"
	switch {
	case evicts && v.MaxMemory > 0 && strings.HasPrefix(v.Policy, "allkeys"):
		refused = append(refused, core.Finding{Area: "redis", What: "throws data away when its memory is full (maxmemory-policy " + v.Policy + ")", Fix: "set maxmemory-policy noeviction; comments must not vanish"})
	case evicts:
		warnings = append(warnings, core.Finding{Area: "redis", Warn: true, What: "may throw data away when its memory is full (maxmemory-policy " + v.Policy + ")", Fix: "set maxmemory-policy noeviction"})
	}
	switch {
	case v.AOF:
	case v.Snapshots:
		warnings = append(warnings, core.Finding{Area: "redis", Warn: true, What: "keeps only snapshots: what was said since the last one is lost when it stops suddenly", Fix: "set appendonly yes and appendfsync everysec"})
	default:
		warnings = append(warnings, core.Finding{Area: "redis", Warn: true, What: "keeps nothing on disk: everything is lost when it stops", Fix: "set appendonly yes and appendfsync everysec"})
	}
	return refused, warnings
}

func (v Server) version() (major, minor int, ok bool) {
	parts := strings.SplitN(v.Version, ".", 3)
	if len(parts) < 2 {
		return 0, 0, false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	return major, minor, err1 == nil && err2 == nil
}

// Holders counts who holds what at this moment.
type Holders struct {
	Processes, Partitions int
	// Links counts the connections to each platform that are held by lease.
	Links map[core.PlatformName]int
}

// Holders reads the leases.
func (s *Store) Holders(ctx context.Context) (Holders, error) {
	out := Holders{Links: map[core.PlatformName]int{}}
	parts := s.DB.Parts.All()
	pipe := s.DB.Client.Pipeline()
	held := make([]*redis.StringCmd, len(parts))
	for i, p := range parts {
		held[i] = pipe.Get(ctx, s.DB.Keys.Lease(string(p)))
	}
	if _, err := pipe.Exec(ctx); err != nil && core.ErrorCode(rdb.Fault(err)) != core.CodeNotFound {
		return out, rdb.Fault(err)
	}
	who := map[string]bool{}
	for _, h := range held {
		if holder, _, ok := strings.Cut(h.Val(), " "); ok {
			who[holder] = true
			out.Partitions++
		}
	}
	out.Processes = len(who)
	for platform, name := range map[core.PlatformName]string{core.Slack: "slack/socket/*", core.Discord: "discord-gateway-*"} {
		if err := s.DB.EachKey(ctx, s.DB.Keys.Lease(name), func(string) error { out.Links[platform]++; return nil }); err != nil {
			return out, err
		}
	}
	return out, nil
}
