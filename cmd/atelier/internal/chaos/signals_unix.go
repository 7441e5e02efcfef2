//go:build unix

package main

import (
	"os"
	"syscall"
)

// term, freeze and thaw are what is done to a process beside killing it.
func term(p *os.Process) error   { return p.Signal(syscall.SIGTERM) }
func freeze(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }
func thaw(p *os.Process) error   { return p.Signal(syscall.SIGCONT) }
