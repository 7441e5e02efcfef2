package core

// Finding is one line of what doctor found: what is right, or what is missing and how to mend it.
type Finding struct {
	Area string // "slack", "discord", "redis", "blobs", "keys", "clock"
	OK   bool
	Warn bool // not right, but Atelier runs without it
	What string
	Fix  string // what to do; empty when OK
}
