package rdb

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Guard is a hook for tests: it refuses any command, pipeline or script whose keys carry two hash tags. Redis Cluster
// would refuse them too; the embedded server would not notice.
type Guard struct{}

var _ redis.Hook = Guard{}

// DialHook passes through.
func (Guard) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook checks one command.
func (Guard) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := oneTag(cmd); err != nil {
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook checks MULTI; a plain pipeline may touch many slots.
func (Guard) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) > 0 && strings.EqualFold(cmds[0].Name(), "multi") {
			if err := oneTag(cmds...); err != nil {
				return err
			}
		}
		return next(ctx, cmds)
	}
}

// oneTag collects the hash tags of every argument that looks like a key of ours.
func oneTag(cmds ...redis.Cmder) error {
	tag := ""
	for _, cmd := range cmds {
		for _, a := range keysOf(cmd) {
			open := strings.IndexByte(a, '{')
			shut := strings.IndexByte(a, '}')
			if open < 0 || shut < open {
				continue
			}
			t := a[open+1 : shut]
			if tag != "" && t != tag {
				return fmt.Errorf("%s touches two partitions: {%s} and {%s}", cmd.Name(), tag, t)
			}
			tag = t
		}
	}
	return nil
}

// keysOf returns the arguments of a command that are keys: for scripts the counted ones, for streams those between
// STREAMS and the ids, otherwise the first.
func keysOf(cmd redis.Cmder) []string {
	args := cmd.Args()
	text := func(i int) string { s, _ := args[i].(string); return s }
	switch strings.ToLower(cmd.Name()) {
	case "eval", "evalsha":
		n, _ := args[2].(int)
		var out []string
		for i := 3; i < 3+n && i < len(args); i++ {
			out = append(out, text(i))
		}
		return out
	case "xread", "xreadgroup":
		for i := range args {
			if strings.EqualFold(text(i), "streams") {
				var out []string
				for j := i + 1; j <= i+(len(args)-i-1)/2; j++ {
					out = append(out, text(j))
				}
				return out
			}
		}
	case "del", "exists", "mget", "unlink":
		var out []string
		for i := 1; i < len(args); i++ {
			out = append(out, text(i))
		}
		return out
	}
	if len(args) > 1 {
		return []string{text(1)}
	}
	return nil
}
