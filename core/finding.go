package core

// Finding is one line of what doctor found: what is right, or what is missing and how to mend it.
type Finding struct {
	Area string `json:"area"` // "slack", "discord", "redis", "blobs", "keys", "clock"
	OK   bool   `json:"ok"`
	Warn bool   `json:"warn,omitempty"` // not right, but Atelier runs without it
	What string `json:"what"`
	Fix  string `json:"fix,omitempty"` // what to do; empty when OK
}
