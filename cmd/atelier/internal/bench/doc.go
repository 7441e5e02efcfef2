// Package bench holds the benchmarks of the whole program: how fast an inbound is accepted, how many replies are relayed
// and how long each takes, what a burst, a refused neighbour and a long absence do, and what an idle process and a large
// store weigh. Each compares with a floor measured beside it in the same run; docs/benchmarks.md lists them. There is no
// code here but tests.
package bench
