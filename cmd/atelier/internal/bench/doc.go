// Package bench holds the benchmarks of the whole program: how fast an inbound is accepted, how long a reply takes to
// the other platform, what a burst does, and what an idle process weighs. Each compares with a floor measured beside it
// in the same run; docs/benchmarks.md lists them. There is no code here but tests.
package bench
