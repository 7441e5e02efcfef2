package main

// A real Redis of the run's own: one server, or a cluster of three masters.

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// redisWithin is how long a server may take to answer.
const redisWithin = 20 * time.Second

// redises is the servers of a run.
type redises struct {
	nodes   []*redisNode
	cluster bool
	fsync   string
	dir     string
}

type redisNode struct {
	addr string
	mu   sync.Mutex
	cmd  *exec.Cmd
}

// startRedis starts one server or three that form a cluster.
func startRedis(ctx context.Context, dir string, cluster bool, fsync string) (*redises, error) {
	s := &redises{cluster: cluster, fsync: fsync, dir: dir}
	n := 1
	if cluster {
		n = 3
	}
	for range n {
		addr, err := freeAddr(ctx)
		if err != nil {
			return s, err
		}
		node := &redisNode{addr: addr}
		s.nodes = append(s.nodes, node)
		if err := s.start(ctx, node); err != nil {
			return s, err
		}
	}
	if !cluster {
		return s, nil
	}
	args := []string{"--cluster", "create"}
	for _, node := range s.nodes {
		args = append(args, node.addr)
	}
	out, err := exec.CommandContext(ctx, "redis-cli", append(args, "--cluster-replicas", "0", "--cluster-yes")...).CombinedOutput()
	if err != nil {
		return s, fmt.Errorf("form the cluster: %w\n%s", err, out)
	}
	return s, s.formed(ctx)
}

// formed waits until every node sees the whole cluster.
func (s *redises) formed(ctx context.Context) error {
	deadline := time.Now().Add(redisWithin)
	for _, node := range s.nodes {
		_, port, _ := net.SplitHostPort(node.addr)
		for {
			out, err := exec.CommandContext(ctx, "redis-cli", "-p", port, "cluster", "info").Output()
			if err == nil && strings.Contains(string(out), "cluster_state:ok") {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("the cluster is not formed after %s", redisWithin)
			}
			if !rest(ctx, 100*time.Millisecond) {
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// url is what ATELIER_REDIS_URL wants.
func (s *redises) url() string {
	u := "redis://" + s.nodes[0].addr
	for i, n := range s.nodes[1:] {
		sep := "&"
		if i == 0 {
			sep = "?"
		}
		u += sep + "addr=" + n.addr
	}
	return u
}

// start runs a node and waits until it answers.
func (s *redises) start(ctx context.Context, n *redisNode) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, port, err := net.SplitHostPort(n.addr)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.dir, "redis-"+port)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	args := []string{"--port", port, "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", s.fsync, "--save", "", "--dir", dir, "--logfile", filepath.Join(dir, "log")}
	if s.cluster {
		args = append(args, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000")
	}
	n.cmd = exec.CommandContext(context.WithoutCancel(ctx), "redis-server", args...) // ended by its own hand
	if err := n.cmd.Start(); err != nil {
		n.cmd = nil
		return fmt.Errorf("start redis-server: %w", err)
	}
	for deadline := time.Now().Add(redisWithin); !pong(ctx, n.addr); {
		if time.Now().After(deadline) {
			return fmt.Errorf("redis-server does not answer after %s", redisWithin)
		}
		if !rest(ctx, 20*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	return nil
}

// stop ends a node and waits until it is gone.
func (n *redisNode) stop(how func(*os.Process) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return nil
	}
	if err := how(n.cmd.Process); err != nil {
		return err
	}
	var exit *exec.ExitError
	if err := n.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	n.cmd = nil
	return nil
}

func (s *redises) close() {
	for _, n := range s.nodes {
		_ = n.stop(kill) // nobody needs its data any more
	}
}

// pong asks a server for a sign of life.
func pong(ctx context.Context, addr string) bool {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	if c.SetDeadline(time.Now().Add(time.Second)) != nil {
		return false
	}
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	b := make([]byte, 5)
	n, err := c.Read(b)
	return err == nil && strings.HasPrefix(string(b[:n]), "+PONG")
}

// freeAddr returns a loopback address that nobody listened on a moment ago. It lies below the ports that the system
// gives to clients, because one of those could take it while the server is away. A cluster's nodes also listen 10000 above.
func freeAddr(ctx context.Context) (string, error) {
	const first, span = 20000, 10000
	var lc net.ListenConfig
	for range 50 {
		port := first + rand.N(span)
		free := true
		for _, p := range []int{port, port + span} {
			ln, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", p))
			if err != nil {
				free = false
				break
			}
			_ = ln.Close() // it was never used
		}
		if free {
			return fmt.Sprintf("127.0.0.1:%d", port), nil
		}
	}
	return "", errors.New("no free port")
}
